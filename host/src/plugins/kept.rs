//! The versions that were live, as bytes on disk: what `rollback` goes back to, also after
//! a restart, whatever has become of the plugin's folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tracing::warn;

use super::{
    folder::{Content, Files, content, hex},
    status::Origin,
};

/// Versions of each plugin; the oldest go first.
const MAX_VERSIONS: usize = 8;
/// Of all plugins together. The newest version of each is kept beyond that.
const MAX_BYTES: u64 = 512 << 20;

/// A folder of the daemon's own: an index for each plugin, and every file once, under its hash.
pub struct Kept {
    folder: PathBuf,
    /// Who changes an index holds it.
    lock: Mutex<()>,
}

/// A version that was live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptVersion {
    pub number: u64,
    /// Of the manifest.
    pub version: String,
    /// Of the component, in hexadecimal.
    pub sha256: String,
    /// Of all its files, in hexadecimal.
    pub digest: String,
    /// When it went live: Unix time in milliseconds.
    pub since: u64,
    /// It was a return to that version.
    pub back_to: Option<u64>,
    /// It has passed its own cases: their digest, in hexadecimal.
    pub passed: Option<String>,
    /// Hashes in hexadecimal, by their paths below the plugin's folder.
    files: BTreeMap<String, String>,
    bytes: u64,
}

/// The operator went back, and stays there for as long as the plugin's folder is as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The version that runs instead of the folder's.
    pub to: u64,
    /// What the folder was then: a digest in hexadecimal.
    pub folder: String,
}

#[derive(Default, Serialize, Deserialize)]
struct Index {
    /// The newest is the last.
    versions: Vec<KeptVersion>,
    pin: Option<Pin>,
}

impl KeptVersion {
    /// Of files that are about to go live.
    pub(super) fn of(
        number: u64,
        since: Duration,
        origin: Origin,
        passed: Option<String>,
        files: &Files,
    ) -> KeptVersion {
        let hashes = files.all().iter().map(|(path, content)| (path.clone(), hex(&content.digest)));
        KeptVersion {
            number,
            version: files.manifest().plugin.version.clone(),
            sha256: files.sha256(),
            digest: hex(&files.digest()),
            since: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            back_to: match origin {
                Origin::Back(to) => Some(to),
                Origin::Folder | Origin::Kept => None,
            },
            passed,
            files: hashes.collect(),
            bytes: files.all().values().map(|content| content.bytes.len() as u64).sum(),
        }
    }

    /// The version whose files these are.
    pub fn origin(&self) -> u64 {
        self.back_to.unwrap_or(self.number)
    }
}

