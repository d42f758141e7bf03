//! Tells whose files have changed, once they are at rest. An event only means "look
//! again": editors truncate, `cp` writes in place and cargo links anew, so what changed
//! is found by reading.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode, CreateKind, ModifyKind},
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tracing::warn;

pub use super::places::{Owner, Places};
use crate::config::Watch;

/// Quiet time before we look.
const SETTLE: Duration = Duration::from_millis(200);
/// Files that never rest are looked at anyway, and then refused if they change while they are read.
const LONGEST_SETTLE: Duration = Duration::from_secs(30);
/// For network drives and lost events.
const POLL: Duration = Duration::from_secs(2);
/// Who writes for so long has perhaps forgotten to close.
const LONG_WRITING: Duration = Duration::from_secs(60);

/// When to look, and at what.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// Their files were touched, and are at rest.
    Of(BTreeSet<Owner>),
    /// A folder was made: the places are to be watched anew, before what comes into it is missed.
    Folder,
    /// Nothing was told for a while: what changed has to be found.
    Poll,
}

impl Change {
    pub fn without(self, others: &BTreeSet<Owner>) -> Change {
        match self {
            Change::Of(owners) => Change::Of(owners.difference(others).cloned().collect()),
            other => other,
        }
    }
}

pub struct Watcher {
    watcher: Option<RecommendedWatcher>,
    activity: Activity,
    events: mpsc::Receiver<()>,
    next_poll: Instant,
    /// Keeps the channel open when there is no watcher.
    _sender: mpsc::Sender<()>,
}

impl Watcher {
    pub fn new(watch: Watch, activity: &Activity) -> Watcher {
        // One place: any number of events is one "look again".
        let (sender, events) = mpsc::channel(1);
        let (told, noted) = (sender.clone(), activity.clone());
        let handler = move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| noted.note(&event)) {
                let _ = told.try_send(());
            }
        };
        let watcher = match watch {
            Watch::Events => notify::recommended_watcher(handler)
                .inspect_err(|error| warn!(%error, "no file events here: changes are found by polling"))
                .ok(),
            Watch::Poll => None,
        };
        activity.lock().forget();
        let next_poll = Instant::now() + POLL;
        Watcher { watcher, activity: activity.clone(), events, next_poll, _sender: sender }
    }

    /// Watches these places. Whoever waits for one that was not watched before is told once it has been at rest,
    /// since it may have changed in the meantime; they are returned.
    pub fn watch(&mut self, places: Places) -> BTreeSet<Owner> {
        let mut told = BTreeSet::new();
        let Some(watcher) = &mut self.watcher else { return told };
        let mut state = self.activity.lock();
        let gone: Vec<PathBuf> =
            state.watched.keys().filter(|folder| !places.holds(folder)).cloned().collect();
        let here = places.folders().filter_map(|folder| Some((folder.clone(), identity(folder)?)));
        let new: Vec<(PathBuf, Identity)> =
            here.filter(|(folder, identity)| state.watched.get(folder) != Some(identity)).collect();
        state.places = places;
        for folder in &gone {
            state.drop_folder(folder);
        }
        // The watcher's thread takes the lock for its events.
        drop(state);
        for folder in gone.iter().chain(new.iter().map(|(folder, _)| folder)) {
            let _ = watcher.unwatch(folder);
        }
        for (folder, identity) in new {
            match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => told.extend(self.activity.lock().add_folder(folder, identity)),
                Err(error) => {
                    warn!(folder = %folder.display(), %error, "not watched: changes are found by polling");
                }
            }
        }
        told
    }

    /// Returns when it is time to look: when files are at rest, or at the slow poll.
    pub async fn changed(&mut self) -> Change {
        loop {
            let now = Instant::now();
            let next = {
                let mut state = self.activity.lock();
                if std::mem::take(&mut state.made) {
                    return Change::Folder;
                }
                let rested = state.take_rested(now);
                if !rested.is_empty() {
                    return Change::Of(rested);
                }
                state.next_rest()
            };
            if now >= self.next_poll {
                self.next_poll = now + POLL;
                return Change::Poll;
            }
            tokio::select! {
                _ = self.events.recv() => {}
                () = sleep_until(next.map_or(self.next_poll, |next| next.min(self.next_poll))) => {}
            }
        }
    }
}

/// Device and inode: another folder of the same name has to be watched anew.
type Identity = (u64, u64);

