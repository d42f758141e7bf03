//! The contacts of the campaigns and every attempt to reach them, with the rules of the daemon's store.

use std::collections::BTreeMap;

use jackfield_plugin::Contact;
use jackfield_switch::{Error, HangupInfo};

/// What became of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactHistory {
    /// What was dialled.
    pub number: String,
    /// The columns of the list, by name.
    pub fields: Vec<(String, String)>,
    /// What the plugin said in the end; none: it is not finished.
    pub outcome: Option<String>,
    /// First one first.
    pub attempts: Vec<Attempt>,
}

/// A call to a contact. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The number of its launch.
    pub launch: u64,
    /// Written down, just before its INVITE left.
    pub started_at: u64,
    /// None: nobody answered.
    pub answered_at: Option<u64>,
    /// None: it is under way.
    pub ended_at: Option<u64>,
    /// Why it ended.
    pub end: Option<HangupInfo>,
    /// What the application said with `set-result`.
    pub results: Vec<(String, String)>,
}

#[derive(Debug, Default)]
pub(crate) struct Contacts {
    campaigns: BTreeMap<(String, String), Campaign>,
    /// The campaign of a contact.
    owners: BTreeMap<u64, (String, String)>,
    last: u64,
}

#[derive(Debug, Default)]
struct Campaign {
    paused: bool,
    rows: BTreeMap<u64, Row>,
}

#[derive(Debug)]
struct Row {
    due: u64,
    history: ContactHistory,
}

impl Row {
    fn is_open(&self) -> bool {
        let calling = self.history.attempts.last().is_some_and(|attempt| attempt.ended_at.is_none());
        self.history.outcome.is_none() && !calling
    }

    fn contact(&self, id: u64) -> Contact {
        let last = self.history.attempts.last();
        Contact {
            id,
            number: self.history.number.clone(),
            fields: self.history.fields.clone(),
            attempts: self.history.attempts.len() as u32,
            last_start: last.map(|attempt| attempt.started_at),
            last: last.and_then(|attempt| attempt.end),
            due: self.due,
        }
    }
}

impl Contacts {
    /// A contact that is due at once.
    pub(crate) fn add(
        &mut self,
        plugin: &str,
        campaign: &str,
        number: &str,
        fields: Vec<(String, String)>,
        now: u64,
    ) {
        let name = (plugin.to_owned(), campaign.to_owned());
        self.last += 1;
        self.owners.insert(self.last, name.clone());
        let history =
            ContactHistory { number: number.to_owned(), fields, outcome: None, attempts: Vec::new() };
        self.campaigns.entry(name).or_default().rows.insert(self.last, Row { due: now, history });
    }

    pub(crate) fn pause(&mut self, plugin: &str, campaign: &str, paused: bool) {
        let name = (plugin.to_owned(), campaign.to_owned());
        self.campaigns.entry(name).or_default().paused = paused;
    }

    pub(crate) fn histories(&self, plugin: &str, campaign: &str) -> Vec<ContactHistory> {
        let found = self.campaigns.get(&(plugin.to_owned(), campaign.to_owned()));
        found.into_iter().flat_map(|campaign| campaign.rows.values()).map(|row| row.history.clone()).collect()
    }

    /// The contacts of that number, of all campaigns.
    pub(crate) fn of_number<'a>(&'a self, number: &'a str) -> impl Iterator<Item = &'a ContactHistory> {
        let rows = self.campaigns.values().flat_map(|campaign| campaign.rows.values());
        rows.map(|row| &row.history).filter(move |history| history.number == number)
    }

    pub(super) fn due(&self, plugin: &str, campaign: &str, now: u64, limit: u32) -> Vec<Contact> {
        let mut due: Vec<Contact> = self
            .open(plugin, campaign)
            .filter(|(_, row)| row.due <= now)
            .map(|(id, row)| row.contact(id))
            .collect();
        due.sort_by_key(|contact| (contact.due, contact.id));
        due.truncate(limit as usize);
        due
    }

    pub(super) fn next_due(&self, plugin: &str, campaign: &str) -> Option<u64> {
        self.open(plugin, campaign).map(|(_, row)| row.due).min()
    }

    pub(super) fn postpone(&mut self, plugin: &str, contact: u64, until: u64) -> Result<(), Error> {
        self.own(plugin, contact)?.due = until;
        Ok(())
    }

    pub(super) fn finish(&mut self, plugin: &str, contact: u64, outcome: String) -> Result<(), Error> {
        self.own(plugin, contact)?.history.outcome = Some(outcome);
        Ok(())
    }

    /// Before the INVITE of a launch leaves. Launches that are for no contact always may.
    pub(crate) fn attempt_started(
        &mut self,
        launch: u64,
        plugin: &str,
        contact: Option<u64>,
        at: u64,
    ) -> Result<(), String> {
        let Some(contact) = contact else { return Ok(()) };
        let paused = |contacts: &Contacts| {
            contacts
                .owners
                .get(&contact)
                .and_then(|name| contacts.campaigns.get(name))
                .is_none_or(|c| c.paused)
        };
        let not_his = || format!("contact {contact} is finished, paused, or not of a campaign of {plugin}");
        if paused(self) {
            return Err(not_his());
        }
        let row = self.own(plugin, contact).map_err(|_| not_his())?;
        if row.history.outcome.is_some() {
            return Err(not_his());
        }
        if !row.is_open() {
            return Err(format!("contact {contact} is being called already"));
        }
        let attempt = Attempt {
            launch,
            started_at: at,
            answered_at: None,
            ended_at: None,
            end: None,
            results: Vec::new(),
        };
        row.history.attempts.push(attempt);
        Ok(())
    }

    pub(crate) fn attempt_ended(&mut self, ended: Attempt) {
        let rows = self.campaigns.values_mut().flat_map(|campaign| campaign.rows.values_mut());
        let mut attempts = rows.flat_map(|row| &mut row.history.attempts);
        if let Some(attempt) = attempts.find(|attempt| attempt.launch == ended.launch) {
            *attempt = Attempt { started_at: attempt.started_at, ..ended };
        }
    }

    fn open(&self, plugin: &str, campaign: &str) -> impl Iterator<Item = (u64, &Row)> {
        let found = self.campaigns.get(&(plugin.to_owned(), campaign.to_owned()));
        let rows = found.filter(|campaign| !campaign.paused).into_iter().flat_map(|campaign| &campaign.rows);
        rows.filter(|(_, row)| row.is_open()).map(|(id, row)| (*id, row))
    }

    fn own(&mut self, plugin: &str, contact: u64) -> Result<&mut Row, Error> {
        let name = self.owners.get(&contact).filter(|(owner, _)| owner == plugin);
        name.and_then(|name| self.campaigns.get_mut(name)?.rows.get_mut(&contact))
            .ok_or_else(|| Error::NotFound(format!("contact {contact}")))
    }
}
