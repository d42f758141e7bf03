//! Who has which number, where the dialplan does not say.

use std::collections::BTreeMap;

use jackfield_switch::Pattern;

use super::phones::Phones;
use crate::{
    config::is_number,
    import::{
        plan::{Plan, Route, RouteTo},
        report::{Place, Report},
    },
};

/// Gives every user a number that is theirs alone, and every number a route; plugins that nothing leads to
/// get one, too.
pub fn give(plan: &mut Plan, phones: &Phones, apps: Vec<(String, Place)>, report: &mut Report) {
    let mut numbers = Numbers { plan, phones, report, owners: BTreeMap::new() };
    numbers.keep();
    numbers.give_users();
    numbers.lead_there();
    for (app, place) in apps {
        numbers.give_app(app, &place);
    }
}

struct Numbers<'a> {
    plan: &'a mut Plan,
    phones: &'a Phones,
    report: &'a mut Report,
    /// By number.
    owners: BTreeMap<String, String>,
}

impl Numbers<'_> {
    fn place(&self, user: &str) -> Place {
        self.phones.places.get(user).cloned().unwrap_or_else(|| Place::file("pjsip.conf"))
    }

    /// A user whose name is a number has that number; one of two with the same number loses it.
    fn keep(&mut self) {
        let names: Vec<String> = self.plan.users.keys().cloned().collect();
        for name in names {
            let Some(user) = self.plan.users.get_mut(&name) else { continue };
            if user.number.is_none() && is_number(&name) {
                user.number = Some(name.clone());
            }
            let Some(number) = user.number.clone() else { continue };
            if let Some(other) = self.owners.get(&number) {
                user.number = None;
                let text = format!("`{name}` has the number {number}, which is that of `{other}`");
                self.report.defect(&self.place(&name), text);
            } else {
                self.owners.insert(number, name);
            }
        }
    }

    fn give_users(&mut self) {
        let without = self.plan.users.iter().filter(|(_, user)| user.number.is_none());
        let without: Vec<String> = without.map(|(name, _)| name.clone()).collect();
        for name in without {
            let Some(number) = self.first_free((101..1000).map(|n: u32| n.to_string())) else { return };
            let text = format!("no extension rings `{name}` alone: it gets the number {number}");
            self.report.changed(&self.place(&name), text);
            if let Some(user) = self.plan.users.get_mut(&name) {
                user.number = Some(number.clone());
            }
            self.owners.insert(number, name);
        }
    }

    fn lead_there(&mut self) {
        for (number, name) in &self.owners {
            let route = Route { to: RouteTo::Users(vec![name.clone()]), ring: None, fallback: None };
            self.plan.routes.entry(number.clone()).or_insert(route);
        }
    }

    fn give_app(&mut self, app: String, place: &Place) {
        let hundreds = (1..100).map(|n: u32| (n * 100).to_string());
        let Some(number) = self.first_free(hundreds.chain((10_000..100_000).map(|n: u32| n.to_string())))
        else {
            return;
        };
        self.report.changed(place, format!("no number leads to [{app}]: it gets {number}"));
        self.plan.routes.insert(number, Route { to: RouteTo::App(app), ring: None, fallback: None });
    }

    /// Nobody has it, and no route fits it but those with an open end, which count least.
    fn first_free(&self, mut numbers: impl Iterator<Item = String>) -> Option<String> {
        let closed = self.plan.routes.keys().filter(|pattern| !pattern.ends_with('*'));
        let patterns: Vec<Pattern> = closed.filter_map(|pattern| Pattern::parse(pattern).ok()).collect();
        let fits = |number: &str| patterns.iter().any(|pattern| pattern.matches(number).is_some());
        numbers.find(|number| !self.owners.contains_key(number) && !fits(number))
    }
}
