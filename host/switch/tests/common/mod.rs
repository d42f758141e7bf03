//! An exchange in virtual time: the real switch and real media workers, phones around them that build
//! and read their messages with rsip, and instances of plugins whose verbs the story posts.
#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    reason = "every test file uses its part, and fails by a panic"
)]

mod app;
mod guests;
mod net;
mod phone;
mod sdp;
mod settings;
mod transfer;
mod voice;
mod wild;
mod wire;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use jackfield_media::{Lease, LegId, PortId, Session, WorkerId};
use jackfield_sip::{Flow, FlowId, Transport};
pub(crate) use jackfield_switch::{CallEvent, Happened};
use jackfield_switch::{
    CallRecord, Counts, Input, InstanceId, Level, Options, Output, Reply, Settings, Switch, Time, Token,
    Write,
};

pub(crate) use app::*;
pub(crate) use guests::*;
pub(crate) use net::credentials;
pub(crate) use phone::{End, Line, Phone};
pub(crate) use sdp::Sdp;
pub(crate) use settings::*;
pub(crate) use wild::*;
pub(crate) use wire::*;

use net::{Lines, Phones};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MS: Duration = Duration::from_millis(1);
/// 64*T1, and what hangs on it.
pub(crate) const LONG: Duration = Duration::from_secs(40);
/// Sockets that each of two workers lends.
const LEASES: u32 = 20;
/// The first RTP port of the exchange.
pub(crate) const FIRST_PORT: u16 = 20_000;
/// RTP ports of one worker, before legs move.
const PORTS_OF_A_WORKER: u32 = 500;

/// The sockets behind an RTP port of the exchange.
pub(crate) fn port_of(number: u16) -> PortId {
    PortId(u32::from(number.saturating_sub(FIRST_PORT) / 2))
}

fn number_of(port: PortId) -> u16 {
    FIRST_PORT + 2 * port.0 as u16
}

/// What the store does with a write that wants an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    Commits,
    Refuses,
    /// Answers when [`World::store_answers`] says so.
    Waits,
}

/// What the driver does when a way to a target is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ways {
    /// To every address there is one.
    Open,
    Blocked,
    /// Answers when [`World::way_opens`] says so.
    Wait,
}

pub(crate) struct World {
    pub(crate) now: Time,
    pub(crate) switch: Switch,
    pub(crate) settings: Settings,
    pub(crate) store: Store,
    pub(crate) ways: Ways,
    /// Calls that have ended.
    pub(crate) records: Vec<CallRecord>,
    /// Calls as they were when they began, and when they were answered.
    pub(crate) underway: Vec<CallRecord>,
    /// What happened to calls, with the linked ids that they have now.
    pub(crate) events: Vec<CallEvent>,
    /// All that was written.
    pub(crate) writes: Vec<Write>,
    pub(crate) notices: Vec<(Level, String)>,
    pub(crate) dropped: Vec<InstanceId>,
    /// Commands of media that left the switch.
    pub(crate) media: Vec<jackfield_media::Command>,
    /// Of the recordings of calls.
    pub(crate) pieces: Vec<jackfield_media::Piece>,
    /// Legs that were handed over.
    pub(crate) moves: Vec<LegId>,
    workers: BTreeMap<WorkerId, Session>,
    /// Which worker has which sockets.
    places: BTreeMap<PortId, WorkerId>,
    inputs: VecDeque<Input>,
    phones: Phones,
    lines: Lines,
    started: VecDeque<App>,
    /// Commands that were posted, and what came back.
    asked: BTreeMap<Token, (InstanceId, Vec<Reply>)>,
    ended: Vec<InstanceId>,
    /// What phones have said.
    said: Vec<(usize, bytes::Bytes)>,
    is_wild: bool,
    unstored: VecDeque<Token>,
    unopened: VecDeque<(Token, jackfield_switch::Target)>,
    opens: usize,
    /// Carried by somebody else; none: everything arrives at once, in its order.
    wire: Option<Wire>,
}

impl World {
    /// Alice 101, Bob 102, Carol 103, who can call each other.
    pub(crate) fn new() -> World {
        World::with(|_| {})
    }

    /// With other settings.
    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> World {
        let mut world = World::with_sockets(LEASES, change);
        world.lend(1, LEASES);
        world
    }

