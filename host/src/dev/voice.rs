//! Who speaks: the plugin `tts` that comes with Jackfield, through espeak-ng.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use jackfield_plugin::{Kind, Manifest};

use super::desk;

/// The helper of the voice that comes with Jackfield, and how it is started.
pub(super) const HELPER: &str = "espeak-ng";
pub(super) const COMMAND: &str = "[\"espeak-ng\", \"--stdin\", \"--stdout\"]";
/// A folder of plugins that come with Jackfield, for those who keep them elsewhere.
const PLUGINS: &str = "JACKFIELD_PLUGINS";

/// The speech of the exchange.
pub(super) enum Voice {
    /// The plugin itself is one.
    Own,
    /// Another plugin's folder.
    Plugin(PathBuf),
    /// Nobody speaks; why, and what to do.
    None(String),
}

/// `named`, or the one that comes with Jackfield.
pub(super) fn find(named: Option<&Path>, manifest: &Manifest) -> Voice {
    if manifest.plugin.kind.contains(&Kind::Tts) {
        return Voice::Own;
    }
    let is_voice = |folder: &Path| {
        desk::manifest(folder).is_ok_and(|manifest| folder.join(manifest.plugin.file()).is_file())
    };
    let found = match named {
        Some(folder) if is_voice(folder) => Some(folder.to_owned()),
        Some(folder) => {
            return Voice::None(format!("nobody speaks: {} is no plugin that was built", folder.display()));
        }
        None => places().into_iter().map(|place| place.join("tts")).find(|folder| is_voice(folder)),
    };
    match found {
        None => Voice::None(format!(
            "nobody speaks: the plugin tts was not found; run `make plugins` in Jackfield's folder, or name it \
             with --voice FOLDER (or {PLUGINS})"
        )),
        Some(folder) => Voice::Plugin(folder),
    }
}

/// What has to be installed for it to speak.
pub(super) fn missing() -> Option<String> {
    let mut program = Command::new(HELPER);
    let there = program.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    (!there.is_ok_and(|status| status.success())).then(|| {
        format!(
            "nobody speaks until {HELPER} is installed: apt-get install {HELPER} (or brew install {HELPER})"
        )
    })
}

/// Where plugins that come with Jackfield may lie: as said, beside the program, or where it was built.
fn places() -> Vec<PathBuf> {
    let program = env::current_exe().unwrap_or_default();
    let beside = program.parent().unwrap_or(Path::new("")).to_owned();
    let said = env::var_os(PLUGINS).map(PathBuf::from);
    let others = [
        beside.join("plugins"),
        beside.join("../lib/jackfield/plugins"),
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins"),
    ];
    said.into_iter().chain(others).collect()
}
