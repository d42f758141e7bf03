//! The exchange, its phones and its plugins, in all weathers: plays a list of steps and looks, after
//! everything that happens, whether all is as it must be.

use std::time::Duration;

use jackfield_media::{dtmf, rtp};
use jackfield_sip::Transport;
use jackfield_switch::{Counts, Input, RouteTo, Time};

use crate::{
    action::{Action, Step},
    common::*,
    fault::Fault,
    judge::Judge,
    message::Message,
    phone::{LIFE, Phones, Stage},
    weather::{FAIR, Network, RAIN, STORM, To, Weather},
};

/// Half of them lead to the plugin.
const NUMBERS: [&str; 12] =
    ["100", "101", "100", "bob", "102", "103", "100", "200", "300", "0123", "100", "#"];
/// Digits and silence that phones send.
const EVENTS: u8 = 101;
const DIRECTIONS: [&str; 5] = ["sendrecv", "sendonly", "inactive", "recvonly", "sendrecv"];

/// The whole of a run: the same case takes the same course.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Of the network.
    pub(crate) seed: u64,
    pub(crate) weather: Weather,
    pub(crate) steps: Vec<Step>,
}

/// As Rust, for a test.
impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "plays({}, {}, &[", self.seed, name(self.weather))?;
        for Step { after, action } in &self.steps {
            writeln!(f, "    ({after}, {action:?}),")?;
        }
        write!(f, "]);")
    }
}

fn name(weather: Weather) -> &'static str {
    match weather {
        FAIR => "FAIR",
        RAIN => "RAIN",
        _ => "STORM",
    }
}

/// How far a run came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Decisions that were carried out.
    pub(crate) steps: usize,
    /// Everything that happened: decisions, arrivals, timers. All rules were looked at after each.
    pub(crate) events: usize,
    /// Comparisons of what a phone and the exchange believe.
    pub(crate) comparisons: usize,
    /// Calls that were written down.
    pub(crate) records: usize,
    /// Legs that went from one media worker to another.
    pub(crate) moves: usize,
}

pub(crate) struct Life {
    world: World,
    phones: Phones,
    network: Network,
    judge: Judge,
    guests: Guests,
    started: usize,
    /// RTP packets so far, for their sequence.
    spoken: u16,
    /// Every message is printed.
    is_traced: bool,
    pub(crate) count: Count,
}

impl Life {
    fn new(case: &Case, is_traced: bool) -> Life {
        // Every leg begins on a media worker of its own, so that legs move when they are joined.
        let mut world = World::with_sockets(1, |settings| {
            settings.max_calls = 8;
            settings.peers = vec![provider()];
            settings.plugins.insert("menu".to_owned(), launching(2, 3));
            settings.routes = vec![
                with_fallback(route("100", to_plugin("menu")), "102"),
                with_fallback(route("200", to_users(&["alice", "bob", "carol"])), "100"),
                with_fallback(route("300", to_users(&["nobody"])), "200"),
                route("0*", RouteTo::Sip("sip:{rest}@198.51.100.15".to_owned())),
            ];
        });
        (1..16).for_each(|worker| world.lend(worker, 1));
        world.cut_the_wire();
        let guests = Guests::new(&mut world);
        let mut phones = Phones::new(world.now);
        for (user, transport) in [
            ("alice", Transport::Udp),
            ("bob", Transport::Udp),
            ("carol", Transport::Udp),
            ("bob", Transport::Udp),
            ("carol", Transport::Tcp),
        ] {
            phones.add(user, Some(password(user)), transport);
        }
        phones.add("provider", None, Transport::Udp);
        let mut life = Life {
            world,
            phones,
            network: Network::new(case.seed, FAIR),
            judge: Judge::default(),
            guests,
            started: 0,
            spoken: 0,
            is_traced,
            count: Count::default(),
        };
        (0..5).for_each(|phone| life.phones.register(phone, 3600));
        life
    }

