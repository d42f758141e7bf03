//! `make bench`: what a call, a message and a packet cost, each figure beside a yardstick in the same run.
//!
//! Prints a table and writes `target/bench/summary.json`: one object per figure,
//!
//! ```json
//! { "name": "parse_invite", "value": 612.5, "unit": "ns", "target": 1500.0,
//!   "yardstick": { "name": "rsip 0.4", "value": 6900.1 }, "ratio": 0.0888 }
//! ```
//!
//! - `value` and the yardstick's are in the same `unit`, and `ratio` is the first divided by the second. Ratios
//!   compare two measurements of one run, so they hold on a noisy machine; absolute figures do not.
//! - `target` is the most that `value` may be, in the same unit. A figure that only explains another one has none.
//! - `yardstick`, `ratio` and `target` are null where there are none.
//!
//! Everything is built as a release is (`profile.bench` is `profile.release`). Each group of figures is measured
//! in a process of its own, so that none finds the memory, threads or sockets that another one left.

mod allocations;
mod cpu;
mod house;
mod languages;
mod libsrtp;
mod parked;
mod parse;
mod paths;
mod relay;
mod report;
mod route;
mod script;
mod speaking;
mod whole;

use std::{
    env,
    process::{Command, ExitCode, Stdio},
};

use report::Figure;

type Group = (&'static str, fn() -> Vec<Figure>);

const GROUPS: [Group; 7] = [
    ("script", script::figures),
    ("parked", parked::figures),
    ("whole", whole::figures),
    ("parse", parse::figures),
    ("route", route::figures),
    ("relay", relay::figures),
    ("languages", languages::figures),
];
/// Before the name of the group that a process is to measure.
const MEASURE: &str = "--measure";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [flag, name] = &arguments[..]
        && flag == MEASURE
    {
        return measure(name);
    }
    let wanted: Vec<String> = arguments.into_iter().filter(|name| !name.starts_with('-')).collect();
    let mut figures = Vec::new();
    let mut all_good = true;
    for (name, _) in GROUPS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            match measure_apart(name) {
                Ok(more) => figures.extend(more),
                Err(problem) => {
                    eprintln!("bench: {name}: {problem}");
                    all_good = false;
                }
            }
        }
    }
    report::print(&figures);
    if let Err(error) = report::write(&figures) {
        eprintln!("bench: the summary was not written: {error}");
        all_good = false;
    }
    if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Measures one group here; its figures go to standard output, for the process that asked.
fn measure(name: &str) -> ExitCode {
    let Some((_, figures)) = GROUPS.iter().find(|(group, _)| *group == name) else {
        eprintln!("bench: there is no group {name}");
        return ExitCode::FAILURE;
    };
    println!("{}", report::to_json(&figures()));
    ExitCode::SUCCESS
}

fn measure_apart(name: &str) -> Result<Vec<Figure>, String> {
    eprintln!("bench: measuring {name}");
    let this = env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(this);
    let output = command.args([MEASURE, name]).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("it ended with {}", output.status));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}
