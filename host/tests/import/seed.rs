//! The seed's two contexts, its script and a call file; and a small office.

use std::{fs, path::Path, time::Duration};

use jackfield::import::{plan::Plan, report::Report, write};
use jackfield_sim::{CallEnd, Heard, Phone, World};

use crate::{Imported, s};

const PROMPTS: [&str; 4] = [
    "Bonjour et bienvenue chez La Plateforme !",
    "Pour joindre Alice, taper 1.",
    "Pour joindre Bob, taper 2.",
    "Pour joindre Malcom, taper 3.",
];
const INVALID: &str = "Entrée invalide";
const MESSAGE: &str = "Bonjour, ceci est un appel automatique. Nous vous présentons l'école de la plateforme, \
                       un établissement innovant où vous pouvez développer vos compétences et acquérir de nouvelles";
/// A prompt starts at the next tick of 20 ms.
const TICK: Duration = Duration::from_millis(20);

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn seed() -> Imported {
    Imported::new("seed")
}

fn caller(world: &World, number: &str) -> Phone {
    let caller = world.outside("0612345678");
    caller.dial(number).await_answer();
    caller
}

fn hear_prompts(caller: &Phone) -> Vec<Heard> {
    PROMPTS.iter().map(|prompt| caller.hear(prompt)).collect()
}

#[test]
fn each_defect_of_the_seed_is_told_with_its_line() {
    let seed = seed();
    let expected = [
        ("extensions.conf:4", "googletts.agi asks a page of Google's"),
        ("extensions.conf:8", "[ivr1] has no `i` (nor an `h`), and nothing for `*`"),
        ("call_alice.call:2", "PJSIP/alice is rung, and there is no pjsip.conf"),
        ("extensions.conf:10", "nothing follows when alice does not answer"),
        ("extensions.conf:11", "PJSIP/bob is rung"),
        ("extensions.conf:11", "nothing follows when bob does not answer"),
        ("extensions.conf:12", "PJSIP/malcom is rung"),
        ("extensions.conf:12", "nothing follows when malcom does not answer"),
        ("extensions.conf:14", "`[04-9#]` lacks the `_` of a pattern"),
        ("extensions.conf:15", "`_[04-9#]` has no priority 1: Asterisk never comes to priority 2"),
        ("extensions.conf:15", "there is no context [ivr_1]"),
        ("extensions.conf:16", "there is no context [ivr_1]"),
        (
            "extensions.conf:21",
            "the sentence ends without a full stop, as if it were cut: \"... et acquérir de nouvelles\"",
        ),
        ("appels.sh:14", "the first line is skipped whatever it is"),
        ("appels.sh:14", "the list is cut at each comma"),
        ("appels.sh:19", "a file's name is made of the list"),
        ("appels.sh:24", "calls that sell, by a machine"),
        ("appels.sh:24", "the caller 9000 is no public number"),
        ("appels.sh:25", "PJSIP/$NUMBER rings endpoints of that name"),
        ("appels.sh:36", "call files that everybody may write"),
        ("appels.sh:37", "the whole list is called at once"),
    ];
    let defects = seed.noted("defect");
    for (place, text) in expected {
        let start = format!("{place}: defect: {text}");
        assert!(defects.iter().any(|defect| defect.starts_with(&start)), "{start}\n{defects:#?}");
    }
    assert_eq!(defects.len(), expected.len(), "{defects:#?}");
}

#[test]
fn the_menu_says_what_the_seed_says_and_its_keys_ring_whom_it_says() {
    let seed = seed();
    for (key, name) in [("1", "alice"), ("2", "bob"), ("3", "malcom")] {
        let world = seed.open();
        let phone = world.phone(name);
        phone.answers_after(s(2)).greets_with("Allô ?");
        let caller = caller(&world, &seed.number_of("ivr1"));
        hear_prompts(&caller);
        assert_eq!(caller.sentences(), PROMPTS);
        caller.press(key).hear("Allô ?");
        assert_eq!(phone.calls().len(), 1, "{name}");
        phone.hang_up();
        assert_eq!(caller.await_end(), CallEnd::PeerHungUp);
    }
}

#[test]
fn no_key_for_ten_seconds_replays_from_the_prompts() {
    let seed = seed();
    let world = seed.open();
    let caller = caller(&world, &seed.number_of("ivr1"));
    let end = hear_prompts(&caller).pop().unwrap().until;
    let again = hear_prompts(&caller);
    let silence = again[0].from - end;
    assert!((s(10)..=s(10) + TICK).contains(&silence), "silent for {silence:?}");
    hear_prompts(&caller);
    assert_eq!(caller.await_end(), CallEnd::PeerHungUp, "and the third time is the last");
}

#[test]
fn every_other_key_is_invalid_and_the_menu_begins_again() {
    let seed = seed();
    for key in ["0", "4", "7", "9", "#", "*"] {
        let world = seed.open();
        let caller = caller(&world, &seed.number_of("ivr1"));
        hear_prompts(&caller);
        let invalid = caller.press(key).hear(INVALID);
        assert_eq!(hear_prompts(&caller)[0].from, invalid.until, "{key}");
    }
}

#[test]
fn a_key_stops_the_prompts() {
    let seed = seed();
    let world = seed.open();
    let alice = world.phone("alice");
    let caller = caller(&world, &seed.number_of("ivr1"));
    caller.hear(PROMPTS[0]);
    world.run_for(ms(500));
    let pressed = world.now();
    caller.press("1");
    alice.await_ring();
    let cut = &caller.heard()[1];
    assert!(!cut.whole && cut.until - pressed <= ms(200), "{cut}");
}

