//! Calls through the menu of La Plateforme, told as what is heard and done.

#![allow(clippy::unwrap_used, reason = "only tests are here")]

use std::{collections::VecDeque, time::Duration};

use ivr::{
    check,
    flow::Flow,
    walk::{Line, RingEnd, walk},
};
use jackfield_sdk::{Error, HangupCause, HangupInfo, Prompt, Result, settings::parse};

/// A caller who does what the script says, and writes down what happens.
#[derive(Default)]
struct Caller {
    /// For each menu that waits: the key pressed, or none.
    keys: VecDeque<Option<char>>,
    /// For each ringing: how it ends.
    rings: VecDeque<RingEnd>,
    story: Vec<String>,
}

impl Line for Caller {
    fn play(&mut self, prompts: &[Prompt], _: bool) -> Result<()> {
        self.hear(prompts);
        Ok(())
    }

    fn key(&mut self, prompts: &[Prompt], barge_in: bool, timeout: Duration) -> Result<Option<char>> {
        assert!(barge_in);
        assert_eq!(timeout, Duration::from_secs(10));
        self.hear(prompts);
        let gone = HangupInfo { cause: HangupCause::Normal, code: 0, by_peer: true };
        self.keys.pop_front().ok_or(Error::HungUp(gone))
    }

    fn chosen(&mut self, menu: &str, key: char) -> Result<()> {
        self.story.push(format!("{menu} {key}"));
        Ok(())
    }

    fn ring(&mut self, targets: &[String], time: Duration) -> Result<RingEnd> {
        self.story.push(format!("rings {} for {} s", targets.join("+"), time.as_secs()));
        Ok(self.rings.pop_front().expect("the script says how it ends"))
    }
}

impl Caller {
    fn hear(&mut self, prompts: &[Prompt]) {
        for prompt in prompts {
            self.story.push(match prompt {
                Prompt::Say(speech) => text(speech),
                other => format!("{other:?}"),
            });
        }
    }
}

