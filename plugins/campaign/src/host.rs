//! The real exchange.

use std::time::Duration;

use jackfield_sdk::{
    Result, bus,
    contacts::{self, Contact},
    dialer,
    events::{self, Event},
    time,
};

use crate::{service::Exchange, settings::Campaign};

pub(crate) struct Host;

impl Exchange for Host {
    fn now(&self) -> u64 {
        time::now()
    }

    fn due(&mut self, campaign: &str, now: u64, limit: u32) -> Result<Vec<Contact>> {
        contacts::due(campaign, now, limit)
    }

    fn next_due(&mut self, campaign: &str) -> Result<Option<u64>> {
        contacts::next_due(campaign)
    }

    fn postpone(&mut self, contact: u64, until: u64) -> Result<()> {
        contacts::postpone(contact, until)
    }

    fn finish(&mut self, contact: u64, outcome: &str) -> Result<()> {
        contacts::finish(contact, outcome)
    }

    fn launch(&mut self, campaign: &Campaign, contact: &Contact) -> Result<u64> {
        let mut launch =
            dialer::launch(&contact.number, &campaign.app).ring(*campaign.wait_time).contact(contact.id);
        if let Some(caller) = &campaign.caller {
            launch = launch.caller(caller);
        }
        if let Some(name) = &campaign.caller_name {
            launch = launch.caller_name(name);
        }
        contact.fields.iter().fold(launch, |launch, (name, value)| launch.arg(name, value)).run()
    }

    fn event(&mut self, within: Duration) -> Option<Event> {
        events::next_within(within)
    }

    fn reply(&mut self, question: u64, answer: &[u8]) -> Result<()> {
        bus::reply(question, Ok(answer))
    }
}
