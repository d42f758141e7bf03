//! Follows `jackfield.toml`, the passwords and the plugins' files while calls are up. A fault changes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::IpAddr,
    path::PathBuf,
    sync::Arc,
};

use jackfield_sip::Digests;
use jackfield_switch::Input;
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::{
    config::{self, Config, settings::to_settings},
    daemon::PluginHouse,
    journal,
    plugins::{Change, Commands, Entries, Entry, How, Order, Owner, Places, Seen},
    shard::Inbox,
    store::Store,
};

/// What is live now, and who has to know when it changes.
pub struct Live {
    pub config: Config,
    /// How the operator's file was when it was looked at, and as the last poll found it when it differed.
    pub file: Seen,
    pub polled: Option<Seen>,
    /// As the switch has them: `jackfield user` writes to the store.
    pub digests: BTreeMap<String, Digests>,
    pub store: Store,
    pub inbox: Inbox,
    pub plugins: PluginHouse,
    /// The STUN server that the configuration names.
    pub stun: watch::Sender<Option<String>>,
    /// What it says.
    pub seen_as: Option<IpAddr>,
}

impl Live {
    /// Looks at the configuration, the passwords and every plugin again, now. Returns a sentence for
    /// each file that stays as it was.
    pub async fn look(&mut self) -> Vec<String> {
        let mut problems = Vec::from_iter(self.look_at_operator().await.err());
        let manager = &self.plugins.manager;
        let names: Vec<String> = manager.entries.load().keys().cloned().collect();
        manager.look(names, How::Now).await;
        let refused = manager.plugins.status().into_iter();
        problems
            .extend(refused.filter_map(|plugin| Some(format!("plugin {}: {}", plugin.name, plugin.error?))));
        problems
    }

    /// Looks at what has changed. Plugins are loaded in their own time.
    pub async fn follow(&mut self, change: Change) {
        let mut names = BTreeSet::new();
        let mut operator = false;
        match change {
            Change::Of(owners) => {
                for owner in owners {
                    match owner {
                        Owner::Operator => operator = true,
                        Owner::Plugin(name) => drop(names.insert(name)),
                    }
                }
            }
            Change::Folder => return,
            Change::Poll => {
                operator = self.operator_is_due();
                names = self.plugins.manager.due().await;
            }
        }
        if operator {
            // It was logged.
            let _ = self.look_at_operator().await;
            names.extend(self.plugins.manager.changed_entries());
        } else {
            self.look_at_passwords(false).await;
        }
        self.plugins.manager.ask(names);
    }

    /// The places to watch.
    pub fn places(&self) -> Places {
        let mut places = Places::default();
        places.add(&Owner::Operator, &self.config.file);
        self.plugins.manager.add_places(&mut places);
        places
    }

    /// The operator's file has changed since it was looked at, and rests since the last poll.
    fn operator_is_due(&mut self) -> bool {
        let now = self.file.again();
        let moved = now != self.file;
        let rests = moved && self.polled.as_ref() == Some(&now);
        self.polled = moved.then_some(now);
        rests && self.plugins.manager.activity.writing(&Owner::Operator).is_none()
    }

    /// The configuration and the passwords.
    async fn look_at_operator(&mut self) -> Result<(), String> {
        (self.file, self.polled) = (Seen::of(self.config.file.clone()), None);
        let looked = self.look_at_configuration();
        self.look_at_passwords(looked == Ok(true)).await;
        looked.map(drop)
    }

    /// Whether something changed.
    fn look_at_configuration(&mut self) -> Result<bool, String> {
        let manager = &self.plugins.manager;
        let new = match config::load(&self.config.file) {
            Ok(new) => new,
            Err(problems) => {
                // Said once: the next look finds the same text.
                let text = operator(&self.config);
                if manager.operator.load().1 != text.1 {
                    error!("the configuration stays as it was:\n{problems}");
                    manager.operator.store(Arc::new(text));
                }
                return Err(problems.to_string());
            }
        };
        let changes = config::diff(&self.config, &new);
        manager.operator.store(Arc::new(operator(&new)));
        if changes.is_empty() {
            return Ok(false);
        }
        info!("configuration: {}", changes.summary());
        for section in &changes.restart {
            warn!("{section} takes effect at the next start");
        }
        self.plugins.helpers.replace(commands(&new));
        self.plugins.reach.replace(new.http.inside.clone());
        self.plugins.speaker.follow(order(&new));
        if let Some(journal) = &self.plugins.journal {
            journal.set(journal::Settings::of(&new));
        }
        manager.set_entries(entries(&new));
        self.stun.send_if_modified(|server| {
            let differs = *server != new.listen.stun;
            server.clone_from(&new.listen.stun);
            differs
        });
        self.config = new;
        Ok(true)
    }

    /// The world sees us at another address than before.
    pub async fn moved(&mut self, seen_as: Option<IpAddr>) {
        self.seen_as = seen_as;
        self.post_settings().await;
    }

    async fn post_settings(&self) {
        let mut settings = to_settings(&self.config, &self.digests);
        settings.advertised.external.extend(self.seen_as.filter(|_| self.config.listen.stun.is_some()));
        self.inbox.post(Input::Settings(Arc::new(settings))).await;
    }

    async fn look_at_passwords(&mut self, changed: bool) {
        match self.store.digests().await {
            Ok(digests) if changed || digests != self.digests => {
                self.digests = digests;
                self.post_settings().await;
            }
            Ok(_) => {}
            Err(error) => error!("the passwords could not be read: {error}"),
        }
    }
}

/// The operator's file and its text, to find the line of a setting.
pub fn operator(config: &Config) -> (PathBuf, String) {
    (config.file.clone(), fs::read_to_string(&config.file).unwrap_or_default())
}

/// The helpers' command lines by name.
pub fn commands(config: &Config) -> Commands {
    config.helpers.iter().map(|(name, helper)| (name.clone(), helper.command.clone())).collect()
}

/// Who speaks.
pub fn order(config: &Config) -> Order {
    Order { names: config.speech.provider.clone(), patience: config.speech.patience }
}

/// The plugins as the configuration names them.
pub fn entries(config: &Config) -> Entries {
    let trust = config.signatures.trust();
    let entry = |plugin: &config::Plugin| Entry {
        folder: config.resolve(&plugin.path),
        trust: trust.clone(),
        grant: plugin.grant.clone(),
        limits: plugin.limits.clone(),
        config: plugin.config.clone(),
        tests: plugin.tests,
    };
    config.plugins.iter().map(|(name, plugin)| (name.clone(), entry(plugin))).collect()
}