fn identity(folder: &Path) -> Option<Identity> {
    fs::metadata(folder).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// What is going on in the places that are watched.
#[derive(Clone, Default)]
pub struct Activity(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    places: Places,
    watched: BTreeMap<PathBuf, Identity>,
    /// Whose files were touched since we looked.
    touched: BTreeMap<Owner, Touched>,
    /// Grows with each touch.
    touches: BTreeMap<Owner, u64>,
    /// Files that somebody has open and writes to.
    writing: BTreeMap<PathBuf, Writing>,
    /// A folder that somebody waits for was made.
    made: bool,
}

#[derive(Clone, Copy)]
struct Touched {
    first: Instant,
    last: Instant,
}

struct Writing {
    since: Instant,
    /// The operator has been told that it takes long.
    told: bool,
}

impl Activity {
    /// To be compared: another number means that files were touched in between.
    pub fn touches(&self, owner: &Owner) -> u64 {
        self.lock().touches.get(owner).copied().unwrap_or_default()
    }

    /// A file that is being written, and for how long.
    pub fn writing(&self, owner: &Owner) -> Option<(PathBuf, Duration)> {
        let state = self.lock();
        let (path, writing) =
            state.writing.iter().find(|(path, _)| state.places.owners(path).contains(owner))?;
        Some((path.clone(), writing.since.elapsed()))
    }

    /// Files that have been open for long; each is named once.
    pub fn long_writing(&self) -> Vec<PathBuf> {
        let mut state = self.lock();
        let long = |writing: &Writing| !writing.told && writing.since.elapsed() > LONG_WRITING;
        let long = state.writing.iter_mut().filter(|(_, writing)| long(writing));
        long.map(|(path, writing)| {
            writing.told = true;
            path.clone()
        })
        .collect()
    }

    /// True when somebody waits for it.
    fn note(&self, event: &Event) -> bool {
        let mut state = self.lock();
        let now = Instant::now();
        if event.need_rescan() {
            state.forget();
            let all = state.places.all_owners();
            state.touch(all, now);
            return true;
        }
        let mut matters = false;
        for path in &event.paths {
            let owners = state.places.owners(path);
            if owners.is_empty() {
                continue;
            }
            match event.kind {
                EventKind::Modify(ModifyKind::Data(_)) => {
                    state.writing.entry(path.clone()).or_insert(Writing { since: now, told: false });
                }
                EventKind::Access(AccessKind::Close(AccessMode::Write)) => {
                    state.writing.remove(path);
                }
                EventKind::Access(_) => continue,
                EventKind::Modify(ModifyKind::Name(_)) | EventKind::Remove(_) => {
                    // What comes in its place has to be watched anew.
                    state.drop_folder(path);
                }
                EventKind::Create(CreateKind::Folder) => state.made = true,
                _ => {}
            }
            state.touch(owners, now);
            matters = true;
        }
        matters
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn touch(&mut self, owners: BTreeSet<Owner>, now: Instant) {
        for owner in owners {
            *self.touches.entry(owner.clone()).or_default() += 1;
            self.touched.entry(owner).or_insert(Touched { first: now, last: now }).last = now;
        }
    }

    /// When their files have been at rest for long enough.
    fn rests(&self) -> impl Iterator<Item = (&Owner, Instant)> {
        let busy: BTreeSet<Owner> = self.writing.keys().flat_map(|path| self.places.owners(path)).collect();
        let touched = self.touched.iter().filter(move |(owner, _)| !busy.contains(owner));
        touched.map(|(owner, at)| (owner, (at.last + SETTLE).min(at.first + LONGEST_SETTLE)))
    }

    fn next_rest(&self) -> Option<Instant> {
        self.rests().map(|(_, rest)| rest).min()
    }

    fn take_rested(&mut self, now: Instant) -> BTreeSet<Owner> {
        let rested: BTreeSet<Owner> =
            self.rests().filter(|(_, rest)| *rest <= now).map(|(owner, _)| owner.clone()).collect();
        self.touched.retain(|owner, _| !rested.contains(owner));
        rested
    }

    fn add_folder(&mut self, folder: PathBuf, identity: Identity) -> BTreeSet<Owner> {
        let owners = self.places.owners(&folder);
        self.watched.insert(folder, identity);
        self.touch(owners.clone(), Instant::now());
        owners
    }

    /// It is not watched any more: who closes a file there is not heard.
    fn drop_folder(&mut self, folder: &Path) {
        self.watched.retain(|path, _| !path.starts_with(folder));
        self.writing.retain(|path, _| !path.starts_with(folder));
    }

    /// Nothing is known of what is open, and all has to be watched anew.
    fn forget(&mut self) {
        self.watched.clear();
        self.writing.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Write, os::unix::fs::symlink};

    use super::*;

    /// A plugin's folder `menu`, watched.
    struct Watched {
        root: tempfile::TempDir,
        activity: Activity,
        watcher: Watcher,
    }

    impl Watched {
        async fn new(set_up: impl FnOnce(&Path)) -> Watched {
            let root = tempfile::tempdir().unwrap();
            set_up(root.path());
            let activity = Activity::default();
            let watcher = Watcher::new(Watch::Events, &activity);
            let mut watched = Watched { root, activity, watcher };
            assert!(watched.is_told().await, "what is watched anew may have changed before");
            watched
        }

        fn path(&self, name: &str) -> PathBuf {
            self.root.path().join(name)
        }

        fn watch(&mut self) {
            let mut places = Places::default();
            for name in ["menu", "menu/plugin.toml", "menu/prompts"] {
                places.add(&menu(), &self.path(name));
            }
            places.add_inside(&menu(), &self.path("menu/prompts"));
            self.watcher.watch(places);
        }

        /// By events, before two polls have passed in silence.
        async fn is_told(&mut self) -> bool {
            for _ in 0..3 {
                self.watch();
                match self.watcher.changed().await {
                    Change::Of(owners) => {
                        assert_eq!(owners, [menu()].into());
                        return true;
                    }
                    Change::Poll | Change::Folder => {}
                }
            }
            false
        }

        /// All that may still follow.
        async fn settle(&mut self) {
            while self.is_told().await {}
        }
    }

    fn menu() -> Owner {
        Owner::Plugin("menu".to_owned())
    }

    fn one_folder(root: &Path) {
        fs::create_dir(root.join("menu")).unwrap();
        fs::write(root.join("menu/plugin.toml"), "old").unwrap();
    }

    #[tokio::test]
    async fn a_file_that_is_being_written_is_told_when_it_is_closed() {
        let mut here = Watched::new(one_folder).await;
        let mut file = File::create(here.path("menu/plugin.toml")).unwrap();
        file.write_all(b"ha").unwrap();
        assert!(!here.is_told().await, "it is still open");
        let (path, _) = here.activity.writing(&menu()).unwrap();
        assert!(path.ends_with("menu/plugin.toml"));
        file.write_all(b"lf").unwrap();
        let before = here.activity.touches(&menu());
        drop(file);
        assert!(here.is_told().await);
        assert!(here.activity.touches(&menu()) > before);
        assert_eq!(here.activity.writing(&menu()), None);
    }

    #[tokio::test]
    async fn names_that_nobody_waits_for_wake_nobody() {
        let mut here = Watched::new(one_folder).await;
        let mut log = File::create(here.path("menu/log")).unwrap();
        log.write_all(b"a line\n").unwrap();
        fs::write(here.path("log"), "a line\n").unwrap();
        assert!(!here.is_told().await);
        assert_eq!(here.activity.writing(&menu()), None);
    }

    #[tokio::test]
    async fn another_folder_in_its_place_is_watched_and_the_old_one_left() {
        let mut here = Watched::new(one_folder).await;
        fs::create_dir(here.path("new")).unwrap();
        fs::write(here.path("new/plugin.toml"), "new").unwrap();
        fs::rename(here.path("menu"), here.path("old")).unwrap();
        fs::rename(here.path("new"), here.path("menu")).unwrap();
        assert!(here.is_told().await);
        here.settle().await;
        fs::write(here.path("old/plugin.toml"), "nobody's").unwrap();
        assert!(!here.is_told().await);
        fs::write(here.path("menu/plugin.toml"), "newer").unwrap();
        assert!(here.is_told().await);
    }

    #[tokio::test]
    async fn a_link_that_is_turned_takes_the_watch_with_it() {
        let mut here = Watched::new(|root| {
            for release in ["one", "two"] {
                fs::create_dir(root.join(release)).unwrap();
                fs::write(root.join(release).join("plugin.toml"), release).unwrap();
            }
            symlink("one", root.join("menu")).unwrap();
        })
        .await;
        symlink("two", here.path("menu.new")).unwrap();
        fs::rename(here.path("menu.new"), here.path("menu")).unwrap();
        assert!(here.is_told().await);
        here.settle().await;
        fs::write(here.path("one/plugin.toml"), "nobody's").unwrap();
        assert!(!here.is_told().await);
        fs::write(here.path("two/plugin.toml"), "newer").unwrap();
        assert!(here.is_told().await);
    }

    #[tokio::test]
    async fn a_folder_of_prompts_that_comes_later_is_watched() {
        let mut here = Watched::new(one_folder).await;
        fs::create_dir(here.path("menu/prompts")).unwrap();
        assert!(here.is_told().await);
        here.settle().await;
        fs::write(here.path("menu/prompts/welcome.wav"), "RIFF").unwrap();
        assert!(here.is_told().await);
        fs::remove_dir_all(here.path("menu/prompts")).unwrap();
        assert!(here.is_told().await);
    }
}
