//! A scripted call: a guest is instantiated, seven of its host calls are awaited, and the instance is dropped.
//!
//! The guest asks through the daemon's own queue, and each reply comes only after its fiber was suspended, as from
//! the switch's thread. What the switch does with a verb is not in the figure.
//!
//! The same again with the journal on; what its own thread does to the disk is not in the figure.
//!
//! The yardstick is what runs a script outside of the exchange without plugins: a process for each call, as
//! Asterisk's AGI starts it. It is the smallest there is, `/bin/true`: started, run and waited for, without one
//! word of a protocol. Its CPU time is that of both sides, parent and child.

use std::{process::Command as Process, task::Poll};

use jackfield_media::LegId;
use jackfield_switch::{
    BridgeEnd, Cause, Command, DialEnd, GatherEnd, HangupInfo, Input, InstanceEnd, InstanceId, PlayEnd, Value,
};

use crate::{
    cpu,
    house::{self, House},
    report::Figure,
};

const INSTANCE: InstanceId = InstanceId(2);
const LEG: LegId = LegId(7);
const DIALLED: LegId = LegId(8);

const VERBS: usize = 7;
/// More than the pool keeps warm, so that the first rounds fill it.
const WARM_UP: u32 = 2_000;
const CALLS: u32 = 10_000;
const PROCESSES: u32 = 500;
const SERIES: usize = 5;

pub(crate) fn figures() -> Vec<Figure> {
    let house = House::new(1000).unwrap_or_else(|error| panic!("{error}"));
    repeat(WARM_UP, || run(&house));
    let (mut ours, mut process) = (f64::MAX, f64::MAX);
    // In turns, so that both see the same weather.
    for _ in 0..SERIES {
        ours = ours.min(repeat(CALLS, || run(&house)));
        process = process.min(repeat(PROCESSES, spawn));
    }
    let mut recording = House::new(1000).unwrap_or_else(|error| panic!("{error}"));
    recording.record();
    repeat(WARM_UP, || run(&recording));
    let recorded = (0..SERIES).map(|_| repeat(CALLS, || run(&recording))).fold(f64::MAX, f64::min);
    vec![
        Figure::new("script_call", ours, "us").beside("process per call (AGI)", process).target(50.0),
        Figure::new("script_call_recorded", recorded, "us").beside("not recorded", ours),
    ]
}

/// CPU microseconds of one round.
pub(crate) fn repeat(rounds: u32, mut work: impl FnMut()) -> f64 {
    let used = || cpu::of_this_thread() + cpu::of_children();
    let before = used();
    for _ in 0..rounds {
        work();
    }
    (used() - before).as_secs_f64() * 1e6 / f64::from(rounds)
}

fn run(house: &House) {
    let mut guest = house.guest(INSTANCE, LEG, house::call_info());
    let mut verbs = 0;
    loop {
        if let Poll::Ready(end) = house::poll(&mut guest) {
            assert_eq!((end, verbs), (InstanceEnd::Returned, VERBS), "the script runs to its end");
            return;
        }
        let Some(Input::Command { instance, token, command }) = house.next_input() else {
            panic!("the script waits for something else than the reply to a verb");
        };
        house.host.replies.deliver(instance, token, Ok(answer(&command)));
        verbs += 1;
    }
}

/// Every verb succeeds.
pub(crate) fn answer(command: &Command) -> Value {
    match command {
        Command::Play { .. } => Value::Played(PlayEnd::Finished),
        Command::Gather { .. } => Value::Gathered { digits: "1".to_owned(), ended_by: GatherEnd::MaxReached },
        Command::Dial { .. } => Value::Dialled(DialEnd::Answered(DIALLED, house::call_info())),
        Command::Bridge { .. } => {
            let info = HangupInfo { cause: Cause::Normal, code: 0, by_peer: true };
            Value::Bridged(BridgeEnd::OtherHungUp(info))
        }
        _ => Value::Done,
    }
}

fn spawn() {
    let status = Process::new("/bin/true").status().expect("every Unix has it");
    assert!(status.success());
}
