//! What a new version of the file changes, and what of it a running daemon can follow.

use std::collections::{BTreeMap, BTreeSet};

use super::{Config, Exchange, Listen, Plugin};

/// The difference between two versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Users, routes, peers, `[registrar]`, the address outside, or live keys of `[exchange]`: the switch needs new settings.
    pub switch: bool,
    /// `[speech]`
    pub speech: bool,
    /// `[http]`
    pub http: bool,
    /// `[helpers]`
    pub helpers: bool,
    /// `[journal]`, or whether a plugin's calls are recorded.
    pub journal: bool,
    /// `[signatures]`
    pub signatures: bool,
    /// Plugins to load.
    pub added: BTreeSet<String>,
    /// Plugins to load anew: another folder, grant, limit or setting.
    pub changed: BTreeSet<String>,
    /// Plugins to end.
    pub removed: BTreeSet<String>,
    /// What takes effect at the next start only, as it stands in the file.
    pub restart: Vec<&'static str>,
}

impl Changes {
    /// Nothing at all.
    pub fn is_empty(&self) -> bool {
        *self == Changes::default()
    }

    /// Words for the log: "users and routes; plugin ivr changed".
    pub fn summary(&self) -> String {
        let mut parts = Vec::new();
        for (flag, what) in [
            (self.switch, "users, routes and peers"),
            (self.speech, "speech"),
            (self.http, "http"),
            (self.helpers, "helpers"),
            (self.journal, "journal"),
            (self.signatures, "signatures"),
        ] {
            if flag {
                parts.push(what.to_owned());
            }
        }
        for (names, what) in [(&self.added, "added"), (&self.changed, "changed"), (&self.removed, "removed")]
        {
            if !names.is_empty() {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                parts.push(format!("plugins {what}: {}", names.join(", ")));
            }
        }
        parts.join("; ")
    }
}

/// What `new` changes.
pub fn diff(old: &Config, new: &Config) -> Changes {
    let outside = |config: &Config| {
        let Listen { external, stun, local_nets, .. } = config.listen.clone();
        (external, stun, local_nets)
    };
    let live = |config: &Config| {
        let Exchange { ring, calls, reload, watch, .. } = config.exchange;
        (ring, calls, reload, watch)
    };
    let restart = [
        ("[exchange] realm", old.exchange.realm != new.exchange.realm),
        ("[listen]", old.listen.fixed() != new.listen.fixed()),
        ("[media]", old.media != new.media),
        ("[store]", old.store != new.store),
    ];
    let (added, changed, removed) = plugins(&old.plugins, &new.plugins);
    Changes {
        switch: old.users != new.users
            || old.routes != new.routes
            || old.peers != new.peers
            || old.registrar != new.registrar
            || outside(old) != outside(new)
            || live(old) != live(new)
            || launches(old) != launches(new),
        speech: old.speech != new.speech,
        http: old.http != new.http,
        helpers: old.helpers != new.helpers,
        journal: old.journal != new.journal || unrecorded(old) != unrecorded(new),
        signatures: old.signatures != new.signatures,
        added,
        changed,
        removed,
        restart: restart.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect(),
    }
}

/// The plugins whose calls are not recorded.
fn unrecorded(config: &Config) -> Vec<&str> {
    let plugins = config.plugins.iter().filter(|(_, plugin)| !plugin.journal);
    plugins.map(|(name, _)| name.as_str()).collect()
}

/// What the switch itself enforces on plugins.
fn launches(config: &Config) -> Vec<(&str, Option<(u32, u32)>)> {
    let pace =
        |plugin: &Plugin| plugin.grant.launch.as_ref().map(|launch| (launch.at_once, launch.per_second));
    config.plugins.iter().map(|(name, plugin)| (name.as_str(), pace(plugin))).collect()
}

type Names = BTreeSet<String>;

fn plugins(old: &BTreeMap<String, Plugin>, new: &BTreeMap<String, Plugin>) -> (Names, Names, Names) {
    // Whether its calls are recorded does not change the plugin.
    let plugin = |plugin: &Plugin| Plugin { journal: true, ..plugin.clone() };
    let changed =
        |name: &&String| old.get(*name).is_some_and(|old| Some(plugin(old)) != new.get(*name).map(plugin));
    (
        new.keys().filter(|name| !old.contains_key(*name)).cloned().collect(),
        new.keys().filter(changed).cloned().collect(),
        old.keys().filter(|name| !new.contains_key(*name)).cloned().collect(),
    )
}
