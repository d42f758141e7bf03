//! Python with the packages of `tests/requirements.txt`, from the venv that `scripts/setup` makes.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use crate::files::repository;

/// A command that runs a script of `tests/python`; its arguments are to follow.
pub fn script(name: &str) -> Command {
    let mut command = Command::new(interpreter());
    // A folder of our repository stays without compiled files.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(name));
    command
}

/// The venv's Python.
fn interpreter() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or("target".into());
    let python = repository().join(target).join("qa/bin/python");
    assert!(python.exists(), "{} is missing: run `scripts/setup` first", python.display());
    python
}
