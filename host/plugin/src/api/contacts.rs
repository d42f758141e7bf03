//! `contacts`: who is to be called. The host owns the list, the plugin the policy.

use super::{
    Failure, MAX_NAME, at_most,
    bindings::jackfield::plugin::contacts::{Contact, Host},
};
use crate::{instance::State, services};

/// Contacts in one answer.
const MAX_CONTACTS: u32 = 1000;

impl Host for State {
    async fn due(&mut self, campaign: String, now: u64, limit: u32) -> Result<Vec<Contact>, Failure> {
        self.check_campaign(&campaign)?;
        let (plugin, services) = self.services();
        let answer = services.contacts_due(plugin, &campaign, now, limit.min(MAX_CONTACTS));
        Ok(self.wait(answer).await?.into_iter().map(Contact::from).collect())
    }

    async fn next_due(&mut self, campaign: String) -> Result<Option<u64>, Failure> {
        self.check_campaign(&campaign)?;
        let (plugin, services) = self.services();
        let answer = services.contacts_next_due(plugin, &campaign);
        self.wait(answer).await
    }

    async fn postpone(&mut self, contact: u64, until: u64) -> Result<(), Failure> {
        self.not_in_check("contacts")?;
        let (plugin, services) = self.services();
        let answer = services.contacts_postpone(plugin, contact, until);
        self.wait(answer).await
    }

    async fn finish(&mut self, contact: u64, outcome: String) -> Result<(), Failure> {
        self.not_in_check("contacts")?;
        at_most("outcome", outcome.len(), MAX_NAME)?;
        let (plugin, services) = self.services();
        let answer = services.contacts_finish(plugin, contact, outcome);
        self.wait(answer).await
    }
}

impl State {
    fn check_campaign(&self, campaign: &str) -> Result<(), Failure> {
        self.not_in_check("contacts")?;
        Ok(at_most("campaign", campaign.len(), MAX_NAME)?)
    }
}

impl From<services::Contact> for Contact {
    fn from(contact: services::Contact) -> Self {
        Contact {
            id: contact.id,
            number: contact.number,
            fields: contact.fields,
            attempts: contact.attempts,
            last_start: contact.last_start,
            last: contact.last.map(Into::into),
            due: contact.due,
        }
    }
}
