//! The files of a plugin, read whole from its folder or its bundle.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use jackfield_media::Clip;
use jackfield_plugin::{Kind, LoadError, Manifest, Script};
use sha2::{Digest as _, Sha256};

use super::seen::Seen;
use crate::{
    bundle::{self, Contents, Trust},
    config::{Position, locate},
};

pub const MANIFEST: &str = "plugin.toml";
/// As `jackfield test` looks for them.
const CASES: &str = "cases";
/// A wasm file, a prompt: larger ones are refused.
const MAX_FILE: u64 = 64 << 20;
const MAX_PROMPTS: usize = 1000;
/// All files of a plugin.
const MAX_ALL: u64 = 512 << 20;

/// SHA-256.
pub type Digest = [u8; 32];

/// `plugin.toml`, the component and the prompts, as they lay on disk together.
pub struct Folder {
    pub manifest: Manifest,
    /// The text of `plugin.toml`, to find the line of a setting.
    pub manifest_text: String,
    pub manifest_path: PathBuf,
    pub wasm: Vec<u8>,
    pub script: Option<Script>,
    pub prompts: BTreeMap<String, Arc<Clip>>,
}

/// The raw files, before anything is decoded: cheap to read and to compare.
pub struct Files {
    folder: PathBuf,
    /// By their paths below the folder: `plugin.toml`, the component or the script, the prompts.
    all: BTreeMap<String, Content>,
    parsed: Manifest,
}

pub struct Content {
    pub bytes: Vec<u8>,
    pub digest: Digest,
}

impl Files {
    /// Reads the folder or the bundle that is there, whoever has signed it. Errors are sentences with the file's name.
    pub fn read(path: &Path) -> Result<Files, String> {
        Files::look(path, &Trust::default(), &mut Seen::default())
    }

    /// As [`Files::read`], of what may run; `seen` is how everything was just before it was read, whatever comes of it.
    pub fn look(folder: &Path, trust: &Trust, seen: &mut Seen) -> Result<Files, String> {
        if folder.is_file() {
            return Files::look_into(folder, trust, seen);
        }
        let mut reader = Reader { folder, seen, all: BTreeMap::new(), left: MAX_ALL };
        reader.read(MANIFEST)?;
        trust.check_folder(folder)?;
        let parsed = manifest(folder, &reader.all)?;
        reader.read(parsed.plugin.file())?;
        reader.read_prompts(parsed.prompts())?;
        Ok(Files { folder: folder.to_owned(), all: reader.all, parsed })
    }

    fn look_into(path: &Path, trust: &Trust, seen: &mut Seen) -> Result<Files, String> {
        seen.look(path.to_owned());
        seen.look(bundle::signature_path(path));
        let contents = bundle::open(path, trust)?;
        let mut all: BTreeMap<String, Content> =
            contents.into_iter().map(|(name, bytes)| (name, content(bytes))).collect();
        if !all.contains_key(MANIFEST) {
            return Err(format!("{}: there is no {MANIFEST} in it", path.display()));
        }
        let parsed = manifest(path, &all)?;
        let (file, below) = (parsed.plugin.file(), format!("{}/", parsed.prompts().trim_end_matches('/')));
        // What else lies in it is not the exchange's.
        all.retain(|name, _| {
            let prompt = name.strip_prefix(&below).filter(|name| !name.contains('/'));
            name == MANIFEST || name == file || prompt.is_some_and(is_prompt)
        });
        if !all.contains_key(file) {
            return Err(format!("{}: it is not in the bundle", path.join(file).display()));
        }
        if let Some((name, _)) = all.iter().find(|(_, content)| content.bytes.len() as u64 > MAX_FILE) {
            return Err(format!("{}: larger than {} MiB", path.join(name).display(), MAX_FILE >> 20));
        }
        Ok(Files { folder: path.to_owned(), all, parsed })
    }

