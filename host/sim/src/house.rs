//! What stands behind the door: the exchange, the phones and the link, and the order in which they move.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use jackfield_media as media;
use jackfield_plugin::journal::Journal;
use jackfield_sip::Timers;
use jackfield_switch::{Input, Options, Settings, Switch};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{
    Plugin, Site,
    caller::{Files, Login, SIP_PORT, Setup, Telephone},
    clock::Clock,
    engine::engine,
    error::SimError,
    exchange::Exchange,
    journal::Shelf,
    link::Link,
    services::Memory,
    site::{OUTSIDE, REALM, password, plugin_settings},
    trace::{Trace, Tracer},
};

const EXCHANGE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// Where the users' phones are.
const INSIDE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 0);
pub(crate) struct House {
    pub(crate) clock: Clock,
    pub(crate) link: Link,
    pub(crate) exchange: Exchange,
    pub(crate) phones: Vec<Telephone>,
    pub(crate) services: Arc<Memory>,
    pub(crate) shelf: Option<Arc<Shelf>>,
    pub(crate) settings: Settings,
    files: Arc<Files>,
    random: StdRng,
    tracer: Tracer,
    /// Notices, log lines and records that are in the trace already.
    traced: (usize, usize, usize),
}

impl House {
    pub(crate) fn new(site: Site) -> Result<(House, Vec<(String, Plugin)>), SimError> {
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
        let shelf = site.journal.map(|room| Arc::new(Shelf::new(room)));
        let journal = shelf.clone().map(|shelf| shelf as Arc<dyn Journal>);
        let exchange = Exchange::new(EXCHANGE, switch, media, engine()?, services.clone(), journal);
        let mut tracer = Tracer::default();
        tracer.name(EXCHANGE, "exchange");
        let house = House {
            link: Link::new(random.random(), site.weather),
            clock,
            exchange,
            phones: Vec::new(),
            services,
            shelf,
            settings,
            files: Arc::default(),
            random,
            tracer,
            traced: (0, 0, 0),
        };
        Ok((house, site.plugins))
    }

    pub(crate) fn install(&mut self, name: &str, plugin: &Plugin) -> Result<(), SimError> {
        let now = self.clock.now();
        let settings = plugin_settings(plugin);
        self.settings.plugins.insert(name.to_owned(), settings);
        self.exchange.input(now, Input::Settings(Arc::new(self.settings.clone())));
        self.exchange.install(now, name, plugin)?;
        let mut files = Files::clone(&self.files);
        plugin.prompts().iter().for_each(|(name, clip)| files.add(name, clip));
        self.files = Arc::new(files);
        self.phones.iter_mut().for_each(|phone| phone.learn(self.files.clone()));
        self.settle();
        Ok(())
    }

    pub(crate) fn add_phone(&mut self, name: &str, is_user: bool) -> usize {
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
    pub(crate) fn step(&mut self, end: Duration) -> bool {
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
