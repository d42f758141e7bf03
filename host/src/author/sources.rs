//! What a component is made of: its files, read whole, so that only another content is a change.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use sha2::{Digest, Sha256};

/// More is no plugin's source.
const MAX_FILES: usize = 20_000;
const MAX_FILE: u64 = 64 << 20;

/// The files that are a component's sources, as they were when they were read.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: BTreeMap<PathBuf, [u8; 32]>,
    newest: Option<SystemTime>,
}

/// Of equal content, whenever it was written.
impl PartialEq for Sources {
    fn eq(&self, other: &Sources) -> bool {
        self.files == other.files
    }
}

impl Sources {
    /// Reads the files and folders of `paths` below `folder`. What is not there is no source.
    pub fn read(folder: &Path, paths: &[String]) -> Result<Sources, String> {
        let mut sources = Sources::default();
        for path in paths {
            let path = folder.join(path);
            sources.add(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(sources)
    }

    /// When the last of them was written.
    pub fn newest(&self) -> Option<SystemTime> {
        self.newest
    }

    /// Files that came, went, or have another content.
    pub fn changed_since(&self, former: &Sources) -> Vec<PathBuf> {
        let other = |path: &&PathBuf| self.files.get(*path) != former.files.get(*path);
        let mut changed: Vec<PathBuf> =
            self.files.keys().chain(former.files.keys()).filter(other).cloned().collect();
        changed.sort();
        changed.dedup();
        changed
    }

    fn add(&mut self, path: &Path) -> io::Result<()> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            // A link into nothing, or a file that an editor has just replaced.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if metadata.is_dir() {
            return fs::read_dir(path)?.try_for_each(|entry| {
                let entry = entry?;
                if is_made(&entry.file_name().to_string_lossy()) { Ok(()) } else { self.add(&entry.path()) }
            });
        }
        if metadata.len() > MAX_FILE || self.files.len() == MAX_FILES {
            return Err(io::Error::other(format!(
                "these are no sources: more than {MAX_FILES} files, or one larger than {} MiB",
                MAX_FILE >> 20
            )));
        }
        let content = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            content => content?,
        };
        self.newest = self.newest.max(metadata.modified().ok());
        self.files.insert(path.to_owned(), Sha256::digest(content).into());
        Ok(())
    }
}

/// What builds and editors leave behind.
pub(crate) fn is_made(name: &str) -> bool {
    let folders = ["target", "node_modules", "__pycache__"];
    let endings = [".wasm", ".wasm.new", ".pyc", ".swp", ".tmp", "~"];
    name.starts_with(['.', '#'])
        || folders.contains(&name)
        || endings.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_content_is_a_change_and_what_a_build_makes_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str, content: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
        };
        let look = || Sources::read(folder.path(), &["src".to_owned(), "Cargo.toml".to_owned()]).unwrap();
        put("src/lib.rs", "one");
        put("other/file", "one");
        let first = look();
        for (path, content) in [
            ("src/lib.rs", "one"),
            ("src/target/out", "x"),
            ("src/.lib.rs.swp", "x"),
            ("src/a.wasm", "x"),
            ("other/file", "two"),
        ] {
            put(path, content);
            assert!(look().changed_since(&first).is_empty(), "{path}");
        }
        put("src/lib.rs", "two");
        put("src/deep/er.rs", "new");
        put("Cargo.toml", "new");
        let paths = ["Cargo.toml", "src/deep/er.rs", "src/lib.rs"].map(|path| folder.path().join(path));
        assert_eq!(look().changed_since(&first), paths);
        let second = look();
        fs::remove_file(&paths[1]).unwrap();
        assert_eq!(look().changed_since(&second), paths[1..2]);
    }
}
