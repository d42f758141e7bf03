//! From files that may have changed to a version that is live, or a refusal that says why.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use sha2::{Digest as _, Sha256};
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::sleep,
};
use tracing::{info, warn};

use super::{
    Entry, KeptVersion, Manager, Owner, Seen,
    cases::Cases,
    folder::{self, Digest, Files, hex},
    kept::Pin,
    load::Candidate,
    status::Origin,
};

/// A file that was being written is read again after this.
const SECOND_LOOK: Duration = Duration::from_millis(500);

/// When files count as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// When they are at rest, and nobody writes to one of them.
    Rested,
    /// The operator says that they are complete.
    Now,
}

/// A plugin's files, read as one.
struct Found {
    files: Result<Files, String>,
    cases: Option<Cases>,
}

impl Found {
    fn digest(&self) -> Digest {
        digest_of(&self.files)
    }
}

impl Manager {
    /// Looks at these plugins and brings live what has changed. Speech providers come first, since a flow may ask for its
    /// sentences when it is checked.
    pub async fn look(self: &Arc<Self>, names: impl IntoIterator<Item = String>, how: How) {
        let entries = self.entries.load_full();
        let is_provider =
            |name: &String| entries.get(name).is_some_and(|entry| folder::is_provider(&entry.folder));
        let (providers, others): (Vec<String>, Vec<String>) = names.into_iter().partition(is_provider);
        for names in [providers, others] {
            let mut looks = JoinSet::new();
            for name in names {
                let this = self.clone();
                looks.spawn(async move { this.look_at(&name, how).await });
            }
            while looks.join_next().await.is_some() {}
        }
    }

    /// As [`Manager::look`], in its own time: a plugin that takes long to compile holds up no other.
    pub fn ask(self: &Arc<Self>, mut names: BTreeSet<String>) {
        // Who is asked for already will be looked at after this.
        names.retain(|name| !self.known(name, |known| std::mem::replace(&mut known.asked, true)));
        let this = self.clone();
        tokio::spawn(async move { this.look(names, How::Rested).await });
    }

    /// What the slow poll finds: plugins whose entry or files have changed, the files since the poll
    /// before this one and no longer.
    pub async fn due(self: &Arc<Self>) -> BTreeSet<String> {
        let this = self.clone();
        spawn_blocking(move || this.find_due()).await.unwrap_or_default()
    }

    fn find_due(&self) -> BTreeSet<String> {
        for path in self.activity.long_writing() {
            let path = path.display();
            warn!(
                "{path} has been open for a minute: what is in it waits until it is closed, or for `jackfield apply`"
            );
        }
        let entries = self.entries.load_full();
        let mut due = BTreeSet::new();
        for (name, entry) in entries.iter() {
            let files = self.known(name, |known| known.files.clone());
            let now = files.again();
            let busy = self.activity.writing(&Owner::Plugin(name.clone())).is_some();
            self.known(name, |known| {
                let moved = now != files;
                let rests = moved && known.polled.as_ref() == Some(&now);
                known.polled = moved.then_some(now);
                if rests && !busy || known.entry.as_ref() != Some(entry) {
                    due.insert(name.clone());
                }
            });
        }
        due
    }

    /// Plugins whose entry in the configuration is another than when they were looked at.
    pub fn changed_entries(&self) -> BTreeSet<String> {
        let entries = self.entries.load_full();
        let changed = |(name, entry): &(&String, &Entry)| {
            self.known(name, |known| known.entry.as_ref() != Some(*entry))
        };
        entries.iter().filter(changed).map(|(name, _)| name.clone()).collect()
    }

    async fn look_at(self: &Arc<Self>, name: &str, how: How) {
        let turn = self.known(name, |known| known.turn.clone());
        let _turn = turn.lock().await;
        self.known(name, |known| known.asked = false);
        let entries = self.entries.load_full();
        // It may have been taken out in the meantime.
        let Some(entry) = entries.get(name) else { return };
        let Some(found) = self.read(name, entry, how).await else { return };
        let (found, back_to) = self.pinned(name, entry, found);
        let looked = digest(entry, &found, back_to);
        let new = self.known(name, |known| {
            known.entry = Some(entry.clone());
            known.looked.replace(looked) != Some(looked)
        });
        if new {
            self.follow(name, entry, found, back_to).await;
        }
    }

    /// The files when they are at rest. Nothing: they are not, and there will be another look.
    async fn read(&self, name: &str, entry: &Entry, how: How) -> Option<Found> {
        let owner = Owner::Plugin(name.to_owned());
        for last in [false, true] {
            let touches = self.activity.touches(&owner);
            let entry_ = entry.clone();
            let (seen, found, same) = spawn_blocking(move || read(&entry_)).await.ok()?;
            let rested = how == How::Now
                || self.activity.touches(&owner) == touches && self.activity.writing(&owner).is_none();
            self.known(name, |known| (known.files, known.polled) = (seen, None));
            let known = self.known(name, |known| known.looked) == Some(digest(entry, &found, None));
            // What cannot be read may be half written.
            if same && rested && (found.files.is_ok() || known || last) {
                return Some(found);
            }
            if !last {
                sleep(SECOND_LOOK).await;
            }
        }
        if how == How::Now {
            self.plugins.refuse(name, "its files change while they are read: nothing was done".to_owned());
        }
        None
    }