#[test]
fn who_does_not_answer_rings_for_ten_seconds_and_the_menu_is_heard_again() {
    let seed = seed();
    let world = seed.open();
    let bob = world.phone("bob");
    let caller = caller(&world, &seed.number_of("ivr1"));
    hear_prompts(&caller);
    caller.press("2");
    hear_prompts(&caller);
    let call = &bob.calls()[0];
    let (ended, end) = call.ended.unwrap();
    assert_eq!((ended - call.rang.unwrap(), end), (s(10), CallEnd::Cancelled));
    // Who is busy or away leads there at once.
    bob.rejects(486);
    let pressed = world.now();
    let again = caller.press("2").hear(PROMPTS[0]);
    assert!(again.from - pressed < s(1));
}

#[test]
fn the_call_files_are_a_campaign_with_the_seeds_policy() {
    let seed = seed();
    let campaign = &seed.plan.campaigns["prospection-automatique"];
    assert_eq!(campaign.app, "auto-calls");
    let list = fs::read_to_string(seed.path("campaigns/prospection-automatique.csv")).unwrap();
    assert_eq!(list, "NAME,NUMBER\nAlice,alice\nBob,bob\nMalcom,malcom\n");
    assert_eq!(seed.plan.campaigns.len(), 1, "Alice's call file is one of the list's");

    let dialler = seed.plugin("campaign", "campaign").pace(2, 1);
    let world = World::new(seed.site().plugin("campaign", dialler)).unwrap_or_else(|error| panic!("{error}"));
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    bob.answers_after(s(4));
    let started = world.now();
    let contacts = [("Alice", "alice"), ("Bob", "bob")];
    world.start_campaign("campaign", "prospection-automatique", contacts);

    bob.await_answer();
    let heard = bob.hear(MESSAGE);
    let silence = heard.from - bob.calls()[0].answered.unwrap();
    assert!((s(1)..s(1) + ms(60)).contains(&silence), "a second of silence comes first: {silence:?}");
    assert_eq!(bob.await_end(), CallEnd::PeerHungUp);

    world.run_for(s(300));
    let calls = alice.calls();
    let begins: Vec<_> = calls.iter().map(|call| (call.began - started).as_secs()).collect();
    assert_eq!(begins, [0, 60, 120]);
    for call in &calls {
        let (ended, end) = call.ended.unwrap();
        assert_eq!((ended - call.began, end), (s(30), CallEnd::Cancelled));
        assert_eq!((&*call.peer, &*call.peer_name), ("9000", "Prospection Automatique"));
    }
}

#[test]
fn an_office_keeps_its_numbers_its_menu_and_its_way_out() {
    let office = Imported::new("office");
    let world = office.open();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    bob.dial("101");
    alice.await_ring();
    bob.hang_up();
    world.run_for(s(1));

    let menu = caller(&world, "0491000000");
    menu.hear("Welcome to the office.");
    menu.hear("For the reception press one.");
    menu.hear("For Malcom press two.");
    // Five seconds, and without the greeting.
    menu.hear("For the reception press one.");
    menu.press("1");
    alice.await_ring();
    bob.await_ring();
    menu.hear("Nobody answers.");
    menu.hear("For the reception press one.");
    alice.rejects(486);
    bob.rejects(486);
    menu.press("1").hear("The line is busy.");
    menu.hear("For the reception press one.");
    menu.press("9").hear("This key does nothing.");
    menu.hear("For the reception press one.");

    let routes = fs::read_to_string(office.path("jackfield.toml")).unwrap();
    assert!(routes.contains("\"0*\" = { sip = \"sip:{rest}@sip.provider.example:5060\" }"), "{routes}");
    assert!(routes.contains("\"200\" = { users = [\"alice\", \"bob\"], ring = \"15s\" }"), "{routes}");
    assert!(routes.contains("\"300\" = { plugin = \"menu\" }"), "{routes}");
    assert!(!routes.contains("secret"), "{routes}");
    let passwords: Vec<_> = office.plan.users.values().filter_map(|user| user.password.as_deref()).collect();
    assert_eq!(passwords, ["secret-of-alice", "secret-of-bob", "secret-of-malcom"]);
    let list = fs::read_to_string(office.path("campaigns/office.csv")).unwrap();
    assert_eq!(list, "NAME,NUMBER,HOUR\nZoe,0612345678,9\n,malcom,\n");
    assert!(
        routes.contains("\"0612345678\" = { sip = \"sip:{number}@sip.provider.example:5060\" }"),
        "{routes}"
    );
    assert!(routes.contains("to = [\"0612345678\", \"malcom\"], app = [\"reminder\"]"), "{routes}");
    let defects = office.noted("defect");
    let expected = [
        "extensions.conf:37: defect: Asterisk has no application `Voicemial`; did you mean `VoiceMail`?",
        "pjsip.conf:11: defect: TLS without SRTP",
        "pjsip_phones.conf:21: defect: a password in plain text",
        "pjsip_phones.conf:29: defect: a password in plain text",
        "pjsip_phones.conf:37: defect: a password in plain text",
    ];
    for start in expected {
        assert!(defects.iter().any(|defect| defect.starts_with(start)), "{start}\n{defects:#?}");
    }
    assert_eq!(defects.len(), expected.len(), "{defects:#?}");
    assert!(office.notes.iter().all(|note| !note.contains("secret")), "{:#?}", office.notes);
}

#[test]
fn a_folder_that_is_there_is_never_written_into() {
    let folder = tempfile::tempdir().unwrap();
    let error = write::write(&Plan::default(), folder.path(), Path::new("none"), &mut Report::default());
    assert_eq!(error.unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
