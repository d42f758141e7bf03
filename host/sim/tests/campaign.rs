//! The campaign "Prospection Automatique" of the school, by the same `campaign.wasm` and `ivr.wasm` that the
//! daemon runs.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use common::*;
use jackfield_sim::{CallEnd, CallLog, Cause, ContactHistory, Level, Phone, Plugin, Site, State, World};

const MESSAGE: &str = "Bonjour, ceci est un appel automatique. Nous vous présentons l'école de la plateforme, \
                       un établissement innovant où vous pouvez développer vos compétences et acquérir de nouvelles";

/// An attempt is written down, then its INVITE travels for 10 ms.
const TRAVEL: Duration = Duration::from_millis(10);

fn dialler() -> Plugin {
    school_plugin("campaign", "campaign").pace(2, 1)
}

/// The school with its campaign, and so many contacts on 111 and up.
fn campaign(contacts: usize, dialler: Plugin) -> World {
    let site = Site::new().plugin("message", school_plugin("message", "ivr")).plugin("campaign", dialler);
    let names = names(contacts);
    open(names.iter().fold(site, |site, (name, number)| site.user(name, number)))
}

fn names(contacts: usize) -> Vec<(String, String)> {
    (0..contacts).map(|n| (format!("contact{n}"), (111 + n).to_string())).collect()
}

fn start(world: &World, contacts: usize) {
    let names = names(contacts);
    world.start_campaign("campaign", "prospection", names.iter().map(|(name, number)| (&**name, &**number)));
}

fn histories(world: &World) -> Vec<ContactHistory> {
    world.contacts("campaign", "prospection")
}

/// Until every contact has its outcome.
fn finish(world: &World) -> Vec<ContactHistory> {
    let done = world.run_until(s(3600), |world| histories(world).iter().all(|c| c.outcome.is_some()));
    assert!(done, "the campaign does not end: {:#?}", histories(world));
    // The last CANCEL or BYE arrives.
    world.run_for(s(1));
    histories(world)
}

fn begins(calls: &[CallLog]) -> Vec<Duration> {
    calls.iter().map(|call| call.began).collect()
}

fn assert_no_trouble(world: &World) {
    let bad: Vec<_> =
        world.notices().into_iter().filter(|n| matches!(n.level, Level::Warn | Level::Error)).collect();
    assert!(bad.is_empty(), "{bad:?}");
}

#[test]
fn who_does_not_answer_is_called_three_times_60_s_from_start_to_start_and_each_rings_for_30_s() {
    let world = campaign(1, dialler());
    let phone = world.phone("contact0");
    let started = world.now();
    start(&world, 1);
    let history = finish(&world).remove(0);
    assert_eq!(history.outcome.as_deref(), Some("no-answer"));
    let calls = phone.calls();
    assert_eq!(begins(&calls), [0, 60, 120].map(|after| started + s(after) + TRAVEL));
    for call in &calls {
        let (ended, end) = call.ended.unwrap();
        assert_eq!((ended - call.began, end), (s(30), CallEnd::Cancelled));
    }
    for (attempt, call) in history.attempts.iter().zip(&calls) {
        assert_eq!(world.since_begin(attempt.started_at) + TRAVEL, call.began);
        assert_eq!((attempt.answered_at, attempt.end.unwrap().cause), (None, Cause::NoAnswer));
        assert_eq!(attempt.ended_at.unwrap() - attempt.started_at, 30_000);
    }
    world.run_for(s(600));
    assert_eq!(phone.calls().len(), 3, "nobody is called again");
    assert_no_trouble(&world);
}

#[test]
fn who_answers_hears_the_message_to_its_end_and_is_not_called_again() {
    let world = campaign(1, dialler());
    let phone = world.phone("contact0");
    phone.answers_after(s(4));
    start(&world, 1);
    phone.await_answer();
    let heard = phone.hear(MESSAGE);
    assert_eq!(phone.await_end(), CallEnd::PeerHungUp);
    let call = &phone.calls()[0];
    let silence = heard.from - call.answered.unwrap();
    assert!((s(1)..s(1) + ms(60)).contains(&silence), "a second of silence comes first: {silence:?}");
    assert_eq!((&*call.peer, &*call.peer_name), ("9000", "Prospection Automatique"));

    let history = finish(&world).remove(0);
    assert_eq!(history.outcome.as_deref(), Some("answered"));
    assert_eq!(history.fields[0], ("NAME".to_owned(), "contact0".to_owned()));
    let [attempt] = &history.attempts[..] else { panic!("one attempt: {history:?}") };
    let answered = world.since_begin(attempt.answered_at.unwrap());
    assert_eq!(answered, call.answered.unwrap() + TRAVEL, "the 200 travels");
    assert_eq!(attempt.end.unwrap().cause, Cause::Normal);
    world.run_for(s(600));
    assert_eq!(phone.calls().len(), 1);
    assert_no_trouble(&world);
}

