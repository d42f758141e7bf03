//! Compiled components on disk. The folder is the daemon's own: what lies in it
//! is run, so it is never a plugin's folder and nobody else may write there.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

use jackfield_plugin::CompiledCache;
use tracing::warn;

/// Entries that are kept; the oldest go first.
const MAX_ENTRIES: usize = 64;

#[derive(Debug)]
pub struct DiskCache {
    folder: PathBuf,
}

impl DiskCache {
    pub fn open(folder: &Path) -> io::Result<DiskCache> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        Ok(DiskCache { folder: folder.to_owned() })
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.cwasm"))
    }

    fn prune(&self) -> io::Result<()> {
        let mut entries: Vec<(SystemTime, PathBuf)> = fs::read_dir(&self.folder)?
            .filter_map(Result::ok)
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        entries.sort();
        let surplus = entries.len().saturating_sub(MAX_ENTRIES);
        entries.into_iter().take(surplus).try_for_each(|(_, path)| fs::remove_file(path))
    }
}

impl CompiledCache for DiskCache {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        fs::read(self.path(key)).ok()
    }

    /// A cache that cannot be written costs time, no call.
    fn put(&self, key: &str, bytes: &[u8]) {
        let temporary = self.folder.join(format!(".{key}.tmp"));
        let written = fs::write(&temporary, bytes)
            .and_then(|()| fs::rename(&temporary, self.path(key)))
            .and_then(|()| self.prune());
        if let Err(error) = written {
            warn!(folder = %self.folder.display(), %error, "a compiled plugin was not cached");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_found_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let cache = DiskCache::open(&folder.path().join("compiled")).unwrap();
        assert_eq!(cache.get("a"), None);
        for index in 0..MAX_ENTRIES + 3 {
            cache.put(&format!("k{index}"), b"code");
        }
        assert_eq!(cache.get(&format!("k{}", MAX_ENTRIES + 2)).as_deref(), Some(&b"code"[..]));
        assert_eq!(fs::read_dir(folder.path().join("compiled")).unwrap().count(), MAX_ENTRIES);
    }
}
