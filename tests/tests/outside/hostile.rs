//! Plugins that mean harm, while 50 calls stand: those keep their audio, each bad call gets its fallback, the log names
//! the plugin, and nothing is left behind.

use std::{
    fs,
    time::{Duration, Instant},
};

use jackfield_tests::{
    Exchange, Phone, Site,
    audio::{seconds_of, sine},
    await_within,
    handset::write_wav,
    phone::Call,
    speech::assert_spoken,
};
use toml_edit::{Array, InlineTable, value};

use crate::{
    calls::assert_talk,
    guests::add_guest,
    menu::{PROMPTS, number_of},
};

const LIMIT: Duration = Duration::from_secs(60);
/// A plugin of that name, what its operator sets, and how its end is told.
type Way = (&'static str, &'static [(&'static str, &'static str)], &'static str);
const WAYS: [Way; 14] = [
    ("loop", &[], "limit of 50 ms CPU between two host calls"),
    ("loop-of-host-calls", &[("host-calls", "1000")], "limit of 1000 host calls in a second"),
    ("memory", &[], "memory limit of 16 MiB"),
    ("handles", &[], "limit reached: too many handles are open"),
    ("recursion", &[], "plugin recursion trapped"),
    ("trap-in-dial", &[], "trap: wasm `unreachable` instruction executed"),
    ("log-flood", &[("log-lines", "200"), ("host-calls", "5000")], "plugin log-flood trapped"),
    (
        "value-flood",
        &[("kv-writes", "100")],
        "limit reached: 100 changes of its values in a minute (limits.kv-writes)",
    ),
    ("dials", &[("dials", "50")], "limit reached: 50 calls placed in a minute (limits.dials)"),
    (
        "dials-at-once",
        &[("dials-at-once", "3")],
        "limit reached: 3 calls that ring at once (limits.dials-at-once)",
    ),
    ("huge-strings", &[("memory", "32MiB")], "every huge string was refused"),
    ("too-huge-string", &[("memory", "32MiB")], "plugin too-huge-string trapped"),
    ("not-granted", &[], "not granted: dial \"101\""),
    ("timers", &[], "an instance has at most 64 timers"),
];
/// The caller hangs up, and it goes on.
const GOES_ON: &str = "after-hangup";
const STANDING: usize = 48;
const MANIFEST: &str = "[capabilities]\ndial = [\"*\"]\nbus = [\"*\"]\n";
/// A guest whose memory stays, or a pool that grows, takes more: each of the bad ones has 16 MiB at its end.
const MAX_GROWTH: usize = 12 << 20;

struct House {
    exchange: Exchange,
    alice: Phone,
    bob: Phone,
    malcom: Phone,
}

impl House {
    fn start() -> House {
        let site = Site::example("la-plateforme");
        let menu = number_of(&site, "menu");
        add_guest(&site, "hostile", MANIFEST);
        let prompts = site.beside("guests/hostile/prompts");
        fs::create_dir_all(&prompts).unwrap();
        write_wav(&prompts.join("beep.wav"), &sine(1000.0, 0, 800));
        site.edit(|config| {
            let ways = WAYS.iter().map(|(way, limits, _)| (*way, *limits));
            let others = [("stand", &[][..]), (GOES_ON, &[("after-hangup", "1s")])];
            for (number, (way, limits)) in ways.chain(others).enumerate() {
                let plugin = &mut config["plugins"][way];
                plugin["path"] = value("guests/hostile");
                plugin["grant"]["dial"] = value(Array::from_iter(["102", "109"]));
                plugin["grant"]["bus"] = value(Array::from_iter(["menu"]));
                plugin["config"]["way"] = value(way);
                for (key, limit) in limits {
                    let number = limit.parse::<i64>().map(value);
                    plugin["limits"][key] = number.unwrap_or_else(|_| value(*limit));
                }
                let mut route = InlineTable::new();
                route.insert("plugin", way.into());
                route.insert("fallback", menu.as_str().into());
                config["routes"][&format!("7{number:02}")] = value(route);
            }
        });
        let exchange = site.start();
        let [alice, bob, malcom] = ["alice", "bob", "malcom"].map(|user| Phone::registered(&exchange, user));
        House { exchange, alice, bob, malcom }
    }

    fn number(&self, way: &str) -> String {
        number_of(self.exchange.site(), way)
    }

    /// Each listens to a tone that its plugin plays without an end.
    fn standing(&self) -> Vec<Call> {
        let number = self.number("stand");
        let calls: Vec<Call> = (0..STANDING).map(|_| self.malcom.call(&number)).collect();
        calls.iter().for_each(|call| call.audio.await_sound(Duration::from_millis(500)));
        calls
    }

    /// All of them at the same time, each to its end. Bob rings for two of them, and stops.
    fn one_of_each(&self) {
        let before = self.exchange.log().len();
        let going_on = self.alice.dial(&self.number(GOES_ON));
        let dialled: Vec<_> =
            WAYS.iter().map(|(way, ..)| (way, self.alice.dial(&self.number(way)))).collect();
        let rings: Vec<_> = (0..4).map(|_| self.bob.incoming()).inspect(|ringing| ringing.ring()).collect();
        let mut going_on = going_on.outcome(LIMIT).expect("an answer");
        going_on.hang_up();
        for ringing in rings {
            ringing.await_cancel(LIMIT);
        }
        let calls: Vec<_> = dialled
            .into_iter()
            .map(|(way, call)| (way, call.outcome(LIMIT).unwrap_or_else(|status| panic!("{way}: {status}"))))
            .collect();
        for (way, mut call) in calls {
            call.audio.await_sound(Duration::from_millis(3500));
            eprintln!("{way}: its caller hears the fallback");
            assert_spoken(&call.audio.heard().samples(), &PROMPTS[..1], "fr");
            call.hang_up();
        }
        for (way, _, reason) in WAYS {
            self.await_told(before, way, reason);
        }
        self.await_told(before, GOES_ON, "goes on after its call has ended");
        // Once in the minute that it lasts.
        self.await_told(0, "log-flood", "the rest is dropped");
        self.await_told(before, "log-flood", "lines of its log were dropped");
    }

    fn await_told(&self, before: usize, plugin: &str, reason: &str) {
        await_within(LIMIT, &format!("word that {plugin}: {reason}"), || {
            let log = self.exchange.log().split_off(before);
            log.lines().any(|line| line.contains(plugin) && line.contains(reason)).then_some(())
        });
    }

    /// Resident memory in bytes, and open files.
    fn held(&mut self) -> (usize, usize) {
        let process = format!("/proc/{}", self.exchange.process().id());
        let status = fs::read_to_string(format!("{process}/statm")).unwrap();
        let pages: usize = status.split_whitespace().nth(1).unwrap().parse().unwrap();
        (pages << 12, fs::read_dir(format!("{process}/fd")).unwrap().count())
    }
}

/// No packet was missing, from the first to the last; and no sound.
#[track_caller]
fn assert_untouched(calls: &[&Call]) {
    let mut waits = Vec::new();
    for call in calls {
        assert!(!call.is_over());
        let heard = call.audio.heard();
        assert_eq!(heard.faults(), [""; 0]);
        let pause = heard.pauses().into_iter().max().unwrap_or_default();
        assert!(pause <= Duration::from_millis(20), "a pause of {pause:?}");
        waits.push(heard.longest_wait());
    }
    waits.sort();
    let (median, longest) = (waits[waits.len() / 2], waits[waits.len() - 1]);
    eprintln!(
        "{} calls without a gap; by the clock, longest waits of {median:?} to {longest:?}",
        calls.len()
    );
}

#[test]
fn fifty_calls_stand_while_plugins_do_what_they_should_not() {
    let mut house = House::start();
    let standing = house.standing();
    let pairs: Vec<[Call; 2]> = ["101", "102"]
        .iter()
        .zip([&house.alice, &house.bob])
        .map(|(number, phone)| {
            let dialing = house.malcom.dial(number);
            let there = phone.incoming().answer();
            [dialing.outcome(LIMIT).unwrap(), there]
        })
        .collect();
    pairs.iter().for_each(|[here, there]| assert_talk(here, there));
    let all: Vec<&Call> = standing.iter().chain(pairs.iter().flatten()).collect();
    house.exchange.await_calls(50);

    // Once for all that is made at the first time and kept.
    house.one_of_each();
    house.exchange.await_calls(50);
    let before = house.held();
    for _ in 0..3 {
        house.one_of_each();
        house.exchange.await_calls(50);
    }
    assert_untouched(&all);
    await_within(LIMIT, "files and memory to be as before", || {
        let (memory, files) = house.held();
        let grown = memory.saturating_sub(before.0);
        eprintln!(
            "after {} bad calls: {grown} bytes more, {files} files of {}",
            3 * (WAYS.len() + 1),
            before.1
        );
        (files == before.1 && grown <= MAX_GROWTH).then_some(())
    });
    for (way, ..) in WAYS {
        assert_eq!(house.exchange.plugin(way).calls, 0, "{way}");
    }
    assert_eq!(house.exchange.plugin("stand").calls as usize, STANDING);
}

/// How long the tone of each call pauses until its plugin has answered a key with another one, by RTP timestamps;
/// not at all where the other one is there with the next packet.
fn reactions(calls: &[Call], key: char) -> Vec<Duration> {
    let pauses = |call: &Call| call.audio.heard().pauses();
    let pressed = Instant::now();
    let before: Vec<usize> = calls.iter().map(|call| pauses(call).len()).collect();
    for call in calls {
        call.audio.press(key);
    }
    let reaction = |(call, before): (&Call, usize)| {
        await_within(LIMIT, "the plugin to react", || {
            (seconds_of(&call.audio.heard().samples_since(pressed), 880.0) > 0.2).then_some(())
        });
        pauses(call).get(before).copied().unwrap_or_default()
    };
    let mut reactions: Vec<Duration> = calls.iter().zip(before).map(reaction).collect();
    reactions.sort();
    reactions
}

#[test]
fn plugins_react_while_fifty_others_spin() {
    let house = House::start();
    let mut standing = house.standing();
    standing.truncate(20);
    let idle = reactions(&standing, '1');
    standing.iter().for_each(|call| call.audio.await_sound(Duration::from_secs(3)));

    let number = house.number("loop");
    let spinning: Vec<_> = (0..50).map(|_| house.alice.dial(&number)).collect();
    let busy = reactions(&standing, '2');
    for spinner in spinning {
        let mut call = spinner.outcome(LIMIT).expect("an answer");
        // Its fallback.
        call.audio.await_sound(Duration::from_millis(500));
        call.hang_up();
    }
    let show = |which: &str, all: &[Duration]| {
        eprintln!(
            "{which}: a key is answered after {:?}, at most {:?}",
            all[all.len() / 2],
            all[all.len() - 1]
        );
    };
    show("nobody spins", &idle);
    show("50 plugins spin", &busy);
    assert!(busy[busy.len() - 1] < Duration::from_millis(1000), "{busy:?}");
}
