//! Runtimes: components of ours that run scripts, so that a script is data. Nothing is compiled when it changes.

use std::{
    env, fmt, fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::manifest::Kind;

/// The folder of the runners, beside the daemon or above it.
const FOLDER: &str = "runtimes";
/// Names another folder.
const VARIABLE: &str = "JACKFIELD_RUNTIMES";
/// From `target/debug/deps` up to `target`, and from `bin` to `lib/jackfield`.
const ABOVE: usize = 3;

/// `runtime` of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    /// JavaScript.
    Js,
}

/// The file that `main` of a manifest names, as it is on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "they need no words")]
pub struct Script {
    pub name: String,
    pub text: String,
}

impl Script {
    /// What a runner asks the settings for, which no table of settings can have as a key beside others.
    pub(crate) const TEXT: &str = "jackfield:script";
    pub(crate) const NAME: &str = "jackfield:script-name";
    /// Bytes; it is read anew by each call.
    pub const MAX: usize = 256 << 10;
}

impl Runtime {
    /// The component that runs scripts of that kind, read from disk. The error is a sentence.
    pub fn runner(self, kind: Kind) -> Result<Vec<u8>, String> {
        let file = format!("{self}-{kind}.wasm");
        let folders = folders();
        let found = folders.iter().map(|folder| folder.join(&file)).find(|path| path.is_file());
        let Some(path) = found else {
            let looked: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
            return Err(format!(
                "runtime = \"{self}\" needs {file}, and it is in none of {}: build it with `make runtimes`, or set \
                 {VARIABLE} to the folder that has it",
                looked.join(", ")
            ));
        };
        fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Runtime::Js => "js",
        })
    }
}

/// Where runners may lie.
fn folders() -> Vec<PathBuf> {
    if let Some(folder) = env::var_os(VARIABLE) {
        return vec![folder.into()];
    }
    let program = env::current_exe().unwrap_or_default();
    let above = program.ancestors().skip(1).take(ABOVE).map(|folder| folder.join(FOLDER));
    let installed =
        program.parent().and_then(Path::parent).map(|folder| folder.join("lib/jackfield").join(FOLDER));
    above.chain(installed).collect()
}
