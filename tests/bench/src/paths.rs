//! Where builds put things.

use std::{
    env,
    path::{Path, PathBuf},
};

/// Cargo runs benchmarks in their package's folder, but `CARGO_TARGET_DIR` is named from the repository.
fn repository() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).expect("tests/bench is in the repository")
}

/// `default`, unless the person who builds has chosen another folder for everything.
fn target(default: &str) -> PathBuf {
    repository().join(env::var_os("CARGO_TARGET_DIR").map_or_else(|| default.into(), PathBuf::from))
}

/// The folder of the summary.
pub(crate) fn summary() -> PathBuf {
    target("target").join("bench")
}

/// The Python that `scripts/setup` makes of `tests/requirements.txt`.
pub(crate) fn python() -> PathBuf {
    target("target").join("qa/bin/python")
}

/// A script of `tests/python`.
pub(crate) fn script(name: &str) -> PathBuf {
    repository().join("tests/python").join(name)
}

/// A plugin of `examples/menu`, as `make languages` builds it.
pub(crate) fn menu(language: &str) -> PathBuf {
    repository().join("examples/menu").join(language)
}

/// A plugin of `tests/guests`, as `scripts/build-plugins tests/guests` makes it.
pub(crate) fn guest(name: &str) -> PathBuf {
    target("tests/guests/target").join("wasm32-unknown-unknown/release").join(name)
}
