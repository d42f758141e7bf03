//! A new version every second, in every way, while many calls are up. `make soak` runs the long version.

use std::{
    cmp::Reverse,
    fs, thread,
    time::{Duration, Instant},
};

use jackfield_tests::{await_until, await_within, phone::Call, plugins::Line};

use super::{
    LIMIT, School, assert_unbroken, rename_over,
    ways::{Press, Way},
};
use crate::{calls::assert_talk, menu::PROMPTS};
use jackfield_tests::speech::assert_spoken;

#[test]
fn twenty_five_calls_are_up_while_a_new_version_comes_every_second() {
    storm(25, 14);
}

#[test]
#[ignore = "two minutes of both cores; `make soak` runs it"]
fn soak_a_hundred_calls_are_up_while_a_new_version_comes_every_second_for_a_minute() {
    storm(100, 60);
}

fn storm(calls: u32, versions: u32) {
    let school = School::start();
    let [alice, bob, malcom] = ["alice", "bob", "malcom"].map(|user| school.phone(user));
    let mut press = Press::new(&school);
    let first = school.live();
    let mut old: Vec<Call> = (0..calls).map(|_| malcom.call(&school.menu)).collect();
    await_until("the calls on the first version", || (school.live().calls == calls).then_some(()));

    let mut new = Vec::new();
    let mut live = first.clone();
    let begin = Instant::now();
    for (number, way) in (0..versions).zip(Way::ALL.into_iter().cycle()) {
        thread::sleep((begin + Duration::from_secs(number.into())).saturating_duration_since(Instant::now()));
        let next = press.publish(&school.exchange, way);
        assert_ne!(next.sha256, live.sha256, "{way:?}");
        assert_eq!(next.calls, 0, "{way:?}");
        new.push(bob.call(&school.menu));
        await_until("a new call on the new version", || (school.live().calls == 1).then_some(()));
        live = next;
        if number % 5 == 4 {
            refuse(&school, &live);
        }
    }
    println!("{versions} versions in {:?}", begin.elapsed());
    press.assert_whole(&school.exchange);

    // Each call is on the version that was live when it came.
    let found = school.exchange.versions("menu");
    let shown = |version: &Line| (version.state.clone(), version.calls);
    let draining = |calls: u32| ("draining".to_owned(), calls);
    let mut expected = vec![("live".to_owned(), 1), draining(calls)];
    expected.extend((1..versions).map(|_| draining(1)));
    let mut counts: Vec<_> = found.iter().map(shown).collect();
    counts[1..].sort_by_key(|(_, calls)| Reverse(*calls));
    assert_eq!(counts, expected, "{found:#?}");
    let of_first = found.iter().find(|version| version.version == first.version).expect("it drains");
    assert_eq!((of_first.calls, &of_first.sha256, &of_first.since), (calls, &first.sha256, &first.since));

    for call in &new {
        call.audio.await_sound(Duration::from_secs(3));
        assert_spoken(&call.audio.heard().samples(), &PROMPTS[..1], "fr");
    }
    assert_unbroken(&old, "old");
    assert_unbroken(&new, "new");

    // The first version still knows what a key means.
    let mut one = old.swap_remove(0);
    one.audio.press('1');
    let mut there = alice.incoming().answer();
    assert_talk(&one, &there);
    there.hang_up();
    one.await_end(LIMIT);

    old.iter_mut().chain(&mut new).for_each(Call::hang_up);
    await_within(Duration::from_secs(60), "replaced versions to be gone with their calls", || {
        (school.exchange.versions("menu").len() == 1).then_some(())
    });
    assert_eq!(school.live().version, live.version);
    school.exchange.await_calls(0);
}

/// A version that is no good changes nothing, and the good one after it is the one that was live.
#[track_caller]
fn refuse(school: &School, live: &Line) {
    let wasm = school.folder().join("ivr.wasm");
    let good = fs::read(&wasm).unwrap();
    rename_over(&wasm, &good[..good.len() / 2]);
    let refused = school.exchange.await_refusal("menu", &["ivr.wasm is cut short"]);
    assert_eq!((&refused.version, refused.calls), (&live.version, 1));
    rename_over(&wasm, good);
    await_until("the live version's files", || school.live().refused.is_empty().then_some(()));
    assert_eq!(school.live().version, live.version);
}
