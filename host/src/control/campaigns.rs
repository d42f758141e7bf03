//! What the operator asks of campaigns.

use std::sync::Arc;

use jackfield_plugin::{Kind, Plugins, Version};
use jackfield_switch::Input;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::Daemon;
use crate::{
    campaign::{List, Refused, Skipped, export},
    config::suggest,
    plugins::unix_now,
    store::campaign::{Import, Imported, Status},
};

/// A list of contacts for a campaign; the file itself follows.
#[derive(Debug, Serialize, Deserialize)]
pub struct Start {
    /// A `[config.campaigns.NAME]` of a plugin.
    pub campaign: String,
    /// Which one, where several have that campaign.
    pub plugin: Option<String>,
    /// The file as the operator named it.
    pub file: String,
    /// More contacts for a campaign that has some.
    pub add: bool,
}

/// What became of the rows.
#[derive(Debug, Serialize, Deserialize)]
pub struct Started {
    /// Who calls them.
    pub plugin: String,
    /// Rows that are never called.
    pub skipped: Vec<Skipped>,
    /// Those that were stored.
    pub imported: Imported,
    /// Nobody is called until it is resumed.
    pub paused: bool,
}

/// A campaign as it stands.
#[derive(Debug, Serialize, Deserialize)]
pub struct Campaign {
    /// What the store knows.
    pub status: Status,
    /// Its plugin is live and has it in its settings.
    pub served: bool,
}

/// Reads the file and stores its contacts, all or none.
pub(super) async fn start(daemon: &Daemon, order: Start, file: Vec<u8>) -> Result<Started, String> {
    let version = plugin_of(&daemon.manager.plugins, &order)?;
    let (name, plugin) = (order.file.clone(), version.clone());
    // A large file takes its time, which calls must not wait for.
    let list = tokio::task::spawn_blocking(move || read(&name, &file, &plugin)).await;
    let List { contacts, skipped } = list.map_err(in_words)?.map_err(in_words)?;
    let import = Import {
        campaign: order.campaign,
        plugin: version.name().to_owned(),
        file: order.file,
        contacts,
        add: order.add,
    };
    let now = unix_now().as_millis() as u64;
    let imported = daemon.store.import_contacts(&import, now).await.map_err(in_words)?;
    wake(daemon, &import.plugin, &import.campaign).await;
    let status = find(daemon, &import.campaign).await?.status;
    Ok(Started { plugin: import.plugin, skipped, imported, paused: status.paused })
}

/// One campaign, or all.
pub(super) async fn status(daemon: &Daemon, name: Option<&str>) -> Result<Vec<Campaign>, String> {
    match name {
        Some(name) => Ok(vec![find(daemon, name).await?]),
        None => all(daemon).await,
    }
}

/// Stops launching, or goes on; calls in progress end by themselves.
pub(super) async fn pause(daemon: &Daemon, name: &str, paused: bool) -> Result<Campaign, String> {
    find(daemon, name).await?;
    let plugin = daemon.store.pause_campaign(name, paused).await.map_err(in_words)?;
    if !paused {
        wake(daemon, &plugin, name).await;
    }
    find(daemon, name).await
}

/// The results as CSV, in local time.
pub(super) async fn results(daemon: &Daemon, name: &str) -> Result<Vec<u8>, String> {
    find(daemon, name).await?;
    let histories = daemon.store.campaign_history(name).await.map_err(in_words)?;
    let written = tokio::task::spawn_blocking(move || export(&histories, &TimeZone::system())).await;
    written.map_err(in_words)?.map_err(in_words)
}

fn read(name: &str, file: &[u8], plugin: &Version) -> Result<List, Refused> {
    let mut list = List::read(name, file)?;
    list.skip(|contact| match plugin.may_launch(&contact.number) {
        Err(denied) => Some(denied.to_string()),
        Ok(()) => None,
    });
    match list.contacts.is_empty() {
        true => Err(Refused { file: name.to_owned(), fault: list.nobody() }),
        false => Ok(list),
    }
}

async fn all(daemon: &Daemon) -> Result<Vec<Campaign>, String> {
    let statuses = daemon.store.campaigns().await.map_err(in_words)?;
    let served = |status: &Status| {
        let version = daemon.manager.plugins.live(&status.plugin);
        version.is_some_and(|version| campaigns_of(&version).any(|campaign| campaign == status.name))
    };
    Ok(statuses.into_iter().map(|status| Campaign { served: served(&status), status }).collect())
}

async fn find(daemon: &Daemon, name: &str) -> Result<Campaign, String> {
    let mut campaigns = all(daemon).await?;
    if let Some(index) = campaigns.iter().position(|campaign| campaign.status.name == name) {
        return Ok(campaigns.swap_remove(index));
    }
    let known = campaigns.iter().map(|campaign| campaign.status.name.as_str());
    let help = match suggest(name, known) {
        help if help.is_empty() => "start one with `jackfield campaign start NAME FILE.csv`".to_owned(),
        help => help,
    };
    Err(format!("no campaign `{name}` was started; {help}"))
}

/// The plugin whose settings have the campaign.
fn plugin_of(plugins: &Plugins, order: &Start) -> Result<Arc<Version>, String> {
    let services =
        || plugins.all_live().into_iter().filter(|version| version.kinds().contains(&Kind::Service));
    let name = &order.campaign;
    if let Some(plugin) = &order.plugin
        && !services().any(|version| version.name() == plugin)
    {
        let names: Vec<String> = services().map(|version| version.name().to_owned()).collect();
        let help = suggest(plugin, names.iter().map(String::as_str));
        return Err(format!("no service plugin `{plugin}` is live; {help}"));
    }
    let wanted =
        |version: &Arc<Version>| order.plugin.as_deref().is_none_or(|plugin| version.name() == plugin);
    let services: Vec<Arc<Version>> = services().filter(wanted).collect();
    let has = |version: &&Arc<Version>| campaigns_of(version).any(|campaign| campaign == name);
    let mut found: Vec<&Arc<Version>> = services.iter().filter(has).collect();
    match (found.pop(), found.is_empty()) {
        (Some(version), true) => Ok(version.clone()),
        (None, _) => {
            let known: Vec<&str> = services.iter().flat_map(|version| campaigns_of(version)).collect();
            let help = match suggest(name, known.iter().copied()) {
                help if help.is_empty() => {
                    format!("write [config.campaigns.{name}] in the plugin.toml of one")
                }
                help => help,
            };
            Err(format!("no plugin has a campaign `{name}` in its settings; {help}"))
        }
        (Some(last), false) => {
            let names: Vec<&str> = found.into_iter().chain([last]).map(|version| version.name()).collect();
            let names = names.join(" and ");
            Err(format!("the campaign `{name}` is in the settings of {names}; say which with --plugin"))
        }
    }
}

/// The names in `[config.campaigns]`.
fn campaigns_of(version: &Version) -> impl Iterator<Item = &str> {
    let campaigns = version.settings().get("campaigns").and_then(|campaigns| campaigns.as_object());
    campaigns.into_iter().flatten().map(|(name, _)| name.as_str())
}

/// A service that waits looks again.
async fn wake(daemon: &Daemon, plugin: &str, campaign: &str) {
    let (plugin, body) = (plugin.to_owned(), campaign.as_bytes().to_vec());
    let (sender, topic) = ("operator".to_owned(), "campaign".to_owned());
    daemon.inbox.post(Input::Message { plugin, sender, topic, body }).await;
}

fn in_words(error: impl ToString) -> String {
    error.to_string()
}
