//! Whatever phones, guests, media, the store and time do: the switch does not panic, answers every
//! command once, and forgets everything in the end.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{sync::Arc, time::Duration};

use common::*;
use jackfield_media::{self as media, Digits, LegId, PlayId, RecordId, WorkerId};
use jackfield_switch::{
    Address, BridgeOptions, Command, Counts, DialOptions, Input, InstanceEnd, InstanceId, PlayOptions,
    RouteTo, StopReason, Token,
};
use proptest::prelude::*;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Dial {
        phone: usize,
        number: usize,
        offer: u8,
    },
    /// The phone of some line acts.
    Line {
        line: usize,
        act: u8,
        status: u16,
    },
    /// Something that was said before is said again, with wounds: place, byte, kind.
    Again {
        message: usize,
        wounds: Vec<(usize, u8, u8)>,
    },
    Register {
        phone: usize,
        seconds: u32,
    },
    Disconnect(usize),
    Sound {
        line: usize,
        digit: u8,
    },
    /// A worker says something that may not even be so.
    Media {
        kind: u8,
        leg: u64,
        number: u64,
    },
    Command {
        who: usize,
        verb: u8,
        leg: usize,
        other: usize,
        number: u32,
    },
    Abandon(usize),
    End {
        who: usize,
        end: u8,
    },
    Service(u8),
    Wait(u32),
    Operator(u8),
    Driver(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let any_number = any::<usize>;
    let wounds = prop::collection::vec((any::<usize>(), any::<u8>(), 0u8..5), 0..4);
    let step = prop_oneof![
        10 => (any_number(), any_number(), 0u8..9).prop_map(|(phone, number, offer)| Step::Dial { phone, number, offer }),
        25 => (any_number(), 0u8..12, 100u16..700).prop_map(|(line, act, status)| Step::Line { line, act, status }),
        4 => (any_number(), wounds).prop_map(|(message, wounds)| Step::Again { message, wounds }),
        2 => (any_number(), 0u32..4000).prop_map(|(phone, seconds)| Step::Register { phone, seconds }),
        1 => any_number().prop_map(Step::Disconnect),
        6 => (any_number(), 0u8..17).prop_map(|(line, digit)| Step::Sound { line, digit }),
        2 => (0u8..6, 0u64..80, 0u64..80).prop_map(|(kind, leg, number)| Step::Media { kind, leg, number }),
        50 => (any_number(), 0u8..28, any_number(), any_number(), any::<u32>())
            .prop_map(|(who, verb, leg, other, number)| Step::Command { who, verb, leg, other, number }),
        3 => any_number().prop_map(Step::Abandon),
        1 => (any_number(), 0u8..4).prop_map(|(who, end)| Step::End { who, end }),
        1 => (0u8..4).prop_map(Step::Service),
        8 => (0u32..1_000).prop_map(Step::Wait),
        1 => (0u32..30_000).prop_map(Step::Wait),
        1 => (0u8..8).prop_map(Step::Operator),
        2 => (0u8..6).prop_map(Step::Driver),
    ];
    prop::collection::vec(step, 1..120)
}

fn wounded(text: &[u8], wounds: &[(usize, u8, u8)]) -> Vec<u8> {
    let mut bytes = text.to_vec();
    for &(place, byte, kind) in wounds {
        if bytes.is_empty() {
            break;
        }
        let at = place % bytes.len();
        match kind {
            0 => bytes[at] = byte,
            1 => bytes.truncate(at),
            2 => bytes.insert(at, byte),
            3 => bytes.extend_from_within(at..),
            _ => drop(bytes.remove(at)),
        }
    }
    bytes
}

/// Half of them lead to the plugin.
const NUMBERS: [&str; 12] =
    ["100", "101", "100", "bob", "100", "103", "100", "200", "300", "0123", "100", "#"];

/// The world, and what the steps can choose from.
struct Life {
    world: World,
    phones: Vec<Phone>,
    apps: Vec<App>,
    services: Vec<InstanceId>,
    /// All legs that anybody has heard of.
    legs: Vec<LegId>,
    tokens: Vec<(InstanceId, Token)>,
    given_up: Vec<Token>,
}

