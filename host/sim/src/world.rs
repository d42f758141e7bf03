//! The only door: the exchange, its phones and the network between them, and the time that passes.

use std::{cell::RefCell, rc::Rc, time::Duration};

use jackfield_switch::{CallRecord, Counts, Input};

use crate::{
    Plugin, Site,
    caller::{EXPIRES, Phone},
    error::SimError,
    exchange::Notice,
    house::House,
    journal::RecordedCall,
    link::Weather,
    services::{ContactHistory, LogLine, Recording},
    trace::Trace,
};

/// A registration with its challenge takes four times the latency, more in foul weather.
const REGISTERING: Duration = Duration::from_secs(40);

/// A running exchange in virtual time. Nothing moves but by [`run_for`](World::run_for) and the waits of
/// its [`Phone`]s.
pub struct World(pub(crate) Rc<RefCell<House>>);

impl World {
    /// Starts the exchange with all its plugins; services run from here on.
    pub fn new(site: Site) -> Result<World, SimError> {
        let (mut house, plugins) = House::new(site)?;
        for (name, plugin) in &plugins {
            house.install(name, plugin)?;
        }
        Ok(World(Rc::new(RefCell::new(house))))
    }

    // ---- who is there

    /// A phone of a user, registered: he can call and be called. It rings until told otherwise.
    ///
    /// # Panics
    /// When there is no such user, or the phone cannot register in the weather that it has.
    #[track_caller]
    pub fn phone(&self, user: &str) -> Phone {
        let index = {
            let mut house = self.0.borrow_mut();
            assert!(house.settings.users.contains(user), "there is no user {user}: add him to the Site");
            let index = house.add_phone(user, true);
            let now = house.clock.now();
            house.phones[index].register(now, EXPIRES);
            house.settle();
            index
        };
        let over = |house: &House| !house.phones[index].is_registering();
        let done = self.0.borrow_mut().run_until(REGISTERING, over);
        let registered = done && self.0.borrow().phones[index].is_registered();
        let refused = self.0.borrow().phones[index].refused();
        assert!(registered, "the phone of {user} cannot register: {refused:?}\n{}", self.trace());
        Phone::new(self.0.clone(), index)
    }

    /// A phone somewhere else, known by its number: it needs no password to call in, and a route
    /// [`To::sip`](crate::To::sip) with that number as host leads to it.
    pub fn outside(&self, number: &str) -> Phone {
        let index = self.0.borrow_mut().add_phone(number, false);
        Phone::new(self.0.clone(), index)
    }

    // ---- time

    /// Time since the world began.
    pub fn now(&self) -> Duration {
        self.0.borrow().clock.now()
    }

    /// Lets so much time pass.
    pub fn run_for(&self, time: Duration) {
        self.0.borrow_mut().run_until(time, |_| false);
    }

    /// Lets time pass until `done`, but not longer than `limit`; whether it was done.
    pub fn run_until(&self, limit: Duration, mut done: impl FnMut(&World) -> bool) -> bool {
        let end = self.now() + limit;
        loop {
            if done(self) {
                return true;
            }
            if !self.0.borrow_mut().step(end) {
                return done(self);
            }
        }
    }

    /// Lets time pass until nobody calls any more, but not longer than `limit`; whether nobody does.
    pub fn run_out(&self, limit: Duration) -> bool {
        self.0.borrow_mut().run_until(limit, |house| {
            let Counts { calls, sessions, launches, .. } = house.exchange.switch.counts();
            calls + sessions + launches == 0 && house.phones.iter().all(|phone| phone.load().sessions == 0)
        })
    }

    /// From now on the network behaves like this.
    pub fn set_weather(&self, weather: Weather) {
        self.0.borrow_mut().link.weather = weather;
    }

    // ---- the operator

    /// Installs a plugin, or its next version: new calls get that one, running calls keep theirs, and a
    /// service hands its state on. A bad one is refused, and the former version stays live.
    pub fn install(&self, name: &str, plugin: &Plugin) -> Result<(), SimError> {
        self.0.borrow_mut().install(name, plugin)
    }

