//! Guests that follow no story, and an operator and a driver who do what they like.

use jackfield_media::{self as media, LegId};
use jackfield_switch::{Input, InstanceEnd, InstanceId, StopReason, Token};

use super::{App, Store, Ways, World, command, launching};

/// A leg that there never is.
const NOBODY: LegId = LegId(9999);

/// Instances, and what they have asked.
pub(crate) struct Guests {
    pub(crate) apps: Vec<App>,
    pub(crate) services: Vec<InstanceId>,
    /// All legs that anybody has heard of.
    legs: Vec<LegId>,
    tokens: Vec<(InstanceId, Token)>,
    pub(crate) given_up: Vec<Token>,
}

impl Guests {
    /// The services `menu` and `queue`.
    pub(crate) fn new(world: &mut World) -> Guests {
        let services = vec![world.service(1, "menu"), world.service(2, "queue")];
        Guests { apps: vec![], services, legs: vec![NOBODY], tokens: vec![], given_up: vec![] }
    }

    /// What is new.
    pub(crate) fn look(&mut self, world: &mut World) {
        self.apps.extend(world.all_started());
        self.legs.extend(self.apps.last().map(|app| app.leg));
        self.legs.extend(world.dialled_legs(None));
        self.legs.sort();
        self.legs.dedup();
    }

    fn instances(&self, world: &World) -> Vec<InstanceId> {
        let apps = self.apps.iter().map(|app| app.instance);
        let all: Vec<_> =
            apps.chain(self.services.iter().copied()).filter(|id| world.is_living(*id)).collect();
        if all.is_empty() { vec![InstanceId(1)] } else { all }
    }

    pub(crate) fn command(&mut self, world: &mut World, who: usize, verb: u8, legs: [usize; 2], number: u32) {
        let instances = self.instances(world);
        let apps = instances.iter().filter(|id| !self.services.contains(id)).count();
        let instance = match who % 20 {
            0 => InstanceId(123_456),
            1..=4 => instances[who / 20 % instances.len()],
            // The apps come first.
            _ => instances[who / 20 % apps.max(1)],
        };
        // Mostly legs of its own, the newest first.
        let started = self.apps.iter().find(|app| app.instance == instance).map(|app| app.leg);
        let dialled = world.dialled_legs(Some(instance));
        let own: Vec<_> = dialled.into_iter().rev().take(3).chain(started).collect();
        let choose = |number: usize| match number % 8 {
            0 => self.legs[number / 8 % self.legs.len()],
            1 | 2 => own.first().copied().unwrap_or(NOBODY),
            _ => started.or(own.first().copied()).unwrap_or(NOBODY),
        };
        let (leg, other) = (choose(legs[0]), choose(legs[1].wrapping_add(legs[0])));
        let command = command(verb, leg, other, number, &self.apps);
        let token = world.post(instance, command);
        self.tokens.push((instance, token));
    }

    /// A guest does not wait any more for something that it has asked.
    pub(crate) fn abandon(&mut self, world: &mut World, number: usize) {
        if let Some(&(instance, token)) = self.tokens.get(number % self.tokens.len().max(1)) {
            self.given_up.push(token);
            world.abandon_quietly(instance, token);
        }
    }

    pub(crate) fn end(&self, world: &mut World, who: usize, end: u8) {
        let instances = self.instances(world);
        let instance = instances[who % instances.len()];
        let reason = || "so".to_owned();
        let end = match end {
            0 => InstanceEnd::Returned,
            1 => InstanceEnd::Failed(reason()),
            2 => InstanceEnd::Trapped(reason()),
            _ => InstanceEnd::NotStarted(reason()),
        };
        world.ends(instance, end);
    }

    /// A service begins, or is told to stop.
    pub(crate) fn serve(&mut self, world: &mut World, number: u8) {
        match number {
            0 | 1 => {
                let plugin = ["menu", "queue"][usize::from(number)];
                let service = world.service(10 + self.services.len() as u64, plugin);
                self.services.push(service);
            }
            _ => {
                let instance = self.services[usize::from(number) % self.services.len()];
                world.input(Input::StopService { instance, reason: StopReason::Reload });
            }
        }
    }
}

impl World {
    /// The operator does one of eight things.
    pub(crate) fn operate(&mut self, act: u8) {
        match act {
            0 | 1 => {
                let call = self.switch.calls().pop().map(|call| call.id).unwrap_or_default();
                self.input(Input::HangUp { call });
            }
            2 => self.reload(|settings| drop(settings.users.remove("carol"))),
            3 => self.reload(|settings| settings.codecs.reverse()),
            4 => self.reload(|settings| settings.codecs = vec![media::Codec::Pcmu]),
            5 => self.reload(|settings| settings.routes.reverse()),
            6 => self.reload(|settings| {
                settings.plugins.insert("menu".to_owned(), launching(1, 1));
            }),
            _ => self.input(Input::Message {
                plugin: "menu".to_owned(),
                sender: "operator".to_owned(),
                topic: "t".to_owned(),
                body: vec![],
            }),
        }
    }

    /// The driver does one of six things.
    pub(crate) fn drive(&mut self, act: u8) {
        match act {
            0 => self.store = Store::Waits,
            1 => self.store_answers(Store::Refuses),
            2 => self.store_answers(Store::Commits),
            3 => self.ways = Ways::Wait,
            4 => self.way_opens(),
            _ => self.way_fails(),
        }
    }
}
