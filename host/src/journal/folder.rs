//! The files of the journal: written by one daemon, bounded together, and erased oldest first.
//!
//! ```text
//! journal/1795614000123.calls      records, in the order in which their calls ended; named by the first moment
//! journal/versions/ID.json         what a version was: settings (without secrets), rights, limits
//! journal/code/SHA256.wasm         what it ran
//! ```

use std::{
    collections::{BTreeSet, VecDeque},
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jackfield_plugin::{Version, journal::Kept};

use super::frame::{Frame, HEAD, count};
use crate::plugins::unix_now;

/// The bounds are kept by erasing whole files, so that each is a small part of them.
const PARTS: u64 = 16;
/// Clocks and file systems do not agree to the second.
const SLACK: Duration = Duration::from_secs(60);

/// Of the whole journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Nothing is kept longer.
    pub keep: Duration,
    /// At most so many calls.
    pub calls: u64,
    /// In bytes, the versions included.
    pub disk: u64,
}

/// A file of records.
#[derive(Debug)]
struct Part {
    path: PathBuf,
    /// Unix milliseconds; nothing in it is older.
    began: u64,
    bytes: u64,
    calls: u64,
}

/// The open journal.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The oldest first.
    parts: VecDeque<Part>,
    /// The last part, while it is written.
    open: Option<File>,
    /// Versions that are known to be there, since the last part was begun.
    versions: BTreeSet<String>,
    version_bytes: u64,
}

impl Folder {
    /// What lies there, if anything does. A part that was being written is not written any further.
    pub fn open(path: PathBuf) -> io::Result<Folder> {
        let mut parts = Vec::new();
        for (began, path) in parts_of(&path)? {
            let bytes = fs::read(&path)?;
            let calls = count(&bytes);
            parts.push(Part { path, began, bytes: bytes.len() as u64, calls });
        }
        let version_bytes = versions_of(&path)?.iter().map(|(_, _, bytes)| bytes).sum();
        let (open, versions) = (None, BTreeSet::new());
        Ok(Folder { path, parts: parts.into(), open, versions, version_bytes })
    }

    /// Writes a record, what belongs to it, and how many were lost before it.
    pub fn append(&mut self, kept: &Kept, lost: u64, now: u64, bounds: &Bounds) -> io::Result<()> {
        self.close_if_full(now, bounds);
        self.begin(now)?;
        self.write_version(&kept.version)?;
        self.write(&kept.encode(), lost)
    }

    fn write(&mut self, record: &[u8], lost: u64) -> io::Result<()> {
        let mut bytes = Frame::Record(record).encode();
        if lost > 0 {
            bytes.splice(0..0, Frame::Lost(lost).encode());
        }
        let (Some(file), Some(part)) = (&mut self.open, self.parts.back_mut()) else { return Ok(()) };
        if let Err(error) = file.write_all(&bytes) {
            // What is half written ends this part.
            self.open = None;
            return Err(error);
        }
        part.bytes += bytes.len() as u64;
        part.calls += 1;
        Ok(())
    }

    /// Erases what is too old and what is too much, and returns how many calls that were.
    pub fn erase(&mut self, now: u64, bounds: &Bounds) -> io::Result<u64> {
        let mut erased = 0;
        while let Some(oldest) = self.parts.front() {
            let age = Duration::from_millis(now.saturating_sub(oldest.began));
            let (calls, bytes) = self.size();
            let too_much = self.parts.len() > 1 && (calls > bounds.calls || bytes > bounds.disk);
            if age < bounds.keep && !too_much {
                break;
            }
            fs::remove_file(&oldest.path)?;
            erased += oldest.calls;
            self.parts.pop_front();
            if self.parts.is_empty() {
                self.open = None;
            }
        }
        if erased > 0 {
            self.erase_versions()?;
        }
        Ok(erased)
    }

