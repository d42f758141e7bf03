//! What a guest asked and got is written down, and the same guest asks the same again.

use std::{
    pin::pin,
    sync::{Arc, Mutex, atomic::Ordering::Relaxed},
};

use jackfield_plugin::{
    Grant, Limits, NoCache, Source, Switchboard, Version,
    journal::{Difference, Ended, Journal, Kept, Outcome, Record, Replayed, Snapshot, Way},
};
use jackfield_switch::{
    Cause, Command, DialEnd, Error, HangupInfo, InstanceEnd, InstanceId, PlayEnd, Reply, Token, Value,
};
use proptest::prelude::*;

use crate::world::*;

struct Shelf {
    room: usize,
    kept: Mutex<Vec<Kept>>,
}

impl Journal for Shelf {
    fn room(&self, plugin: &str) -> Option<usize> {
        (plugin == "ivr").then_some(self.room)
    }

    fn keep(&self, kept: Kept) {
        self.kept.lock().unwrap().push(kept);
    }
}

/// A world with a journal.
fn recording(
    room: usize,
    rule: impl Fn(&Command) -> Option<Reply> + Send + Sync + 'static,
) -> (World, Arc<Shelf>) {
    let mut world = World::new(rule);
    let shelf = Arc::new(Shelf { room, kept: Mutex::default() });
    world.host.journal = Some(shelf.clone());
    (world, shelf)
}

/// One call of this version, as it would be read from a file.
fn recorded(version: &Arc<Version>, room: usize, rule: fn(&Command) -> Option<Reply>) -> Record {
    let (world, shelf) = recording(room, rule);
    world.call(version);
    read(&shelf)
}

fn read(shelf: &Shelf) -> Record {
    let kept = shelf.kept.lock().unwrap().pop().expect("it was kept");
    Record::decode(&kept.encode()).unwrap()
}

/// The version again, of what was written down.
fn again(version: &Version) -> Arc<Version> {
    let (id, text) = version.snapshot();
    assert_eq!(Snapshot::id(text), id);
    let source = Snapshot::parse(text).unwrap().source(version.wasm().to_owned());
    deterministic().load(source, &NoCache).unwrap()
}

fn other(source: Source) -> Arc<Version> {
    deterministic().load(source, &NoCache).unwrap()
}

fn identical(version: &Version, record: &Record) -> Replayed {
    record.replay(&again(version), Way::Identical).unwrap()
}

fn willing(command: &Command) -> Option<Reply> {
    Some(Ok(match command {
        Command::Play { .. } => Value::Played(PlayEnd::Finished),
        Command::Next { .. } => Value::Event(None),
        _ => Value::Done,
    }))
}

/// Answers, plays the file named at 1100, adds to a key, looks at its settings, and logs.
fn busy(file: &str, delta: i32) -> Vec<u8> {
    let code = format!(
        "(data (i32.const 1100) \"{file}\") (data (i32.const 1150) \"visits\") (data (i32.const 1160) \"doing\")
         (func $handle (param $call i32) (result i32)
           (call $answer (local.get $call) (i32.const 0))
           (i32.store (i32.const 1200) (i32.const 0))
           (i32.store (i32.const 1204) (i32.const 1100)) (i32.store (i32.const 1208) (i32.const {length}))
           (call $play (local.get $call) (i32.const 1200) (i32.const 1)
             (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 0))
           (call $kv_add (i32.const 1150) (i32.const 6) (i64.const {delta}) (i32.const 0))
           (call $log (i32.const 2) (i32.const 1160) (i32.const 5) (i32.const 0) (i32.const 0))
           {OK})",
        length = file.len(),
    );
    guest("call-app", &code)
}

fn with_prompts(wasm: Vec<u8>) -> Source {
    let clip = || Arc::new(jackfield_media::Clip::from_samples(8000, &[1; 4000]));
    let prompts = ["hello.wav", "welcome.wav"].map(|name| (name.to_owned(), clip())).into();
    Source { prompts, ..source("app", wasm) }
}

