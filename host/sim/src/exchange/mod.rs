//! The exchange itself: the real switch, media and plugins, driven as the daemon drives them.

mod guests;
mod supervisor;
mod versions;

use std::{
    collections::{BTreeMap, VecDeque},
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use jackfield_media::{self as media, Channel, Lease, PortId, Session, WorkerId, srtp};
use jackfield_plugin::{Engine, Host, Plugins, Replies, Switchboard, Version, journal::Journal};
use jackfield_sip::{Flow, FlowId, Transport};
use jackfield_switch::{
    Command, Error, Input, InstanceEnd, InstanceId, Level, Output, Switch, Target, Token, Write,
};

use crate::{
    caller::SIP_PORT,
    link::Datagram,
    services::{Attempt, Memory, Recording},
};
use guests::{End, Guests};
use supervisor::Supervisor;

const WORKER: WorkerId = WorkerId(0);
const LISTENER: FlowId = FlowId(1);
/// Sockets for media: two for each call that is bridged.
const PORTS: u32 = 2000;
const FIRST_PORT: u16 = 20_000;
/// Verbs that may wait for the switch, as in the daemon.
const QUEUE: usize = 65_536;

/// A sentence of the exchange for its operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Since the world began.
    pub at: Duration,
    /// How bad it is.
    pub level: Level,
    /// The sentence.
    pub text: String,
    /// The call that it is about.
    pub call: Option<String>,
}

pub(crate) struct Exchange {
    pub(crate) address: IpAddr,
    pub(crate) switch: Switch,
    media: Session,
    plugins: Plugins,
    engine: Engine,
    host: Host,
    services: Arc<Memory>,
    mailbox: Arc<Mailbox>,
    guests: Guests,
    supervisors: BTreeMap<String, Supervisor>,
    /// Services have odd numbers.
    last_service: u64,
    /// Loads of each name so far.
    loads: BTreeMap<String, u64>,
    /// Replaced versions, and until when they may serve their calls.
    draining: Vec<(Duration, Arc<Version>)>,
    hosts: BTreeMap<String, SocketAddr>,
    inputs: VecDeque<Input>,
    sent: Vec<Datagram>,
    pub(crate) records: Vec<jackfield_switch::CallRecord>,
    pub(crate) notices: Vec<Notice>,
}

/// Verbs of guests on their way to the switch.
#[derive(Default)]
struct Mailbox(Mutex<VecDeque<Input>>);

impl Mailbox {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Input>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Switchboard for Mailbox {
    fn post(&self, instance: InstanceId, token: Token, command: Command) -> Result<(), Error> {
        let mut waiting = self.waiting();
        if waiting.len() >= QUEUE {
            return Err(Error::Limit("the exchange is overloaded".to_owned()));
        }
        waiting.push_back(Input::Command { instance, token, command });
        Ok(())
    }

    fn abandon(&self, instance: InstanceId, token: Token) {
        self.waiting().push_back(Input::Abandoned { instance, token });
    }
}

impl Exchange {
    pub(crate) fn new(
        address: IpAddr,
        switch: Switch,
        media: media::Settings,
        engine: Engine,
        services: Arc<Memory>,
        journal: Option<Arc<dyn Journal>>,
    ) -> Exchange {
        let mailbox = Arc::new(Mailbox::default());
        let replies = Arc::new(Replies::new());
        let usages = Arc::default();
        let host = Host { switch: mailbox.clone(), services: services.clone(), replies, usages, journal };
        let leases = (0..PORTS).map(lease).collect();
        Exchange {
            address,
            switch,
            media: Session::new(media),
            plugins: Plugins::new(),
            engine,
            host,
            services,
            mailbox,
            guests: Guests::default(),
            supervisors: BTreeMap::new(),
            last_service: 0,
            loads: BTreeMap::new(),
            draining: Vec::new(),
            hosts: BTreeMap::new(),
            inputs: VecDeque::from([Input::Leases(leases)]),
            sent: Vec::new(),
            records: Vec::new(),
            notices: Vec::new(),
        }
    }

    /// Where a name in a `sip:` URI is.
    pub(crate) fn add_host(&mut self, name: &str, address: SocketAddr) {
        self.hosts.insert(name.to_owned(), address);
    }

    // ---- in

    pub(crate) fn input(&mut self, now: Duration, input: Input) {
        self.inputs.push_back(input);
        self.settle(now);
    }

