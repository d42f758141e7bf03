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

/// Entries that are kept; those that were not used for longest go first.
const MAX_ENTRIES: usize = 64;
const MAX_BYTES: u64 = 512 << 20;

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

    /// The newest entry stays, whatever its size.
    fn prune(&self) -> io::Result<()> {
        let mut entries: Vec<(SystemTime, u64, PathBuf)> = fs::read_dir(&self.folder)?
            .filter_map(Result::ok)
            .filter_map(|entry| {
                let metadata = entry.metadata().ok()?;
                Some((metadata.modified().ok()?, metadata.len(), entry.path()))
            })
            .collect();
        entries.sort();
        let mut bytes: u64 = entries.iter().map(|(_, length, _)| length).sum();
        while entries.len() > 1 && (entries.len() > MAX_ENTRIES || bytes > MAX_BYTES) {
            let (_, length, path) = entries.remove(0);
            fs::remove_file(path)?;
            bytes -= length;
        }
        Ok(())
    }

    /// Pruning goes by the time of the last use.
    #[expect(clippy::disallowed_methods, reason = "times of files are wall time")]
    fn touch(&self, path: &Path) {
        let now = SystemTime::now();
        // What is not touched is compiled again some day.
        let _ = fs::File::options().append(true).open(path).and_then(|file| file.set_modified(now));
    }
}

impl CompiledCache for DiskCache {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        let path = self.path(key);
        let bytes = fs::read(&path).ok()?;
        self.touch(&path);
        Some(bytes)
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

    fn age(cache: &DiskCache, key: &str, seconds: u64) {
        let file = fs::File::options().append(true).open(cache.path(key)).unwrap();
        let long_ago = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        file.set_modified(long_ago).unwrap();
    }

    #[test]
    fn what_was_put_is_found_and_what_was_not_used_for_longest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let cache = DiskCache::open(&folder.path().join("compiled")).unwrap();
        assert_eq!(cache.get("a"), None);
        for index in 0..MAX_ENTRIES as u64 {
            cache.put(&format!("k{index}"), b"code");
            age(&cache, &format!("k{index}"), index);
        }
        assert_eq!(cache.get("k0").as_deref(), Some(&b"code"[..]));
        cache.put("new", b"code");
        let there = |key: &str| cache.path(key).exists();
        assert_eq!([there("k0"), there("k1"), there("k2"), there("new")], [true, false, true, true]);
        assert_eq!(fs::read_dir(folder.path().join("compiled")).unwrap().count(), MAX_ENTRIES);
    }

    #[test]
    fn large_entries_push_out_others_and_stay() {
        let folder = tempfile::tempdir().unwrap();
        let cache = DiskCache::open(folder.path()).unwrap();
        for key in ["one", "two"] {
            cache.put(key, b"code");
            // A hole: no block of it is written.
            let file = fs::File::options().append(true).open(cache.path(key)).unwrap();
            file.set_len(MAX_BYTES).unwrap();
            age(&cache, key, 1);
        }
        cache.put("three", b"code");
        let there = |key: &str| cache.path(key).exists();
        assert_eq!([there("one"), there("two"), there("three")], [false, false, true]);
    }
}