    /// Instead of the folder, the version that the operator went back to, for as long as the folder is as it was then.
    fn pinned(&self, name: &str, entry: &Entry, found: Found) -> (Found, Option<u64>) {
        let Some(pin) = self.kept.pin(name) else { return (found, None) };
        // What is kept has no signature.
        if entry.trust.required {
            return (found, None);
        }
        let stays = pin.folder == hex(&found.digest());
        let kept = self.kept.versions(name).into_iter().rev().find(|version| version.origin() == pin.to);
        match kept.filter(|_| stays).map(|version| self.kept.files(&version, &entry.folder)) {
            Some(Ok(files)) => return (Found { files: Ok(files), cases: None }, Some(pin.to)),
            Some(Err(problem)) => warn!(plugin = name, "it follows its folder again: {problem}"),
            None => info!(plugin = name, "its folder has changed: the return to v{} is over", pin.to),
        }
        self.set_pin(name, None);
        (found, None)
    }

    pub(super) fn set_pin(&self, name: &str, pin: Option<Pin>) {
        if let Err(error) = self.kept.set_pin(name, pin) {
            warn!(plugin = name, "what a restart is to run could not be kept: {error}");
        }
    }

    /// Brings live what was found, or says why not.
    async fn follow(self: &Arc<Self>, name: &str, entry: &Entry, found: Found, back_to: Option<u64>) {
        let live = self.known(name, |known| known.live);
        let candidate = match found.files {
            Ok(files) => {
                let origin = back_to.map_or(Origin::Folder, Origin::Back);
                let is_live = live == Some(live_digest(entry, &files));
                if is_live && !self.plugins.is_failing(name) {
                    self.go_on(name, origin);
                    return;
                }
                let last = self.kept.versions(name).pop();
                let same = last.filter(|last| last.digest == hex(&files.digest()));
                let passed = same.as_ref().and_then(|same| same.passed.clone());
                let again = same.filter(|_| live.is_none()).map(|same| same.number);
                let number = self.next_number(name, again);
                Ok(Candidate { files, cases: found.cases, passed, origin, number })
            }
            Err(problem) => Err(problem),
        };
        let loaded = match candidate {
            Ok(candidate) => self.load(name, entry, candidate).await,
            Err(problem) => Err(problem),
        };
        match loaded {
            Ok((version, candidate)) => self.bring_live(entry, version, candidate).await,
            Err(problem) => {
                if live.is_none()
                    && !entry.trust.required
                    && let Some(last) = self.kept.versions(name).pop()
                {
                    self.start_kept(name, entry, last).await;
                }
                self.refuse(name, problem);
            }
        }
    }

    /// The files are those of the live version.
    fn go_on(&self, name: &str, origin: Origin) {
        if let Some(live) = self.plugins.live(name) {
            self.known(name, |known| {
                known.lives.entry(live.number()).and_modify(|life| life.origin = origin);
            });
        }
        if self.plugins.accept(name) {
            info!(plugin = name, "its files are those of the live version again");
        }
    }

    /// Of the next load. `again`: it was live when the daemon ended, and keeps its number.
    pub(super) fn next_number(&self, name: &str, again: Option<u64>) -> u64 {
        let kept = self.kept.versions(name).last().map_or(0, |last| last.number);
        self.known(name, |known| {
            known.number = again.unwrap_or(known.number.max(kept) + 1);
            known.number
        })
    }

    /// A restart changes nothing: the last version that was live goes on where the folder's is refused.
    async fn start_kept(self: &Arc<Self>, name: &str, entry: &Entry, last: KeptVersion) {
        let loaded = match self.kept.files(&last, &entry.folder) {
            Ok(files) => {
                let number = self.next_number(name, Some(last.number));
                let candidate =
                    Candidate { files, cases: None, passed: last.passed, origin: Origin::Kept, number };
                self.load(name, entry, candidate).await
            }
            Err(problem) => Err(problem),
        };
        match loaded {
            Ok((version, candidate)) => self.bring_live(entry, version, candidate).await,
            Err(problem) => warn!(plugin = name, "the version before it does not go on: {problem}"),
        }
    }
}

/// The files, how they were before they were read, and whether they were the same afterwards.
fn read(entry: &Entry) -> (Seen, Found, bool) {
    let mut seen = Seen::default();
    let mut files = Files::look(&entry.folder, &entry.trust, &mut seen);
    let mut cases = None;
    // Those of a bundle are for whoever takes it apart.
    if entry.tests && files.is_ok() && !entry.folder.is_file() {
        match Cases::look(&entry.folder, &mut seen) {
            Ok(found) => cases = found,
            Err(problem) => files = Err(problem),
        }
    }
    let same = seen.again() == seen;
    (seen, Found { files, cases }, same)
}

/// Of what a folder holds, or why it cannot be read.
pub(super) fn digest_of(files: &Result<Files, String>) -> Digest {
    match files {
        Ok(files) => files.digest(),
        Err(problem) => Sha256::digest(problem).into(),
    }
}

/// Of all that is looked at.
fn digest(entry: &Entry, found: &Found, back_to: Option<u64>) -> Digest {
    let mut hash = Sha256::new();
    hash.update(format!("{entry:?} {back_to:?}"));
    hash.update(found.digest());
    if let Some(cases) = &found.cases {
        hash.update(cases.digest);
    }
    hash.finalize().into()
}

/// Of what a version is made of. Whether its cases must pass is no part of it.
pub(super) fn live_digest(entry: &Entry, files: &Files) -> Digest {
    let Entry { folder: _, trust: _, grant, limits, config, tests: _ } = entry;
    let mut hash = Sha256::new();
    hash.update(format!("{grant:?} {limits:?} {config:?}"));
    hash.update(files.digest());
    hash.finalize().into()
}
