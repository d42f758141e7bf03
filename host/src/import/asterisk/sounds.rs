//! Recordings that the dialplan plays.

use std::{collections::BTreeMap, path::PathBuf};

use super::file::Folder;
use crate::{
    config::read_clip,
    import::report::{Place, Report},
};

/// The recordings that were asked for and found, by the name that prompts call them.
#[derive(Clone, Debug)]
pub struct Sounds {
    folder: Folder,
    /// Each with where it lies.
    pub found: BTreeMap<String, PathBuf>,
}

impl Sounds {
    /// Those of that folder.
    pub fn new(folder: Folder) -> Sounds {
        Sounds { folder, found: BTreeMap::new() }
    }

    /// The name of a recording for prompts, if a file that can be played is there: in the folder itself, in
    /// `sounds` or in `sounds/LANGUAGE`.
    pub fn find(
        &mut self,
        place: &Place,
        name: &str,
        language: Option<&str>,
        report: &mut Report,
    ) -> Option<String> {
        let name = name.strip_prefix("/var/lib/asterisk/sounds/").unwrap_or(name);
        let language = language.unwrap_or("en");
        let folders = ["", "sounds/", &format!("sounds/{language}/")].map(str::to_owned);
        let paths = folders.into_iter().filter_map(|folder| self.folder.path(&format!("{folder}{name}.wav")));
        let Some(path) = paths.into_iter().find(|path| path.is_file()) else {
            let text = format!("the recording `{name}`: no {name}.wav is there, so its name is said instead");
            report.not_carried(place, text + "; put it into the plugin's `prompts/`");
            return None;
        };
        if let Err(why) = read_clip(&path) {
            report.not_carried(place, format!("the recording `{name}`: {why}"));
            return None;
        }
        let file = format!("{}.wav", name.replace('/', "-"));
        self.found.insert(file.clone(), path);
        Some(file)
    }
}

/// What is said for a recording that is not there: `vm-goodbye` is "vm goodbye".
pub fn stand_in(name: &str) -> String {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.replace(['-', '_'], " ")
}