impl Life {
    fn new() -> Life {
        let mut world = World::with_sockets(12, |settings| {
            settings.max_calls = 8;
            settings.peers = vec![provider()];
            settings.plugins.insert("menu".to_owned(), launching(2, 3));
            settings.routes = vec![
                with_fallback(route("100", to_plugin("menu")), "102"),
                with_fallback(route("200", to_users(&["alice", "bob", "carol"])), "100"),
                with_fallback(route("300", to_users(&["nobody"])), "200"),
                route("0*", RouteTo::Sip("sip:{rest}@198.51.100.1".to_owned())),
            ];
        });
        let mut phones: Vec<_> =
            ["alice", "bob", "carol", "bob"].iter().map(|user| world.phone(user)).collect();
        phones.push(world.phone_over("carol", jackfield_sip::Transport::Tcp));
        phones.push(world.stranger("provider", PROVIDER));
        world.lend(1, 6);
        world.go_wild();
        let services = vec![world.service(1, "menu"), world.service(2, "queue")];
        let legs = vec![LegId(9999)];
        // Two are in the menu already, which has called Bob for one of them.
        let mut apps = Vec::new();
        for phone in [phones[0], phones[2]] {
            world.dial(phone, "100");
            let app = world.started();
            world.succeeds(app.instance, Command::Answer { leg: app.leg });
            apps.push(app);
        }
        world.post(apps[0].instance, Command::Dial { leg: Some(apps[0].leg), options: to(&["bob"]) });
        let callee = world.all_called(phones[1])[0];
        world.answer(callee);
        Life { world, phones, apps, services, legs, tokens: vec![], given_up: vec![] }
    }

    fn step(&mut self, step: Step) {
        let world = &mut self.world;
        match step {
            Step::Dial { phone, number, offer } => {
                let (phone, number) =
                    (self.phones[phone % self.phones.len()], NUMBERS[number % NUMBERS.len()]);
                match offer {
                    0 => drop(world.dial_without_offer(phone, number)),
                    1 => drop(world.dial_with(phone, number, |sdp| Some(sdp.payloads(&[0, 9])))),
                    2 => drop(world.dial_with(phone, number, |sdp| Some(sdp.direction("sendonly")))),
                    _ => drop(world.dial(phone, number)),
                }
            }
            Step::Line { line, act, status } => {
                if let Some(line) = world.any_line(line) {
                    world.wild_act(line, act, status);
                }
            }
            Step::Again { message, wounds } => {
                let (phone, bytes) = world.any_message(message).unwrap();
                world.says(phone, wounded(&bytes, &wounds).into());
            }
            Step::Register { phone, seconds } => {
                world.wild_register(self.phones[phone % self.phones.len()], seconds);
            }
            Step::Disconnect(phone) => world.disconnect(self.phones[phone % self.phones.len()]),
            Step::Sound { line, digit } => {
                if let Some(line) = world.any_line(line) {
                    world.wild_sound(line, "0123456789*#ABCD".chars().nth(digit.into()));
                }
            }
            Step::Media { kind, leg, number } => world.input(media_event(kind, leg, number)),
            Step::Command { who, verb, leg, other, number } => self.command(who, verb, leg, other, number),
            Step::Abandon(token) => {
                if let Some(&(instance, token)) = self.tokens.get(token % self.tokens.len().max(1)) {
                    self.given_up.push(token);
                    world.abandon_quietly(instance, token);
                }
            }
            Step::End { who, end } => self.end(who, end),
            Step::Service(number) => self.serve(number),
            Step::Wait(ms) => world.run_for(MS * ms),
            Step::Operator(act) => self.operate(act),
            Step::Driver(act) => self.drive(act),
        }
        self.look();
    }

    fn instances(&self) -> Vec<InstanceId> {
        let apps = self.apps.iter().map(|app| app.instance);
        let all: Vec<_> =
            apps.chain(self.services.iter().copied()).filter(|id| self.world.is_living(*id)).collect();
        if all.is_empty() { vec![InstanceId(1)] } else { all }
    }

