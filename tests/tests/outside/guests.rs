//! Line 6: a plugin that traps, loops for ever, eats memory or asks for what was not granted
//! ends its own call only; that call gets the fallback of its route.

use std::{fs, time::Duration};

use jackfield_tests::{
    Exchange, Phone, Site, await_until, files, phone::Call, rtp::Voice, speech::assert_spoken,
};
use toml_edit::{Array, value};

use crate::{
    calls::assert_talk,
    menu::{PROMPTS, number_of},
};

const LIMIT: Duration = Duration::from_secs(10);
/// Each fault is a plugin of that name; bob is the fallback.
const FAULTS: [(&str, &str, &str); 3] = [
    ("trap", "661", "trap: wasm `unreachable` instruction executed"),
    ("loop", "662", "limit of 50 ms CPU between two host calls"),
    ("memory", "663", "memory limit of 16 MiB"),
];

/// A guest of the tests in a folder of its own below the configuration.
pub fn add_guest(site: &Site, name: &str, rest: &str) {
    let folder = site.beside("guests").join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{name}.wasm")), files::guest(name)).unwrap();
    write_manifest(site, name, "1.2.3", rest);
}

fn write_manifest(site: &Site, name: &str, version: &str, rest: &str) {
    let text = format!(
        "[plugin]\nname = \"{name}\"\nversion = \"{version}\"\nwit = \"0.1.0\"\ncomponent = \"{name}.wasm\"\n\
         kind = [\"app\"]\n\n{rest}"
    );
    let path = site.beside("guests").join(name).join("plugin.toml");
    fs::write(path.with_extension("new"), text).unwrap();
    fs::rename(path.with_extension("new"), path).unwrap();
}

/// The route of `number` leads to `plugin`, and then to bob.
pub fn route(config: &mut toml_edit::DocumentMut, number: &str, plugin: &str, path: &str) {
    config["plugins"][plugin]["path"] = value(path);
    let mut route = toml_edit::InlineTable::new();
    route.insert("plugin", plugin.into());
    route.insert("fallback", "bob".into());
    config["routes"][number] = value(route);
}

/// Calls the plugin, and talks to bob after it has failed. Returns the log's lines about it.
#[track_caller]
fn fall_to_bob(exchange: &Exchange, caller: &Phone, bob: &Phone, number: &str, plugin: &str) -> Vec<String> {
    let before = exchange.log().len();
    let mut here = caller.call(number);
    let ringing = bob.incoming();
    ringing.ring();
    let mut there = ringing.answer();
    assert_talk(&here, &there);
    there.hang_up();
    here.await_end(LIMIT);
    let about = |line: &&str| line.contains(&format!("plugin {plugin} "));
    await_until(&format!("word of the end of {plugin}"), || {
        let log = exchange.log().split_off(before);
        let lines: Vec<String> = log.lines().filter(about).map(str::to_owned).collect();
        Some(lines).filter(|lines| !lines.is_empty())
    })
}

#[test]
fn each_ends_its_own_call_only_and_the_call_gets_the_fallback() {
    let site = Site::example("la-plateforme");
    add_guest(&site, "misfit", "");
    site.edit(|config| {
        for (plugin, number, _) in FAULTS {
            route(config, number, plugin, "guests/misfit");
            config["plugins"][plugin]["config"]["fault"] = value(plugin);
        }
    });
    let exchange = site.start();
    let menu = number_of(exchange.site(), "menu");
    let [alice, bob, malcom] = ["alice", "bob", "malcom"].map(|user| Phone::registered(&exchange, user));

    // Beside them: two who talk, and one who listens to the menu.
    let dialing = malcom.dial("101");
    let there = alice.incoming().answer();
    let mut here = dialing.outcome(LIMIT).unwrap();
    assert_talk(&here, &there);
    let mut listener = malcom.call(&menu);

    for (plugin, number, reason) in FAULTS {
        let said = fall_to_bob(&exchange, &alice, &bob, number, plugin);
        let named = |line: &String| ["1.2.3 (v1)", reason, "call="].iter().all(|part| line.contains(part));
        assert!(said.iter().any(named), "{plugin}, version, call and `{reason}` in {said:#?}");
    }

    assert_undisturbed(&[&here, &there]);
    listener.audio.await_sound(Duration::from_secs(8));
    assert_spoken(&listener.audio.heard().samples(), &PROMPTS[..3], "fr");
    assert_undisturbed(&[&listener]);
    listener.hang_up();
    here.hang_up();
    exchange.await_calls(0);
    assert_eq!(exchange.plugin("menu").state, "live");
    assert_eq!(exchange.plugin("menu").calls, 0);
}

