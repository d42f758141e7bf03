//! Tells when files may have changed. An event only means "look again": editors
//! truncate, `cp` writes in place and cargo links anew, so what changed is found
//! by reading.

use std::{path::PathBuf, time::Duration};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout_at},
};
use tracing::warn;

/// Quiet time before we look.
pub const SETTLE: Duration = Duration::from_millis(200);
/// Files that never rest are looked at anyway.
const LONGEST_SETTLE: Duration = Duration::from_secs(2);
/// For network drives and lost events.
const POLL: Duration = Duration::from_secs(2);

pub struct Watcher {
    watcher: Option<RecommendedWatcher>,
    watched: Vec<PathBuf>,
    events: mpsc::Receiver<()>,
    /// Keeps the channel open when there is no watcher.
    _sender: mpsc::Sender<()>,
}

impl Watcher {
    pub fn new() -> Watcher {
        // One place: any number of events is one "look again".
        let (sender, events) = mpsc::channel(1);
        let told = sender.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !event.kind.is_access()) {
                let _ = told.try_send(());
            }
        });
        let watcher = watcher
            .inspect_err(|error| warn!(%error, "no file events here: changes are found by polling"))
            .ok();
        Watcher { watcher, watched: Vec::new(), events, _sender: sender }
    }

    /// Watches these folders (not files: a watched file is lost when it is renamed over).
    pub fn watch(&mut self, folders: Vec<PathBuf>) {
        let Some(watcher) = &mut self.watcher else { return };
        for gone in self.watched.iter().filter(|folder| !folders.contains(folder)) {
            let _ = watcher.unwatch(gone);
        }
        for folder in folders.iter().filter(|folder| !self.watched.contains(folder)) {
            if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
                warn!(folder = %folder.display(), %error, "not watched: changes are found by polling");
            }
        }
        self.watched = folders;
    }

    /// Returns when it is time to look: after events have settled, or at the slow poll.
    pub async fn changed(&mut self) {
        tokio::select! {
            _ = self.events.recv() => {}
            () = sleep(POLL) => return,
        }
        let latest = Instant::now() + LONGEST_SETTLE;
        while Instant::now() < latest {
            let quiet = Instant::now() + SETTLE;
            if timeout_at(quiet, self.events.recv()).await.is_err() {
                return;
            }
        }
    }
}

impl Default for Watcher {
    fn default() -> Watcher {
        Watcher::new()
    }
}
