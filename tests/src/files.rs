//! Files of the repository, and what is built from them.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// The repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the repository").to_owned()
}

/// Where builds and tests leave what they make.
pub fn target() -> PathBuf {
    repository().join(env::var_os("CARGO_TARGET_DIR").unwrap_or("target".into()))
}

/// A file of `tests/scenarios`.
pub fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name)
}

/// The daemon that was built with this test: TARGET/PROFILE/deps/TEST stands beside it, and
/// TARGET/PROFILE/PROGRAM too.
pub fn daemon() -> PathBuf {
    let own = env::current_exe().expect("the path of this test");
    let folder = own.parent().expect("a folder");
    let profile = if folder.ends_with("deps") { folder.parent().expect("TARGET/PROFILE") } else { folder };
    let daemon = profile.join("jackfield");
    assert!(daemon.exists(), "{} is missing: run `cargo build --workspace` first", daemon.display());
    daemon
}

/// Copies a folder of the repository, without what builds left in it, to the same place below `to`.
pub fn copy_folder(from: &str, to: &Path) -> PathBuf {
    let (source, target) = (repository().join(from), to.join(from));
    copy(&source, &target).unwrap_or_else(|error| panic!("{}: {error}", source.display()));
    target
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == "target" || name == "var" {
            continue;
        }
        let target = to.join(&name);
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// A guest of `tests/guests`, as `scripts/build-plugins tests/guests` leaves it.
pub fn guest(name: &str) -> Vec<u8> {
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or("tests/guests/target".into());
    let path =
        repository().join(target).join("wasm32-unknown-unknown/release").join(name).with_extension("wasm");
    fs::read(&path).unwrap_or_else(|error| {
        panic!("{}: {error}: run `scripts/build-plugins tests/guests` first", path.display())
    })
}

/// Where `piece` stands in the first line of a text that begins with `line`, as
/// "line:column": both from 1, the column in characters.
#[track_caller]
pub fn place(text: &str, line: &str, piece: &str) -> String {
    let found = text.lines().enumerate().find(|(_, text)| text.starts_with(line));
    let (index, whole) = found.unwrap_or_else(|| panic!("no line begins with {line:?} in\n{text}"));
    let at = whole.find(piece).unwrap_or_else(|| panic!("no {piece:?} in {whole:?}"));
    format!("{}:{}", index + 1, whole[..at].chars().count() + 1)
}

/// A wasm file that does the same and is another one: with one more custom section.
pub fn other_wasm(wasm: &[u8], mark: u32) -> Vec<u8> {
    let name = format!("copy-{mark}");
    let mut other = wasm.to_vec();
    other.push(0);
    // Both lengths are below 128: one LEB128 byte each.
    other.push(name.len() as u8 + 1);
    other.push(name.len() as u8);
    other.extend_from_slice(name.as_bytes());
    other
}