/// The first words of a sentence.
fn text(speech: &jackfield_sdk::Speech) -> String {
    let speech = format!("{speech:?}");
    let text = speech.split('"').nth(1).unwrap();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

fn load(manifest: &str) -> Flow {
    let manifest: toml::Table = manifest.parse().unwrap();
    let settings = parse(&serde_json::to_string(&manifest["config"]).unwrap()).unwrap();
    check::flow(&settings).unwrap()
}

fn la_plateforme() -> Flow {
    load(include_str!("../../../examples/la-plateforme/plugins/menu/plugin.toml"))
}

/// What a caller lives through who presses these keys (`-`: none).
fn call(flow: &Flow, keys: &str, rings: &[RingEnd]) -> (Vec<String>, Result<()>) {
    let keys = keys.chars().map(|key| Some(key).filter(|key| *key != '-')).collect();
    let mut caller = Caller { keys, rings: rings.iter().copied().collect(), story: Vec::new() };
    let end = walk(flow, &mut caller);
    (caller.story, end)
}

const MENU: [&str; 4] =
    ["Bonjour et bienvenue", "Pour joindre Alice,", "Pour joindre Bob,", "Pour joindre Malcom,"];
const GOODBYE: &str = "Nous n'avons pas";

fn story(parts: &[&[&str]]) -> Vec<String> {
    parts.concat().into_iter().map(String::from).collect()
}

#[test]
fn one_two_and_three_ring_alice_bob_and_malcom_for_ten_seconds() {
    for (key, who) in [("1", "alice"), ("2", "bob"), ("3", "malcom")] {
        let (heard, end) = call(&la_plateforme(), key, &[RingEnd::Talked]);
        assert_eq!(end, Ok(()));
        let (chosen, rings) = (format!("accueil {key}"), format!("rings {who} for 10 s"));
        assert_eq!(heard, story(&[&MENU, &[&chosen, &rings]]));
    }
}

#[test]
fn a_silent_line_hears_the_menu_three_times_and_a_goodbye() {
    let (heard, end) = call(&la_plateforme(), "---", &[]);
    assert_eq!(end, Ok(()));
    assert_eq!(heard, story(&[&MENU, &MENU, &MENU, &[GOODBYE]]));
}

#[test]
fn a_wrong_key_is_told_so_and_hears_the_menu_again() {
    let (heard, _) = call(&la_plateforme(), "7*1", &[RingEnd::Talked]);
    let wrong = ["Entrée invalide"];
    let ring = ["accueil 1", "rings alice for 10 s"];
    assert_eq!(heard, story(&[&MENU, &wrong, &MENU, &wrong, &MENU, &ring]));
}

#[test]
fn the_last_wrong_key_is_told_so_too() {
    let (heard, end) = call(&la_plateforme(), "7-*", &[]);
    assert_eq!(end, Ok(()));
    let wrong = ["Entrée invalide"];
    assert_eq!(heard, story(&[&MENU, &wrong, &MENU, &MENU, &wrong, &[GOODBYE]]));
}

#[test]
fn nobody_answers_and_the_menu_is_heard_again() {
    for outcome in [RingEnd::NoAnswer, RingEnd::Busy, RingEnd::Unavailable] {
        let (heard, _) = call(&la_plateforme(), "12", &[outcome, RingEnd::Talked]);
        let first = ["accueil 1", "rings alice for 10 s", "Alice n'est pas"];
        let then = ["accueil 2", "rings bob for 10 s"];
        assert_eq!(heard, story(&[&MENU, &first, &MENU, &then]));
    }
}

#[test]
fn a_key_with_a_fate_begins_the_count_anew() {
    let (heard, end) = call(&la_plateforme(), "--1---", &[RingEnd::NoAnswer]);
    assert_eq!(end, Ok(()));
    let times = |text: &str| heard.iter().filter(|heard| *heard == text).count();
    assert_eq!((times(MENU[0]), times(GOODBYE)), (6, 1));
}

#[test]
fn a_caller_who_hangs_up_ends_the_walk() {
    let (heard, end) = call(&la_plateforme(), "-", &[]);
    assert!(matches!(end, Err(Error::HungUp(_))));
    assert_eq!(heard.len(), 8);
}

#[test]
fn the_message_waits_a_second_and_hangs_up_after_its_end() {
    let flow = load(include_str!("../../../examples/la-plateforme/plugins/message/plugin.toml"));
    let (heard, end) = call(&flow, "", &[]);
    assert_eq!(end, Ok(()));
    assert_eq!(heard, ["Silence(1s)", "Bonjour, ceci est"]);
}

const HOUSE: &str = r#"
    [config]
    start = "main"
    [config.menus.main]
    greeting = "Welcome."
    prompts = "Main menu."
    response-timeout = "10s"
    invalid = { say = "Wrong.", then = "restart" }
    keys.1 = { menu = "shop" }
    keys.2 = { ring = ["bob", "malcom"], no-answer = "hangup", busy = { say = "Busy.", then = "repeat" } }
    keys.9 = "repeat"
    [config.menus.shop]
    greeting = "The shop."
    prompts = "Shop menu."
    response-timeout = "10s"
    on-timeout = "back"
    invalid = "repeat"
    keys.1 = { menu = "hours" }
    keys.0 = { menu = "main" }
    keys."*" = "back"
    [config.menus.hours]
    prompts = "Nine to five."
    then = "back"
"#;

#[test]
fn restart_begins_with_the_greeting_and_repeat_does_not() {
    let (heard, _) = call(&load(HOUSE), "957", &[]);
    let expected = ["Welcome.", "Main menu.", "main 9", "Main menu.", "Wrong.", "Welcome.", "Main menu."];
    assert_eq!(heard[..7], expected);
}

#[test]
fn submenus_lead_back_the_way_they_were_entered() {
    let (heard, _) = call(&load(HOUSE), "11*", &[]);
    let expected = [
        "Welcome.",
        "Main menu.",
        "main 1",
        "The shop.",
        "Shop menu.",
        "shop 1",
        "Nine to five.",
        "Shop menu.",
        "shop *",
        "Main menu.",
    ];
    assert_eq!(heard, expected);
}

#[test]
fn a_menu_on_the_way_is_gone_back_to_from_its_top() {
    let (heard, _) = call(&load(HOUSE), "10", &[]);
    assert_eq!(heard[6..], ["Welcome.", "Main menu."]);
}

#[test]
fn silence_is_counted_across_menus() {
    let (heard, end) = call(&load(HOUSE), "1----", &[]);
    assert_eq!(end, Ok(()));
    assert_eq!(heard[3..], ["The shop.", "Shop menu.", "Main menu.", "Main menu."]);
}

#[test]
fn busy_may_have_a_branch_of_its_own() {
    let (heard, end) = call(&load(HOUSE), "22", &[RingEnd::Busy, RingEnd::NoAnswer]);
    assert_eq!(end, Ok(()));
    let ring = ["main 2", "rings bob+malcom for 20 s"];
    assert_eq!(heard, story(&[&["Welcome.", "Main menu."], &ring, &["Busy.", "Main menu."], &ring]));
}

const REMINDER: &str = r#"
    [config]
    language = "fr"
    [config.menus.main]
    greeting = "Bonjour {name}."
    prompts = ["Rendez-vous le {on:day} à {on:time}.", "Il vous reste {due:amount}.", "Tapez 1."]
    response-timeout = "10s"
    invalid = { say = "Non, {name}.", then = "repeat" }
    keys.1 = { say = "Merci.", then = "hangup" }
"#;

#[test]
fn gaps_are_filled_with_what_the_call_brings() {
    let manifest: toml::Table = REMINDER.parse().unwrap();
    let settings = parse(&serde_json::to_string(&manifest["config"]).unwrap()).unwrap();
    let field = |name: &str| {
        let fields = [("name", "Zoé"), ("on", "2026-03-01T14:05"), ("due", "1,50 EUR")];
        fields.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    };
    let flow = check::flow_of(&settings, &field).unwrap();
    let said: Vec<String> = flow.menus[0].greeting.iter().chain(&flow.menus[0].prompts).map(whole).collect();
    let expected = [
        "Bonjour Zoé.",
        "Rendez-vous le dimanche premier mars à quatorze heures cinq.",
        "Il vous reste un euro et cinquante centimes.",
        "Tapez 1.",
    ];
    assert_eq!(said, expected);
    let fixed: Vec<String> =
        check::fixed(&settings).unwrap().into_iter().map(|speech| whole(&speech.into())).collect();
    assert_eq!(fixed, ["Tapez 1.", "Merci."]);
}

/// The whole sentence.
fn whole(prompt: &Prompt) -> String {
    let text = format!("{prompt:?}");
    text.split('"').nth(1).unwrap().to_owned()
}
