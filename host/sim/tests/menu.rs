//! The menu of the school, by the same `ivr.wasm` that the daemon runs: what callers hear, and when.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use common::*;
use jackfield_sim::{CallEnd, Codec, Heard, Phone, Sound, State, To, voice};

/// A prompt starts at the next tick of 20 ms.
const TICK: Duration = Duration::from_millis(20);

#[test]
fn the_prompts_are_heard_in_order_and_word_for_word() {
    let world = open(school());
    let caller = caller(&world);
    let answered = caller.calls()[0].answered.unwrap();
    let prompts = hear_prompts(&caller);
    assert_eq!(caller.sentences(), PROMPTS);
    assert!(prompts[0].from - answered <= TICK, "it speaks with the answer: {}", prompts[0]);
    for pair in prompts.windows(2) {
        assert_eq!(pair[0].until, pair[1].from, "no gap between prompts");
    }
    for (prompt, text) in prompts.iter().zip(PROMPTS) {
        assert_eq!(prompt.length(), voice::length(text));
    }
}

#[test]
fn keys_one_two_and_three_ring_alice_bob_and_malcom_and_both_hear_each_other() {
    for (key, name) in [("1", "alice"), ("2", "bob"), ("3", "malcom")] {
        let world = open(school());
        let phones = ["alice", "bob", "malcom"].map(|user| (user, world.phone(user)));
        for (_, phone) in &phones {
            phone.answers_after(s(2)).greets_with("Allô ?");
        }
        let (_, callee) = phones.iter().find(|(user, _)| *user == name).unwrap();
        let caller = caller(&world);
        hear_prompts(&caller);
        let pressed = world.now();
        caller.press(key).hear("Allô ?");
        let [call] = &callee.calls()[..] else { panic!("{name} was called once") };
        let rang = call.rang.unwrap();
        assert!(rang - pressed <= TICK * 2, "{name} rang after {:?}", rang - pressed);
        assert_eq!((call.answered, &*call.peer), (Some(rang + s(2)), "0612345678"));
        let others = phones.iter().filter(|(user, _)| *user != name);
        assert!(others.into_iter().all(|(_, phone)| phone.calls().is_empty()), "only {name} rang");

        caller.say("Bonjour, c'est Zoé.");
        callee.hear("Bonjour, c'est Zoé.");
        callee.say("Bonjour Zoé !");
        caller.hear("Bonjour Zoé !");
        callee.hang_up();
        assert_eq!(caller.await_end(), CallEnd::PeerHungUp);
        assert_over(&world);
        assert_eq!(world.records()[0].results, [("accueil".to_owned(), key.to_owned())]);
    }
}

#[test]
fn phones_of_different_laws_understand_each_other() {
    let world = open(school());
    let alice = world.phone("alice");
    alice.speaks(&[Codec::Pcma]).answers_after(s(1)).greets_with("Allô, c'est Alice.");
    let caller = world.outside("0612345678");
    caller.speaks(&[Codec::Pcmu]).dial("100").await_answer();
    caller.press("1").hear("Allô, c'est Alice.");
    caller.say("Bonjour Alice, c'est Zoé.");
    alice.hear("Bonjour Alice, c'est Zoé.");
}

#[test]
fn a_key_during_a_prompt_stops_it_within_200_ms_and_counts() {
    let world = open(school());
    let alice = world.phone("alice");
    let caller = caller(&world);
    caller.hear(WELCOME);
    world.run_for(ms(500));
    let pressed = world.now();
    caller.press("1");
    alice.await_ring();
    world.run_for(s(3));
    let heard = caller.heard();
    // Then the ringing tone.
    let [welcome, cut, Heard { sound: Sound::Tone(_), .. }] = &heard[..] else { panic!("{heard:?}") };
    assert!(welcome.says(WELCOME));
    assert!(!cut.whole && ONE.starts_with(cut.text()), "{cut}");
    assert!(cut.until - pressed <= ms(200), "{:?} after the key", cut.until - pressed);
    assert!(cut.until > pressed, "it had been speaking");
}