    fn command(&mut self, who: usize, verb: u8, leg: usize, other: usize, number: u32) {
        let instances = self.instances();
        let apps = instances.iter().filter(|id| !self.services.contains(id)).count();
        let instance = match who % 20 {
            0 => InstanceId(123_456),
            1..=4 => instances[who / 20 % instances.len()],
            // The apps come first.
            _ => instances[who / 20 % apps.max(1)],
        };
        // Mostly legs of its own, the newest first.
        let started = self.apps.iter().find(|app| app.instance == instance).map(|app| app.leg);
        let dialled = self.world.dialled_legs(Some(instance));
        let own: Vec<_> = dialled.into_iter().rev().take(3).chain(started).collect();
        let choose = |number: usize| match number % 8 {
            0 => self.legs[number / 8 % self.legs.len()],
            1 | 2 => own.first().copied().unwrap_or(LegId(9999)),
            _ => started.or(own.first().copied()).unwrap_or(LegId(9999)),
        };
        let (leg, other) = (choose(leg), choose(other.wrapping_add(leg)));
        let command = command(verb, leg, other, number, &self.apps);
        let token = self.world.post(instance, command);
        self.tokens.push((instance, token));
    }

    fn end(&mut self, who: usize, end: u8) {
        let instances = self.instances();
        let instance = instances[who % instances.len()];
        let reason = || "so".to_owned();
        let end = match end {
            0 => InstanceEnd::Returned,
            1 => InstanceEnd::Failed(reason()),
            2 => InstanceEnd::Trapped(reason()),
            _ => InstanceEnd::NotStarted(reason()),
        };
        self.world.ends(instance, end);
    }

    fn serve(&mut self, number: u8) {
        match number {
            0 | 1 => {
                let plugin = ["menu", "queue"][usize::from(number)];
                let service = self.world.service(10 + self.services.len() as u64, plugin);
                self.services.push(service);
            }
            _ => {
                let instance = self.services[usize::from(number) % self.services.len()];
                self.world.input(Input::StopService { instance, reason: StopReason::Reload });
            }
        }
    }

    fn operate(&mut self, act: u8) {
        let world = &mut self.world;
        match act {
            0 | 1 => {
                let call = world.switch.calls().pop().map(|call| call.id).unwrap_or_default();
                world.input(Input::HangUp { call });
            }
            2 => world.reload(|settings| drop(settings.users.remove("carol"))),
            3 => world.reload(|settings| settings.codecs.reverse()),
            4 => world.reload(|settings| settings.codecs = vec![media::Codec::Pcmu]),
            5 => world.reload(|settings| settings.routes.reverse()),
            6 => world.reload(|settings| {
                settings.plugins.insert("menu".to_owned(), launching(1, 1));
            }),
            _ => world.input(Input::Message {
                plugin: "menu".to_owned(),
                sender: "operator".to_owned(),
                topic: "t".to_owned(),
                body: vec![],
            }),
        }
    }

    fn drive(&mut self, act: u8) {
        let world = &mut self.world;
        match act {
            0 => world.store = Store::Waits,
            1 => world.store_answers(Store::Refuses),
            2 => world.store_answers(Store::Commits),
            3 => world.ways = Ways::Wait,
            4 => world.way_opens(),
            _ => world.way_fails(),
        }
    }

    /// What is new, and what must be so at every moment.
    fn look(&mut self) {
        self.apps.extend(self.world.all_started());
        self.legs.extend(self.apps.last().map(|app| app.leg));
        self.legs.extend(self.world.dialled_legs(None));
        self.legs.sort();
        self.legs.dedup();
        let counts = self.world.switch.counts();
        assert!(counts.legs <= counts.leases && counts.leases <= 18, "{counts:?}");
        assert!(counts.calls <= 8 + 2 * 32 + 4, "{counts:?}");
    }

    /// Everybody hangs up; five minutes later nothing is left.
    fn finish(mut self) {
        let world = &mut self.world;
        world.driver_catches_up();
        world.run_for(SECOND);
        for call in world.switch.calls() {
            world.input(Input::HangUp { call: call.id });
        }
        world.driver_catches_up();
        world.run_for(SECOND * 300);
        assert_eq!(world.unanswered(&self.given_up), []);
        let counts = world.switch.counts();
        let services = self.services.iter().filter(|id| world.is_living(**id)).count();
        assert_eq!((counts.calls, counts.legs, counts.instances), (0, 0, services), "{counts:?}");
        for service in self.services {
            if world.is_living(service) {
                world.returns(service);
            }
        }
        assert_eq!(world.switch.counts(), Counts::default());
    }
}

