//! The menu of the school, by the same `ivr.wasm` that the daemon runs: what callers hear, and when.

mod common;

use std::time::{Duration, Instant};

use common::*;
use jackfield_media::Codec;
use jackfield_sim::{CallEnd, State, To};
use jackfield_switch::Cause;

#[test]
fn the_prompts_are_heard_in_order_and_word_for_word() {
    let world = open(school());
    let caller = caller(&world);
    let answered = caller.calls()[0].answered.unwrap();
    let prompts = hear_prompts(&caller);
    assert_eq!(caller.sentences(), PROMPTS);
    assert!(prompts[0].from - answered <= ms(20), "it speaks with the answer: {}", prompts[0]);
    for pair in prompts.windows(2) {
        assert_eq!(pair[0].until, pair[1].from, "no gap between prompts");
    }
    for (prompt, text) in prompts.iter().zip(PROMPTS) {
        assert_eq!(prompt.length(), jackfield_sim::voice::length(text));
    }
}

#[test]
fn keys_one_two_and_three_ring_alice_bob_and_malcom_and_they_talk() {
    for (key, name) in [("1", "alice"), ("2", "bob"), ("3", "malcom")] {
        let world = open(school());
        let phones = ["alice", "bob", "malcom"].map(|name| (name, world.phone(name)));
        phones.iter().for_each(|(_, phone)| drop(phone.answers_after(s(2)).greets_with("Allô ?")));
        let (_, callee) = phones.iter().find(|(user, _)| *user == name).unwrap();
        let caller = caller(&world);
        hear_prompts(&caller);
        let pressed = world.now();
        caller.press(key).hear("Allô ?");
        let rang = callee.calls()[0].rang.unwrap();
        assert!(rang - pressed < ms(100), "{name} rang after {:?}", rang - pressed);
        assert_eq!(callee.calls()[0].answered, Some(rang + s(2)));
        assert_eq!(callee.calls()[0].peer, "0612345678");
        assert_eq!(world_calls(&phones), 1, "only {name} rang");

        caller.say("Bonjour, c'est Zoé.");
        callee.hear("Bonjour, c'est Zoé.");
        callee.say("Bonjour Zoé !").hang_up_when_said(&caller);
        assert_eq!(caller.await_end(), CallEnd::PeerHungUp);
        assert_over(&world);
        let record = &world.records()[0];
        assert_eq!(record.connected.as_deref(), Some(name));
        assert_eq!(record.results, [("accueil".to_owned(), key.to_owned())]);
    }
}

fn world_calls(phones: &[(&str, jackfield_sim::Phone)]) -> usize {
    phones.iter().map(|(_, phone)| phone.calls().len()).sum()
}

trait HangUpWhenSaid {
    fn hang_up_when_said(&self, listener: &jackfield_sim::Phone);
}

impl HangUpWhenSaid for jackfield_sim::Phone {
    fn hang_up_when_said(&self, listener: &jackfield_sim::Phone) {
        listener.hear("Bonjour Zoé !");
        self.hang_up();
    }
}
