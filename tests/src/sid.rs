//! Programs of Debian sid, newer than those of the machine, out of a tree beside it.
//!
//! `scripts/setup interop` makes the tree. They run with the tree's own loader and libraries,
//! so that nobody has to be root to start one.

use std::{env, path::PathBuf, process::Command};

use crate::files::repository;

/// The folder of the tree: `$JACKFIELD_SID`, or `target/sid`.
pub fn tree() -> PathBuf {
    let target = || PathBuf::from(env::var_os("CARGO_TARGET_DIR").unwrap_or("target".into())).join("sid");
    repository().join(env::var_os("JACKFIELD_SID").map_or_else(target, PathBuf::from))
}

/// A command of the tree, such as `usr/bin/sipp`; its arguments are to follow.
pub fn program(path: &str) -> Command {
    let tree = tree();
    let program = tree.join(path);
    assert!(program.exists(), "{} is missing: run `scripts/setup interop` first", program.display());
    let mut command = Command::new(tree.join("lib64/ld-linux-x86-64.so.2"));
    let libraries = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"].map(|path| tree.join(path));
    command.arg("--library-path").arg(env::join_paths(libraries).expect("a path without a colon"));
    command.arg(program);
    command
}
