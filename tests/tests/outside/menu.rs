//! Line 2: the menu of the school, heard on the wire.

use std::{
    thread,
    time::{Duration, Instant},
};

use jackfield_tests::{
    Exchange, Phone, Site,
    audio::RATE,
    await_until, await_within,
    phone::Call,
    rtp::Heard,
    speech::{Course, assert_spoken, render},
};

use crate::calls::assert_talk;

/// The seed's texts, word for word.
pub const PROMPTS: [&str; 4] = [
    "Bonjour et bienvenue chez La Plateforme !",
    "Pour joindre Alice, taper 1.",
    "Pour joindre Bob, taper 2.",
    "Pour joindre Malcom, taper 3.",
];
pub const INVALID: &str = "Entrée invalide";
const LIMIT: Duration = Duration::from_secs(10);

/// The number whose route leads to that plugin.
pub fn number_of(site: &Site, plugin: &str) -> String {
    let text = std::fs::read_to_string(site.config()).unwrap();
    let config: toml_edit::DocumentMut = text.parse().unwrap();
    let leads = |route: &toml_edit::Item| {
        route.as_str() == Some(plugin) || route.get("plugin").and_then(|name| name.as_str()) == Some(plugin)
    };
    let routes = config["routes"].as_table_like().unwrap();
    let found = routes.iter().find(|(_, route)| leads(route)).map(|(number, _)| number.to_owned());
    found.unwrap_or_else(|| panic!("no route to {plugin} in\n{text}"))
}

struct School {
    exchange: Exchange,
    menu: String,
}

impl School {
    fn start() -> School {
        let exchange = Site::example("la-plateforme").start();
        let menu = number_of(exchange.site(), "menu");
        School { exchange, menu }
    }

    fn phone(&self, user: &str) -> Phone {
        Phone::registered(&self.exchange, user)
    }
}

#[test]
fn the_prompts_are_the_seeds_and_come_in_order() {
    let school = School::start();
    let alice = school.phone("alice");
    let mut call = alice.call(&school.menu);
    let mut sentences = PROMPTS.to_vec();
    await_length(&call, &sentences);
    // `7` and `*` are told to be wrong, and the menu is heard again.
    for key in ['7', '*'] {
        call.audio.press(key);
        sentences.push(INVALID);
        sentences.extend(PROMPTS);
        await_length(&call, &sentences);
    }
    let heard = call.audio.heard();
    assert_spoken(&heard.samples(), &sentences, "fr");
    assert_eq!(heard.faults(), [""; 0], "20 ms spacing, no packet missing");
    call.hang_up();
    school.exchange.await_calls(0);
}

#[test]
fn the_keys_1_2_and_3_ring_alice_bob_and_malcom() {
    let school = School::start();
    let phones = ["alice", "bob", "malcom"].map(|user| school.phone(user));
    for (index, key) in ['1', '2', '3'].into_iter().enumerate() {
        let caller = &phones[(index + 1) % 3];
        let mut call = caller.call(&school.menu);
        call.audio.await_sound(Duration::from_secs(1));
        call.audio.press(key);
        let ringing = phones[index].incoming();
        ringing.ring();
        let mut there = ringing.answer();
        assert_talk(&call, &there);
        there.hang_up();
        call.await_end(LIMIT);
    }
    school.exchange.await_calls(0);
}

#[test]
fn a_key_stops_a_prompt_within_200_ms() {
    let school = School::start();
    let (alice, bob) = (school.phone("alice"), school.phone("bob"));
    let mut whole = bob.call(&school.menu);
    whole.audio.await_sound(Duration::from_secs(4));
    whole.hang_up();

    let mut call = bob.call(&school.menu);
    call.audio.await_sound(Duration::from_secs(1));
    let pressed = call.audio.press('1');
    let ringing = alice.incoming();
    // Long enough for a prompt that did not stop to be heard on.
    thread::sleep(Duration::from_secs(2));
    let more = more_of(&whole.audio.heard(), &call.audio.heard(), pressed);
    eprintln!("after the key the prompt went on for {more:?}");
    assert!(more <= Duration::from_millis(200), "after the key the prompt went on for {more:?}");
    call.hang_up();
    ringing.await_cancel(LIMIT);
}