#[test]
fn who_hangs_up_in_the_middle_of_the_message_has_answered() {
    let world = campaign(1, dialler());
    let phone = world.phone("contact0");
    phone.answers_after(s(1)).hangs_up_after(s(3));
    start(&world, 1);
    let history = finish(&world).remove(0);
    assert_eq!((history.outcome.as_deref(), history.attempts.len()), (Some("answered"), 1));
    let heard = phone.sentences();
    assert!(heard.len() == 1 && MESSAGE.starts_with(&heard[0]) && heard[0] != MESSAGE, "{heard:?}");
    assert!(history.attempts[0].end.unwrap().by_peer);
}

#[test]
fn who_is_busy_refuses_or_has_no_phone_gets_his_outcome_after_the_last_attempt() {
    let world = campaign(3, dialler());
    let (busy, refuses) = (world.phone("contact0"), world.phone("contact1"));
    busy.rejects(486);
    refuses.rejects(603);
    start(&world, 3);
    let histories = finish(&world);
    let outcomes: Vec<_> = histories.iter().filter_map(|contact| contact.outcome.as_deref()).collect();
    assert_eq!(outcomes, ["busy", "rejected", "unreachable"]);
    assert!(histories.iter().all(|contact| contact.attempts.len() == 3), "{histories:#?}");
    for phone in [busy, refuses] {
        let begins = begins(&phone.calls());
        let gaps: Vec<_> = begins.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().all(|gap| (s(60)..s(62)).contains(gap)), "{gaps:?}");
    }
}

#[test]
fn who_answers_at_the_second_attempt_hears_the_message_then() {
    let world = campaign(1, dialler());
    let phone = world.phone("contact0");
    phone.rejects(486);
    start(&world, 1);
    world.run_for(s(30));
    phone.answers_after(s(2));
    let history = finish(&world).remove(0);
    assert_eq!((history.outcome.as_deref(), history.attempts.len()), (Some("answered"), 2));
    assert_eq!(phone.sentences(), [MESSAGE]);
}

/// All calls to all phones, by their beginning.
fn all_calls(phones: &[Phone]) -> Vec<CallLog> {
    let mut calls: Vec<_> = phones.iter().flat_map(Phone::calls).collect();
    calls.sort_by_key(|call| call.began);
    calls
}

fn assert_pace(calls: &[CallLog], at_once: usize, per_second: usize) {
    for call in calls {
        let up =
            |other: &&CallLog| other.began <= call.began && other.ended.is_none_or(|(at, _)| at > call.began);
        let under_way = calls.iter().filter(up).count();
        assert!(under_way <= at_once, "{under_way} at once at {:?}", call.began);
        let window = call.began..call.began + s(1);
        let starts = calls.iter().filter(|other| window.contains(&other.began)).count();
        assert!(starts <= per_second, "{starts} within a second of {:?}", call.began);
    }
}

#[test]
fn never_more_calls_at_once_or_per_second_than_the_operator_allows() {
    for (at_once, per_second) in [(2, 1), (5, 2), (1, 10), (20, 3)] {
        let world = campaign(12, dialler().pace(at_once, per_second));
        let phones: Vec<_> = names(12).iter().map(|(name, _)| world.phone(name)).collect();
        for (n, phone) in phones.iter().enumerate() {
            match n % 3 {
                0 => phone.rings(),
                1 => phone.answers_after(ms(700)),
                _ => phone.rejects(486),
            };
        }
        start(&world, 12);
        let began = world.now();
        finish(&world);
        let calls = all_calls(&phones);
        assert_pace(&calls, at_once as usize, per_second as usize);
        assert_eq!(calls.len(), 4 * 3 + 4 + 4 * 3);
        assert_no_trouble(&world);
        println!("{at_once} at once, {per_second} a second: {:?}", world.now() - began);
    }
}