    /// With one worker, and so many sockets for RTP.
    pub(crate) fn with_sockets(sockets: u32, change: impl FnOnce(&mut Settings)) -> World {
        let mut settings = settings();
        change(&mut settings);
        let options = Options {
            seed: [7; 32],
            node: "n1".to_owned(),
            user_agent: "Jackfield".to_owned(),
            started_unix: Duration::from_secs(1_700_000_000),
            sip_timers: jackfield_sip::Timers::default(),
        };
        let mut world = World {
            now: SECOND,
            switch: Switch::new(options, Arc::new(settings.clone())),
            settings,
            store: Store::Commits,
            ways: Ways::Open,
            records: Vec::new(),
            underway: Vec::new(),
            events: Vec::new(),
            writes: Vec::new(),
            notices: Vec::new(),
            dropped: Vec::new(),
            media: Vec::new(),
            pieces: Vec::new(),
            moves: Vec::new(),
            workers: BTreeMap::new(),
            places: BTreeMap::new(),
            inputs: VecDeque::new(),
            phones: Phones::default(),
            lines: Lines::default(),
            started: VecDeque::new(),
            asked: BTreeMap::new(),
            ended: Vec::new(),
            said: Vec::new(),
            is_wild: false,
            unstored: VecDeque::new(),
            unopened: VecDeque::new(),
            opens: 0,
            wire: None,
        };
        world.lend(0, sockets);
        world
    }

    /// A worker lends so many sockets; those that it lent before are known.
    pub(crate) fn lend(&mut self, worker: u16, sockets: u32) {
        self.workers.entry(WorkerId(worker)).or_insert_with(|| {
            Session::new(jackfield_media::Settings { seed: worker.into(), ..Default::default() })
        });
        let first = u32::from(worker) * PORTS_OF_A_WORKER;
        let lease = |n| Lease { worker: WorkerId(worker), port: PortId(n), number: number_of(PortId(n)) };
        let leases: Vec<Lease> = (first..first + sockets).map(lease).collect();
        for lease in &leases {
            self.places.entry(lease.port).or_insert(lease.worker);
        }
        self.input(Input::Leases(leases));
    }

