//! What a version was, apart from its code: enough to run it again.

use std::{collections::BTreeMap, sync::Arc};

use jackfield_media::Clip;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::mask;
use crate::{
    component::sha256, limits::Limits, manifest::Manifest, rights::Grant, runtime::Script, version::Source,
};

/// The longest audio that is made anew: ten minutes, as long as a speech may be.
const MOST_SAMPLES: u64 = 10 * 60 * 8000;

/// A version of a plugin, as it is written down. Its secrets are starred.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its key in `jackfield.toml`.
    pub name: String,
    /// Of the file, in hexadecimal; with a script, of its runner.
    pub sha256: String,
    /// What the runner ran.
    #[serde(default)]
    pub script: Option<Script>,
    /// Without its `[config]`, which is in `settings`, and its `[build]`.
    pub manifest: Manifest,
    /// The plugin's own, after the operator's.
    pub settings: Value,
    /// The operator's.
    pub grant: Grant,
    /// Those of its instances.
    pub limits: Limits,
    /// The lengths of its audio files, in samples at 8 kHz.
    pub prompts: BTreeMap<String, u64>,
}

impl Snapshot {
    pub(crate) fn of(source: &Source, sha256: &str) -> Snapshot {
        let manifest = Manifest { config: toml::Table::new(), build: None, ..source.manifest.clone() };
        let length = |clip: &Clip| clip.samples().len() as u64;
        Snapshot {
            name: source.name.clone(),
            sha256: sha256.to_owned(),
            script: source.script.clone(),
            settings: mask::starred(&manifest, &source.settings),
            manifest,
            grant: source.grant.clone(),
            limits: source.limits.clone(),
            prompts: source.prompts.iter().map(|(name, clip)| (name.clone(), length(clip))).collect(),
        }
    }

    /// As JSON; equal versions have equal texts.
    pub fn text(&self) -> String {
        // Nothing of it can fail: names are texts, and numbers finite.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Of a text, none where it is damaged.
    pub fn parse(text: &str) -> Option<Snapshot> {
        serde_json::from_str(text).ok()
    }

    /// The name of a text, in hexadecimal.
    pub fn id(text: &str) -> String {
        sha256(text.as_bytes())
    }

    /// The version again, with this code; its audio files are silent, and as long as they were.
    pub fn source(&self, wasm: Vec<u8>) -> Source {
        Source {
            name: self.name.clone(),
            manifest: self.manifest.clone(),
            settings: self.settings.clone(),
            wasm,
            script: self.script.clone(),
            prompts: self.prompts.iter().map(|(name, length)| (name.clone(), silence(*length))).collect(),
            grant: self.grant.clone(),
            limits: self.limits.clone(),
            number: 0,
        }
    }

    /// Puts the stars of this version's secrets in the place of another one's secrets, so that both send the same
    /// where they send them on.
    pub fn star(&self, source: &mut Source) {
        let secret = source.manifest.config_schema.iter().filter(|(_, field)| field.secret);
        let keys: Vec<String> = secret.map(|(key, _)| key.clone()).collect();
        source.settings = mask::starred(&source.manifest, &source.settings);
        for key in keys {
            if let (Some(was), Some(value)) = (self.settings.get(&key), source.settings.get_mut(&key)) {
                *value = was.clone();
            }
        }
    }
}

/// Audio without a sound.
pub(super) fn silence(samples: u64) -> Arc<Clip> {
    Arc::new(Clip::from_samples(8000, &vec![0; samples.min(MOST_SAMPLES) as usize]))
}
