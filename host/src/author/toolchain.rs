//! Which Rust builds plugins: the active one where it has the target, else that of Debian's packages, to which
//! `make setup` adds it where rustup cannot.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What plugins in Rust are built for.
pub const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";

/// A Rust that has [`TARGET`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// `cargo` and `rustc` as the shell finds them.
    Active,
    /// Debian's, which comes without a linker for wasm.
    Debian {
        /// `rust-lld` of the active toolchain, or `wasm-ld`.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// What is there; else a sentence with the command that mends it.
    pub fn find() -> Result<Toolchain, String> {
        if has_target("rustc") {
            return Ok(Toolchain::Active);
        }
        if has_target(DEBIAN_RUSTC) {
            let linker = linker()
                .ok_or_else(|| format!("{DEBIAN_RUSTC} has no linker for {TARGET}: apt-get install lld"))?;
            return Ok(Toolchain::Debian { linker });
        }
        Err(match (is_there("rustc"), is_there("rustup")) {
            (false, _) => "Rust is missing: install it as https://rustup.rs says, then `rustup target add \
                wasm32-unknown-unknown`"
                .to_owned(),
            (true, true) => format!("Rust cannot build for {TARGET} yet: rustup target add {TARGET}"),
            (true, false) => format!(
                "this Rust cannot build for {TARGET}: install the target's standard library (rustup has it: \
                 https://rustup.rs, then rustup target add {TARGET})"
            ),
        })
    }

    /// Its Cargo, which builds for [`TARGET`] if it is told to.
    pub fn cargo(&self) -> Command {
        match self {
            Toolchain::Active => Command::new("cargo"),
            Toolchain::Debian { linker } => {
                let mut cargo = Command::new(DEBIAN_CARGO);
                cargo.env("RUSTC", DEBIAN_RUSTC).env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                cargo
            }
        }
    }
}

fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn is_there(program: &str) -> bool {
    said(program, &["--version"]).is_some()
}

/// Whether a compiler has a standard library for the target.
fn has_target(rustc: &str) -> bool {
    let Some(folder) = said(rustc, &["--print", "target-libdir", "--target", TARGET]) else { return false };
    let folder = Path::new(&folder);
    let is_std = |name: &str| name.starts_with("libstd-") && name.ends_with(".rlib");
    let mut files = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    if !files.any(|file| file.file_name().to_str().is_some_and(is_std)) {
        return false;
    }
    // What `make setup` compiled itself serves only the very compiler that compiled it.
    match fs::read_to_string(folder.join("compiled-with")) {
        Ok(version) => said(rustc, &["--version"]).is_some_and(|own| own == version.trim()),
        Err(_) => true,
    }
}

fn linker() -> Option<PathBuf> {
    let root = said("rustc", &["--print", "sysroot"]).unwrap_or_default();
    let hosts =
        fs::read_dir(Path::new(&root).join("lib/rustlib")).into_iter().flatten().filter_map(Result::ok);
    let ours = hosts.map(|host| host.path().join("bin/rust-lld")).find(|linker| linker.is_file());
    let paths = env::var_os("PATH").unwrap_or_default();
    let found = || env::split_paths(&paths).map(|folder| folder.join("wasm-ld")).find(|path| path.is_file());
    ours.or_else(found)
}