    pub(crate) fn receive(&mut self, now: Duration, mut datagram: Datagram) {
        if datagram.to.port() == SIP_PORT {
            let flow = self.flow(datagram.from);
            self.inputs.push_back(Input::Sip { flow, bytes: datagram.bytes.into() });
        } else if let Some(port) = port_of(datagram.to.port()) {
            let bytes = &mut datagram.bytes;
            let length = bytes.len();
            bytes.resize(length + srtp::OVERHEAD, 0);
            if let Some(forward) = self.media.handle_packet(now, port, datagram.from, bytes, length) {
                bytes.truncate(forward.length);
                let bytes = std::mem::take(bytes);
                self.sent.push(Datagram { from: self.media_address(forward.port), to: forward.to, bytes });
            }
            self.drain_media();
        }
        self.settle(now);
    }

    pub(crate) fn handle_timeout(&mut self, now: Duration) {
        if self.media.next_timeout().is_some_and(|at| at <= now) {
            self.media.handle_timeout(now);
            self.drain_media();
        }
        if self.switch.next_timeout().is_some_and(|at| at <= now) {
            self.switch.handle_timeout(now);
        }
        let due = self.supervisors.iter().filter(|(_, s)| s.next_timeout().is_some_and(|at| at <= now));
        let due: Vec<String> = due.map(|(name, _)| name.clone()).collect();
        for name in due {
            let steps = self.supervisors.get_mut(&name).map(|supervisor| supervisor.timeout(now));
            self.carry_out(now, &name, steps.unwrap_or_default());
        }
        self.end_draining(now);
        self.settle(now);
    }

    // ---- out

    pub(crate) fn take_sent(&mut self) -> Vec<Datagram> {
        std::mem::take(&mut self.sent)
    }

    pub(crate) fn next_timeout(&self) -> Option<Duration> {
        let supervisors = self.supervisors.values().filter_map(Supervisor::next_timeout);
        let draining = self.draining.iter().map(|(at, _)| *at);
        supervisors.chain(draining).chain(self.switch.next_timeout()).chain(self.media.next_timeout()).min()
    }

    // ---- the crank

    /// Until nothing moves any more at this moment.
    fn settle(&mut self, now: Duration) {
        loop {
            self.drain(now);
            if let Some(input) = self.inputs.pop_front() {
                self.switch.handle(now, input);
                continue;
            }
            let (moved, ended) = self.guests.poll();
            for (instance, version, end) in ended {
                self.guest_ended(now, instance, &version, end);
            }
            self.inputs.append(&mut self.mailbox.waiting());
            if !moved && self.inputs.is_empty() {
                return;
            }
        }
    }

    fn drain(&mut self, now: Duration) {
        while let Some(output) = self.switch.poll_output() {
            self.output(now, output);
        }
    }

    fn output(&mut self, now: Duration, output: Output) {
        match output {
            Output::Transmit { flow, bytes } => {
                self.sent.push(Datagram { from: flow.local, to: flow.remote, bytes: bytes.into() });
            }
            Output::Open { token, target } => {
                let result = self.resolve(&target);
                self.inputs.push_back(Input::Opened { token, result });
            }
            Output::Media { command, .. } => {
                self.media.handle_command(now, command);
                self.drain_media();
            }
            // There is one worker.
            Output::Move { .. } => {}
            Output::StartPlugin { instance, plugin, leg, call } => match self.live(&plugin) {
                Err(reason) => self.ended(instance, InstanceEnd::NotStarted(reason)),
                Ok(version) => {
                    let limits = version.limits();
                    self.inputs.push_back(Input::InstanceStarted {
                        instance,
                        call_time: limits.call_time,
                        after_hangup: limits.after_hangup,
                        max_events: limits.max_events,
                    });
                    let run = version.handle(&self.host, instance, leg, call).map(End::App).boxed();
                    self.guests.spawn(instance, version, run);
                }
            },
            Output::PluginReply { instance, token, reply } => {
                self.host.replies.deliver(instance, token, reply);
            }
            Output::DropInstance { instance } => {
                if self.guests.drop(instance) {
                    self.ended(instance, InstanceEnd::Returned);
                }
            }
            Output::Store { token, write } => {
                let result = self.store(write);
                self.inputs.extend(token.map(|token| Input::Stored { token, result }));
            }
            Output::Underway(_) | Output::Trace(_) | Output::Linked { .. } => {}
            Output::Record(record) => self.records.push(record),
            Output::Notice { level, text, call } => self.notice(now, level, text, call),
        }
    }