    /// Calls and bytes.
    fn size(&self) -> (u64, u64) {
        let calls = self.parts.iter().map(|part| part.calls).sum();
        (calls, self.version_bytes + self.parts.iter().map(|part| part.bytes).sum::<u64>())
    }

    fn close_if_full(&mut self, now: u64, bounds: &Bounds) {
        let Some(part) = self.parts.back() else { return };
        let age = Duration::from_millis(now.saturating_sub(part.began));
        if part.bytes >= bounds.disk / PARTS
            || part.calls >= (bounds.calls / PARTS).max(1)
            || age >= bounds.keep / PARTS as u32
        {
            self.open = None;
        }
    }

    /// A new part, where there is none to be written.
    fn begin(&mut self, now: u64) -> io::Result<()> {
        if self.open.is_some() {
            return Ok(());
        }
        for folder in [self.path.clone(), self.path.join("versions"), self.path.join("code")] {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let mut began = now;
        let (mut file, path) = loop {
            let path = self.path.join(format!("{began:013}.calls"));
            match OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => break (file, path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => began += 1,
                Err(error) => return Err(error),
            }
        };
        if let Err(error) = file.write_all(HEAD) {
            // A full disk must not fill with names.
            let _ = fs::remove_file(path);
            return Err(error);
        }
        self.versions.clear();
        self.parts.push_back(Part { path, began, bytes: HEAD.len() as u64, calls: 0 });
        self.open = Some(file);
        Ok(())
    }

    /// Once in each part, so that the time of its files says when it was used.
    fn write_version(&mut self, version: &Version) -> io::Result<()> {
        let (id, text) = version.snapshot();
        if self.versions.contains(id) {
            return Ok(());
        }
        for (path, bytes) in [
            (code_path(&self.path, version.sha256()), version.wasm()),
            (version_path(&self.path, id), text.as_bytes()),
        ] {
            match File::options().append(true).open(&path) {
                Ok(file) => file.set_modified(UNIX_EPOCH + unix_now())?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    write_whole(&path, bytes)?;
                    self.version_bytes += bytes.len() as u64;
                }
                Err(error) => return Err(error),
            }
        }
        self.versions.insert(id.to_owned());
        Ok(())
    }

    /// Versions that no part uses any more.
    fn erase_versions(&mut self) -> io::Result<()> {
        let oldest = self.parts.front().map(|part| UNIX_EPOCH + Duration::from_millis(part.began));
        for (path, used, bytes) in versions_of(&self.path)? {
            if oldest.is_none_or(|oldest| used + SLACK < oldest) {
                fs::remove_file(path)?;
                self.version_bytes = self.version_bytes.saturating_sub(bytes);
            }
        }
        Ok(())
    }
}

/// Where the code of a version is.
pub(super) fn code_path(folder: &Path, sha256: &str) -> PathBuf {
    folder.join("code").join(sha256).with_extension("wasm")
}

/// Where the snapshot of a version is.
pub(super) fn version_path(folder: &Path, id: &str) -> PathBuf {
    folder.join("versions").join(id).with_extension("json")
}

/// The files of records with the moments at which they begin, the oldest first.
pub(super) fn parts_of(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut parts = Vec::new();
    for path in entries(folder)? {
        let began = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        if let Some(began) = began.filter(|_| path.extension().is_some_and(|extension| extension == "calls"))
        {
            parts.push((began, path));
        }
    }
    parts.sort();
    Ok(parts)
}

/// The files of versions: when each was used last, and its size.
fn versions_of(folder: &Path) -> io::Result<Vec<(PathBuf, SystemTime, u64)>> {
    let mut found = Vec::new();
    for folder in [folder.join("versions"), folder.join("code")] {
        for path in entries(&folder)? {
            let metadata = fs::metadata(&path)?;
            found.push((path, metadata.modified()?, metadata.len()));
        }
    }
    Ok(found)
}