fn media_event(kind: u8, leg: u64, number: u64) -> Input {
    let leg = LegId(leg);
    let event = match kind {
        0 => media::Event::Digit { leg, digit: '5' },
        1 => media::Event::PlayEnded { leg, play: PlayId(number), end: media::PlayEnd::Finished },
        2 => media::Event::DigitsSent { leg },
        3 => media::Event::RecordEnded {
            leg,
            record: RecordId(number),
            end: media::RecordEnd::Max,
            samples: Arc::new([1; 160]),
        },
        4 => media::Event::Latched { leg, source: "192.0.2.9:4000".parse().unwrap(), for_good: true },
        _ => media::Event::TimedOut { leg },
    };
    Input::Media { worker: WorkerId(0), event }
}

/// A verb with whatever comes to mind. None waits for longer than a minute for its own end.
fn command(verb: u8, leg: LegId, other: LegId, number: u32, apps: &[App]) -> Command {
    let time = Duration::from_millis(u64::from(number % 60_000));
    let few = number % 4;
    let sources = if few == 0 { vec![] } else { prompt(time) };
    let play = PlayOptions { interrupt: Digits::ALL, repeat: few, early: number.is_multiple_of(2) };
    let targets = [&["bob"][..], &["102", "carol"], &["sip:1@198.51.100.1", "alice"], &["nobody"], &["sip:"]];
    let options = to(targets[number as usize % targets.len()]);
    let ringback = (few == 1).then(|| prompt(time));
    let options = DialOptions { timeout: time, ringback, ..options };
    let bridge = BridgeOptions { max: (few > 1).then_some(time), break_digit: Digits::ALL };
    let address = match (few, apps.last()) {
        (0, _) => Address::Plugin("queue".to_owned()),
        (_, Some(app)) => Address::Call(app.call.id.clone()),
        _ => Address::Plugin("menu".to_owned()),
    };
    let (topic, body) = (String::new(), vec![0; few as usize]);
    match verb {
        0 | 1 => Command::Answer { leg },
        2 => Command::Ring { leg },
        3 => Command::Reject { leg, code: (number % 800) as u16 },
        4 => Command::Hangup { leg, reason: String::new() },
        5 => Command::State { leg },
        6 => Command::Play { leg, sources, options: play },
        7 => Command::StartPlay { leg, sources, options: play },
        8 | 9 => {
            let mut options = gathering(few, 1 + number % 5, "#");
            (options.flush, options.barge_in) = (few == 1, few > 1);
            Command::Gather { leg, sources, options }
        }
        10 => Command::Record { leg, options: recording("r") },
        11 => Command::StartRecord { leg, options: recording("") },
        12 => Command::Stop { leg, operation: number % 20 },
        13 => Command::SendDigits { leg, digits: "12".into() },
        14 | 15 => Command::Dial { leg: Some(leg), options },
        16 => Command::Dial { leg: None, options },
        17 => Command::StartDial { leg, options },
        18 | 19 => Command::Bridge { leg, other, options: bridge },
        20 => Command::StartBridge { leg, other, options: bridge },
        21 => Command::SetResult { leg, key: few.to_string(), value: String::new() },
        22 => Command::Next { timeout: Some(time) },
        23 => Command::Sleep { time },
        24 if few < 2 => Command::StartTimer { after: time.max(SECOND), repeat: few == 0 },
        24 => Command::CancelTimer { timer: u64::from(number % 300) },
        25 if few < 2 => Command::Launch(launch(["bob", "nobody"][few as usize])),
        25 if few == 2 => Command::Slots,
        25 => Command::CancelLaunch { launch: 1_700_000_000_000 * 4096 + u64::from(number % 9) },
        26 => Command::Send { to: address, topic, body },
        _ if few == 0 => Command::Answered { question: u64::from(number % 300), answer: Ok(vec![]) },
        _ => Command::Ask { to: address, topic, body, timeout: time },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_exchange_survives_anything_and_forgets_it(steps in steps()) {
        let mut life = Life::new();
        steps.into_iter().for_each(|step| life.step(step));
        life.finish();
    }

    #[test]
    fn a_shutdown_in_the_middle_of_anything_leaves_nothing(steps in steps(), at in 0usize..80) {
        let mut life = Life::new();
        for (n, step) in steps.into_iter().enumerate() {
            if n == at {
                life.world.input(Input::Shutdown);
            }
            life.step(step);
        }
        life.finish();
    }
}