    fn drain_media(&mut self) {
        let mut buffer = [0; 1500];
        while let Some(transmit) = self.media.poll_transmit(&mut buffer) {
            // The callers have no RTCP.
            if transmit.channel == Channel::Rtcp {
                continue;
            }
            let from = self.media_address(transmit.port);
            self.sent.push(Datagram { from, to: transmit.to, bytes: buffer[..transmit.length].to_vec() });
        }
        while let Some(event) = self.media.poll_event() {
            self.inputs.push_back(Input::Media { worker: WORKER, event });
        }
    }

    fn store(&self, write: Write) -> Result<(), String> {
        let mut kept = self.services.kept();
        match write {
            // Nobody starts again from what is in memory.
            Write::Bindings { .. } => {}
            Write::AttemptStarted { launch, plugin, contact, at, .. } => {
                return kept.contacts.attempt_started(launch, &plugin, contact, at);
            }
            Write::AttemptEnded { launch, answered_at, ended_at, info, results, .. } => {
                kept.contacts.attempt_ended(Attempt {
                    launch,
                    started_at: 0,
                    answered_at,
                    ended_at: Some(ended_at),
                    end: Some(info),
                    results,
                });
            }
            Write::Recording { plugin, name, samples } => {
                kept.recordings.push(Recording { plugin, name, samples });
            }
        }
        Ok(())
    }

    pub(crate) fn notice(&mut self, now: Duration, level: Level, text: String, call: Option<String>) {
        self.notices.push(Notice { at: now, level, text, call });
    }

    // ---- guests

    fn live(&self, plugin: &str) -> Result<Arc<Version>, String> {
        match self.plugins.live(plugin) {
            None => Err(format!("plugin {plugin} is not loaded")),
            Some(_) if self.plugins.is_failing(plugin) => {
                Err(format!("plugin {plugin} is failing: it trapped too often"))
            }
            Some(version) => Ok(version),
        }
    }

    fn ended(&mut self, instance: InstanceId, end: InstanceEnd) {
        self.inputs.push_back(Input::InstanceEnded { instance, end });
    }

    fn guest_ended(&mut self, now: Duration, instance: InstanceId, version: &Arc<Version>, end: End) {
        match end {
            End::App(end) => {
                if matches!(end, InstanceEnd::Trapped(_)) && self.plugins.trapped(now, version) {
                    let text =
                        format!("plugin {} trapped too often: new calls take their fallback", version.name());
                    self.notice(now, Level::Warn, text, None);
                }
                self.ended(instance, end);
            }
            End::Service(end) => {
                self.ended(instance, InstanceEnd::Returned);
                let found = self.supervisors.iter_mut().find(|(_, s)| s.runs(instance));
                if let Some((name, supervisor)) = found {
                    let (name, steps) = (name.clone(), supervisor.ended(now, end));
                    self.carry_out(now, &name, steps);
                }
            }
        }
    }

    // ---- addresses

    fn flow(&self, remote: SocketAddr) -> Flow {
        let local = SocketAddr::new(self.address, SIP_PORT);
        Flow { id: LISTENER, transport: Transport::Udp, local, remote }
    }

    fn media_address(&self, port: PortId) -> SocketAddr {
        SocketAddr::new(self.address, lease(port.0).number)
    }

    fn resolve(&self, target: &Target) -> Result<Flow, String> {
        if target.transport != Transport::Udp {
            return Err(format!("{}: the simulator has UDP only", target.transport));
        }
        let literal = target.host.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, target.port));
        let remote = literal.or_else(|| self.hosts.get(&target.host).copied());
        remote.map(|remote| self.flow(remote)).ok_or_else(|| format!("{}: no such host", target.host))
    }
}

fn lease(port: u32) -> Lease {
    // Below 65536, as there are [`PORTS`].
    Lease { worker: WORKER, port: PortId(port), number: FIRST_PORT + 2 * port as u16 }
}

fn port_of(number: u16) -> Option<PortId> {
    let offset = number.checked_sub(FIRST_PORT)?;
    (offset % 2 == 0).then_some(PortId(u32::from(offset / 2))).filter(|port| port.0 < PORTS)
}
