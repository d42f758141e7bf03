//! Folders of Asterisk's are imported, and what was written is run: the real `ivr.wasm` and `campaign.wasm`
//! with those settings, in virtual time.
#![allow(clippy::unwrap_used, reason = "tests")]

mod garbage;
mod seed;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use jackfield::{
    config,
    import::{
        asterisk,
        plan::{Plan, RouteTo},
        report::Report,
        write,
    },
};
use jackfield_sim::{Plugin, Site, To, World, built};
use tempfile::TempDir;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn s(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// An imported folder.
pub struct Imported {
    folder: TempDir,
    pub plan: Plan,
    /// Without the path of the folder.
    pub notes: Vec<String>,
}

impl Imported {
    /// One of `tests/asterisk`.
    pub fn new(name: &str) -> Imported {
        Imported::of(&root().join("tests/asterisk").join(name))
    }

    /// Any folder.
    pub fn of(from: &Path) -> Imported {
        let folder = tempfile::tempdir().unwrap();
        let mut report = Report::default();
        let plan = asterisk::read(from, &mut report);
        let to = folder.path().join("imported");
        write::write(&plan, &to, Path::new("none"), &mut report).unwrap();
        config::load(&to.join("jackfield.toml")).unwrap_or_else(|problems| panic!("{problems}"));
        let root = format!("{}/", from.display());
        let notes = report.notes().map(|note| note.to_string().replace(&root, "")).collect();
        Imported { folder, plan, notes }
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join("imported").join(file)
    }

    pub fn plugin(&self, name: &str, crate_name: &str) -> Plugin {
        let wasm = built(root().join("plugins"), crate_name);
        let folder = self.path("plugins").join(name);
        Plugin::folder_with(folder, wasm).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The number that leads to a plugin.
    pub fn number_of(&self, app: &str) -> String {
        let found = self.plan.routes.iter().find(|(_, route)| route.to == RouteTo::App(app.to_owned()));
        found.unwrap_or_else(|| panic!("no route to {app}: {:?}", self.plan.routes)).0.clone()
    }

    /// The exchange that was written.
    pub fn site(&self) -> Site {
        let mut site = Site::new();
        for (name, user) in &self.plan.users {
            site = site.user(name, user.number.as_deref().unwrap_or(name));
        }
        for name in self.plan.apps.keys() {
            site = site.plugin(name, self.plugin(name, "ivr"));
        }
        for (pattern, route) in &self.plan.routes {
            let to = match &route.to {
                RouteTo::AnyUser => To::any_user(),
                RouteTo::Users(users) => To::users(users),
                RouteTo::App(app) => To::plugin(app),
                RouteTo::Sip(uri) => To::sip(uri),
            };
            site = site.route(pattern, to.ring(route.ring.unwrap_or(s(30))));
        }
        site
    }

    pub fn open(&self) -> World {
        World::new(self.site()).unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn noted(&self, kind: &str) -> Vec<&str> {
        let kind = format!(": {kind}: ");
        self.notes.iter().map(String::as_str).filter(|note| note.contains(&kind)).collect()
    }
}
