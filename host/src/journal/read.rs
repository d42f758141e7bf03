//! Finds calls in the journal, also while a daemon writes it.

use std::{fs, io, path::Path, time::UNIX_EPOCH};

use jackfield_plugin::journal::{Damaged, Head, Record, Snapshot};

use super::{
    folder::{code_path, parts_of, version_path},
    frame::{Frame, frames},
};

/// Which calls; none: all of them.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// That began then or later, in Unix milliseconds.
    pub since: u64,
    /// With this id.
    pub call: Option<String>,
    /// Of this plugin.
    pub plugin: Option<String>,
}

impl Wanted {
    fn is(&self, head: &Head) -> bool {
        head.began >= self.since
            && self.call.as_ref().is_none_or(|call| head.call.id == *call)
            && self.plugin.as_ref().is_none_or(|plugin| head.plugin == *plugin)
    }
}

/// What cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Places with bytes that are no record: half written, or damaged.
    pub damaged: u64,
    /// Records of another version of this program.
    pub foreign: u64,
    /// Calls that were not written, because the disk was too slow.
    pub lost: u64,
}

/// Hands over each call that is wanted, in the order in which they ended.
pub fn read(folder: &Path, wanted: &Wanted, mut each: impl FnMut(Record)) -> io::Result<Skipped> {
    let mut skipped = Skipped::default();
    for (_, part) in parts_of(folder)? {
        let bytes = match read_since(&part, wanted.since) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => continue,
            // It was erased meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for frame in frames(&bytes) {
            match frame {
                Frame::Damaged => skipped.damaged += 1,
                Frame::Lost(lost) => skipped.lost += lost,
                Frame::Record(record) => match Record::head(record) {
                    Ok((head, _)) if !wanted.is(&head) => {}
                    Ok(_) => match Record::decode(record) {
                        Ok(record) => each(record),
                        Err(_) => skipped.damaged += 1,
                    },
                    Err(Damaged::Format) => skipped.foreign += 1,
                    Err(_) => skipped.damaged += 1,
                },
            }
        }
    }
    Ok(skipped)
}

/// None: it was written last before that.
fn read_since(part: &Path, since: u64) -> io::Result<Option<Vec<u8>>> {
    let written = fs::metadata(part)?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    // A minute for clocks that were set back.
    if written.as_millis() as u64 + 60_000 < since {
        return Ok(None);
    }
    fs::read(part).map(Some)
}

/// What the version with this id was.
pub fn snapshot(folder: &Path, id: &str) -> Result<Snapshot, String> {
    let path = version_path(folder, id);
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let whole = Snapshot::parse(&text).filter(|_| Snapshot::id(&text) == id);
    whole.ok_or_else(|| format!("{}: it is damaged", path.display()))
}

/// What that version ran.
pub fn wasm(folder: &Path, snapshot: &Snapshot) -> Result<Vec<u8>, String> {
    let path = code_path(folder, &snapshot.sha256);
    fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
}
