//! Recordings of whole calls, written while they run.
//!
//! One thread writes what the media workers bring, and never makes them wait: a piece that finds no room is
//! counted and becomes silence. The sizes in a file's header are right after every piece, so that a file is
//! whole whenever the process ends.

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};

use jackfield_media::Piece;
use tracing::{error, warn};

/// Pieces that wait for the disk: half a second of one call each, 8 KB.
const QUEUE: usize = 4096;
/// A recording that brings nothing for so long has lost its end.
const IDLE: Duration = Duration::from_secs(60);
/// RIFF, `fmt ` and the head of `data`.
const HEADER: u64 = 44;
/// Bytes of a pair of samples.
const PAIR: u64 = 4;
/// The sizes in a header have 32 bits.
const MAX_DATA: u64 = u32::MAX as u64 - HEADER;

/// The way to the writing thread; it ends when all of them are gone.
#[derive(Clone, Debug)]
pub struct Tapes {
    pieces: SyncSender<Piece>,
    lost: Arc<AtomicU64>,
}

impl Tapes {
    /// Mends what a killed process left, and starts the thread. Names of pieces are paths below `folder`.
    pub fn start(folder: PathBuf) -> io::Result<Tapes> {
        mend(&folder.join("calls"));
        let (pieces, queue) = sync_channel(QUEUE);
        std::thread::Builder::new().name("recordings".to_owned()).spawn(move || write(&folder, &queue))?;
        Ok(Tapes { pieces, lost: Arc::default() })
    }

    /// Never waits.
    pub fn write(&self, piece: Piece) {
        if self.pieces.try_send(piece).is_err() {
            let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
            if lost.is_power_of_two() {
                warn!("the disk is too slow for the recordings: {lost} half seconds are silent so far");
            }
        }
    }
}

fn write(folder: &Path, queue: &Receiver<Piece>) {
    let mut files: HashMap<Arc<str>, Tape> = HashMap::new();
    loop {
        match queue.recv_timeout(IDLE) {
            Ok(piece) => {
                let tape = files.entry(piece.name.clone()).or_insert_with(|| Tape::open(folder, &piece.name));
                tape.write(&piece);
                if piece.last {
                    files.remove(&piece.name);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        files.retain(|_, tape| tape.touched.elapsed() < IDLE);
    }
}

/// A file that is being written.
struct Tape {
    /// None after a fault, which is said once.
    file: Option<File>,
    name: Arc<str>,
    /// Bytes of samples.
    data: u64,
    touched: Instant,
}

impl Tape {
    #[expect(clippy::disallowed_methods, reason = "as for `write`")]
    fn open(folder: &Path, name: &Arc<str>) -> Tape {
        let path = folder.join(&**name);
        let create = || {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            let file = File::create(&path)?;
            file.write_all_at(&header(0), 0)?;
            Ok(file)
        };
        let file = create().inspect_err(|error: &io::Error| error!("{}: {error}", path.display())).ok();
        Tape { file, name: name.clone(), data: 0, touched: Instant::now() }
    }

    #[expect(clippy::disallowed_methods, reason = "as for `write`")]
    fn write(&mut self, piece: &Piece) {
        self.touched = Instant::now();
        let Some(file) = &self.file else { return };
        let begin = piece.begin.saturating_mul(PAIR);
        let bytes: Vec<u8> = piece.samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let end = begin.saturating_add(bytes.len() as u64);
        if end > MAX_DATA {
            return;
        }
        let written = file.write_all_at(&bytes, HEADER + begin).and_then(|()| {
            self.data = self.data.max(end);
            file.write_all_at(&header(self.data as u32), 0)
        });
        if let Err(error) = written {
            error!("the recording {} ends here: {error}", self.name);
            self.file = None;
        }
    }
}

/// Stereo, 16 bits, 8 kHz, with so many bytes of samples.
fn header(data: u32) -> [u8; HEADER as usize] {
    let mut header = [0; HEADER as usize];
    let fields: [&[u8]; 13] = [
        b"RIFF",
        &(data + HEADER as u32 - 8).to_le_bytes(),
        b"WAVE",
        b"fmt ",
        &16_u32.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &2_u16.to_le_bytes(),
        &8000_u32.to_le_bytes(),
        &(8000 * PAIR as u32).to_le_bytes(),
        &(PAIR as u16).to_le_bytes(),
        &16_u16.to_le_bytes(),
        b"data",
        &data.to_le_bytes(),
    ];
    let mut place = 0;
    for field in fields {
        header[place..place + field.len()].copy_from_slice(field);
        place += field.len();
    }
    header
}

/// Makes the headers of recordings say how much there is: a power cut may have lost one.
fn mend(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in
        entries.flatten().map(|entry| entry.path()).filter(|path| path.extension() == Some("wav".as_ref()))
    {
        if let Err(error) = mend_file(&path) {
            warn!("{}: {error}", path.display());
        }
    }
}

fn mend_file(path: &Path) -> io::Result<()> {
    let file = File::options().read(true).write(true).open(path)?;
    let data = file.metadata()?.len().saturating_sub(HEADER).min(MAX_DATA) / PAIR * PAIR;
    let right = header(data as u32);
    let mut found = [0; HEADER as usize];
    if file.read_exact_at(&mut found, 0).is_ok() && found == right {
        return Ok(());
    }
    file.write_all_at(&right, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(begin: u64, samples: &[i16], last: bool) -> Piece {
        Piece { name: "calls/a.wav".into(), begin, samples: samples.to_vec(), last }
    }

    fn read(path: &Path) -> Vec<i16> {
        let reader = hound::WavReader::open(path).unwrap();
        assert_eq!((reader.spec().channels, reader.spec().sample_rate), (2, 8000));
        reader.into_samples::<i16>().map(Result::unwrap).collect()
    }

    #[test]
    fn a_file_is_whole_after_every_piece() {
        let folder = tempfile::tempdir().unwrap();
        let name: Arc<str> = "calls/a.wav".into();
        let path = folder.path().join(&*name);
        let mut tape = Tape::open(folder.path(), &name);
        assert!(read(&path).is_empty());
        tape.write(&piece(0, &[1, -1, 2, -2], false));
        assert_eq!(read(&path), [1, -1, 2, -2]);
        // The one between was lost.
        tape.write(&piece(4, &[5, -5], true));
        assert_eq!(read(&path), [1, -1, 2, -2, 0, 0, 0, 0, 5, -5]);
    }

    #[test]
    fn what_a_crash_left_is_mended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        for (left, samples) in [(&[9; 3][..], 0), (&[0; 44][..], 0), (&[7; 44 + 10][..], 2)] {
            fs::write(&path, left).unwrap();
            mend(folder.path());
            assert_eq!(read(&path).len(), 2 * samples);
        }
    }

    #[test]
    fn the_thread_writes_what_it_is_given() {
        let folder = tempfile::tempdir().unwrap();
        let tapes = Tapes::start(folder.path().to_owned()).unwrap();
        tapes.write(piece(0, &[3; 8], true));
        let path = folder.path().join("calls/a.wav");
        for _ in 0..1000 {
            if fs::metadata(&path).is_ok_and(|meta| meta.len() == 44 + 16) {
                return assert_eq!(read(&path), [3; 8]);
            }
            #[expect(clippy::disallowed_methods, reason = "another thread writes")]
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("nothing was written");
    }
}
