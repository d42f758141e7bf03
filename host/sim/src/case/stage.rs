//! The world of a case: who is there, before anything happens.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use jackfield_plugin::{HttpResponse, Kind};
use jackfield_switch::Error;

use super::{
    parse::CALLER,
    script::{Case, Given, Route, Script, Target, Web},
};
use crate::{
    Phone, Plugin, Site, To, World,
    caller::{Call, Place, Telephone},
    house::House,
};

/// Who calls, where `outside: caller` says nothing else.
const CALLERS_NUMBER: &str = "0612345678";
/// The numbers of users whom nobody gave one.
const FIRST_NUMBER: u32 = 101;

/// A plugin under the name of its manifest.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) plugin: Plugin,
}

impl Named {
    pub(crate) fn new(plugin: Plugin) -> Named {
        Named { name: plugin.manifest().plugin.name.clone(), plugin }
    }

    pub(crate) fn is(&self, kind: Kind) -> bool {
        self.plugin.manifest().plugin.kind.contains(&kind)
    }

    /// Those whom the manifest asks to dial by their names.
    pub(crate) fn users(&self) -> Vec<String> {
        let dial = &self.plugin.manifest().capabilities.dial;
        dial.iter()
            .filter(|name| name.starts_with(char::is_alphabetic) && !name.contains('*'))
            .cloned()
            .collect()
    }
}

/// A phone and what was asked about it already.
pub(super) struct Actor {
    pub(super) phone: Phone,
    pub(super) number: String,
    /// Calls that came and were asked for.
    pub(super) rung: usize,
    pub(super) heard: Asked,
}

/// How far the ears were asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// In the how manieth call.
    pub(super) call: usize,
    /// Where the sound began that was asked for last.
    pub(super) from: Place,
    /// Characters of it, where its rest can still be asked for.
    pub(super) characters: Option<usize>,
}

impl Asked {
    pub(super) fn nothing(call: usize) -> Asked {
        Asked { call, from: Place::MIN, characters: None }
    }
}

pub(super) struct Stage<'a> {
    pub(super) world: World,
    pub(super) tested: &'a Named,
    /// The number of the plugin.
    pub(super) number: Option<String>,
    pub(super) service: Option<String>,
    pub(super) actors: BTreeMap<String, Actor>,
    /// When the first step began.
    pub(super) began: Duration,
    /// What phones did that leaves no other trace.
    pub(super) notes: Vec<(Duration, String)>,
    /// Notices that were expected.
    pub(super) reported: Vec<usize>,
}

/// All that is given, put together.
#[derive(Default)]
struct Scene {
    users: Vec<(String, String)>,
    outside: Vec<(String, String)>,
    routes: Vec<Route>,
    settings: toml::Table,
    began: Option<Duration>,
    values: Vec<(String, String)>,
    web: Vec<Web>,
    plugins: Vec<PathBuf>,
}

impl<'a> Stage<'a> {
    /// Everybody is there, and every phone of a user is registered.
    pub(super) fn open(
        tested: &'a Named,
        others: &BTreeMap<PathBuf, Named>,
        script: &Script,
        case: &Case,
    ) -> Result<Stage<'a>, String> {
        let mut scene = Scene::default();
        script.given.iter().chain(&case.given).for_each(|given| scene.give(given));
        scene.imply(tested);
        let mut plugins = vec![Named {
            name: tested.name.clone(),
            plugin: tested.plugin.clone().config(scene.settings.to_string()),
        }];
        plugins.extend(scene.plugins.iter().filter_map(|folder| others.get(folder)).cloned());
        let service = plugins.iter().find(|named| named.is(Kind::Service)).map(|named| named.name.clone());
        let number = scene.number_of(tested);
        let world = World::new(scene.site(plugins)).map_err(|error| error.to_string())?;
        for (key, value) in &scene.values {
            let house = world.0.borrow();
            let set = house.services.kept().values.set(
                &tested.name,
                key,
                value.clone().into(),
                None,
                house.clock.unix(),
            );
            set.map_err(|error| format!("value {key}: {error}"))?;
        }
        let actor = |phone, number: &String| Actor {
            phone,
            number: number.clone(),
            rung: 0,
            heard: Asked::nothing(0),
        };
        let users = scene.users.iter().map(|(name, number)| (name.clone(), actor(world.phone(name), number)));
        let outside =
            scene.outside.iter().map(|(name, number)| (name.clone(), actor(world.outside(number), number)));
        let actors = users.chain(outside).collect();
        let began = world.now();
        Ok(Stage { world, tested, number, service, actors, began, notes: Vec::new(), reported: Vec::new() })
    }

    // ---- reaching in

    pub(super) fn actor(&mut self, who: &str) -> &mut Actor {
        // Names were checked when the file was read.
        self.actors.get_mut(who).unwrap_or_else(|| unreachable!("{who} is in the case"))
    }

    pub(super) fn index(&self, who: &str) -> usize {
        self.actors.get(who).map_or(0, |actor| actor.phone.index)
    }

    /// The latest call of a phone.
    pub(super) fn call<T>(&self, who: &str, with: impl FnOnce(&mut Call) -> T) -> Option<T> {
        self.world.0.borrow_mut().phones[self.index(who)].calls.last_mut().map(with)
    }

    pub(super) fn telephone<T>(&self, who: &str, act: impl FnOnce(&mut Telephone, Duration) -> T) -> T {
        let mut house = self.world.0.borrow_mut();
        let now = house.now();
        let done = act(&mut house.phones[self.index(who)], now);
        house.settle();
        done
    }

    pub(super) fn until(&self, limit: Duration, done: impl FnMut(&House) -> bool) -> bool {
        self.world.0.borrow_mut().run_until(limit, done)
    }

    /// Waits for something of the latest call of a phone.
    pub(super) fn until_call(&self, who: &str, limit: Duration, mut done: impl FnMut(&Call) -> bool) -> bool {
        let index = self.index(who);
        self.until(limit, |house| house.phones[index].calls.last().is_some_and(&mut done))
    }

    pub(super) fn note(&mut self, text: String) {
        self.notes.push((self.world.now(), text));
    }
}

