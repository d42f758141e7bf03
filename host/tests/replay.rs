//! A thousand callers go through the menu of the school; then their calls are run again, by the version that they had
//! and by others. Who is touched by a change is known from the telephones, and must be found by the real binary.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
    time::Duration,
};

use jackfield::journal::{Bounds, Folder};
use jackfield_plugin::journal::Step;
use jackfield_sim::{Phone, Plugin, RecordedCall, Site, To, World, built};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tempfile::TempDir;

const CALLS: usize = 1000;
/// Worlds beside each other, each with its share of the calls.
const WORLDS: usize = 4;

const INVALID: &str = "Entrée invalide";

/// What was seen from outside.
struct Seen {
    caller: String,
    /// Whose telephone rang.
    rang: BTreeSet<&'static str>,
    /// He was told that his key was invalid.
    invalid: bool,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn menu_folder() -> PathBuf {
    root().join("examples/la-plateforme/plugins/menu")
}

fn ivr() -> PathBuf {
    built(root().join("plugins"), "ivr")
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// The callers of this menu, in so many worlds beside each other.
fn callers(menu: PathBuf, worlds: usize) -> (Vec<RecordedCall>, Vec<Seen>) {
    let worlds = (0..worlds).map(|number| {
        let menu = menu.clone();
        thread::spawn(move || callers_of_world(number, &menu))
    });
    let worlds: Vec<_> = worlds.collect();
    let (mut calls, mut seen) = (Vec::new(), Vec::new());
    for world in worlds {
        let (recorded, callers) = world.join().unwrap();
        calls.extend(recorded);
        seen.extend(callers);
    }
    assert_eq!(calls.len(), seen.len());
    (calls, seen)
}

/// One world with its callers, one after another.
fn callers_of_world(world_number: usize, menu: &Path) -> (Vec<RecordedCall>, Vec<Seen>) {
    let menu = Plugin::folder_with(menu, ivr()).unwrap_or_else(|error| panic!("{error}"));
    let site = Site::new()
        .user("alice", "101")
        .user("bob", "102")
        .user("malcom", "103")
        .plugin("menu", menu)
        .route("100", To::plugin("menu").fallback("alice"))
        .seed(world_number as u64)
        .journal(256 << 10);
    let world = World::new(site).unwrap_or_else(|error| panic!("{error}"));
    let phones = ["alice", "bob", "malcom"].map(|user| (user, world.phone(user)));
    let seen = (0..CALLS / WORLDS)
        .map(|number| {
            // What each does is his own affair: it is the same whatever became of the calls before.
            let mut random = StdRng::seed_from_u64((world_number * CALLS + number) as u64);
            call(&world, &phones, &format!("06{world_number:02}{number:06}"), &mut random)
        })
        .collect();
    (world.journal(), seen)
}

/// Somebody who presses what comes to his mind, and gives up sooner or later.
fn call(world: &World, phones: &[(&'static str, Phone)], number: &str, random: &mut StdRng) -> Seen {
    let before: Vec<usize> = phones.iter().map(|(_, phone)| phone.calls().len()).collect();
    for (_, phone) in phones {
        match random.random_range(0..4) {
            0 => phone.rings(),
            1 => phone.rejects(486),
            2 => phone.answers_after(seconds(2.0)).hangs_up_after(seconds(1.5)),
            _ => phone.answers_after(seconds(0.5)).hangs_up_after(seconds(4.0)),
        };
    }
    let caller = world.outside(number);
    caller.dial("100").await_answer();
    for _ in 0..random.random_range(0..5) {
        world.run_for(seconds(random.random_range(1.0..6.0)));
        if caller.calls()[0].ended.is_some() {
            break;
        }
        // What he types ahead while somebody is rung cuts off what he is told, and nobody hears it.
        let in_call = |phone: &Phone| phone.calls().last().is_some_and(|call| call.ended.is_none());
        if phones.iter().any(|(_, phone)| in_call(phone)) {
            continue;
        }
        let key = ["1", "2", "3", "7", "*", "21"][random.random_range(0..6)];
        caller.press(key);
    }
    // Some wait for the goodbye.
    let patience = if random.random_bool(0.05) { 90.0 } else { random.random_range(1.0..15.0) };
    world.run_until(seconds(patience), |_| caller.calls()[0].ended.is_some());
    let invalid =
        caller.heard().iter().any(|heard| heard.text().len() > 1 && INVALID.starts_with(heard.text()));
    if caller.calls()[0].ended.is_none() {
        caller.hang_up();
    }
    assert!(world.run_out(seconds(60.0)), "{}", world.trace());
    let rang = phones.iter().zip(before).filter(|((_, phone), before)| phone.calls().len() > *before);
    Seen { caller: number.to_owned(), rang: rang.map(|((user, _), _)| *user).collect(), invalid }
}

/// An exchange that is not running, whose journal has these calls.
struct Exchange(TempDir);

impl Exchange {
    fn with(calls: &[RecordedCall]) -> Exchange {
        let folder = tempfile::tempdir().unwrap();
        let menu = folder.path().join("menu");
        fs::create_dir(&menu).unwrap();
        fs::copy(menu_folder().join("plugin.toml"), menu.join("plugin.toml")).unwrap();
        fs::copy(ivr(), menu.join("ivr.wasm")).unwrap();
        let config = "[users.alice]\n[users.bob]\n[users.malcom]\n[plugins.menu]\npath = \"menu\"\n\
                      grant = { dial = [\"alice\", \"bob\", \"malcom\"] }\n[journal]\nrecord = true\n";
        fs::write(folder.path().join("jackfield.toml"), config).unwrap();
        let mut journal = Folder::open(folder.path().join("var/journal")).unwrap();
        let bounds = Bounds { keep: Duration::from_secs(3600), calls: 100_000, disk: 1 << 30 };
        let now = jiff::Timestamp::now().as_millisecond() as u64;
        for call in calls {
            journal.append(call.kept(), 0, now, &bounds).unwrap();
        }
        Exchange(folder)
    }

    fn folder(&self) -> &Path {
        self.0.path()
    }

    /// A copy of the menu with this in its settings instead of that.
    fn menu_with(&self, that: &str, this: &str) -> PathBuf {
        let folder = self.folder().join("next");
        fs::create_dir_all(&folder).unwrap();
        let text = fs::read_to_string(menu_folder().join("plugin.toml")).unwrap();
        assert!(text.contains(that), "{that:?} in {text}");
        fs::write(folder.join("plugin.toml"), text.replacen(that, this, 1)).unwrap();
        fs::copy(ivr(), folder.join("ivr.wasm")).unwrap();
        folder
    }

    fn replay(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jackfield"));
        command.current_dir(self.folder()).arg("replay").args(arguments);
        Said::of(command.output().unwrap())
    }
}

struct Said {
    good: bool,
    text: String,
}

impl Said {
    fn of(output: Output) -> Said {
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        Said { good: output.status.success(), text }
    }

    /// The callers of the calls that are named, each with what was and what would be.
    fn parted(&self) -> BTreeSet<(&str, &str, &str)> {
        let lines: Vec<&str> = self.text.lines().collect();
        let calls = lines.windows(3).filter(|lines| lines[1].starts_with("  decision "));
        calls
            .map(|lines| {
                let caller = lines[0].split_whitespace().nth(3).unwrap();
                let was = lines[1].split_once(": was ").unwrap().1;
                (caller, was, lines[2].trim().strip_prefix("would be ").unwrap())
            })
            .collect()
    }
}

/// The menu with another line of code, built as its author would.
fn ivr_with(folder: &Path, that: &str, this: &str) -> PathBuf {
    let (plugins, copy) = (root().join("plugins").canonicalize().unwrap(), folder.join("source"));
    fs::create_dir_all(copy.join("src")).unwrap();
    let mut changed = 0;
    for file in fs::read_dir(plugins.join("ivr/src")).unwrap() {
        let file = file.unwrap().path();
        let text = fs::read_to_string(&file).unwrap();
        changed += text.matches(that).count();
        fs::write(copy.join("src").join(file.file_name().unwrap()), text.replacen(that, this, 1)).unwrap();
    }
    assert_eq!(changed, 1, "{that:?} stands in one place");
    // A workspace of its own, with all else as in the plugins': what they are built with is there already.
    let own = fs::read_to_string(plugins.join("ivr/Cargo.toml")).unwrap();
    let all = fs::read_to_string(plugins.join("Cargo.toml")).unwrap();
    let all = all.replace("../sdk", plugins.parent().unwrap().join("sdk").to_str().unwrap());
    let members = all.lines().find(|line| line.starts_with("members")).unwrap();
    let all = all.replace(members, "members = [\".\"]");
    let own = own.replace("name = \"ivr\"", "name = \"ivr-next\"");
    fs::write(copy.join("Cargo.toml"), own + "\n" + &all).unwrap();
    fs::copy(plugins.join("Cargo.lock"), copy.join("Cargo.lock")).unwrap();
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| plugins.join("target"), PathBuf::from);
    let mut build = Command::new(root().join("scripts/build-plugins"));
    let said = build.current_dir(root()).arg(&copy).env("CARGO_TARGET_DIR", &target).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    built(plugins, "ivr_next")
}

#[test]
fn a_thousand_calls_are_decided_the_same_and_a_change_is_found_in_the_calls_that_it_touches() {
    let (calls, seen) = callers(menu_folder(), WORLDS);
    assert_eq!(calls.len(), CALLS);
    let who = |is: &dyn Fn(&Seen) -> bool| -> BTreeSet<&str> {
        seen.iter().filter(|seen| is(seen)).map(|seen| seen.caller.as_str()).collect()
    };
    let rang = |user: &'static str| who(&move |seen: &Seen| seen.rang.contains(user));
    let (bob, malcom) = (rang("bob"), rang("malcom"));
    let invalid = who(&|seen| seen.invalid);
    for touched in [&bob, &malcom, &invalid] {
        assert!((100..900).contains(&touched.len()), "{} of {CALLS}", touched.len());
    }

    let exchange = Exchange::with(&calls);
    let bytes: u64 = fs::read_dir(exchange.folder().join("var/journal"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap())
        .filter(|metadata| metadata.is_file())
        .map(|metadata| metadata.len())
        .sum();
    eprintln!("{} bytes for each call", bytes / CALLS as u64);
    let same = exchange.replay(&["--since", "36500d"]);
    assert!(same.good && same.text.contains("1000 calls replayed: 1000 identical, 0 not"), "{}", same.text);

    // One key of the settings.
    let next = exchange.menu_with("2 = { ring = \"bob\"", "2 = { ring = \"alice\"");
    let said = exchange.replay(&["--since", "36500d", "--plugin", "menu", "--with", next.to_str().unwrap()]);
    let parted = said.parted();
    assert_eq!(parted.iter().map(|(caller, ..)| *caller).collect::<BTreeSet<_>>(), bob);
    for (_, was, would) in parted {
        assert_eq!((was, would), ("dial(bob, 10 s)", "dial(alice, 10 s)"));
    }
    let sum = format!("{} the same, 0 with other words, {} would", CALLS - bob.len(), bob.len());
    assert!(!said.good && said.text.contains(&sum), "{}", said.text);

    // One sentence.
    eprintln!("{} calls ring Bob, {} Malcom, {} have an invalid key", bob.len(), malcom.len(), invalid.len());
    let next = exchange.menu_with(INVALID, "Cette touche ne fait rien");
    let said = exchange.replay(&["--since", "36500d", "--plugin", "menu", "--with", next.to_str().unwrap()]);
    let sum = format!("{} the same, {} with other words, 0 would", CALLS - invalid.len(), invalid.len());
    assert!(!said.good && said.parted().is_empty() && said.text.contains(&sum), "{}", said.text);

    // One line of the code: whoever wants Malcom is not written down any more.
    let chosen = "self.line.chosen(&menu.name, *key)?;";
    let code = ivr_with(exchange.folder(), chosen, &format!("if *key != '3' {{ {chosen} }}"));
    let said = exchange.replay(&["--since", "36500d", "--plugin", "menu", "--with", code.to_str().unwrap()]);
    let parted = said.parted();
    assert_eq!(parted.iter().map(|(caller, ..)| *caller).collect::<BTreeSet<_>>(), malcom);
    for (_, was, would) in parted {
        assert_eq!((was, would), ("set-result(accueil, 3)", "dial(malcom, 10 s)"));
    }
    fs::remove_file(code).unwrap();

    less_patience(&exchange, &calls);
    one_call_is_told(&exchange, &calls[0]);
    damage_is_counted(&exchange);
}

/// The menu waits four seconds for a key. Half of the same callers call it, and whose call goes otherwise is known.
fn less_patience(exchange: &Exchange, calls: &[RecordedCall]) {
    let next = exchange.menu_with("response-timeout = \"10s\"", "response-timeout = \"4s\"");
    let (again, _) = callers(next.clone(), WORLDS / 2);
    // What was decided, and when: a time-out that comes sooner is another course, too.
    let decisions = |call: &RecordedCall| -> Vec<(u32, String)> {
        let steps = call.record().steps().unwrap();
        let asked = steps.into_iter().filter_map(|step| match step {
            Step::Asked { at, asked } if !asked.is_question() => Some((at, asked)),
            _ => None,
        });
        asked.map(|(at, asked)| (at, asked.to_string().replace("1 key, 10 s)", "1 key, 4 s)"))).collect()
    };
    let by_caller = |calls: &[RecordedCall]| -> BTreeMap<String, Vec<(u32, String)>> {
        calls.iter().map(|call| (call.record().head.call.caller.clone(), decisions(call))).collect()
    };
    let (was, is) = (by_caller(calls), by_caller(&again));
    let differ = |was: &[(u32, String)], is: &[(u32, String)]| {
        was.len() != is.len()
            || was.iter().zip(is).any(|(was, is)| was.1 != is.1 || was.0.abs_diff(is.0) > 500)
    };
    let touched = is.iter().filter(|(caller, is)| differ(&was[*caller], is));
    let touched: BTreeSet<&str> = touched.map(|(caller, _)| caller.as_str()).collect();
    let said = exchange.replay(&["--since", "36500d", "--plugin", "menu", "--with", next.to_str().unwrap()]);
    let parted = said.parted().into_iter().map(|(caller, ..)| caller);
    let found: BTreeSet<&str> = parted.filter(|caller| is.contains_key(*caller)).collect();
    eprintln!("{} calls wait longer than four seconds", touched.len());
    assert!((10..CALLS / 4).contains(&touched.len()));
    assert_eq!(found, touched);
}

fn one_call_is_told(exchange: &Exchange, call: &RecordedCall) {
    let id = &call.record().head.call.id;
    let told = exchange.replay(&[id, "--verbose"]);
    assert!(told.good && told.text.starts_with(id), "{}", told.text);
    assert!(
        told.text.contains("gather(\"Bonjour et bienvenue chez La Plateforme !\" (fr), "),
        "{}",
        told.text
    );
    let list = exchange.replay(&["--list"]);
    assert!(list.good && list.text.lines().count() == CALLS && list.text.contains(id), "{}", list.text);
    let nobody = exchange.replay(&["nobody"]);
    assert!(!nobody.good && nobody.text.contains("no recorded call has the id nobody"), "{}", nobody.text);
    let which = exchange.replay(&[]);
    assert!(!which.good && which.text.contains("say `--since 7d`"), "{}", which.text);
}

/// A file of which bytes were changed and the end is missing, as after a fault of the disk.
fn damage_is_counted(exchange: &Exchange) {
    let folder = fs::read_dir(exchange.folder().join("var/journal")).unwrap();
    let parts = folder.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let part = parts.min().unwrap();
    let mut bytes = fs::read(&part).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 40].fill(0x55);
    bytes.truncate(bytes.len() - 7);
    fs::write(&part, bytes).unwrap();
    let said = exchange.replay(&["--since", "36500d"]);
    assert!(
        said.good && said.text.contains("2 places of the journal damaged or half written"),
        "{}",
        said.text
    );
    let kept = said.text.lines().find(|line| line.contains(" replayed: ")).unwrap();
    let kept: usize = kept.split(' ').next().unwrap().parse().unwrap();
    assert!((CALLS - 3..CALLS).contains(&kept), "{kept}");
}
