//! Tells when files may have changed. An event only means "look again": what changed is found by reading.

use std::{path::PathBuf, time::Duration};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout_at},
};

/// Quiet time before a look: an editor writes a file in less. What is read too soon fails, and is read again.
const SETTLE: Duration = Duration::from_millis(60);
/// Files that never rest are looked at anyway.
const LONGEST_SETTLE: Duration = Duration::from_secs(2);
/// For network drives and lost events.
const POLL: Duration = Duration::from_secs(2);

pub(super) struct Watcher {
    /// None: there are no events here, and changes are found by polling.
    watcher: Option<RecommendedWatcher>,
    watched: Vec<PathBuf>,
    events: mpsc::Receiver<()>,
    /// Keeps the channel open when there is no watcher.
    _sender: mpsc::Sender<()>,
}

impl Watcher {
    pub(super) fn new() -> Watcher {
        // One place: any number of events is one "look again".
        let (sender, events) = mpsc::channel(1);
        let told = sender.clone();
        let handler = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !event.kind.is_access()) {
                let _ = told.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(handler).ok();
        Watcher { watcher, watched: Vec::new(), events, _sender: sender }
    }

    /// Watches these folders, not what lies below them.
    pub(super) fn watch(&mut self, folders: Vec<PathBuf>) {
        let Some(watcher) = &mut self.watcher else { return };
        for gone in self.watched.iter().filter(|folder| !folders.contains(folder)) {
            let _ = watcher.unwatch(gone);
        }
        for folder in folders.iter().filter(|folder| !self.watched.contains(folder)) {
            // Where it cannot be watched, the poll finds what changes.
            let _ = watcher.watch(folder, RecursiveMode::NonRecursive);
        }
        self.watched = folders;
    }

    /// Returns when it is time to look: after events have settled, or at the slow poll.
    pub(super) async fn changed(&mut self) {
        tokio::select! {
            _ = self.events.recv() => {}
            () = sleep(POLL) => return,
        }
        let latest = Instant::now() + LONGEST_SETTLE;
        while Instant::now() < latest {
            if timeout_at(Instant::now() + SETTLE, self.events.recv()).await.is_err() {
                return;
            }
        }
    }
}