impl Scene {
    fn give(&mut self, given: &Given) {
        match given {
            Given::User { name, number } => replace(&mut self.users, name, number),
            Given::Outside { name, number } => replace(&mut self.outside, name, number),
            Given::Route(route) => {
                self.routes.retain(|other| other.pattern != route.pattern);
                self.routes.push(route.clone());
            }
            Given::Settings(table) => merge(&mut self.settings, table),
            Given::Time(time) => self.began = Some(*time),
            Given::Value { key, value } => replace(&mut self.values, key, value),
            // What the case itself says is asked first.
            Given::Web(web) => self.web.insert(0, web.clone()),
            Given::Plugin(folder) => self.plugins.push(folder.clone()),
        }
    }

    /// Who need not be named: the caller, and those whom the plugin asks to dial.
    fn imply(&mut self, tested: &Named) {
        if !self.outside.iter().any(|(name, _)| name == CALLER) {
            self.outside.push((CALLER.to_owned(), CALLERS_NUMBER.to_owned()));
        }
        for name in tested.users() {
            if self.users.iter().chain(&self.outside).all(|(known, _)| *known != name) {
                let free = |number: &String| self.users.iter().all(|(_, taken)| taken != number);
                let number = (FIRST_NUMBER..).map(|number| number.to_string()).find(free);
                self.users.extend(number.map(|number| (name, number)));
            }
        }
    }

    /// The first number that leads to the plugin; it is made where none is given.
    fn number_of(&mut self, tested: &Named) -> Option<String> {
        let leads = |route: &&Route| route.to == Target::Plugin(tested.name.clone());
        let given =
            self.routes.iter().find(|route| leads(route) && super::grammar::is_number(&route.pattern));
        if let Some(route) = given {
            return Some(route.pattern.clone());
        }
        if !tested.is(Kind::App) {
            return None;
        }
        let taken = |number: &&str| {
            self.routes.iter().any(|route| route.pattern == **number)
                || self.users.iter().any(|(_, user)| user == *number)
        };
        let number = ["100", "1000", "10000"].into_iter().find(|number| !taken(number))?;
        let to = Target::Plugin(tested.name.clone());
        self.routes.push(Route { pattern: number.to_owned(), to, ring: None, fallback: None });
        Some(number.to_owned())
    }

    fn site(&self, plugins: Vec<Named>) -> Site {
        let mut site = Site::new();
        for (name, number) in &self.users {
            site = site.user(name, number);
        }
        for route in &self.routes {
            let to = match &route.to {
                Target::Plugin(name) => To::plugin(name),
                Target::Users(names) => To::users(names.iter().map(String::as_str)),
            };
            let to = route.ring.map_or(to.clone(), |time| to.ring(time));
            let to = route.fallback.as_ref().map_or(to.clone(), |name| to.fallback(name));
            site = site.route(&route.pattern, to);
        }
        let free = |number: &String| self.routes.iter().all(|route| route.pattern != *number);
        for (name, number) in self.users.iter().filter(|(_, number)| free(number)) {
            site = site.route(number, To::user(name));
        }
        for (_, number) in self.outside.iter().filter(|(_, number)| free(number)) {
            site = site.route(number, To::sip(format!("sip:{number}@{number}")));
        }
        if let Some(began) = self.began {
            site = site.begins_at(began);
        }
        let web = self.web.clone();
        site = site.web(move |request| {
            let found = web.iter().find(|web| request.url.starts_with(&web.address));
            let nobody = || Error::Unavailable(format!("http: nobody answers {}", request.url));
            let (status, body) = found.and_then(|web| web.answer.clone()).ok_or_else(nobody)?;
            Ok(HttpResponse { status, headers: Vec::new(), body: body.into() })
        });
        plugins.into_iter().fold(site, |site, named| site.plugin(named.name, named.plugin))
    }
}

/// The later one of a name counts, in the place of the first.
fn replace(all: &mut Vec<(String, String)>, name: &str, value: &str) {
    match all.iter_mut().find(|(known, _)| known == name) {
        Some((_, old)) => value.clone_into(old),
        None => all.push((name.to_owned(), value.to_owned())),
    }
}

fn merge(below: &mut toml::Table, above: &toml::Table) {
    for (key, value) in above {
        match (below.get_mut(key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => merge(below, above),
            _ => drop(below.insert(key.clone(), value.clone())),
        }
    }
}
