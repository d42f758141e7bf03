//! What can happen, and a generator of it.

use rand::{RngExt, rngs::StdRng};

/// One decision: what happens, so many milliseconds after the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) after: u32,
    pub(crate) action: Action,
}

/// Numbers choose among whoever the action makes sense for, so that a list of steps can be played without
/// some of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Dial {
        phone: usize,
        number: usize,
        offer: u8,
    },
    Ring(usize),
    Early(usize),
    Answer(usize),
    Refuse(usize, u16),
    Cancel(usize),
    HangUp(usize),
    ByeAgain(usize),
    /// Hold, resume, or move to another port.
    Change {
        line: usize,
        update: bool,
        direction: u8,
        moves: bool,
    },
    AskForOffer(usize),
    Inquire(usize, u8),
    /// To a number, or to the other end of another line.
    Transfer {
        line: usize,
        other: Option<usize>,
        number: usize,
    },
    /// From now on the ACKs of a line come so many milliseconds late.
    LateAck(usize, u32),
    Speak(usize, Option<char>),
    Register(usize, u32),
    Unplug(usize),
    Plug(usize),
    Disconnect(usize),
    Weather(u8),
    Command {
        who: usize,
        verb: u8,
        legs: [usize; 2],
        number: u32,
    },
    Abandon(usize),
    EndInstance(usize, u8),
    Serve(u8),
    Operate(u8),
    Drive(u8),
}

/// How often each action comes, and how it is made.
type Maker = fn(&mut StdRng) -> Action;

const MAKERS: [(u32, Maker); 25] = [
    (12, |rng| Action::Dial { phone: any(rng), number: any(rng), offer: rng.random_range(0..8) }),
    (10, |rng| Action::Ring(any(rng))),
    (5, |rng| Action::Early(any(rng))),
    (18, |rng| Action::Answer(any(rng))),
    (4, |rng| Action::Refuse(any(rng), [486, 480, 603, 404, 500, 302][rng.random_range(0..6)])),
    (3, |rng| Action::Cancel(any(rng))),
    (6, |rng| Action::HangUp(any(rng))),
    (2, |rng| Action::ByeAgain(any(rng))),
    (10, |rng| Action::Change {
        line: any(rng),
        update: rng.random(),
        direction: rng.random_range(0..5),
        moves: rng.random_range(0..8) == 0,
    }),
    (2, |rng| Action::AskForOffer(any(rng))),
    (3, |rng| Action::Inquire(any(rng), rng.random_range(0..3))),
    (12, |rng| Action::Transfer {
        line: any(rng),
        other: rng.random::<bool>().then(|| any(rng)),
        number: any(rng),
    }),
    (2, |rng| Action::LateAck(any(rng), [300, 2_000, 20_000, 40_000][rng.random_range(0..4)])),
    (6, |rng| {
        let key = "0123456789*#".chars().nth(rng.random_range(0..24));
        Action::Speak(any(rng), key)
    }),
    (2, |rng| Action::Register(any(rng), [0, 60, 3600][rng.random_range(0..3)])),
    (1, |rng| Action::Unplug(any(rng))),
    (2, |rng| Action::Plug(any(rng))),
    (1, |rng| Action::Disconnect(any(rng))),
    (1, |rng| Action::Weather(rng.random_range(0..3))),
    (40, |rng| Action::Command {
        who: any(rng),
        verb: rng.random_range(0..28),
        legs: [any(rng), any(rng)],
        number: rng.random_range(0..1_000_000),
    }),
    (2, |rng| Action::Abandon(any(rng))),
    (1, |rng| Action::EndInstance(any(rng), rng.random_range(0..4))),
    (1, |rng| Action::Serve(rng.random_range(0..4))),
    (1, |rng| Action::Operate(rng.random_range(0..8))),
    (2, |rng| Action::Drive(rng.random_range(0..6))),
];

/// Small, so that a shrunk case can be read.
fn any(rng: &mut StdRng) -> usize {
    rng.random_range(0..1000)
}

pub(crate) fn steps(rng: &mut StdRng, count: usize) -> Vec<Step> {
    (0..count).map(|_| Step { after: pause(rng), action: action(rng) }).collect()
}

fn action(rng: &mut StdRng) -> Action {
    let total: u32 = MAKERS.iter().map(|(weight, _)| weight).sum();
    let mut at = rng.random_range(0..total);
    for (weight, make) in MAKERS {
        match at.checked_sub(weight) {
            Some(rest) => at = rest,
            None => return make(rng),
        }
    }
    Action::Weather(0)
}

/// Mostly short: things cross. Seldom long: things end.
fn pause(rng: &mut StdRng) -> u32 {
    match rng.random_range(0..100) {
        0..30 => 0,
        30..90 => rng.random_range(0..400),
        90..99 => rng.random_range(0..4_000),
        _ => rng.random_range(0..45_000),
    }
}
