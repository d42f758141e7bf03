//! A plugin's folder on disk, read whole.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use jackfield_media::Clip;
use jackfield_plugin::{Kind, LoadError, Manifest};
use sha2::{Digest, Sha256};

use crate::config::{Position, locate};

/// A wasm file, a prompt: larger ones are refused.
const MAX_FILE: u64 = 64 << 20;
const MAX_PROMPTS: usize = 1000;

/// `plugin.toml`, the component and the prompts, as they lay on disk together.
pub struct Folder {
    pub manifest: Manifest,
    /// The text of `plugin.toml`, to find the line of a setting.
    pub manifest_text: String,
    pub manifest_path: PathBuf,
    pub wasm: Vec<u8>,
    pub prompts: BTreeMap<String, Arc<Clip>>,
}

/// The raw files, before anything is decoded: cheap to read and to compare.
pub struct Files {
    path: PathBuf,
    manifest: String,
    component: String,
    wasm: Vec<u8>,
    prompts: BTreeMap<String, Vec<u8>>,
    parsed: Manifest,
}

impl Files {
    /// Reads what is there. Errors are sentences with the file's name.
    pub fn read(folder: &Path) -> Result<Files, String> {
        let path = folder.join("plugin.toml");
        let manifest = text(&path)?;
        let parsed = Manifest::parse(&manifest).map_err(|error| format!("{}:{error}", path.display()))?;
        let component = parsed.plugin.component.clone();
        let wasm = bytes(&folder.join(&component))?;
        let prompts = match folder.join(parsed.prompts()) {
            folder if folder.is_dir() => prompts(&folder)?,
            _ => BTreeMap::new(),
        };
        Ok(Files { path, manifest, component, wasm, prompts, parsed })
    }

    /// Parsed `plugin.toml`.
    pub fn manifest(&self) -> &Manifest {
        &self.parsed
    }

    /// The component as it is on disk.
    pub fn wasm(&self) -> &[u8] {
        &self.wasm
    }

    /// Of the component, in hexadecimal, as `jackfield plugins` shows its beginning.
    pub fn sha256(&self) -> String {
        Sha256::digest(&self.wasm).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// It makes speech for others.
    pub fn is_provider(&self) -> bool {
        self.parsed.plugin.kind.contains(&Kind::Tts)
    }

    /// Where the prompts of a plugin lie, if it has any.
    pub fn prompts_folder(folder: &Path) -> Option<PathBuf> {
        let manifest = Manifest::parse(&text(&folder.join("plugin.toml")).ok()?).ok()?;
        Some(folder.join(manifest.prompts())).filter(|prompts| prompts.is_dir())
    }

    /// Equal digests: nothing changed.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        add(self.manifest.as_bytes());
        add(self.component.as_bytes());
        add(&self.wasm);
        for (name, bytes) in &self.prompts {
            add(name.as_bytes());
            add(bytes);
        }
        hash.finalize().into()
    }

    /// Decodes the prompts.
    pub fn open(self) -> Result<Folder, String> {
        let prompts = self
            .prompts
            .into_iter()
            .map(|(name, bytes)| match Clip::from_wav(&bytes) {
                Ok(clip) => Ok((name, Arc::new(clip))),
                Err(error) => Err(format!("{}: prompt {name}: {error}", self.path.display())),
            })
            .collect::<Result<_, _>>()?;
        Ok(Folder {
            manifest: self.parsed,
            manifest_text: self.manifest,
            manifest_path: self.path,
            wasm: self.wasm,
            prompts,
        })
    }
}

impl Folder {
    /// Where to look for what a refusal names: the line of the right, or else the folder.
    pub fn place_of(&self, error: &LoadError) -> String {
        let folder = self.manifest_path.parent().unwrap_or(&self.manifest_path);
        let LoadError::NotGranted { missing, .. } = error else { return folder.display().to_string() };
        // As in "launch.to = [..]".
        let right = missing.first().and_then(|right| right.split_once(" =")).map_or("", |(right, _)| right);
        let path: Vec<&str> = std::iter::once("capabilities").chain(right.split('.')).collect();
        let place = locate(&self.manifest_text, &path).unwrap_or(Position { line: 1, column: 1 });
        format!("{}:{}:{}", self.manifest_path.display(), place.line, place.column)
    }
}

fn text(path: &Path) -> Result<String, String> {
    String::from_utf8(bytes(path)?).map_err(|_| format!("{}: it is no UTF-8 text", path.display()))
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let read = || {
        if fs::metadata(path)?.len() > MAX_FILE {
            return Err(io::Error::other(format!("larger than {} MiB", MAX_FILE >> 20)));
        }
        fs::read(path)
    };
    read().map_err(|error| format!("{}: {error}", path.display()))
}

fn prompts(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let failed = |error: io::Error| format!("{}: {error}", folder.display());
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(name) = name.filter(|name| name.ends_with(".wav") && !name.starts_with('.')) else {
            continue;
        };
        if found.len() == MAX_PROMPTS {
            return Err(format!("{}: more than {MAX_PROMPTS} prompts", folder.display()));
        }
        found.insert(name.to_owned(), bytes(&path)?);
    }
    Ok(found)
}