    /// Takes a plugin out of the configuration. A service is asked to stop.
    pub fn remove(&self, name: &str) {
        let mut house = self.0.borrow_mut();
        let now = house.clock.now();
        house.exchange.remove(now, name);
        house.settle();
    }

    /// Adds contacts, each with name and number, to a campaign of a plugin, and wakes the plugin. Their
    /// columns are `NAME` and `NUMBER`.
    pub fn start_campaign<'a>(
        &self,
        plugin: &str,
        campaign: &str,
        contacts: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) {
        let column = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        {
            let house = self.0.borrow();
            let now = house.clock.unix();
            let mut kept = house.services.kept();
            for (name, number) in contacts {
                let columns = vec![column("NAME", name), column("NUMBER", number)];
                kept.contacts.add(plugin, campaign, number, columns, now);
            }
        }
        self.message(plugin, "start", campaign.as_bytes());
    }

    /// Nobody of a paused campaign is due.
    pub fn pause_campaign(&self, plugin: &str, campaign: &str, paused: bool) {
        self.0.borrow().services.kept().contacts.pause(plugin, campaign, paused);
        self.message(plugin, if paused { "pause" } else { "resume" }, campaign.as_bytes());
    }

    /// A message of the operator into the event queue of a service.
    pub fn message(&self, plugin: &str, topic: &str, body: &[u8]) {
        self.input(Input::Message {
            plugin: plugin.to_owned(),
            sender: "operator".to_owned(),
            topic: topic.to_owned(),
            body: body.to_owned(),
        });
    }

    /// No new calls from now on; running ones end.
    pub fn shut_down(&self) {
        self.input(Input::Shutdown);
    }

    fn input(&self, input: Input) {
        let mut house = self.0.borrow_mut();
        let now = house.clock.now();
        house.exchange.input(now, input);
        house.settle();
    }

    // ---- what happened

    /// The contacts of a campaign, in the order of the list.
    pub fn contacts(&self, plugin: &str, campaign: &str) -> Vec<ContactHistory> {
        self.0.borrow().services.kept().contacts.histories(plugin, campaign)
    }

    /// A moment since the beginning, of a Unix time in milliseconds as in records and attempts.
    pub fn since_begin(&self, unix: u64) -> Duration {
        self.0.borrow().clock.since_begin(unix)
    }

    /// One for each call that has ended.
    pub fn records(&self) -> Vec<CallRecord> {
        self.0.borrow().exchange.records.clone()
    }

    /// What plugins wrote to the log.
    pub fn log(&self) -> Vec<LogLine> {
        self.0.borrow().services.kept().log.clone()
    }

    /// What the exchange told its operator: traps, refusals, missing settings.
    pub fn notices(&self) -> Vec<Notice> {
        self.0.borrow().exchange.notices.clone()
    }

    /// A value of a plugin in its key-value store.
    pub fn value(&self, plugin: &str, key: &str) -> Option<Vec<u8>> {
        let house = self.0.borrow();
        let now = house.clock.unix();
        house.services.kept().values.get(plugin, key, now)
    }

    /// What plugins recorded.
    pub fn recordings(&self) -> Vec<Recording> {
        self.0.borrow().services.kept().recordings.clone()
    }

    /// What apps asked and got in the calls that have ended, where the [site](Site::journal) records it.
    pub fn journal(&self) -> Vec<RecordedCall> {
        self.0.borrow().shelf.as_ref().map(|shelf| shelf.calls()).unwrap_or_default()
    }

    /// How much is under way in the exchange; all zero when nobody calls and no service runs.
    pub fn counts(&self) -> Counts {
        self.0.borrow().exchange.switch.counts()
    }

    /// Everything that happened so far.
    pub fn trace(&self) -> Trace {
        self.0.borrow().trace()
    }
}