#[test]
fn twenty_contacts_are_called_as_fast_as_the_pace_allows_and_each_has_its_result() {
    let world = campaign(20, dialler().pace(10, 2));
    let phones: Vec<_> = names(20).iter().take(16).map(|(name, _)| world.phone(name)).collect();
    for (n, phone) in phones.iter().enumerate() {
        match n % 4 {
            0 => phone.answers_after(s(2)),
            1 => phone.rejects(486),
            2 => phone.rings(),
            _ => phone.rejects(603),
        };
    }
    start(&world, 20);
    let histories = finish(&world);
    for (n, contact) in histories.iter().enumerate() {
        let expected = match n {
            16.. => ("unreachable", 3),
            _ => [("answered", 1), ("busy", 3), ("no-answer", 3), ("rejected", 3)][n % 4],
        };
        assert_eq!((contact.outcome.as_deref().unwrap(), contact.attempts.len()), expected, "{contact:?}");
        let starts: Vec<_> = contact.attempts.iter().map(|attempt| attempt.started_at).collect();
        let gaps: Vec<_> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().all(|gap| (60_000..75_000).contains(gap)), "{gaps:?}");
    }
    assert_pace(&all_calls(&phones), 10, 2);
    for phone in phones.iter().step_by(4) {
        assert_eq!(phone.sentences(), [MESSAGE]);
    }
}

/// What the dialler says of its work when it is stopped: its version, and its tally.
fn stopped(world: &World, reason: &str) -> Vec<(u64, Vec<(String, String)>)> {
    let stops = world.log().into_iter().filter(|line| line.message.starts_with("stops"));
    stops.filter(|line| line.message.contains(reason)).map(|line| (line.version, line.fields)).collect()
}

fn tally(launched: u64, answered: u64) -> Vec<(String, String)> {
    vec![("launched".to_owned(), launched.to_string()), ("answered".to_owned(), answered.to_string())]
}

#[test]
fn a_new_version_takes_over_the_state_and_loses_no_call() {
    let world = campaign(4, dialler());
    let phones: Vec<_> = names(4).iter().map(|(name, _)| world.phone(name)).collect();
    for phone in &phones {
        phone.answers_after(s(2));
    }
    start(&world, 4);
    // Two are in conversation now.
    phones[1].await_answer();
    world.install("campaign", &dialler()).unwrap();
    assert_eq!(stopped(&world, "reload"), [(1, tally(2, 0))]);
    assert_eq!((phones[0].state(), phones[1].state()), (Some(State::Up), Some(State::Up)));
    let histories = finish(&world);
    assert!(histories.iter().all(|c| c.outcome.as_deref() == Some("answered") && c.attempts.len() == 1));
    for phone in &phones {
        assert_eq!(phone.sentences(), [MESSAGE]);
    }
    world.run_for(s(60));
    world.remove("campaign");
    assert_eq!(stopped(&world, "disabled"), [(2, tally(4, 4))]);
    assert_no_trouble(&world);
    assert_over(&world);
}

#[test]
fn a_version_with_wrong_settings_is_refused_and_the_campaign_goes_on() {
    let world = campaign(1, dialler());
    let phone = world.phone("contact0");
    start(&world, 1);
    phone.await_ring();
    let wrong = dialler().config("[campaigns.prospection]\nretries = \"two\"");
    let refused = world.install("campaign", &wrong).unwrap_err().to_string();
    assert!(refused.contains("retries"), "{refused}");
    world.run_for(s(100));
    assert_eq!(phone.calls().len(), 2);
}

#[test]
fn a_paused_campaign_calls_nobody_until_it_is_resumed() {
    let world = campaign(1, dialler());
    let phone = world.phone("contact0");
    phone.rejects(486);
    start(&world, 1);
    world.run_for(s(5));
    world.pause_campaign("campaign", "prospection", true);
    world.run_for(s(300));
    assert_eq!(phone.calls().len(), 1);
    world.pause_campaign("campaign", "prospection", false);
    world.run_for(s(1));
    assert_eq!(phone.calls().len(), 2);
}

#[test]
fn the_same_seed_gives_the_same_campaign() {
    let trace = || {
        let world = campaign(6, dialler().pace(3, 2));
        for (n, (name, _)) in names(6).iter().enumerate() {
            let phone = world.phone(name);
            if n % 2 == 0 {
                phone.answers_after(s(3))
            } else {
                phone.rejects(486)
            };
        }
        start(&world, 6);
        finish(&world);
        world.trace()
    };
    assert_eq!(trace(), trace());
}