    /// Plays a case to its end, and everything that follows from it.
    pub(crate) fn run(case: &Case, is_traced: bool, progress: &mut dyn FnMut(Count)) -> Result<Count, Fault> {
        let mut life = Life::new(case, is_traced);
        life.pass(SECOND)?;
        life.network.weather = case.weather;
        for step in &case.steps {
            life.pass(MS * step.after)?;
            life.trace(|| format!("{:?}", step.action));
            life.act(&step.action);
            life.count.steps += 1;
            life.look()?;
            progress(life.count);
        }
        life.finish()?;
        Ok(life.count)
    }

    fn trace(&self, what: impl Fn() -> String) {
        if self.is_traced {
            eprintln!("{:?} {}", self.now(), what());
        }
    }

    // ---- time

    fn now(&self) -> Time {
        self.world.now
    }

    /// Lets time go on, and everything happen that is due.
    fn pass(&mut self, time: Duration) -> Result<(), Fault> {
        let end = self.now() + time;
        self.carry();
        self.look()?;
        loop {
            let network = self.network.next_arrival();
            let (phones, world) = (self.phones.next_timeout(), self.world.next_timeout());
            let Some(next) = network.into_iter().chain(phones).chain(world).min().filter(|next| *next <= end)
            else {
                self.world.now = end;
                self.phones.now = end;
                return Ok(());
            };
            self.world.now = self.world.now.max(next);
            let now = self.now();
            if network.is_some_and(|at| at <= now) {
                self.arrive();
            } else if phones.is_some_and(|at| at <= now) {
                self.phones.wake(now);
            } else {
                self.world.wake(now);
            }
            self.look()?;
        }
    }

    fn arrive(&mut self) {
        let now = self.now();
        let Some(packet) = self.network.arrival(now) else { return };
        self.trace(|| format!("arrives {:?}\n{}", packet.to, String::from_utf8_lossy(&packet.bytes)));
        match packet.to {
            To::Phone => self.phones.hear(now, &packet.flow, &packet.bytes),
            To::Exchange => {
                if let Some(message) = Message::read(&packet.bytes) {
                    self.judge.heard(&message);
                }
                self.world.input(Input::Sip { flow: packet.flow, bytes: packet.bytes });
            }
        }
    }