#[test]
fn nobody_answers_in_10_s_and_the_caller_is_told() {
    let school = School::start();
    let (alice, bob) = (school.phone("alice"), school.phone("bob"));
    let mut call = alice.call(&school.menu);
    call.audio.await_sound(Duration::from_secs(1));
    call.audio.press('2');
    let ringing = bob.incoming();
    let start = ringing.at;
    ringing.ring();
    ringing.await_cancel(Duration::from_secs(20));
    let rang = start.elapsed();
    assert!(rang > Duration::from_secs(9) && rang < Duration::from_secs(14), "it rang for {rang:?}");
    // Heard again from the first prompt, after the sentence of that branch.
    let cancelled = Instant::now() - Duration::from_millis(300);
    await_within(Duration::from_secs(30), "the no-answer branch", || {
        let length = Course::of(&call.audio.heard().samples_since(cancelled)).length();
        (length > Duration::from_secs(12)).then_some(())
    });
    let told = ["Bob n'est pas disponible.", PROMPTS[0], PROMPTS[1]];
    assert_spoken(&call.audio.heard().samples_since(cancelled), &told, "fr");
    call.hang_up();
}

#[test]
fn silence_replays_the_prompts_after_10_s_and_the_last_attempt_ends_politely() {
    let school = School::start();
    let alice = school.phone("alice");
    let mut call = alice.call(&school.menu);
    call.await_end(Duration::from_secs(100));
    let heard = call.audio.heard();

    let timeline = heard.timeline();
    let sentences =
        [&PROMPTS[..], &PROMPTS, &PROMPTS, &["Nous n'avons pas reçu de réponse. Au revoir."]].concat();
    let places = assert_spoken(&timeline, &sentences, "fr");
    // From the end of the last prompt to the first again.
    let last = seconds(render(PROMPTS[3], "fr").len());
    for round in [0, 4] {
        let waited = (places[round + 4] - places[round + 3]).as_secs_f32() - last;
        eprintln!("replayed after {waited:.2} s");
        assert!((waited - 10.0).abs() < 0.3, "replayed after {waited:.2} s");
    }
    school.exchange.await_calls(0);
}

/// Waits until as much was heard as the sentences are long, and the menu is silent. What they
/// are is judged when the call is over: that takes time in which the menu would go on.
#[track_caller]
pub fn await_length(call: &Call, sentences: &[&str]) {
    let all: usize = sentences.iter().map(|text| render(text, "fr").len()).sum();
    let limit = Duration::from_secs_f32(seconds(all)) + Duration::from_secs(20);
    await_within(limit, "the prompts", || {
        let heard = call.audio.heard();
        let is_quiet = heard.0.last().is_some_and(|packet| packet.at.elapsed() > Duration::from_millis(500));
        // Two resamplers differ by some samples.
        (is_quiet && heard.samples().len() + RATE / 10 >= all).then_some(())
    });
}

fn seconds(samples: usize) -> f32 {
    samples as f32 / RATE as f32
}

/// How much more of the same prompt was heard after `pressed`, by its samples, when the
/// sound of `whole` is that of an uninterrupted call.
fn more_of(whole: &Heard, part: &Heard, pressed: Instant) -> Duration {
    let (whole, part_sound) = (whole.samples(), part.samples());
    let after = part_sound.len() - part.samples_since(pressed).len();
    // A piece of the prompt before the key tells how the two calls lie against each other.
    let piece = &part_sound[after - 1600..after];
    let at =
        whole.windows(piece.len()).position(|window| window == piece).expect("the same prompt in both calls");
    let same = whole[at + piece.len()..]
        .iter()
        .zip(&part_sound[after..])
        .take_while(|(one, two)| one == two)
        .count();
    Duration::from_millis(same as u64 / 8)
}

#[test]
fn the_menu_serves_many_callers_at_once() {
    let school = School::start();
    let alice = school.phone("alice");
    let calls: Vec<Call> = (0..10).map(|_| alice.call(&school.menu)).collect();
    for call in &calls {
        call.audio.await_sound(Duration::from_secs(3));
        assert_spoken(&call.audio.heard().samples(), &PROMPTS[..1], "fr");
    }
    drop(calls);
    await_until("all to be gone", || (school.exchange.calls() == 0).then_some(()));
}
