//! Whatever phones, guests, media, the store and time do: the switch does not panic, answers every
//! command once, and forgets everything in the end.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::Arc;

use common::*;
use jackfield_media::{self as media, LegId, PlayId, RecordId, WorkerId};
use jackfield_switch::{Command, Counts, Input, RouteTo};
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
    guests: Guests,
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
        let mut guests = Guests::new(&mut world);
        // Two are in the menu already, which has called Bob for one of them.
        for phone in [phones[0], phones[2]] {
            world.dial(phone, "100");
            let app = world.started();
            world.succeeds(app.instance, Command::Answer { leg: app.leg });
            guests.apps.push(app);
        }
        let app = guests.apps[0].clone();
        world.post(app.instance, Command::Dial { leg: Some(app.leg), options: to(&["bob"]) });
        let callee = world.all_called(phones[1])[0];
        world.answer(callee);
        Life { world, phones, guests }
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
            Step::Command { who, verb, leg, other, number } => {
                self.guests.command(world, who, verb, [leg, other], number);
            }
            Step::Abandon(token) => self.guests.abandon(world, token),
            Step::End { who, end } => self.guests.end(world, who, end),
            Step::Service(number) => self.guests.serve(world, number),
            Step::Wait(ms) => world.run_for(MS * ms),
            Step::Operator(act) => world.operate(act),
            Step::Driver(act) => world.drive(act),
        }
        self.look();
    }

    /// What is new, and what must be so at every moment.
    fn look(&mut self) {
        self.guests.look(&mut self.world);
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
        assert_eq!(world.unanswered(&self.guests.given_up), []);
        let counts = world.switch.counts();
        let services = self.guests.services.iter().filter(|id| world.is_living(**id)).count();
        assert_eq!((counts.calls, counts.legs, counts.instances), (0, 0, services), "{counts:?}");
        for service in self.guests.services {
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