    /// What was said is on its way.
    fn carry(&mut self) {
        let now = self.now();
        let wire = self.world.take_wire();
        for event in wire.media {
            if let Some(sound) = self.judge.media(&event) {
                self.sounds(sound);
            }
        }
        for (flow, bytes) in wire.sip {
            match Message::read(&bytes) {
                Some(message) => self.judge.said(now, &flow, &message),
                None => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    self.judge.faults.push(Fault { rule: "what the exchange writes can be read", text });
                }
            }
            self.network.send(now, To::Phone, flow, bytes);
        }
        for (flow, bytes) in std::mem::take(&mut self.phones.said) {
            self.network.send(now, To::Exchange, flow, bytes);
        }
    }

    // ---- what happens

    fn act(&mut self, action: &Action) {
        self.phones.now = self.now();
        let phones = &mut self.phones;
        let who = |phone: usize| phone % 6;
        match *action {
            Action::Dial { phone, number, offer } => {
                let payloads: [Option<&[u8]>; 4] = [None, Some(&[0, 101]), Some(&[9]), Some(&[8, 0, 101])];
                phones.dial(who(phone), NUMBERS[number % NUMBERS.len()], payloads[usize::from(offer).min(3)]);
            }
            Action::Ring(line) => phones.ring(line),
            Action::Early(line) => phones.answer(line, 183),
            Action::Answer(line) => phones.answer(line, 200),
            Action::Refuse(line, status) => phones.refuse(line, status),
            Action::Cancel(line) => phones.cancel(line),
            Action::HangUp(line) => phones.hang_up(line),
            Action::ByeAgain(line) => {
                let (network, judge) = (&self.network, &self.judge);
                phones.bye_again(line, |line| {
                    !network.carries(&line.call_id) && judge.is_at_rest(&line.call_id)
                });
            }
            Action::Change { line, update, direction, moves } => {
                phones.change(line, update, DIRECTIONS[usize::from(direction)], moves);
            }
            Action::AskForOffer(line) => phones.ask_for_offer(line),
            Action::Inquire(line, what) => {
                phones.inquire(line, ["INFO", "OPTIONS", "UPDATE"][usize::from(what)]);
            }
            Action::Transfer { line, other, number } => {
                phones.refer(line, other, NUMBERS[number % NUMBERS.len()]);
            }
            Action::LateAck(line, ms) => {
                if let Some(line) = phones.pick(line, |line| line.is_caller && line.stage == Stage::Calling) {
                    phones.lines[line].ack_after = MS * ms;
                }
            }
            Action::Speak(line, key) => self.speak(line, key),
            Action::Register(phone, seconds) => phones.register(who(phone), seconds),
            Action::Unplug(phone) => phones.unplug(who(phone)),
            Action::Plug(phone) => phones.plug_in(who(phone)),
            Action::Disconnect(phone) => self.disconnect(who(phone)),
            Action::Weather(number) => self.network.weather = [FAIR, RAIN, STORM][usize::from(number)],
            Action::Command { who, verb, legs, number } => {
                self.guests.command(&mut self.world, who, verb, legs, number);
            }
            Action::Abandon(token) => self.guests.abandon(&mut self.world, token),
            Action::EndInstance(who, end) => self.guests.end(&mut self.world, who, end),
            Action::Serve(number) => self.guests.serve(&mut self.world, number),
            Action::Operate(act) => self.world.operate(act),
            Action::Drive(act) => self.world.drive(act),
        }
    }

    fn disconnect(&mut self, phone: usize) {
        if let Some(flow) = self.phones.reconnect(phone) {
            self.network.close(flow);
            self.judge.closed(flow);
            self.world.input(Input::FlowClosed { flow });
            self.phones.register(phone, 3600);
        }
    }

    /// A key, or 20 ms of voice, on a line that may speak.
    fn speak(&mut self, number: usize, key: Option<char>) {
        let Some(line) = self.phones.up(number) else { return };
        let audio = &self.phones.lines[line].audio;
        let Some(agreed) = audio.agreed.clone().filter(|agreed| agreed.may_speak()) else { return };
        let port = port_of(agreed.theirs.rtp.port());
        let event = key.filter(|_| agreed.events.is_some()).and_then(dtmf::event_of);
        let payload = match event {
            Some(event) => dtmf::Payload { event, end: true, volume: 10, duration: 320 }.bytes().to_vec(),
            None => vec![0x55; 160],
        };
        let payload_type = if event.is_some() { EVENTS } else { agreed.payload };
        self.spoken = self.spoken.wrapping_add(1);
        let timestamp = u32::from(self.spoken) * 800;
        let stamp = rtp::Stamp { ssrc: line as u32, sequence: self.spoken, timestamp, marker: false };
        let mut packet = [0; 400];
        if let Some(length) = rtp::build(&mut packet, stamp, payload_type, &payload) {
            self.world.carry_rtp(port, audio.rtp, &mut packet, length);
            self.world.settle();
        }
    }

    // ---- what must be so

    /// After everything that happens.
    fn look(&mut self) -> Result<(), Fault> {
        self.count.events += 1;
        self.start_instances();
        self.carry();
        let now = self.now();
        self.judge.look_at_answers(now);
        self.judge.calls(self.world.switch.calls().into_iter().map(|call| call.id));
        for record in std::mem::take(&mut self.world.records) {
            self.count.records += 1;
            self.judge.record(&record);
        }
        self.count.moves += std::mem::take(&mut self.world.moves).len();
        self.compare();
        let counts = self.world.switch.counts();
        if counts.legs > counts.leases || counts.leases != self.judge.open_legs() {
            let text = format!("{counts:?}, and {} legs that are open", self.judge.open_legs());
            return Err(Fault { rule: "legs, sockets and media are the same", text });
        }
        if let Some(text) = self.world.switch.audit().into_iter().next() {
            return Err(Fault { rule: "the tables of the switch fit together", text });
        }
        match self.judge.faults.drain(..).chain(self.phones.faults.drain(..)).next() {
            Some(fault) => Err(fault),
            None => Ok(()),
        }
    }

    fn start_instances(&mut self) {
        self.guests.look(&mut self.world);
        for app in &self.guests.apps[self.started..] {
            let (call_time, after_hangup) = (SECOND * 90, SECOND * 5);
            let instance = app.instance;
            self.world.input(Input::InstanceStarted { instance, call_time, after_hangup, max_events: 256 });
        }
        self.started = self.guests.apps.len();
    }

    /// Where signalling is at rest, the phone and the exchange believe the same.
    fn compare(&mut self) {
        for line in 0..self.phones.lines.len() {
            if self.is_at_rest(line)
                && let Some(agreed) = &self.phones.lines[line].audio.agreed
            {
                self.judge.compare(line, agreed);
                self.count.comparisons += 1;
            }
        }
    }

    fn is_at_rest(&self, line: usize) -> bool {
        let state = &self.phones.lines[line];
        state.stage == Stage::Up
            && !state.is_excused
            && !self.network.carries(&state.call_id)
            && self.phones.is_at_rest(line)
            && self.judge.is_at_rest(&state.call_id)
    }

    /// A packet for a phone is of a type that it has named, and not for one that holds.
    fn sounds(&mut self, sound: Sound) {
        let Some(line) = self.phones.lines.iter().position(|line| line.audio.rtp == sound.to) else { return };
        if !self.is_at_rest(line) {
            return;
        }
        let Some(agreed) = &self.phones.lines[line].audio.agreed else { return };
        let is_known = sound.payload_type == agreed.payload || Some(sound.payload_type) == agreed.events;
        if !is_known || !agreed.may_hear() {
            let text = format!("{sound:?} to line {line}, which has {agreed:?}");
            self.judge.faults.push(Fault { rule: "a phone hears only what it has agreed to", text });
        }
    }

    // ---- the end

    /// Everybody is plugged in and hangs up; then nothing is left of it.
    fn finish(&mut self) -> Result<(), Fault> {
        self.network.weather = RAIN;
        self.phones.now = self.now();
        for phone in 0..self.phones.all.len() {
            self.phones.plug_in(phone);
        }
        self.world.driver_catches_up();
        self.world.ways = Ways::Open;
        self.look()?;
        // Late ACKs come, offers that met are made again, retransmissions end.
        self.pass(LIFE)?;
        for _ in 0..3 {
            self.phones.now = self.now();
            self.phones.all_hang_up();
            self.look()?;
            self.pass(LIFE * 2)?;
        }
        self.end_services()?;
        // A phone that was unplugged when it hung up is missed when its session is refreshed (RFC 4028).
        self.pass(SECOND * 3700)?;
        self.assert_empty()
    }

    fn end_services(&mut self) -> Result<(), Fault> {
        for service in self.guests.services.clone() {
            if self.world.is_living(service) {
                self.world.returns(service);
                self.look()?;
            }
        }
        Ok(())
    }

    fn assert_empty(&mut self) -> Result<(), Fault> {
        let broken = |rule, text| Err(Fault { rule, text });
        let counts = self.world.switch.counts();
        if counts != Counts::default() {
            return broken(
                "nothing is left at the end",
                format!("{counts:?} {:?}", self.world.switch.calls()),
            );
        }
        let load = self.world.switch.sip_load();
        if load != jackfield_sip::Load::default() {
            return broken("no transaction is left at the end", format!("{load:?}"));
        }
        if self.world.media_legs() + self.judge.open_legs() > 0 {
            return broken("no media is left at the end", format!("{} legs", self.world.media_legs()));
        }
        let unanswered = self.world.unanswered(&self.guests.given_up);
        if !unanswered.is_empty() {
            return broken("each verb has one reply", format!("{unanswered:?}"));
        }
        let unfinished = self.phones.unfinished();
        if !unfinished.is_empty() {
            return broken("every request of a phone ends", unfinished.join(", "));
        }
        self.judge.look_at_records();
        match self.judge.faults.pop() {
            Some(fault) => Err(fault),
            None => Ok(()),
        }
    }
}
