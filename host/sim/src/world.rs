//! The only door: the exchange, its phones and the network between them, and the time that passes.

use std::{
    cell::RefCell,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use jackfield_media as media;
use jackfield_sip::Timers;
use jackfield_switch::{CallRecord, Counts, Input, Options, Settings, Switch};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{
    Plugin, Site,
    caller::{Files, Login, Phone, SIP_PORT, Setup, Telephone},
    clock::Clock,
    engine::engine,
    error::SimError,
    exchange::{Exchange, Notice},
    link::{Link, Weather},
    services::{ContactHistory, LogLine, Memory, Recording},
    site::{OUTSIDE, REALM, password, plugin_settings},
    trace::{Trace, Tracer},
};

const EXCHANGE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// Where the users' phones are.
const INSIDE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 0);
/// A registration with its challenge takes four times the latency, more in foul weather.
const REGISTERING: Duration = Duration::from_secs(40);

/// A running exchange in virtual time. Nothing moves but by [`run_for`](World::run_for) and the waits of
/// its [`Phone`]s.
pub struct World(pub(crate) Rc<RefCell<House>>);

pub(crate) struct House {
    clock: Clock,
    link: Link,
    exchange: Exchange,
    pub(crate) phones: Vec<Telephone>,
    services: Arc<Memory>,
    settings: Settings,
    files: Arc<Files>,
    random: StdRng,
    tracer: Tracer,
    /// Notices, log lines and records that are in the trace already.
    traced: (usize, usize, usize),
}

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
            assert!(house.settings.users.contains_key(user), "there is no user {user}: add him to the Site");
            let index = house.add_phone(user, true);
            let now = house.clock.now();
            house.phones[index].register(now, 3600);
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

    /// How much is under way in the exchange; all zero when nobody calls and no service runs.
    pub fn counts(&self) -> Counts {
        self.0.borrow().exchange.switch.counts()
    }

    /// Everything that happened so far.
    pub fn trace(&self) -> Trace {
        self.0.borrow().tracer.trace()
    }
}

impl House {
    fn new(site: Site) -> Result<(House, Vec<(String, Plugin)>), SimError> {
        let settings = site.settings()?;
        let mut random = StdRng::seed_from_u64(site.seed);
        let clock = Clock::new(site.began_unix);
        let options = Options {
            seed: random.random(),
            node: "s".to_owned(),
            user_agent: "Jackfield".to_owned(),
            started_unix: site.began_unix,
            sip_timers: Timers::default(),
        };
        let switch = Switch::new(options, Arc::new(settings.clone()));
        let media = media::Settings {
            seed: random.random(),
            media_timeout: site.media_timeout,
            ..media::Settings::default()
        };
        let services = Arc::new(Memory::new(clock.clone(), random.random(), site.web, site.helpers));
        let exchange = Exchange::new(EXCHANGE, switch, media, engine()?, services.clone());
        let mut tracer = Tracer::default();
        tracer.name(EXCHANGE, "exchange");
        let house = House {
            link: Link::new(random.random(), site.weather),
            clock,
            exchange,
            phones: Vec::new(),
            services,
            settings,
            files: Arc::default(),
            random,
            tracer,
            traced: (0, 0, 0),
        };
        Ok((house, site.plugins))
    }

    fn install(&mut self, name: &str, plugin: &Plugin) -> Result<(), SimError> {
        let now = self.clock.now();
        let settings = plugin_settings(plugin);
        if self
            .settings
            .plugins
            .insert(name.to_owned(), settings)
            .is_none_or(|former| former.launch.is_some())
        {
            self.exchange.input(now, Input::Settings(Arc::new(self.settings.clone())));
        }
        self.exchange.install(now, name, plugin)?;
        let mut files = Files::clone(&self.files);
        plugin.prompts().iter().for_each(|(name, clip)| files.add(name, clip));
        self.files = Arc::new(files);
        self.phones.iter_mut().for_each(|phone| phone.learn(self.files.clone()));
        self.settle();
        Ok(())
    }

    fn add_phone(&mut self, name: &str, is_user: bool) -> usize {
        let number = self.phones.len() as u32 + 1;
        let net = if is_user { INSIDE } else { OUTSIDE.0 };
        let address = IpAddr::V4(Ipv4Addr::from_bits(net.to_bits() + number));
        self.tracer.name(address, name);
        if !is_user {
            self.exchange.add_host(name, SocketAddr::new(address, SIP_PORT));
        }
        self.phones.push(Telephone::new(Setup {
            address,
            exchange: SocketAddr::new(EXCHANGE, SIP_PORT),
            realm: REALM.to_owned(),
            name: name.to_owned(),
            login: is_user.then(|| Login { user: name.to_owned(), password: password(name) }),
            seed: self.random.random(),
            files: self.files.clone(),
        }));
        self.phones.len() - 1
    }

    pub(crate) fn now(&self) -> Duration {
        self.clock.now()
    }

    pub(crate) fn trace(&self) -> Trace {
        self.tracer.trace()
    }

    // ---- time

    pub(crate) fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&House) -> bool) -> bool {
        let end = self.clock.now() + limit;
        loop {
            if done(self) {
                return true;
            }
            if !self.step(end) {
                return done(self);
            }
        }
    }

    /// Lets the next thing happen, if it does until `end`; else time goes on to there.
    fn step(&mut self, end: Duration) -> bool {
        let Some(at) = self.next().filter(|at| *at <= end) else {
            self.clock.advance(end);
            return false;
        };
        self.clock.advance(at);
        let now = self.clock.now();
        match self.link.arrived(now) {
            Some(datagram) if datagram.to.ip() == EXCHANGE => self.exchange.receive(now, datagram),
            Some(datagram) => {
                let phone = self.phones.iter_mut().find(|phone| phone.address() == datagram.to.ip());
                if let Some(phone) = phone {
                    phone.receive(now, datagram);
                }
            }
            None => {
                self.exchange.handle_timeout(now);
                let due = |phone: &&mut Telephone| phone.next_timeout().is_some_and(|at| at <= now);
                self.phones.iter_mut().filter(due).for_each(|phone| phone.handle_timeout(now));
            }
        }
        self.settle();
        true
    }

    fn next(&self) -> Option<Duration> {
        let phones = self.phones.iter().filter_map(Telephone::next_timeout);
        phones.chain(self.link.next()).chain(self.exchange.next_timeout()).min()
    }

    /// What was said at this moment goes onto the link and into the trace.
    pub(crate) fn settle(&mut self) {
        let now = self.clock.now();
        let mut sent = self.exchange.take_sent();
        sent.extend(self.phones.iter_mut().flat_map(Telephone::take_sent));
        for datagram in sent {
            let arriving = self.link.send(now, datagram.clone());
            self.tracer.sent(now, &datagram, arriving);
        }
        self.trace_texts(now);
    }

    fn trace_texts(&mut self, now: Duration) {
        let (notices, log, records) = self.traced;
        for notice in &self.exchange.notices[notices..] {
            self.tracer.line(now, format_args!("notice: {:?} {}", notice.level, notice.text));
        }
        let kept = self.services.kept();
        for line in &kept.log[log..] {
            self.tracer.line(
                now,
                format_args!("{} v{}: {:?} {}", line.plugin, line.version, line.level, line.message),
            );
        }
        for record in &self.exchange.records[records..] {
            self.tracer.line(now, format_args!("record: {record:?}"));
        }
        self.traced = (self.exchange.notices.len(), kept.log.len(), self.exchange.records.len());
    }
}
