//! Recordings that plugins have asked for, as WAV files in a folder for each plugin.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use jackfield_plugin::Size;

/// The most bytes that the recordings of a plugin may take.
pub type Quota = Box<dyn Fn(&str) -> usize + Send + Sync>;

pub struct Recordings {
    folder: PathBuf,
    quota: Quota,
    /// Bytes on disk, by plugin, as far as they were asked for.
    taken: Mutex<HashMap<String, u64>>,
}

impl Recordings {
    pub fn new(folder: PathBuf, quota: Quota) -> Recordings {
        Recordings { folder, quota, taken: Mutex::default() }
    }

    /// Writes one of them. Blocks.
    pub fn save(&self, plugin: &str, name: &str, samples: &[i16]) -> io::Result<()> {
        let wav = jackfield_media::to_wav(samples);
        let folder = self.folder.join(plugin);
        let (length, quota) = (wav.len() as u64, (self.quota)(plugin));
        let fits = |taken: u64| taken.saturating_add(length) <= quota as u64;
        let mut taken = self.known(plugin);
        // Counted anew only where it matters: the operator may have taken some of them away.
        if !taken.is_some_and(fits) {
            taken = Some(size(&folder)?);
        }
        let taken = taken.unwrap_or_default();
        if !fits(taken) {
            let quota = Size(quota);
            return Err(io::Error::other(format!(
                "those of {plugin} take at most {quota} (limits.recordings)"
            )));
        }
        let path = folder.join(format!("{name}.wav"));
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, wav)?;
        self.all().insert(plugin.to_owned(), taken + length);
        Ok(())
    }

    fn known(&self, plugin: &str) -> Option<u64> {
        self.all().get(plugin).copied()
    }

    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<String, u64>> {
        // Nothing panics while it is held.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of all files below a folder; none where there is no such folder.
fn size(folder: &Path) -> io::Result<u64> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut sum = 0;
    for entry in entries {
        let entry = entry?;
        sum += if entry.file_type()?.is_dir() { size(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_take_no_more_than_their_quota_until_some_are_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Recordings::new(folder.path().to_owned(), Box::new(|_| 2500));
        let recordings = open();
        recordings.save("box", "a/one", &[1; 500]).unwrap();
        recordings.save("box", "a/two", &[1; 500]).unwrap();
        recordings.save("other", "one", &[1; 500]).unwrap();
        for recordings in [&recordings, &open()] {
            let full = recordings.save("box", "three", &[1; 500]).unwrap_err().to_string();
            assert_eq!(full, "those of box take at most 2500 B (limits.recordings)");
        }
        assert!(!folder.path().join("box/three.wav").exists());
        fs::remove_file(folder.path().join("box/a/one.wav")).unwrap();
        recordings.save("box", "three", &[1; 500]).unwrap();
    }
}
