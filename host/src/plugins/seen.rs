//! How files were when they were looked at: cheap to compare, so that what is read
//! can be told to be of one moment.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Files and folders, by their names, and what stood there: through symbolic links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen(Vec<(PathBuf, Option<Stamp>)>);

/// Another file, or other contents, make another stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    /// Device and inode.
    file: (u64, u64),
    length: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Seen {
    pub fn of(path: PathBuf) -> Seen {
        let mut seen = Seen::default();
        seen.look(path);
        seen
    }

    /// Before a file or folder is read.
    pub fn look(&mut self, path: PathBuf) {
        let stamp = stamp(&path).ok();
        self.0.push((path, stamp));
    }

    /// The same names, as they are now.
    pub fn again(&self) -> Seen {
        Seen(self.0.iter().map(|(path, _)| (path.clone(), stamp(path).ok())).collect())
    }

    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|(path, _)| path.as_path())
    }
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let metadata = fs::metadata(path)?;
    Ok(Stamp {
        file: (metadata.dev(), metadata.ino()),
        length: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_other_contents_and_another_target_of_a_link_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("one")).unwrap();
        fs::create_dir(path("two")).unwrap();
        std::os::unix::fs::symlink("one", path("link")).unwrap();
        let mut seen = Seen::of(path("link/file"));
        let mut changed = |what: &str| {
            let now = seen.again();
            assert_ne!(now, seen, "{what}");
            assert_eq!(now.again(), now, "{what}");
            seen = now;
        };
        fs::write(path("one/file"), "a").unwrap();
        changed("it is there");
        fs::write(path("one/file"), "bb").unwrap();
        changed("it is longer");
        fs::write(path("new"), "bb").unwrap();
        fs::rename(path("new"), path("one/file")).unwrap();
        changed("another one is in its place");
        fs::write(path("two/file"), "bb").unwrap();
        fs::remove_file(path("link")).unwrap();
        std::os::unix::fs::symlink("two", path("link")).unwrap();
        changed("the link leads elsewhere");
        fs::remove_file(path("two/file")).unwrap();
        changed("it is gone");
    }
}
