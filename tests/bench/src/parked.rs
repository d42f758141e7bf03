//! Memory of a plugin instance that waits in a verb, as it does for most of a call.
//!
//! Resident memory of the whole process before and after (`Rss` of `smaps_rollup`: pages of the guest's image that
//! instances share count for each of them), divided by the number of instances. Each has been answered and
//! waits in its first verb that takes time. The boxed future, the store and what the host keeps for a pending verb
//! are part of it; page tables, which the kernel does not count as resident, are a figure of their own.
//!
//! The yardstick is a process that waits on its standard input, as a script under Asterisk's AGI does: `/bin/cat`,
//! by its proportional share (`Pss`), so that what such processes share counts once.

use std::{
    fs,
    process::{Child, Command as Process, Stdio},
    task::Poll,
};

use jackfield_media::LegId;
use jackfield_plugin::EngineError;
use jackfield_switch::{Command, Input, InstanceId, Value};

use crate::{
    house::{self, Guest, House},
    report::Figure,
};

pub(crate) const COUNTS: [u32; 2] = [1_000, 10_000];
/// Instances that bring into memory what is made once, before the first that counts.
pub(crate) const WARM_UP: u32 = 1;
const PROCESSES: u32 = 50;

pub(crate) fn figures() -> Vec<Figure> {
    let Some((house, counts)) = house_for(&COUNTS) else { return Vec::new() };
    let process = parked_process();
    let _warm_up: Vec<Guest> =
        (0..WARM_UP).map(|odd| park(&house, InstanceId(1 + 2 * u64::from(odd)))).collect();

    let mut figures = Vec::new();
    let mut parked: Vec<Guest> = Vec::with_capacity(COUNTS[1] as usize);
    let (resident, tables) = (resident(), page_tables());
    for &count in counts {
        while parked.len() < count as usize {
            parked.push(park(&house, InstanceId(2 + 2 * parked.len() as u64)));
        }
        let each = |before: f64, after: f64| (after - before) / f64::from(count);
        let figure = Figure::new(format!("parked_call_{count}"), each(resident, self::resident()), "KiB");
        figures.push(figure.beside("parked process (AGI)", process).target(40.0));
        let tables = each(tables, page_tables());
        figures.push(Figure::new(format!("parked_page_tables_{count}"), tables, "KiB"));
    }
    figures
}

/// A house for the most of these that the system allows, and those that it allows. There is room for the warm-up.
pub(crate) fn house_for(counts: &'static [u32]) -> Option<(House, &'static [u32])> {
    let most = *counts.last()?;
    match House::new(most + WARM_UP) {
        Ok(house) => Some((house, counts)),
        Err(error @ EngineError::TooFewMappings { .. }) => {
            eprintln!("bench: {most} parked calls are not measured: {error}");
            house_for(&counts[..counts.len() - 1])
        }
        Err(error) => panic!("{error}"),
    }
}

/// A guest whose first verb was answered at once, and whose second one waits.
fn park(house: &House, instance: InstanceId) -> Guest {
    let mut guest = house.guest(instance, LegId(instance.0), house::call_info());
    step(&mut guest);
    let Some(Input::Command { instance, token, command: Command::Answer { .. } }) = house.next_input() else {
        panic!("the script begins with an answer");
    };
    house.host.replies.deliver(instance, token, Ok(Value::Done));
    step(&mut guest);
    let next = house.next_input();
    assert!(matches!(next, Some(Input::Command { command: Command::Play { .. }, .. })), "it plays: {next:?}");
    guest
}

fn step(guest: &mut Guest) {
    if let Poll::Ready(end) = house::poll(guest) {
        panic!("the script ended too soon: {end:?}");
    }
}

/// KiB of this process.
pub(crate) fn resident() -> f64 {
    kibibytes("/proc/self/smaps_rollup", "Rss:")
}

fn page_tables() -> f64 {
    kibibytes("/proc/self/status", "VmPTE:")
}

fn parked_process() -> f64 {
    let cat = |_| {
        let mut cat = Process::new("/bin/cat");
        cat.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("every Unix has it")
    };
    let mut processes: Vec<Child> = (0..PROCESSES).map(cat).collect();
    // Each says what it is told, so it has come to its waiting.
    for process in &mut processes {
        use std::io::{Read, Write};
        let (Some(stdin), Some(stdout)) = (&mut process.stdin, &mut process.stdout) else { continue };
        stdin.write_all(b"?").and_then(|()| stdout.read_exact(&mut [0])).expect("cat echoes");
    }
    let all = processes.iter().map(|child| kibibytes(&format!("/proc/{}/smaps_rollup", child.id()), "Pss:"));
    let each = all.sum::<f64>() / f64::from(PROCESSES);
    for process in &mut processes {
        drop(process.stdin.take());
        let _ = process.wait();
    }
    each
}

/// `NAME:   1234 kB` in a file of /proc.
fn kibibytes(file: &str, name: &str) -> f64 {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let value = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    value.unwrap_or_else(|| panic!("{file} has no {name}"))
}
