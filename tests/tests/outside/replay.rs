//! Calls of SIPp are recorded by the real exchange and run again: the same, and with another menu.

use std::{
    collections::BTreeSet, fs, net::SocketAddr, os::unix::fs::PermissionsExt, path::PathBuf,
    process::Command, time::Duration,
};

use jackfield_tests::{Exchange, Site, await_within, files, process::run, sipp::Sipp};
use toml_edit::value;

use crate::guests::route;

const SECOND: Duration = Duration::from_secs(1);

/// The example, which records the calls of its menu; SIPp needs no password.
fn school() -> Exchange {
    Site::example_with("la-plateforme", |config| {
        config["peers"]["load"]["addresses"] = value(toml_edit::Array::from_iter(["127.0.0.2"]));
        config["peers"]["load"]["dtmf"] = value("info");
        config["journal"]["record"] = value(true);
    })
    .start()
}

/// Each calls that number, presses his key after a second, and hangs up after another.
fn callers(exchange: &Exchange, menu: &str, first: usize, keys: &[&str]) {
    let lines = keys.iter().enumerate().map(|(n, key)| format!("{menu};{};{key};\n", number(first + n)));
    let local = SocketAddr::new("127.0.0.2".parse().unwrap(), exchange.site().spare_port(0));
    let calls = Sipp::new("key.xml", local, keys.len() as u32).calling(exchange.site().udp(), 10, 50);
    calls.talking(SECOND).data(&lines.collect::<String>()).expect_all_good(keys.len() as u32);
}

fn number(caller: usize) -> String {
    format!("06120000{caller:02}")
}

#[track_caller]
fn await_recorded(exchange: &Exchange, calls: usize) {
    await_within(SECOND * 30, &format!("{calls} recorded calls"), || {
        let list = exchange.operator(&["replay", "--list"]);
        assert!(list.lines().count() <= calls, "{list}");
        (list.lines().count() == calls).then_some(())
    });
}

/// A copy of the menu that differs in one line.
fn menu_with(exchange: &Exchange, that: &str, this: &str) -> PathBuf {
    let menu = exchange.site().beside("plugins/menu");
    let text = fs::read_to_string(menu.join("plugin.toml")).unwrap();
    assert!(text.contains(that), "{text}");
    let next = exchange.site().write("next/plugin.toml", text.replacen(that, this, 1));
    fs::copy(menu.join("ivr.wasm"), next.with_file_name("ivr.wasm")).unwrap();
    next.parent().unwrap().to_owned()
}

#[test]
fn calls_of_sipp_are_replayed_and_a_changed_key_is_found_in_those_that_pressed_it() {
    let mut exchange = school();
    let keys: Vec<&str> = (0..30).map(|caller| ["1", "2", "7", "2", "3"][caller % 5]).collect();
    let menu = crate::menu::number_of(exchange.site(), "menu");
    callers(&exchange, &menu, 0, &keys);
    await_recorded(&exchange, 30);
    let said = exchange.operator(&["replay", "--since", "1h"]);
    assert!(said.contains("30 calls replayed: 30 identical, 0 not"), "{said}");

    let next = menu_with(&exchange, "2 = { ring = \"bob\"", "2 = { ring = \"alice\"");
    let arguments = ["replay", "--since", "1h", "--plugin", "menu", "--with", next.to_str().unwrap()];
    let said = exchange.site().jackfield(&arguments).expect_bad();
    assert!(said.contains("30 calls replayed: 18 the same, 0 with other words, 12 would"), "{said}");
    assert_eq!(said.matches("was dial(bob, 10 s)\n").count(), 12, "{said}");
    let touched: BTreeSet<String> = said
        .lines()
        .filter(|line| line.contains(" -> "))
        .map(|line| line.split_whitespace().nth(3).unwrap().to_owned())
        .collect();
    let pressed = keys.iter().enumerate().filter(|(_, key)| **key == "2").map(|(caller, _)| number(caller));
    assert_eq!(touched, pressed.collect(), "{said}");

    nobody_else_may_read_them(&exchange);
    no_socket_is_opened(&exchange);

    // A kill costs no call that had ended; the next start goes on.
    exchange.process().kill();
    let said = exchange.operator(&["replay", "--since", "1h"]);
    assert!(said.contains("30 calls replayed: 30 identical"), "{said}");
    exchange.restart();
    callers(&exchange, &menu, 30, &["1"]);
    await_recorded(&exchange, 31);

    // A plugin is left out, then all of them, while the exchange runs.
    exchange.site().edit(|config| config["plugins"]["menu"]["journal"] = value(false));
    exchange.operator(&["apply"]);
    callers(&exchange, &menu, 31, &["1"]);
    exchange.site().edit(|config| {
        config["plugins"]["menu"]["journal"] = value(true);
        config["journal"]["record"] = value(false);
    });
    exchange.operator(&["apply"]);
    callers(&exchange, &menu, 32, &["1"]);
    exchange.stop();
    await_recorded(&exchange, 31);
    assert_eq!(exchange.log().matches("v2 live").count(), 0, "the plugin was not loaded anew for that");
}