/// Nothing where there is no such folder.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// There only when it is whole.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = path.with_extension("part");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    file.write_all(bytes)?;
    fs::rename(part, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{super::frame::frames, *};

    const HOUR: u64 = 3_600_000;
    const BOUNDS: Bounds = Bounds { keep: Duration::from_secs(7 * 24 * 3600), calls: 1600, disk: 1 << 20 };

    /// As `append`, without a version.
    fn append(folder: &mut Folder, record: &[u8], now: u64, bounds: &Bounds) {
        folder.close_if_full(now, bounds);
        folder.begin(now).unwrap();
        folder.write(record, 0).unwrap();
    }

    fn calls(path: &Path) -> Vec<Vec<u8>> {
        let mut calls = Vec::new();
        for (_, part) in parts_of(path).unwrap() {
            let bytes = fs::read(part).unwrap();
            calls.extend(frames(&bytes).filter_map(|frame| match frame {
                Frame::Record(body) => Some(body.to_owned()),
                _ => None,
            }));
        }
        calls
    }

    fn opened() -> (tempfile::TempDir, PathBuf, Folder) {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("journal");
        let folder = Folder::open(path.clone()).unwrap();
        (temporary, path, folder)
    }

    #[test]
    fn nobody_else_may_read_it() {
        let (_temporary, path, mut folder) = opened();
        assert!(!path.exists(), "nothing is made before the first call");
        append(&mut folder, b"one", HOUR, &BOUNDS);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&parts_of(&path).unwrap()[0].1)), (0o700, 0o600));
    }

    #[test]
    fn nothing_is_kept_longer_than_is_said() {
        let (_temporary, path, mut folder) = opened();
        for hour in 0..200 {
            append(&mut folder, &[hour], u64::from(hour) * HOUR, &BOUNDS);
            folder.erase(u64::from(hour) * HOUR, &BOUNDS).unwrap();
            let oldest = calls(&path)[0][0];
            assert!(hour - oldest < 7 * 24, "hour {oldest} in hour {hour}");
            assert!(hour - oldest >= (7 * 24 - 12).min(hour), "hour {oldest} was erased in hour {hour}");
        }
        assert!(folder.erase(1000 * HOUR, &BOUNDS).unwrap() > 150);
        assert!(calls(&path).is_empty());
        append(&mut folder, b"new", 1000 * HOUR, &BOUNDS);
        assert_eq!(calls(&path), [b"new"]);
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_or_they_are_too_large() {
        for bounds in [Bounds { calls: 100, ..BOUNDS }, Bounds { disk: 16_000, ..BOUNDS }] {
            let (_temporary, path, mut folder) = opened();
            let mut erased = 0;
            for number in 0..2000_u64 {
                append(&mut folder, &[number.to_le_bytes(), [7; 8]].concat(), number, &bounds);
                erased += folder.erase(number, &bounds).unwrap();
                let (kept, bytes) = folder.size();
                assert!(kept <= bounds.calls && bytes <= bounds.disk);
                assert_eq!(kept + erased, number + 1);
            }
            let there = calls(&path);
            assert_eq!(there.last().unwrap()[..8], 1999_u64.to_le_bytes());
            assert!(there.len() > 80, "{} are kept", there.len());
        }
    }

    #[test]
    fn another_start_goes_on_behind_what_a_kill_left() {
        let (_temporary, path, mut folder) = opened();
        append(&mut folder, b"one", 5, &BOUNDS);
        append(&mut folder, b"two", 5, &BOUNDS);
        drop(folder);
        let (_, part) = parts_of(&path).unwrap().remove(0);
        let bytes = fs::read(&part).unwrap();
        fs::write(&part, &bytes[..bytes.len() - 2]).unwrap();
        let mut folder = Folder::open(path.clone()).unwrap();
        assert_eq!(folder.size().0, 1);
        append(&mut folder, b"three", 5, &BOUNDS);
        assert_eq!(calls(&path), [&b"one"[..], b"three"]);
    }
}
