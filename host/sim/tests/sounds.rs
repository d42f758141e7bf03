//! What ears tell apart: sentences, files, tones and keys.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_sim::{Clip, Heard, Plugin, Sound, voice};

/// A second of a chord that fades: no tone, and no voice.
fn jingle() -> Clip {
    let wave = |n: usize, hz: f64| (std::f64::consts::TAU * hz * n as f64 / 8000.0).sin();
    let sample = |n: usize| {
        let chord = wave(n, 261.6) + wave(n, 329.6) + wave(n, 392.0);
        (chord * 8000.0 * (1.0 - n as f64 / 8000.0)) as i16
    };
    Clip::from_samples(8000, &(0..8000).map(sample).collect::<Vec<_>>())
}

fn with_jingle() -> Plugin {
    let prompts = "[menus.accueil]\nprompts = [{ file = \"jingle.wav\" }, \"Tapez 1.\"]";
    menu().prompt("jingle.wav", jingle()).config(prompts)
}

#[test]
fn a_file_is_known_by_its_name_and_the_sentence_behind_it_follows_at_once() {
    let world = open(school());
    world.install("menu", &with_jingle()).unwrap();
    let caller = caller(&world);
    let sentence = caller.hear("Tapez 1.");
    let [file, _] = &caller.heard()[..] else { panic!("{:?}", caller.heard()) };
    assert_eq!(file.sound, Sound::File("jingle.wav".to_owned()));
    assert!(file.whole, "{file}");
    assert_eq!((file.length(), file.until), (s(1), sentence.from));
}

#[test]
fn a_file_that_is_cut_off_is_not_whole() {
    let world = open(school());
    world.install("menu", &with_jingle()).unwrap();
    let caller = caller(&world);
    world.run_for(ms(400));
    caller.press("7").hear(INVALID);
    let file = &caller.heard()[0];
    assert_eq!(file.sound, Sound::File("jingle.wav".to_owned()));
    assert!(!file.whole && file.length() < ms(500), "{file}");
}

#[test]
fn a_wav_of_the_voice_is_heard_as_its_words() {
    let world = open(school());
    let clip = Clip::from_wav(&voice::wav("Bienvenue au club.")).unwrap();
    let menu = menu().prompt("club.wav", clip).config("[menus.accueil]\nprompts = [{ file = \"club.wav\" }]");
    world.install("menu", &menu).unwrap();
    caller(&world).hear("Bienvenue au club.");
}

#[test]
fn while_the_callee_rings_the_caller_hears_the_french_ringing_tone() {
    let world = open(school());
    let alice = world.phone("alice");
    let caller = caller(&world);
    caller.press("1");
    alice.await_ring();
    caller.hear("Alice n'est pas disponible.");
    let heard = caller.heard();
    let tones: Vec<&Heard> = heard.iter().filter(|heard| heard.sound == Sound::Tone(vec![440])).collect();
    let [first, second] = tones[..] else { panic!("10 s of 1.5 s on and 3.5 s off: {heard:?}") };
    let near = |a: std::time::Duration, b| a.abs_diff(b) <= ms(1);
    assert!(near(first.length(), ms(1500)) && near(second.length(), ms(1500)), "{first}, {second}");
    assert!(near(second.from - first.from, s(5)), "{first}, {second}");
}

#[test]
fn keys_that_one_party_presses_reach_the_other() {
    let world = open(school());
    let alice = world.phone("alice");
    alice.answers_after(s(1)).greets_with("Allô ?");
    let caller = caller(&world);
    caller.press("1").hear("Allô ?");
    caller.press("42#");
    world.run_for(s(1));
    let keys: Vec<Sound> = alice.heard().into_iter().map(|heard| heard.sound).collect();
    assert_eq!(keys, ['4', '2', '#'].map(Sound::Key));
}