/// They are up, and no packet was missing from the first to the last.
#[track_caller]
fn assert_undisturbed(calls: &[&Call]) {
    for call in calls {
        let heard = call.audio.heard();
        assert!(!call.is_over());
        assert_eq!(heard.faults(), [""; 0]);
        eprintln!("a call beside: {} packets, longest wait {:?}", heard.0.len(), heard.longest_wait());
    }
}

#[test]
fn five_traps_in_a_minute_send_new_calls_to_the_fallback_until_a_reload() {
    let site = Site::new("[routes]\n");
    add_guest(&site, "misfit", "[config]\nfault = \"trap\"\n");
    site.edit(|config| route(config, "661", "misfit", "guests/misfit"));
    let exchange = site.start();
    let (alice, bob) = (Phone::registered(&exchange, "alice"), Phone::registered(&exchange, "bob"));
    for trap in 1..=5 {
        assert_eq!(exchange.plugin("misfit").state, "live", "before trap {trap}");
        fall_to_bob(&exchange, &alice, &bob, "661", "misfit");
    }
    exchange.await_log(&["misfit", "trapped too often", "until it is replaced"]);
    let failing = exchange.plugin("misfit");
    assert_eq!(failing.state, "failing");

    // The plugin would have answered at once: now nobody has before bob.
    let mut dialing = alice.dial("661");
    let ringing = bob.incoming();
    ringing.ring();
    dialing.await_status(180);
    let mut there = ringing.answer();
    let here = dialing.outcome(LIMIT).unwrap();
    assert_talk(&here, &there);
    there.hang_up();
    exchange.await_log(&["plugin misfit", "it trapped too often"]);
    drop(here);

    write_manifest(exchange.site(), "misfit", "1.2.4", "[config]\nfault = \"trap\"\n");
    exchange.await_version_after(&failing);
    let said = fall_to_bob(&exchange, &alice, &bob, "661", "misfit");
    assert!(said.iter().any(|line| line.contains("1.2.4 (v2)")), "{said:#?}");
}

#[test]
fn as_many_events_wait_for_a_plugin_as_its_manifest_wishes() {
    let site = Site::new("[routes]\n");
    add_guest(
        &site,
        "misfit",
        "[config]\nfault = \"deaf\"\n\n[limits]\nmax-events = 2\nafter-hangup = \"1s\"\n",
    );
    site.edit(|config| route(config, "661", "misfit", "guests/misfit"));
    let exchange = site.start();
    let alice = Phone::registered(&exchange, "alice");
    let mut call = alice.call("661");
    call.audio.say(Voice::Silence);
    for key in "123".chars() {
        call.audio.press(key);
    }
    exchange.await_log(&["plugin misfit", "does not read its events"]);
    call.hang_up();
    exchange.await_calls(0);
}

/// The script dials 101 when a key is pressed, and lets the error of it pass.
#[test]
fn what_was_not_granted_is_denied_and_says_where_it_would_be() {
    let site = Site::new("[routes]\n");
    add_guest(&site, "script", "");
    site.edit(|config| route(config, "777", "script", "guests/script"));
    let exchange = site.start();
    let [alice, bob, malcom] = ["alice", "bob", "malcom"].map(|user| Phone::registered(&exchange, user));
    let press_and_fall_to_bob = || {
        let mut here = malcom.call("777");
        here.audio.say(Voice::Silence);
        // It listens after 100 ms of its own; a key typed ahead counts too.
        here.audio.press('1');
        let there = bob.incoming().answer();
        assert_talk(&here, &there);
        here.hang_up();
    };

    press_and_fall_to_bob();
    exchange.await_log(&["plugin script", "not granted", "dial \"101\"", "[capabilities] of plugin.toml"]);

    // Asked for more than is granted: refused as a whole.
    let live = exchange.plugin("script");
    write_manifest(exchange.site(), "script", "1.2.4", "[capabilities]\ndial = [\"101\"]\n");
    exchange.await_refusal("script", &["dial = [\"101\"]", "`grant` of [plugins.script] in jackfield.toml"]);
    assert_eq!(exchange.plugin("script").version, live.version);

    // Asked for whatever is granted, and another number is granted.
    let grant = |number: &str| {
        exchange.site().edit(|config| {
            config["plugins"]["script"]["grant"]["dial"] = value(Array::from_iter([number]));
        });
    };
    grant("102");
    write_manifest(exchange.site(), "script", "1.2.5", "[capabilities]\ndial = [\"*\"]\n");
    let narrow = exchange.await_version_after(&live);
    press_and_fall_to_bob();
    exchange.await_log(&["plugin script", "not granted", "dial \"101\"", "`grant` of [plugins.script]"]);

    // Granted: it rings.
    grant("101");
    exchange.await_version_after(&narrow);
    let mut here = malcom.call("777");
    here.audio.press('1');
    let there = alice.incoming().answer();
    assert_talk(&here, &there);
    here.hang_up();
}