#[test]
fn no_key_for_ten_seconds_replays_from_the_prompts() {
    let world = open(school());
    let caller = caller(&world);
    let end = hear_prompts(&caller).pop().unwrap().until;
    let again = hear_prompts(&caller);
    let silence = again[0].from - end;
    assert!((s(10)..=s(10) + TICK).contains(&silence), "silent for {silence:?}");
    assert_eq!(caller.calls()[0].state, State::Up);
}

#[test]
fn a_key_in_the_last_moment_of_the_ten_seconds_counts() {
    let world = open(school());
    let alice = world.phone("alice");
    let caller = caller(&world);
    hear_prompts(&caller);
    world.run_for(ms(9900));
    caller.press("1");
    alice.await_ring();
    assert_eq!(caller.sentences(), PROMPTS);
}

#[test]
fn a_key_typed_ahead_is_not_lost() {
    let world = open(school());
    let alice = world.phone("alice");
    let caller = caller(&world);
    let pressed = world.now();
    caller.press("71");
    alice.await_ring();
    assert!(alice.calls()[0].began - pressed <= ms(250), "the second key was pressed after 200 ms");
    assert!(INVALID.starts_with(&caller.sentences()[1]), "the second key stops what the first one brings");
}

#[test]
fn seven_and_star_are_invalid_and_the_menu_begins_again() {
    for key in ["7", "*"] {
        let world = open(school());
        let caller = caller(&world);
        hear_prompts(&caller);
        let pressed = world.now();
        let invalid = caller.press(key).hear(INVALID);
        assert!(invalid.from - pressed <= ms(200), "{:?} after the key", invalid.from - pressed);
        let again = hear_prompts(&caller);
        assert_eq!(again[0].from, invalid.until, "the menu follows at once");
    }
}

#[test]
fn nobody_answers_in_ten_seconds_and_the_caller_is_told() {
    let world = open(school());
    let alice = world.phone("alice");
    let caller = caller(&world);
    hear_prompts(&caller);
    let told = caller.press("1").hear("Alice n'est pas disponible.");
    let call = &alice.calls()[0];
    let (ended, end) = call.ended.unwrap();
    assert_eq!((ended - call.rang.unwrap(), end), (s(10), CallEnd::Cancelled));
    assert!(told.from - ended <= TICK * 2, "told {:?} later", told.from - ended);
    assert_eq!(hear_prompts(&caller)[0].from, told.until);
}

#[test]
fn a_busy_or_an_unregistered_callee_leads_to_the_same_branch_at_once() {
    let ways: [fn(&Phone) -> &Phone; 3] = [|bob| bob.rejects(486), |bob| bob.rejects(603), Phone::unregister];
    for way in ways {
        let world = open(school());
        let bob = world.phone("bob");
        way(&bob);
        world.run_for(s(1));
        let caller = caller(&world);
        hear_prompts(&caller);
        let pressed = world.now();
        let told = caller.press("2").hear("Bob n'est pas disponible.");
        assert!(told.from - pressed <= ms(100), "told {:?} after the key", told.from - pressed);
        hear_prompts(&caller);
    }
}

#[test]
fn a_callee_who_talks_already_is_busy() {
    let world = open(school());
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    alice.answers_after(s(1));
    bob.dial("101").await_answer();
    let caller = caller(&world);
    caller.press("1").hear("Alice n'est pas disponible.");
    assert_eq!((bob.state(), alice.calls().len()), (Some(State::Up), 1));
}