impl Kept {
    pub fn open(folder: &Path) -> io::Result<Kept> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder.join("files"))?;
        Ok(Kept { folder: folder.to_owned(), lock: Mutex::default() })
    }

    /// The versions of a plugin, the newest last.
    pub fn versions(&self, name: &str) -> Vec<KeptVersion> {
        self.index(name).versions
    }

    pub fn pin(&self, name: &str) -> Option<Pin> {
        self.index(name).pin
    }

    /// From now on, also after a restart.
    pub fn set_pin(&self, name: &str, pin: Option<Pin>) -> io::Result<()> {
        let _lock = self.lock();
        let mut index = self.index(name);
        if index.pin == pin {
            return Ok(());
        }
        index.pin = pin;
        self.write(name, &index)
    }

    /// Keeps what has gone live, and lets go of the oldest.
    pub fn keep(&self, name: &str, version: KeptVersion, files: &Files) -> io::Result<()> {
        let _lock = self.lock();
        for content in files.all().values() {
            let path = self.path(&hex(&content.digest));
            if !path.exists() {
                write_whole(&path, &content.bytes)?;
            }
        }
        let mut index = self.index(name);
        // The same files once more, with other settings of the operator.
        if index.versions.last().is_some_and(|last| last.digest == version.digest) {
            index.versions.pop();
        }
        index.versions.push(version);
        let surplus = index.versions.len().saturating_sub(MAX_VERSIONS);
        index.versions.drain(..surplus);
        self.write(name, &index)?;
        self.prune()
    }

    /// The files of a version, as if they lay in `folder`.
    pub fn files(&self, version: &KeptVersion, folder: &Path) -> Result<Files, String> {
        let read = |(path, hash): (&String, &String)| {
            let failed =
                |what: &str| format!("v{}: its file {path} is no longer kept: {what}", version.number);
            let content = content(fs::read(self.path(hash)).map_err(|error| failed(&error.to_string()))?);
            if hex(&content.digest) != *hash {
                return Err(failed("it is damaged"));
            }
            Ok((path.clone(), content))
        };
        let all: BTreeMap<String, Content> = version.files.iter().map(read).collect::<Result<_, _>>()?;
        Files::kept(folder, all)
    }

    /// An index that cannot be read is as good as none.
    fn index(&self, name: &str) -> Index {
        let Ok(text) = fs::read(self.index_path(name)) else { return Index::default() };
        serde_json::from_slice(&text).unwrap_or_else(|error| {
            warn!(plugin = name, "its kept versions are lost: {error}");
            Index::default()
        })
    }

    fn write(&self, name: &str, index: &Index) -> io::Result<()> {
        write_whole(&self.index_path(name), &serde_json::to_vec_pretty(index)?)
    }

    /// Versions beyond the limit go, the oldest first, and files that no version needs.
    fn prune(&self) -> io::Result<()> {
        let mut indexes = self.indexes()?;
        let mut changed = BTreeSet::new();
        let mut total: u64 =
            indexes.values().flat_map(|index| &index.versions).map(|version| version.bytes).sum();
        while total > MAX_BYTES {
            let spare = indexes.iter().filter(|(_, index)| index.versions.len() > 1);
            let oldest = spare.min_by_key(|(_, index)| index.versions[0].since).map(|(name, _)| name.clone());
            let Some((name, index)) =
                oldest.and_then(|name| indexes.get_mut(&name).map(|index| (name, index)))
            else {
                break;
            };
            total -= index.versions.remove(0).bytes;
            changed.insert(name);
        }
        for name in changed {
            self.write(&name, &indexes[&name])?;
        }
        let versions = indexes.values().flat_map(|index| &index.versions);
        let needed: BTreeSet<&str> =
            versions.flat_map(|version| version.files.values()).map(String::as_str).collect();
        for entry in fs::read_dir(self.folder.join("files"))? {
            let entry = entry?;
            if !entry.file_name().to_str().is_some_and(|name| needed.contains(name)) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn indexes(&self) -> io::Result<BTreeMap<String, Index>> {
        let mut indexes = BTreeMap::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            if let Some(name) = name.to_str().and_then(|name| name.strip_suffix(".json")) {
                indexes.insert(name.to_owned(), self.index(name));
            }
        }
        Ok(indexes)
    }

    fn index_path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    fn path(&self, hash: &str) -> PathBuf {
        self.folder.join("files").join(hash)
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// It is there when it is whole.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = path.with_extension("part");
    fs::write(&part, bytes)?;
    fs::rename(part, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(version: &str, wasm: &[u8]) -> Files {
        let manifest = format!(
            "[plugin]\nname = \"menu\"\nversion = \"{version}\"\nwit = \"0.1.0\"\ncomponent = \"ivr.wasm\"\nkind = [\"app\"]\n"
        );
        let all = [("plugin.toml", manifest.as_bytes()), ("ivr.wasm", wasm)];
        let all = all.map(|(path, bytes)| (path.to_owned(), content(bytes.to_vec())));
        Files::kept(Path::new("menu"), BTreeMap::from(all)).unwrap()
    }

    fn keep(kept: &Kept, number: u64, files: &Files) {
        let version = KeptVersion::of(number, Duration::from_secs(number), Origin::Folder, None, files);
        kept.keep("menu", version, files).unwrap();
    }

    #[test]
    fn the_last_versions_are_kept_whole_and_no_file_more() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::open(folder.path()).unwrap();
        let last = MAX_VERSIONS as u64 + 3;
        for number in 1..=last {
            keep(&kept, number, &files("1.0.0", number.to_string().as_bytes()));
        }
        let versions = Kept::open(folder.path()).unwrap().versions("menu");
        let numbers: Vec<u64> = versions.iter().map(|version| version.number).collect();
        assert_eq!(numbers, (4..=last).collect::<Vec<_>>());
        for version in &versions {
            let files = kept.files(version, Path::new("menu")).unwrap();
            assert_eq!(files.own_code(), version.number.to_string().as_bytes());
            assert_eq!(hex(&files.digest()), version.digest);
        }
        // All have the same manifest.
        assert_eq!(fs::read_dir(folder.path().join("files")).unwrap().count(), MAX_VERSIONS + 1);
    }

    #[test]
    fn the_same_files_are_one_version() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::open(folder.path()).unwrap();
        keep(&kept, 1, &files("1.0.0", b"a"));
        keep(&kept, 2, &files("1.0.0", b"a"));
        let numbers: Vec<u64> = kept.versions("menu").iter().map(|version| version.number).collect();
        assert_eq!(numbers, [2]);
    }

    #[test]
    fn a_damaged_file_is_told_and_a_damaged_index_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::open(folder.path()).unwrap();
        let (one, two) = (files("1.0.0", b"a"), files("2.0.0", b"a"));
        keep(&kept, 1, &one);
        keep(&kept, 2, &two);
        let first = kept.versions("menu").remove(0);
        fs::write(kept.path(&hex(&two.all()["ivr.wasm"].digest)), "b").unwrap();
        let told = kept.files(&first, Path::new("menu")).err().unwrap();
        assert_eq!(told, "v1: its file ivr.wasm is no longer kept: it is damaged");
        fs::write(folder.path().join("menu.json"), "{").unwrap();
        assert!(kept.versions("menu").is_empty());
    }

    #[test]
    fn a_pin_stays() {
        let folder = tempfile::tempdir().unwrap();
        let pin = Some(Pin { to: 3, folder: "00".to_owned() });
        Kept::open(folder.path()).unwrap().set_pin("menu", pin.clone()).unwrap();
        let kept = Kept::open(folder.path()).unwrap();
        assert_eq!(kept.pin("menu"), pin);
        keep(&kept, 1, &files("1.0.0", b"a"));
        assert_eq!(kept.pin("menu"), pin);
    }
}
