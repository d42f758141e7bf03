//! Start, stop, death and live changes.

use std::time::Duration;

use jackfield_tests::{Exchange, Phone, Site, await_until, await_within};
use toml_edit::value;

use crate::calls::assert_talk;

const CONFIG: &str = "[routes]\n\"10X\" = { user = \"*\" }\n";
const LIMIT: Duration = Duration::from_secs(10);

#[test]
fn sigterm_says_bye_to_both_phones() {
    let mut exchange = Exchange::start(CONFIG);
    let (alice, bob) = (Phone::registered(&exchange, "alice"), Phone::registered(&exchange, "bob"));
    let dialing = alice.dial("102");
    let mut there = bob.incoming().answer();
    let mut here = dialing.outcome(LIMIT).unwrap();
    assert_talk(&here, &there);
    exchange.stop();
    here.await_end(LIMIT);
    there.await_end(LIMIT);
}

#[test]
fn registrations_over_udp_survive_kill_9() {
    let mut exchange = Exchange::start(CONFIG);
    let (alice, bob) = (Phone::registered(&exchange, "alice"), Phone::registered(&exchange, "bob"));
    // Bindings are committed every 100 ms.
    std::thread::sleep(Duration::from_secs(1));
    exchange.process().kill();
    exchange.restart();
    let dialing = alice.dial("102");
    let there = bob.incoming().answer();
    let mut here = dialing.outcome(LIMIT).unwrap();
    assert_talk(&here, &there);
    here.hang_up();
}

#[test]
fn users_and_routes_change_while_a_call_is_up() {
    let exchange = Exchange::start(CONFIG);
    let (alice, bob) = (Phone::registered(&exchange, "alice"), Phone::registered(&exchange, "bob"));
    let dialing = alice.dial("102");
    let there = bob.incoming().answer();
    let mut here = dialing.outcome(LIMIT).unwrap();
    assert_talk(&here, &there);

    // A new user, who registers at once.
    let arguments = ["user", "add", "david", "--number", "104", "--password-stdin"];
    exchange.site().jackfield_with(&arguments, b"secret-of-david\n").expect_good();
    let mut david = Phone::udp(&exchange, "david");
    await_until("david to be known", || (david.register_for(600).status_code.code() == 200).then_some(()));

    // A new route; a fault in between changes nothing and is said with its line.
    exchange.site().edit(|config| config["routes"]["300"] = value("davide"));
    let said = exchange.await_log(&["jackfield.toml:", "davide"]);
    assert!(said.contains("david"), "the nearest name is suggested: {said}");
    exchange.site().edit(|config| config["routes"]["300"] = value("david"));
    await_within(LIMIT, "the new route", || {
        let dialing = alice.dial("300");
        match david.incoming_within(Duration::from_secs(1)) {
            Some(ringing) => {
                let mut call = ringing.answer();
                dialing.outcome(LIMIT).unwrap().hang_up();
                call.await_end(LIMIT);
                Some(())
            }
            None => {
                assert_eq!(dialing.outcome(LIMIT).err(), Some(404));
                None
            }
        }
    });

    // A user who is removed is gone, and not before nothing names him; the old call never noticed.
    let said = exchange.site().jackfield(&["user", "remove", "david"]).expect_bad();
    assert!(said.contains("300"), "what leads to him is named: {said}");
    exchange.site().edit(|config| config["routes"]["300"] = value("bob"));
    exchange.operator(&["user", "remove", "david"]);
    await_until("david to be gone", || (david.register_for(600).status_code.code() == 401).then_some(()));
    assert_eq!(alice.dial("104").outcome(LIMIT).err(), Some(404));
    assert_talk(&here, &there);
    assert_eq!(here.audio.heard().faults(), [""; 0]);
    here.hang_up();
}

#[test]
fn one_daemon_for_one_configuration() {
    let exchange = Exchange::start(CONFIG);
    let said = exchange.site().jackfield(&["run"]).expect_bad();
    assert!(said.contains("jackfield"), "{said}");
    assert_eq!(exchange.calls(), 0, "the first one still answers");
}

#[test]
fn checking_runs_nothing() {
    let site = Site::example("la-plateforme");
    let said = site.jackfield(&["check"]);
    assert_eq!(said.err, "", "the log would tell of a service that was started");
    assert!(said.expect_good().contains("good"));
}

#[test]
fn changes_wait_for_apply_where_the_operator_says_so() {
    let site = Site::new(CONFIG);
    site.edit(|config| config["exchange"]["reload"] = value("apply"));
    let exchange = site.start();
    let (alice, bob) = (Phone::registered(&exchange, "alice"), Phone::registered(&exchange, "bob"));
    exchange.site().edit(|config| config["routes"]["300"] = value("bob"));
    // Longer than the daemon takes to follow a file by itself.
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(alice.dial("300").outcome(LIMIT).err(), Some(404));

    exchange.operator(&["apply"]);
    let dialing = alice.dial("300");
    let mut there = bob.incoming().answer();
    dialing.outcome(LIMIT).unwrap().hang_up();
    there.await_end(LIMIT);

    exchange.site().edit(|config| config["routes"]["301"] = value("nobody"));
    let said = exchange.site().jackfield(&["apply"]).expect_bad();
    assert!(said.contains("jackfield.toml:") && said.contains("nobody"), "{said}");
    assert!(exchange.site().jackfield(&["hangup", "j-0-0"]).expect_bad().contains("no call j-0-0"));
}
