//! What is expected of the exchange.

use std::time::Duration;

use super::{
    perform::seconds,
    script::{ContactIs, Then},
    stage::Stage,
};
use crate::{World, caller::sentences};

impl Stage<'_> {
    pub(super) fn then(&mut self, then: &Then, limit: Duration) -> Result<(), String> {
        match then {
            Then::Rings(names) => {
                let end = self.world.now() + limit;
                names.iter().try_for_each(|name| self.rings(name, end.saturating_sub(self.world.now())))
            }
            Then::RingsNobody => self.rings_nobody(),
            Then::Wait(time) => {
                self.world.run_for(*time);
                Ok(())
            }
            Then::Result { name, value } => self.result(name, value, limit),
            Then::Value { key, value } => self.value(key, value.as_deref(), limit),
            Then::Logs(text) => self.logs(text, limit),
            Then::Reports(text) => self.reports(text, limit),
            Then::Records(text) => self.records(text, limit),
            Then::Contact { number, is } => self.contact(number, is, limit),
            Then::AllCallsEnd => match self.world.run_out(limit) {
                true => Ok(()),
                false => Err(format!("calls are still up after {}", seconds(limit))),
            },
        }
    }

    fn rings_nobody(&self) -> Result<(), String> {
        let rang = self.actors.iter().find(|(who, actor)| self.incoming(who) > actor.rung);
        rang.map_or(Ok(()), |(who, _)| Err(format!("{who} has rung")))
    }

    fn result(&self, name: &str, value: &str, limit: Duration) -> Result<(), String> {
        let found = |world: &World| {
            let all: Vec<(String, String)> =
                world.records().into_iter().flat_map(|record| record.results).collect();
            all.iter().any(|(known, found)| known == name && found == value).then_some(()).ok_or(all)
        };
        let over = |world: &World| world.counts().calls == 0 && !world.records().is_empty();
        self.world.run_until(limit, |world| found(world).is_ok() || over(world));
        found(&self.world).map_err(|all| match (self.world.records().is_empty(), &all[..]) {
            (true, _) => "no call has ended yet, and results stand in its record: let somebody hang up first"
                .to_owned(),
            (false, []) => "the record has no results".to_owned(),
            (false, all) => {
                let all: Vec<String> =
                    all.iter().map(|(name, value)| format!("{name} is \"{value}\"")).collect();
                format!("in the records, {}", all.join(", "))
            }
        })
    }

    fn value(&self, key: &str, value: Option<&str>, limit: Duration) -> Result<(), String> {
        let plugin = &self.tested.name;
        let is = |world: &World| world.value(plugin, key);
        if self.world.run_until(limit, |world| is(world).as_deref() == value.map(str::as_bytes)) {
            return Ok(());
        }
        Err(match is(&self.world) {
            Some(real) => format!("its value is \"{}\"", String::from_utf8_lossy(&real)),
            None => "there is no such value".to_owned(),
        })
    }

    fn logs(&self, text: &str, limit: Duration) -> Result<(), String> {
        let logged = |world: &World| world.log().iter().any(|line| line.message.contains(text));
        match self.world.run_until(limit, logged) {
            true => Ok(()),
            false => Err(format!("no line of the log says so within {}", seconds(limit))),
        }
    }

    fn reports(&mut self, text: &str, limit: Duration) -> Result<(), String> {
        let place = |world: &World| world.notices().iter().position(|notice| notice.text.contains(text));
        self.world.run_until(limit, |world| place(world).is_some());
        let found = place(&self.world);
        self.reported.extend(found);
        found.map(drop).ok_or_else(|| format!("the exchange did not report that within {}", seconds(limit)))
    }

    fn records(&self, text: &str, limit: Duration) -> Result<(), String> {
        let said = |world: &World| -> Vec<String> {
            world.recordings().iter().flat_map(|recording| sentences(&recording.samples)).collect()
        };
        let mut known = usize::MAX;
        let done = |world: &World| {
            // Only what is new is listened to.
            let count = world.0.borrow().services.kept().recordings.len();
            std::mem::replace(&mut known, count) != count
                && said(world).iter().any(|said| said.contains(text))
        };
        if self.world.run_until(limit, done) {
            return Ok(());
        }
        let said = said(&self.world);
        Err(match (self.world.recordings().is_empty(), said.is_empty()) {
            (true, _) => "nothing was recorded".to_owned(),
            (false, true) => "nobody speaks in what was recorded".to_owned(),
            (false, false) => format!("it was recorded: \"{}\"", said.join("\", \"")),
        })
    }

    fn contact(&self, number: &str, is: &ContactIs, limit: Duration) -> Result<(), String> {
        let fits = |world: &World| {
            let house = world.0.borrow();
            let kept = house.services.kept();
            kept.contacts.of_number(number).any(|contact| match is {
                ContactIs::Open => contact.outcome.is_none(),
                ContactIs::Finished(outcome) => contact.outcome.as_ref() == Some(outcome),
                ContactIs::Called(times) => contact.attempts.len() == *times,
            })
        };
        if self.world.run_until(limit, fits) {
            return Ok(());
        }
        let house = self.world.0.borrow();
        let kept = house.services.kept();
        let contact = kept.contacts.of_number(number).next();
        Err(contact.map_or_else(
            || format!("no campaign has a contact {number}"),
            |contact| {
                let outcome = contact.outcome.as_ref();
                let is = outcome.map_or("open".to_owned(), |outcome| format!("finished with \"{outcome}\""));
                format!("contact {number} is {is}, and was called {} times", contact.attempts.len())
            },
        ))
    }
}