    /// What a bundle of this folder is made of: what runs, and its cases.
    pub fn contents(&self) -> Result<Contents, String> {
        let mut contents: Contents =
            self.all.iter().map(|(name, content)| (name.clone(), content.bytes.clone())).collect();
        let folder = self.folder.join(CASES);
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(contents),
            entries => entries.map_err(|error| format!("{}: {error}", folder.display()))?,
        };
        for entry in entries {
            let path = entry.map_err(|error| format!("{}: {error}", folder.display()))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            if let Some(name) = name.filter(|name| name.ends_with(".case")) {
                let bytes = bytes(&path).map_err(|error| format!("{}: {error}", path.display()))?;
                contents.insert(format!("{CASES}/{name}"), bytes);
            }
        }
        Ok(contents)
    }

    /// Of files that were kept. `folder` is where they lay.
    pub fn kept(folder: &Path, all: BTreeMap<String, Content>) -> Result<Files, String> {
        let parsed = manifest(folder, &all)?;
        Ok(Files { folder: folder.to_owned(), all, parsed })
    }

    /// Parsed `plugin.toml`.
    pub fn manifest(&self) -> &Manifest {
        &self.parsed
    }

    /// By their paths below the folder.
    pub fn all(&self) -> &BTreeMap<String, Content> {
        &self.all
    }

    /// The component or the script, as it is on disk.
    pub fn own_code(&self) -> &[u8] {
        self.all.get(self.parsed.plugin.file()).map_or(&[], |content| &content.bytes)
    }

    /// The component; with a script, the runner of its runtime.
    pub fn wasm(&self) -> Result<Cow<'_, [u8]>, String> {
        match (self.parsed.plugin.runtime, self.parsed.plugin.kind.first()) {
            (Some(runtime), Some(kind)) => Ok(Cow::Owned(runtime.runner(*kind)?)),
            _ => Ok(Cow::Borrowed(self.own_code())),
        }
    }

    fn script(&self) -> Result<Option<Script>, String> {
        let header = &self.parsed.plugin;
        if header.runtime.is_none() {
            return Ok(None);
        }
        let refused = |why: &str| format!("{}: {why}", self.folder.join(&header.main).display());
        if self.own_code().len() > Script::MAX {
            return Err(refused(&format!("larger than {} KiB", Script::MAX >> 10)));
        }
        let text = String::from_utf8(self.own_code().to_vec()).map_err(|_| refused("it is no UTF-8 text"))?;
        Ok(Some(Script { name: header.main.clone(), text }))
    }

    /// Of the component or the script, in hexadecimal, as `jackfield plugins` shows its beginning.
    pub fn sha256(&self) -> String {
        self.all.get(self.parsed.plugin.file()).map_or(String::new(), |content| hex(&content.digest))
    }

    /// Equal digests: nothing changed.
    pub fn digest(&self) -> Digest {
        let mut hash = Sha256::new();
        for (path, content) in &self.all {
            hash.update((path.len() as u64).to_le_bytes());
            hash.update(path);
            hash.update(content.digest);
        }
        hash.finalize().into()
    }

    /// Decodes the prompts.
    pub fn open(&self) -> Result<Folder, String> {
        let (wasm, script) = (self.wasm()?.into_owned(), self.script()?);
        let manifest_path = self.folder.join(MANIFEST);
        let manifest_text = self.all.get(MANIFEST).map(|content| &content.bytes[..]).unwrap_or_default();
        let manifest_text = String::from_utf8_lossy(manifest_text).into_owned();
        let below = format!("{}/", self.parsed.prompts().trim_end_matches('/'));
        let mut prompts = BTreeMap::new();
        for (path, content) in &self.all {
            let Some(name) = path.strip_prefix(&below) else { continue };
            let clip = Clip::from_wav(&content.bytes)
                .map_err(|error| format!("{}: prompt {name}: {error}", manifest_path.display()))?;
            prompts.insert(name.to_owned(), Arc::new(clip));
        }
        Ok(Folder { manifest: self.parsed.clone(), manifest_text, manifest_path, wasm, script, prompts })
    }
}