#[test]
fn a_recorded_call_takes_the_same_decisions_again() {
    let version = loaded(with_prompts(busy("hello.wav", 1)));
    let record = recorded(&version, 10_000, willing);
    assert_eq!((&*record.head.plugin, &*record.head.call.id, record.head.asked), ("ivr", "call-1", 3));
    assert_eq!((&record.head.end, record.head.cut), (&Ended::Returned, false));
    let replayed = identical(&version, &record);
    assert_eq!((replayed.outcome, replayed.decisions), (Outcome::Same, 3));
    assert_eq!(replayed.log[0].text, "doing", "what the guest says is heard again");
    let told: Vec<String> = record
        .steps()
        .unwrap()
        .iter()
        .map(|step| match step {
            jackfield_plugin::journal::Step::Asked { asked, .. } => asked.to_string(),
            jackfield_plugin::journal::Step::Got { got, .. } => format!("-> {got}"),
        })
        .collect();
    let expected =
        ["answer", "-> done", "play(hello.wav)", "-> heard to its end", "kv.add(visits, 1)", "-> 1"];
    assert_eq!(told, expected);
}

#[test]
fn another_version_is_followed_to_its_first_other_decision() {
    let version = loaded(with_prompts(busy("hello.wav", 1)));
    let record = recorded(&version, 10_000, willing);
    let replayed = record.replay(&other(with_prompts(busy("hello.wav", 2))), Way::Otherwise).unwrap();
    assert_eq!(replayed.decisions, 2);
    let Outcome::Otherwise(Difference { decision: 3, was, would, .. }) = replayed.outcome else {
        panic!("{replayed:?}")
    };
    assert_eq!((&*was, &*would), ("kv.add(visits, 1)", "kv.add(visits, 2)"));
    // The version that only logs what it logged otherwise is the same one.
    let silent = record.replay(&other(with_prompts(busy("hello.wav", 1))), Way::Otherwise).unwrap();
    assert_eq!(silent.outcome, Outcome::Same);
}

#[test]
fn other_words_are_told_apart_and_the_call_goes_on() {
    let version = loaded(with_prompts(busy("hello.wav", 1)));
    let record = recorded(&version, 10_000, willing);
    let greeting = other(with_prompts(busy("welcome.wav", 1)));
    let replayed = record.replay(&greeting, Way::Otherwise).unwrap();
    assert_eq!((replayed.outcome, replayed.decisions), (Outcome::Same, 3));
    let [Difference { decision: 2, was, would, .. }] = &replayed.words[..] else { panic!("one") };
    assert_eq!((&**was, &**would), ("play(hello.wav)", "play(welcome.wav)"));
    // For the version itself it would be a fault.
    let strict = record.replay(&greeting, Way::Identical).unwrap();
    assert!(matches!(strict.outcome, Outcome::Otherwise(Difference { decision: 2, .. })), "{strict:?}");
}

