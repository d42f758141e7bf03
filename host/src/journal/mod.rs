//! The journal of the plugins' calls: what each asked and got, kept so that it can be run again.
//!
//! One thread writes. It never makes a guest or the exchange wait: a record that finds no room on its way is counted
//! and lost, and the journal says so where it would have been.
//!
//! - [`frame`]: how records lie in a file.
//! - [`folder`]: the files, and the bounds of all of them together.
//! - [`read`]: finds records again.

mod folder;
mod frame;
mod read;

use std::{
    collections::BTreeSet,
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use jackfield_plugin::journal::{self, Kept};
use tracing::{error, info, warn};

use crate::{config::Config, plugins::unix_now};
pub use folder::{Bounds, Folder};
pub use read::{Skipped, Wanted, read, snapshot, wasm};

/// Records on their way to the disk, and their bytes.
const QUEUE: usize = 1024;
const QUEUED: usize = 64 << 20;
/// How often what is too old is looked for.
const LOOK: Duration = Duration::from_secs(60);

/// `[journal]`, and the plugins that are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Nothing is recorded otherwise; what was is erased in its time.
    pub record: bool,
    /// Of one call, in bytes.
    pub call: usize,
    /// Of all calls.
    pub bounds: Bounds,
    /// Plugins that are not recorded.
    pub except: BTreeSet<String>,
}

impl Settings {
    /// As the operator says.
    pub fn of(config: &Config) -> Settings {
        let journal = &config.journal;
        let except = config.plugins.iter().filter(|(_, plugin)| !plugin.journal);
        Settings {
            record: journal.record,
            call: journal.call.0,
            bounds: Bounds { keep: journal.keep, calls: journal.calls.into(), disk: journal.disk.0 as u64 },
            except: except.map(|(name, _)| name.clone()).collect(),
        }
    }
}

/// The folder below that of everything the daemon writes.
pub fn folder_of(config: &Config) -> PathBuf {
    config.var().join("journal")
}

enum Job {
    Keep(Box<Kept>),
    /// Everything before it is written.
    Flush(SyncSender<()>),
}

/// The way to the writing thread, which ends with it.
pub struct Journal {
    settings: Arc<ArcSwap<Settings>>,
    jobs: SyncSender<Job>,
    queued: Arc<AtomicUsize>,
    lost: Arc<AtomicU64>,
}

impl Journal {
    /// Starts the thread.
    pub fn start(folder: PathBuf, settings: Settings) -> io::Result<Journal> {
        let (jobs, queue) = sync_channel(QUEUE);
        let settings = Arc::new(ArcSwap::from_pointee(settings));
        let (queued, lost) = (Arc::<AtomicUsize>::default(), Arc::<AtomicU64>::default());
        let writer = Writer {
            path: folder,
            folder: None,
            settings: settings.clone(),
            queued: queued.clone(),
            lost: lost.clone(),
            failed: 0,
        };
        std::thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run(&queue))?;
        Ok(Journal { settings, jobs, queued, lost })
    }

    /// For the calls that begin from now on; the bounds hold at once.
    pub fn set(&self, settings: Settings) {
        self.settings.store(Arc::new(settings));
    }

    /// Waits until what was kept is written, but no longer than this.
    pub fn flush(&self, limit: Duration) {
        let (done, written) = sync_channel(1);
        if self.jobs.try_send(Job::Flush(done)).is_err() || written.recv_timeout(limit).is_err() {
            warn!("the disk is slow: the journal's last calls are lost");
        }
    }
}

impl journal::Journal for Journal {
    fn room(&self, plugin: &str) -> Option<usize> {
        let settings = self.settings.load();
        (settings.record && !settings.except.contains(plugin)).then_some(settings.call)
    }

    fn keep(&self, kept: Kept) {
        let size = kept.record.size();
        let queued = self.queued.fetch_add(size, Relaxed) + size;
        if queued > QUEUED || self.jobs.try_send(Job::Keep(Box::new(kept))).is_err() {
            self.queued.fetch_sub(size, Relaxed);
            let lost = self.lost.fetch_add(1, Relaxed) + 1;
            if lost.is_power_of_two() {
                warn!("the disk is too slow for the journal: {lost} calls are not in it since it last wrote");
            }
        }
    }
}

struct Writer {
    path: PathBuf,
    /// Opened by the thread: what lies there is counted first.
    folder: Option<Folder>,
    settings: Arc<ArcSwap<Settings>>,
    queued: Arc<AtomicUsize>,
    lost: Arc<AtomicU64>,
    /// Records that the disk did not take.
    failed: u64,
}

impl Writer {
    fn run(mut self, queue: &Receiver<Job>) {
        self.erase();
        loop {
            match queue.recv_timeout(LOOK) {
                Ok(Job::Keep(kept)) => self.write(&kept),
                Ok(Job::Flush(done)) => drop(done.send(())),
                Err(RecvTimeoutError::Timeout) => self.erase(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn write(&mut self, kept: &Kept) {
        self.queued.fetch_sub(kept.record.size(), Relaxed);
        let bounds = self.settings.load().bounds;
        let now = unix_now().as_millis() as u64;
        let lost = self.lost.swap(0, Relaxed);
        let written = self.folder().and_then(|folder| folder.append(kept, lost, now, &bounds));
        if let Err(error) = written {
            self.lost.fetch_add(lost + 1, Relaxed);
            self.failed += 1;
            if self.failed.is_power_of_two() {
                error!("the journal cannot be written ({} calls so far): {error}", self.failed);
            }
        }
        self.erase();
    }

    fn folder(&mut self) -> io::Result<&mut Folder> {
        match &mut self.folder {
            Some(folder) => Ok(folder),
            none => Ok(none.insert(Folder::open(self.path.clone())?)),
        }
    }

    /// What is too old, or too much.
    fn erase(&mut self) {
        let bounds = self.settings.load().bounds;
        let now = unix_now().as_millis() as u64;
        match self.folder().and_then(|folder| folder.erase(now, &bounds)) {
            Ok(0) => {}
            Ok(erased) => info!("{erased} calls were erased from the journal"),
            Err(error) => error!("the journal cannot be erased: {error}"),
        }
    }
}
