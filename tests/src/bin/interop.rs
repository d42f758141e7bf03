//! `make interop`: runs the matrix of foreign telephones and writes it into docs/interop.md.
//!
//! ```text
//! interop                      all meetings; writes the page
//! interop NAME...              those whose names begin or end with one of these; writes no page
//! interop --page               writes the page of what each meeting came to when it ran last
//! interop --meet NAME FOLDER   one meeting, in the network namespace that is prepared for it
//! ```
//! `JOBS` says how many meetings run at once; `DEEDS=call,talk` which columns; `CAPTURE=1` leaves a `wire.pcap` in each folder.
#![allow(clippy::disallowed_methods, reason = "phones have sockets, threads and clocks")]

use std::{
    env, fs,
    path::Path,
    process::Command,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use jackfield_tests::{
    files::target,
    interop::{self, Deed, Meeting, Row, Verdict},
    netns,
    process::Running,
};

/// For all deeds of one meeting.
const LIMIT: Duration = Duration::from_secs(400);

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--meet", name, folder] => meet(name, Path::new(folder)),
        ["--page"] => interop::publish(&last_rows(), &interop::versions()),
        [] => {
            let rows = run_all(Meeting::all());
            interop::publish(&rows, &interop::versions());
            exit(&rows);
        }
        parts => {
            let wanted = |meeting: &Meeting| {
                let name = meeting.name();
                parts.iter().any(|part| name.starts_with(part) || name.ends_with(part))
            };
            exit(&run_all(Meeting::all().into_iter().filter(wanted).collect()));
        }
    }
}

fn last_rows() -> Vec<(Meeting, Row)> {
    let row = |meeting: Meeting| {
        let said =
            fs::read_to_string(target().join("interop").join(format!("{}.log", meeting.name()))).ok()?;
        Some((meeting, said.lines().filter_map(Verdict::read).collect()))
    };
    Meeting::all().into_iter().filter_map(row).collect()
}

fn exit(rows: &[(Meeting, Row)]) -> ! {
    let failed = rows.iter().flat_map(|(_, row)| row).any(|(_, verdict)| matches!(verdict, Verdict::Fail(_)));
    std::process::exit(i32::from(failed));
}

/// Prints a line for each deed, for the one who started this process.
fn meet(name: &str, folder: &Path) {
    let meeting = Meeting::named(name).unwrap_or_else(|| panic!("no meeting {name}"));
    fs::create_dir_all(folder).expect("a folder");
    let capture = env::var_os("CAPTURE").map(|_| {
        let mut command = Command::new("dumpcap");
        command.args(["-q", "-i", "lo", "-w"]).arg(folder.with_extension("pcap"));
        Running::start(&mut command, &folder.with_extension("dumpcap"))
    });
    interop::run(meeting, folder, &deeds(), |deed, verdict| println!("{}", verdict.line(deed)));
    if let Some(capture) = &capture {
        // What the kernel holds back is still written.
        thread::sleep(Duration::from_secs(1));
        capture.signal("INT");
        thread::sleep(Duration::from_millis(500));
    }
}

fn deeds() -> Vec<Deed> {
    match env::var("DEEDS") {
        Ok(names) => Deed::ALL.into_iter().filter(|deed| names.contains(deed.name())).collect(),
        Err(_) => Deed::ALL.to_vec(),
    }
}

/// Several at once: they wait more than they work.
fn run_all(meetings: Vec<Meeting>) -> Vec<(Meeting, Row)> {
    let cores = thread::available_parallelism().map_or(2, usize::from);
    let jobs = env::var("JOBS").ok().and_then(|jobs| jobs.parse().ok()).unwrap_or(3 * cores);
    let next = Mutex::new(meetings.iter());
    let rows = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let meeting = next.lock().expect("no holder panics").next();
                    let Some(meeting) = meeting else { break };
                    let row = run_one(*meeting);
                    report(meeting, &row);
                    rows.lock().expect("no holder panics").push((*meeting, row));
                }
            });
        }
    });
    let mut rows = rows.into_inner().expect("no holder panics");
    rows.sort_by_key(|(meeting, _)| meetings.iter().position(|other| other == meeting));
    rows
}

fn report(meeting: &Meeting, row: &Row) {
    println!("{}", meeting.name());
    for (deed, verdict) in row {
        println!("    {}", verdict.line(*deed).replace('\t', ": "));
    }
}

/// In a namespace of its own; its files stay in `target/interop/NAME`.
fn run_one(meeting: Meeting) -> Row {
    let folder = target().join("interop").join(meeting.name());
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    let log = folder.with_extension("log");
    let _ = fs::remove_file(&log);
    let mut command = netns::command(&env::current_exe().expect("the path of this program"));
    command.arg("--meet").arg(meeting.name()).arg(&folder);
    let mut running = Running::start(&mut command, &log);
    let end = Instant::now() + LIMIT;
    while running.ended().is_none() && Instant::now() < end {
        thread::sleep(Duration::from_millis(100));
    }
    let why = if running.ended().is_none() { "it took too long" } else { "its harness failed" };
    running.kill();
    let said = fs::read_to_string(&log).unwrap_or_default();
    let mut row: Row = said.lines().filter_map(Verdict::read).collect();
    for deed in deeds() {
        if !row.iter().any(|(done, _)| *done == deed) {
            row.push((deed, Verdict::Fail(why_not(why, &said))));
        }
    }
    row
}

/// The first panic says more than that there was one.
fn why_not(why: &str, said: &str) -> String {
    let panic = said.lines().skip_while(|line| !line.contains("panicked at")).nth(1);
    panic.map_or(why.to_owned(), |panic| format!("{why}: {panic}"))
}