/// Dials 103 and rings for so many milliseconds.
fn dialler(timeout: u32) -> Source {
    let code = format!(
        "(data (i32.const 1100) \"103\")
         (func $handle (param $call i32) (result i32)
           (i32.store (i32.const 1200) (i32.const 1100)) (i32.store (i32.const 1204) (i32.const 3))
           (call $dial (local.get $call) (i32.const 1200) (i32.const 1) (i32.const {timeout})
             (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
             (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
           {OK})"
    );
    let dial = || vec!["*".to_owned()];
    Source {
        manifest: manifest("app", "[capabilities]\ndial = [\"*\"]\n"),
        grant: Grant { dial: dial(), ..Grant::default() },
        ..source("app", guest("call-app", &code))
    }
}

#[test]
fn another_time_limit_matters_in_the_calls_that_reach_it() {
    for (cause, after, ringing, parts) in [
        (Cause::Busy, 4000, 5000, false),
        (Cause::Busy, 4000, 3000, true),
        (Cause::Busy, 4000, 20_000, false),
        (Cause::NoAnswer, 10_000, 12_000, true),
        (Cause::NoAnswer, 10_000, 8000, true),
        (Cause::NoAnswer, 10_000, 10_000, false),
    ] {
        let version = loaded(dialler(10_000));
        let (mut world, shelf) = recording(10_000, |_| None);
        let failed = move |_: &Command| {
            let info = HangupInfo { cause, code: 0, by_peer: true };
            Some(Ok(Value::Dialled(DialEnd::Failed(info))))
        };
        let (late, _) = recording(10_000, failed);
        // The telephone rings while the switch holds the verb.
        world.host.switch =
            Arc::new(Ringing { switch: late.host.switch.clone(), world: world.services.clone(), after });
        world.host.replies = late.host.replies.clone();
        world.call(&version);
        let record = read(&shelf);
        let replayed = record.replay(&other(dialler(ringing)), Way::Otherwise).unwrap();
        assert_eq!(matches!(replayed.outcome, Outcome::Otherwise(_)), parts, "{cause:?} {after} {ringing}");
        assert!(replayed.words.is_empty());
    }
}

/// Each verb takes so many milliseconds.
struct Ringing {
    switch: Arc<dyn Switchboard>,
    world: Arc<Memory>,
    after: u64,
}

impl Switchboard for Ringing {
    fn post(&self, instance: InstanceId, token: Token, command: Command) -> Result<(), Error> {
        self.world.now.fetch_add(self.after, Relaxed);
        self.switch.post(instance, token, command)
    }

    fn abandon(&self, instance: InstanceId, token: Token) {
        self.switch.abandon(instance, token);
    }
}

#[test]
fn an_end_that_is_another_one_is_a_difference() {
    const ANSWER: &str = "(call $answer (local.get $call) (i32.const 0))";
    let returns = loaded(source("app", app(&format!("{ANSWER} {OK}"))));
    let record = recorded(&returns, 10_000, willing);
    for (code, would) in [
        (
            format!("{ANSWER} unreachable"),
            "it was ended: trap: wasm `unreachable` instruction executed in handle",
        ),
        (OK.to_owned(), "it returned"),
        (format!("{ANSWER} {ANSWER} {OK}"), "answer"),
    ] {
        let replayed = record.replay(&other(source("app", app(&code))), Way::Otherwise).unwrap();
        let Outcome::Otherwise(difference) = replayed.outcome else { panic!("{code}: {replayed:?}") };
        assert_eq!(difference.would, would);
    }
    let fails = |_: &Command| Some(Err(Error::Busy("another verb is under way".into())));
    let passing = loaded(source("app", app(&format!("{ANSWER} (i32.const 0)"))));
    let record = recorded(&passing, 10_000, fails);
    assert_eq!(record.head.end, Ended::Failed("busy: another verb is under way".into()));
    assert_eq!(identical(&passing, &record).outcome, Outcome::Same);
    let trapping = loaded(source("app", app("unreachable")));
    let record = recorded(&trapping, 10_000, willing);
    assert!(matches!(record.head.end, Ended::Trapped(_)), "{:?}", record.head.end);
    assert_eq!(identical(&trapping, &record).outcome, Outcome::Same);
}

#[test]
fn what_was_dropped_or_spent_is_replayed_as_far_as_it_was_recorded() {
    let version = loaded(with_prompts(busy("hello.wav", 1)));
    let (world, shelf) =
        recording(10_000, |command| if let Command::Play { .. } = command { None } else { willing(command) });
    {
        let mut call = pin!(version.handle(&world.host, INSTANCE, LEG, call_info()));
        assert!(poll(&mut call).is_pending());
    }
    let record = read(&shelf);
    assert_eq!((record.head.asked, &record.head.end), (2, &Ended::Dropped));
    let replayed = identical(&version, &record);
    assert_eq!((replayed.outcome, replayed.decisions), (Outcome::AsFarAsRecorded, 2));

    let endless = app("(call $answer (local.get $call) (i32.const 0)) (loop (br 0)) unreachable");
    let version = loaded(source("app", endless));
    let _ticking = Ticking::start();
    let record = recorded(&version, 10_000, willing);
    assert!(matches!(&record.head.end, Ended::Spent(text) if text.contains("CPU")), "{:?}", record.head.end);
    let replayed = identical(&version, &record);
    assert_eq!((replayed.outcome, replayed.decisions), (Outcome::AsFarAsRecorded, 1));
}

#[test]
fn a_call_that_needs_more_room_is_cut_and_what_is_there_is_replayed() {
    let version = loaded(with_prompts(busy("hello.wav", 1)));
    let whole = recorded(&version, 10_000, willing);
    for room in 0..200 {
        let record = recorded(&version, room, willing);
        assert!(record.head.asked <= whole.head.asked);
        let replayed = identical(&version, &record);
        let expected = if record.head.cut { Outcome::AsFarAsRecorded } else { Outcome::Same };
        assert_eq!((replayed.outcome, replayed.decisions), (expected, record.head.asked), "{room}");
    }
    assert!(recorded(&version, 20, willing).head.cut && !recorded(&version, 200, willing).head.cut);
}

#[test]
fn a_plugin_that_is_not_recorded_and_a_call_that_did_not_begin_leave_nothing() {
    let (world, shelf) = recording(10_000, willing);
    let plain = || source("app", app(OK));
    world.call(&loaded(Source { name: "other".into(), ..plain() }));
    let limits = Limits { calls: 0, ..Limits::default() };
    let end = world.call(&loaded(Source { limits, ..plain() }));
    assert!(matches!(end, InstanceEnd::NotStarted(_)), "{end:?}");
    assert!(shelf.kept.lock().unwrap().is_empty());
}

/// Counts under its secret setting, as a plugin might under a customer's number.
fn teller() -> Source {
    let code = "(data (i32.const 1100) \"token\")
         (func $handle (param $call i32) (result i32)
           (call $config (i32.const 1100) (i32.const 5) (i32.const 1300))
           (call $kv_add (i32.load (i32.const 1304)) (i32.load (i32.const 1308)) (i64.const 1) (i32.const 1400))
           (call $answer (local.get $call) (i32.const 0))
           (i32.const 0))";
    Source {
        manifest: manifest("app", "[config-schema]\ntoken = { type = \"string\", secret = true }\n"),
        settings: serde_json::json!({ "token": "very-secret" }),
        ..source("app", guest("call-app", code))
    }
}

#[test]
fn secrets_pass_by_as_stars() {
    let version = loaded(teller());
    let (world, shelf) = recording(10_000, willing);
    world.call(&version);
    let kept = shelf.kept.lock().unwrap().pop().unwrap();
    let written = [kept.encode(), version.snapshot().1.as_bytes().to_owned()].concat();
    assert!(!written.windows(11).any(|bytes| bytes == b"very-secret"));
    let record = Record::decode(&kept.encode()).unwrap();
    assert_eq!(identical(&version, &record).outcome, Outcome::Same);
    // The secret was changed since, and with it nothing else.
    let mut source = Source { settings: serde_json::json!({ "token": "new" }), ..teller() };
    Snapshot::parse(version.snapshot().1).unwrap().star(&mut source);
    assert_eq!(record.replay(&other(source), Way::Otherwise).unwrap().outcome, Outcome::Same);
}

fn bytes_of_a_record() -> Vec<u8> {
    static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    let make = || {
        let version = loaded(with_prompts(busy("hello.wav", 1)));
        let (world, shelf) = recording(10_000, willing);
        world.call(&version);
        shelf.kept.lock().unwrap().pop().unwrap().encode()
    };
    BYTES.get_or_init(make).clone()
}

proptest! {
    #[test]
    fn bytes_of_any_kind_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Record::decode(&bytes).map(|record| record.steps().map(drop));
    }

    #[test]
    fn a_record_that_was_damaged_is_replayed_or_refused(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = bytes_of_a_record();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes.truncate(length.index(bytes.len()) + 1);
        if let Ok(record) = Record::decode(&bytes) {
            let version = again(&loaded(with_prompts(busy("hello.wav", 1))));
            let _ = record.replay(&version, Way::Otherwise);
        }
    }
}

#[test]
fn times_are_those_of_the_call() {
    let version = loaded(source("app", app(&format!("(call $sleep (i32.const 500)) {OK}"))));
    let (world, shelf) = recording(10_000, |_| None);
    world.services.now.store(1_000_000, Relaxed);
    let replies = world.host.replies.clone();
    let seen = world.seen.clone();
    let mut call = pin!(version.handle(&world.host, INSTANCE, LEG, call_info()));
    assert!(poll(&mut call).is_pending());
    assert_eq!(seen.lock().unwrap().len(), 1);
    world.services.now.store(1_000_500, Relaxed);
    replies.deliver(INSTANCE, jackfield_switch::Token(0), Ok(Value::Done));
    assert!(poll(&mut call).is_ready());
    let record = read(&shelf);
    assert_eq!((record.head.began, record.head.ended), (1_000_000, 500));
}