    /// New settings reach the exchange.
    pub(crate) fn reload(&mut self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings);
        self.input(Input::Settings(Arc::new(self.settings.clone())));
    }

    // ---- the crank

    /// Something happens, and what follows from it at once.
    pub(crate) fn input(&mut self, input: Input) {
        self.inputs.push_back(input);
        self.settle();
    }

    pub(crate) fn settle(&mut self) {
        for _ in 0..100_000 {
            self.drain();
            let Some(input) = self.inputs.pop_front() else { return };
            self.switch.handle(self.now, input);
        }
        panic!("it never comes to rest");
    }

    fn drain(&mut self) {
        while let Some(output) = self.switch.poll_output() {
            self.output(output);
        }
        self.drain_media();
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Transmit { flow, bytes } => match &mut self.wire {
                Some(wire) => wire.sip.push((flow, bytes)),
                None => self.delivered(flow, &bytes),
            },
            Output::Open { token, target } => {
                self.opens += 1;
                self.unopened.push_back((token, target));
                match self.ways {
                    Ways::Open => self.open_way(),
                    Ways::Blocked => self.open_no_way(),
                    Ways::Wait => {}
                }
            }
            Output::Media { worker, command } => {
                if let Some(wire) = &mut self.wire {
                    wire.media.push(Media::Command(worker, command.clone()));
                }
                self.media.push(command.clone());
                self.workers.get_mut(&worker).unwrap().handle_command(self.now, command);
            }
            Output::Move { leg, from, to } => self.hand_over(leg, from, to),
            Output::StartPlugin { instance, plugin, leg, call } => {
                self.started.push_back(App { instance, leg, plugin, call });
            }
            Output::PluginReply { instance, token, reply } => {
                let (asker, replies) = self.asked.get_mut(&token).expect("a reply to a command");
                assert_eq!(*asker, instance);
                replies.push(reply);
                assert_eq!(replies.len(), 1, "every command is answered once: {replies:?}");
            }
            Output::DropInstance { instance } => {
                self.dropped.push(instance);
                self.ended.push(instance);
            }
            Output::Store { token, write } => {
                self.writes.push(write);
                self.unstored.extend(token);
                if self.store != Store::Waits {
                    self.answer_writes();
                }
            }
            Output::Underway(record) => self.underway.push(record),
            Output::Record(record) => self.records.push(record),
            Output::Trace(event) => self.events.push(event),
            Output::Linked { from, to } => {
                self.events
                    .iter_mut()
                    .filter(|event| event.linked == from)
                    .for_each(|event| event.linked.clone_from(&to));
                self.records
                    .iter_mut()
                    .filter(|record| record.linked == from)
                    .for_each(|record| record.linked.clone_from(&to));
            }
            Output::Notice { level, text, .. } => self.notices.push((level, text)),
        }
    }

    /// A leg that has been closed does not come.
    fn hand_over(&mut self, leg: LegId, from: WorkerId, to: WorkerId) {
        assert_ne!(from, to);
        self.drain_media();
        self.moves.push(leg);
        if let Some(wire) = &mut self.wire {
            wire.media.push(Media::Move(leg, from, to));
        }
        let Some(moved) = self.workers.get_mut(&from).unwrap().take(leg) else { return };
        self.places.insert(moved.port(), to);
        self.workers.get_mut(&to).unwrap().adopt(self.now, moved);
    }

    /// The store does so with everything that waits for it, and from now on.
    pub(crate) fn store_answers(&mut self, store: Store) {
        self.store = store;
        self.answer_writes();
        self.settle();
    }

    fn answer_writes(&mut self) {
        let refused = || Err("the disk is full".to_owned());
        let result = |store| if store == Store::Refuses { refused() } else { Ok(()) };
        for token in std::mem::take(&mut self.unstored) {
            self.inputs.push_back(Input::Stored { token, result: result(self.store) });
        }
    }

    /// Lets time go on until `end`, waking whoever wants to.
    pub(crate) fn run_until(&mut self, end: Time) {
        for _ in 0..1_000_000 {
            self.settle();
            let Some(next) = self.next_timeout().filter(|next| *next <= end) else {
                self.now = self.now.max(end);
                return;
            };
            self.wake(next);
        }
        panic!("time stands still");
    }

    /// When the switch or a worker wants to be woken.
    pub(crate) fn next_timeout(&self) -> Option<Time> {
        let workers = self.workers.values().filter_map(Session::next_timeout);
        workers.chain(self.switch.next_timeout()).min()
    }

    /// Lets the clock show `at`, and does what is due then.
    pub(crate) fn wake(&mut self, at: Time) {
        self.now = self.now.max(at);
        let now = self.now;
        self.workers.values_mut().for_each(|worker| worker.handle_timeout(now));
        self.settle();
        self.switch.handle_timeout(now);
        self.settle();
    }

    pub(crate) fn run_for(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    // ---- ways

    /// The driver finds a way to what it was asked for first.
    pub(crate) fn way_opens(&mut self) {
        self.open_way();
        self.settle();
    }

    /// It finds none.
    pub(crate) fn way_fails(&mut self) {
        self.open_no_way();
        self.settle();
    }

    fn open_way(&mut self) {
        let Some((token, target)) = self.unopened.pop_front() else { return };
        let remote = format!("{}:{}", target.host, target.port).parse().expect("an address");
        let local = "192.0.2.1:5060".parse().unwrap();
        let id = if target.transport == Transport::Udp { 1 } else { 1000 + token.0 };
        let flow = Flow { id: FlowId(id), transport: target.transport, local, remote };
        self.inputs.push_back(Input::Opened { token, result: Ok(flow) });
    }

    fn open_no_way(&mut self) {
        let Some((token, _)) = self.unopened.pop_front() else { return };
        self.inputs.push_back(Input::Opened { token, result: Err("no such host".to_owned()) });
    }

    /// How often a way was wanted.
    pub(crate) fn opens(&self) -> usize {
        self.opens
    }

    // ---- what is left of it

    /// The record of the one call that has ended since the last look.
    #[track_caller]
    pub(crate) fn record(&mut self) -> CallRecord {
        assert_eq!(self.records.len(), 1, "one call has ended: {:?}", self.records);
        self.records.remove(0)
    }

    /// Everything is over: nothing is left of it anywhere, and every command was answered.
    #[track_caller]
    pub(crate) fn assert_over(&mut self) {
        self.run_for(LONG);
        assert_eq!(self.switch.counts(), Counts::default());
        let legs: usize = self.workers.values().map(Session::legs).sum();
        assert_eq!((legs, self.switch.calls().len()), (0, 0));
        for (token, (instance, replies)) in &self.asked {
            let living = !self.ended.contains(instance);
            assert!(!living || replies.len() == 1, "{token:?} of {instance:?} has had no answer");
        }
    }

    /// The sentences at that level or above, in their order.
    pub(crate) fn warnings(&self) -> Vec<&str> {
        let grave = |level: &Level| matches!(level, Level::Warn | Level::Error);
        self.notices.iter().filter(|(level, _)| grave(level)).map(|(_, text)| text.as_str()).collect()
    }
}
