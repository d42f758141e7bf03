//! The contract: a plugin that was built against 0.1.0 as it was released runs here, and one that needs a newer one
//! is refused wherever it is met, with both versions named.

use std::time::Duration;

use jackfield_tests::{Phone, Site, audio::seconds_of, await_until, files, rtp::Voice};

const LIMIT: Duration = Duration::from_secs(30);

/// It is an app, a service and the voice of the exchange.
const CONFIG: &str = r#"
[routes]
"777" = "frozen"
"10X" = { user = "*" }

[speech]
provider = "frozen"

[plugins.frozen]
path = "frozen"
grant = { dial = ["*"], record = true, bus = ["frozen"] }
"#;

fn site() -> Site {
    let site = Site::new(CONFIG);
    site.write("frozen/frozen.wasm", files::guest("frozen"));
    write_manifest(&site, "0.1.0");
    site
}

fn write_manifest(site: &Site, wit: &str) {
    site.write(
        "frozen/plugin.toml",
        format!(
            "[plugin]\nname = \"frozen\"\nversion = \"1.0.0\"\nwit = \"{wit}\"\ncomponent = \"frozen.wasm\"\n\
             kind = [\"app\", \"service\", \"tts\"]\n\n[capabilities]\ndial = [\"*\"]\nrecord = true\n\
             bus = [\"frozen\"]\n\n[config]\ngreeting = \"Bonjour de la version 0.1.0.\"\n"
        ),
    );
}

/// The same plugin, as if it were built for that version of the contract.
fn built_for(version: &[u8; 5]) -> Vec<u8> {
    let mut wasm = files::guest("frozen");
    let mut changed = 0;
    for at in 0..wasm.len().saturating_sub(6) {
        if wasm[at..].starts_with(b"@0.1.0") {
            wasm[at + 1..at + 6].copy_from_slice(version);
            changed += 1;
        }
    }
    assert!(changed > 20, "{changed} names of interfaces");
    wasm
}

#[test]
fn a_plugin_built_against_the_released_0_1_0_runs_every_verb_of_it() {
    let exchange = site().start();
    assert_eq!(exchange.plugin("frozen").state, "live");
    exchange.await_log(&["frozen", "the service has started 1 times"]);
    let [alice, bob] = ["alice", "bob"].map(|user| Phone::registered(&exchange, user));
    let mut call = bob.call("777");
    call.audio.say(Voice::Silence);
    // It speaks with its own voice, 50 ms for each character.
    call.audio.await_sound(Duration::from_secs(1));
    call.audio.press('7');
    for _ in 0..2 {
        let mut there = alice.incoming_within(LIMIT).expect("alice is rung").answer();
        there.await_end(LIMIT);
    }
    call.await_end(LIMIT);
    let heard = seconds_of(&call.audio.heard().samples(), 440.0);
    assert!(heard > 1.0, "{heard} s of its voice");
    exchange.await_calls(0);
    await_until("the record of the call", || {
        exchange.operator(&["records"]).contains(",102,777,alice,").then_some(())
    });
    assert!(!exchange.log().contains("broken: "), "{}", exchange.log());
}

#[test]
fn one_that_needs_a_newer_contract_is_refused_by_check_at_start_and_while_it_runs() {
    let newer = [
        (b"0.1.7", "run a daemon that has 0.1.7 or later of its series, or build the plugin for 0.1.0"),
        (b"0.2.0", "run a daemon that has 0.2.0 or later of its series, or build the plugin for 0.1.0"),
    ];
    let words = |site: &Site, version: &[u8; 5], remedy: &str| {
        let (file, version) = (site.beside("frozen/frozen.wasm"), String::from_utf8_lossy(version));
        let file = file.display();
        format!("{file}: it needs jackfield:plugin {version}, and this daemon has 0.1.0: {remedy}")
    };
    let site = site();
    for (version, remedy) in newer {
        site.write("frozen/frozen.wasm", built_for(version));
        let said = site.jackfield(&["check"]).expect_bad();
        assert!(said.contains(&words(&site, version, remedy)), "{said}");
    }

    // At the start it is failed, and the exchange goes on without it.
    let exchange = site.start();
    let (version, remedy) = newer[1];
    let failed = exchange.await_refusal("frozen", &["needs jackfield:plugin 0.2.0", "has 0.1.0"]);
    assert_eq!(failed.state, "failed");
    exchange.await_log(&[&words(exchange.site(), version, remedy)]);

    // While it runs the former version stays.
    let site = exchange.site();
    site.write("frozen/frozen.wasm", files::guest("frozen"));
    let live = exchange.await_version_after(&failed);
    for (version, remedy) in newer {
        site.write("frozen/frozen.wasm", built_for(version));
        exchange.await_log(&["stays live", &words(site, version, remedy)]);
        assert_eq!(exchange.plugin("frozen").version, live.version);
    }
    site.write("frozen/frozen.wasm", files::guest("frozen"));

    // What the manifest says counts too, with its line.
    write_manifest(site, "0.1.7");
    let line = format!("{}:4:", site.beside("frozen/plugin.toml").display());
    exchange.await_refusal("frozen", &[&line, "wit = \"0.1.7\" needs", "this daemon has 0.1.0"]);
    assert_eq!(
        (exchange.plugin("frozen").version, exchange.plugin("frozen").state.as_str()),
        (live.version, "live")
    );
}