#[test]
fn after_the_last_attempt_the_call_ends_politely() {
    let world = open(school());
    let caller = caller(&world);
    hear_prompts(&caller);
    hear_prompts(&caller);
    let last = hear_prompts(&caller).pop().unwrap();
    let goodbye = caller.hear(GOODBYE);
    assert!((s(10)..=s(10) + TICK).contains(&(goodbye.from - last.until)), "{goodbye}");
    assert_eq!(caller.await_end(), CallEnd::PeerHungUp);
    let (ended, _) = caller.calls()[0].ended.unwrap();
    assert!(ended >= goodbye.until - TICK && ended <= goodbye.until + TICK, "ended {ended:?}, {goodbye}");
    assert!(world.trace().lines().iter().any(|line| line.contains("exchange > 0612345678: BYE")));
    assert_over(&world);
}

#[test]
fn wrong_keys_and_silence_count_together_and_the_last_wrong_key_is_told_too() {
    let world = open(school());
    let caller = caller(&world);
    hear_prompts(&caller);
    hear_prompts(&caller);
    caller.press("7").hear(INVALID);
    hear_prompts(&caller);
    let invalid = caller.press("8").hear(INVALID);
    assert_eq!(caller.hear(GOODBYE).from, invalid.until);
    assert_eq!(caller.await_end(), CallEnd::PeerHungUp);
}

#[test]
fn a_key_with_a_fate_forgives_the_attempts_before() {
    let world = open(school());
    let alice = world.phone("alice");
    alice.rejects(486);
    let caller = caller(&world);
    caller.press("7").hear(INVALID);
    caller.press("8").hear(INVALID);
    caller.press("1").hear("Alice n'est pas disponible.");
    caller.press("7").hear(INVALID);
    caller.press("8").hear(INVALID);
    hear_prompts(&caller);
    assert_eq!(caller.state(), Some(State::Up));
}

#[test]
fn a_new_version_is_for_new_calls_and_calls_in_progress_finish_on_theirs() {
    let world = open(school());
    let before = caller(&world);
    before.hear(WELCOME);
    let changed = menu().config("[menus.accueil]\nprompts = [\"Nouveau menu.\"]");
    world.install("menu", &changed).unwrap();
    let after = world.outside("0698765432");
    after.dial("100").await_answer();
    after.hear("Nouveau menu.");
    before.hear(ONE);
    before.press("7").hear(INVALID);
    assert_eq!(hear_prompts(&before).len(), 4);
}

#[test]
fn a_bad_version_is_refused_with_its_reason_and_the_former_one_stays() {
    let world = open(school());
    let dangling = menu().config("[menus.accueil]\non-timeout = { menu = \"ivr_1\" }");
    let refused = world.install("menu", &dangling).unwrap_err().to_string();
    assert!(refused.contains("menus.accueil.on-timeout") && refused.contains("ivr_1"), "{refused}");
    assert!(world.install("menu", &jackfield_sim::Plugin::new(MANIFEST, *b"\x89PNG").unwrap()).is_err());
    hear_prompts(&caller(&world));
}

const MANIFEST: &str = "[plugin]\nname = \"menu\"\nversion = \"1.0.0\"\nwit = \"0.1.0\"\ncomponent = \"ivr.wasm\"\nkind = [\"app\"]\n";

#[test]
fn a_menu_that_is_not_loaded_leaves_the_call_to_the_fallback() {
    let world = open(school().route("300", To::plugin("other").fallback("alice")));
    let alice = world.phone("alice");
    let caller = world.outside("0612345678");
    caller.dial("300");
    alice.await_ring();
    alice.answer();
    caller.await_answer();
    alice.say("Ici Alice.");
    caller.hear("Ici Alice.");
}

/// How long a call takes in real time: the whole menu three times, a minute of virtual time.
#[test]
fn a_call_takes_milliseconds() {
    for _ in 0..3 {
        let world = open(school());
        #[expect(clippy::disallowed_methods, reason = "it is real time that is printed")]
        let began = std::time::Instant::now();
        let caller = caller(&world);
        caller.await_end();
        let (real, virtual_time) = (began.elapsed(), world.now());
        println!("{:.1} s of a call in {:.1} ms", virtual_time.as_secs_f64(), real.as_secs_f64() * 1000.0);
    }
}