/// Asks the clock and for luck, and says which key was pressed.
const SCRIPT: &str = "\
export function handle(call) {
    call.answer();
    const until = Date.now() + 60_000;
    call.setResult(\"luck\", Math.random());
    while (Date.now() < until) {
        const { digits } = call.gather({ firstTimeout: 30 });
        if (digits === \"7\") call.setResult(\"seven\", Date.now());
    }
}
";

#[test]
fn a_script_is_replayed_with_its_clock_and_its_luck() {
    let site = Site::example_with("la-plateforme", |config| {
        config["peers"]["load"]["addresses"] = value(toml_edit::Array::from_iter(["127.0.0.2"]));
        config["peers"]["load"]["dtmf"] = value("info");
        config["journal"]["record"] = value(true);
        route(config, "700", "script", "script");
    });
    site.write(
        "examples/la-plateforme/script/plugin.toml",
        "[plugin]\nname = \"script\"\nversion = \"1.0.0\"\nwit = \"0.1.0\"\nruntime = \"js\"\n\
         main = \"script.js\"\nkind = [\"app\"]\n",
    );
    site.write("examples/la-plateforme/script/script.js", SCRIPT);
    let exchange = site.start();
    callers(&exchange, "700", 0, &["1", "7", "2", "7"]);
    await_recorded(&exchange, 4);
    let said = exchange.operator(&["replay", "--since", "1h"]);
    assert!(said.contains("4 calls replayed: 4 identical, 0 not"), "{said}");

    let next = exchange.site().write("next.js", SCRIPT.replace("\"7\"", "\"2\""));
    let arguments = ["replay", "--since", "1h", "--plugin", "script", "--with", next.to_str().unwrap()];
    let said = exchange.site().jackfield(&arguments).expect_bad();
    assert!(said.contains("4 calls replayed: 1 the same, 0 with other words, 3 would"), "{said}");
    assert_eq!(
        (said.matches("was set-result(seven").count(), said.matches("be set-result(seven").count()),
        (2, 1)
    );
}

fn nobody_else_may_read_them(exchange: &Exchange) {
    let mut folders = vec![exchange.site().beside("var/journal")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
                files += 1;
            }
        }
    }
    assert!(files >= 3, "records, a version and its code");
}

fn no_socket_is_opened(exchange: &Exchange) {
    let trace = exchange.site().folder().join("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "--seccomp-bpf", "-e", "trace=%network", "-o"]).arg(&trace).arg(files::daemon());
    strace.arg("--config").arg(exchange.site().config()).args(["replay", "--since", "1h"]);
    run(&mut strace, b"").expect_good();
    let trace = fs::read_to_string(trace).unwrap();
    assert!(trace.contains("exited with 0"), "it was followed to its end:\n{trace}");
    let calls: Vec<&str> =
        trace.lines().filter(|line| !line.contains("+++") && !line.contains("---")).collect();
    assert!(calls.is_empty(), "{calls:#?}");
}