impl Folder {
    /// Where to look for what a refusal names: the line in `plugin.toml`, the component, or else the folder.
    pub fn place_of(&self, error: &LoadError) -> String {
        let folder = self.manifest_path.parent().unwrap_or(&self.manifest_path);
        match error {
            LoadError::NotGranted { missing, .. } => {
                // As in "launch.to = [..]".
                let right = missing.first().and_then(|right| right.split_once(" ="));
                let right = right.map_or("", |(right, _)| right);
                self.line_of(&std::iter::once("capabilities").chain(right.split('.')).collect::<Vec<_>>())
            }
            LoadError::ManifestContract { .. } | LoadError::SeriesDiffers { .. } => {
                self.line_of(&["plugin", "wit"])
            }
            LoadError::Contract { .. } => folder.join(self.manifest.plugin.file()).display().to_string(),
            _ => folder.display().to_string(),
        }
    }

    fn line_of(&self, path: &[&str]) -> String {
        let place = locate(&self.manifest_text, path).unwrap_or(Position { line: 1, column: 1 });
        format!("{}:{}:{}", self.manifest_path.display(), place.line, place.column)
    }
}

/// Whether the plugin of a folder makes speech for others.
pub fn is_provider(folder: &Path) -> bool {
    if folder.is_file() {
        return Files::read(folder).is_ok_and(|files| files.parsed.plugin.kind.contains(&Kind::Tts));
    }
    let text = bytes(&folder.join(MANIFEST)).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    Manifest::parse(&text.unwrap_or_default()).is_ok_and(|manifest| manifest.plugin.kind.contains(&Kind::Tts))
}

pub fn content(bytes: Vec<u8>) -> Content {
    let digest = Sha256::digest(&bytes).into();
    Content { bytes, digest }
}

pub fn hex(digest: &Digest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn manifest(folder: &Path, all: &BTreeMap<String, Content>) -> Result<Manifest, String> {
    let path = folder.join(MANIFEST);
    let bytes = all.get(MANIFEST).map_or(&[][..], |content| &content.bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| format!("{}: it is no UTF-8 text", path.display()))?;
    Manifest::parse(text).map_err(|error| format!("{}:{error}", path.display()))
}

fn is_prompt(name: &str) -> bool {
    name.ends_with(".wav") && !name.starts_with('.')
}

/// Takes file after file.
struct Reader<'a> {
    folder: &'a Path,
    seen: &'a mut Seen,
    all: BTreeMap<String, Content>,
    /// Bytes that may still be read.
    left: u64,
}

impl Reader<'_> {
    fn read(&mut self, path: &str) -> Result<(), String> {
        let file = self.folder.join(path);
        self.seen.look(file.clone());
        let bytes = bytes(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let left = self.left.checked_sub(bytes.len() as u64);
        let too_much =
            || format!("{}: its files are larger than {} MiB", self.folder.display(), MAX_ALL >> 20);
        self.left = left.ok_or_else(too_much)?;
        self.all.insert(path.to_owned(), content(bytes));
        Ok(())
    }

    fn read_prompts(&mut self, below: &str) -> Result<(), String> {
        let below = below.trim_end_matches('/');
        let folder = self.folder.join(below);
        self.seen.look(folder.clone());
        if !folder.is_dir() {
            return Ok(());
        }
        let failed = |error: io::Error| format!("{}: {error}", folder.display());
        let mut prompts = 0;
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let Some(name) = name.to_str().filter(|name| is_prompt(name)) else { continue };
            prompts += 1;
            if prompts > MAX_PROMPTS {
                return Err(format!("{}: more than {MAX_PROMPTS} prompts", folder.display()));
            }
            self.read(&format!("{below}/{name}"))?;
        }
        Ok(())
    }
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    if metadata.len() > MAX_FILE {
        return Err(io::Error::other(format!("larger than {} MiB", MAX_FILE >> 20)));
    }
    fs::read(path)
}
