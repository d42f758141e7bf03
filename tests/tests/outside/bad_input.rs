//! Line 9: bad input gets a clear sentence and harms nothing else.

#[path = "bad_input/garbage.rs"]
mod garbage;

use std::{
    fs,
    net::{SocketAddr, TcpListener, UdpSocket},
    thread,
    time::Duration,
};

use jackfield_tests::{Exchange, Phone, Site, files};
use toml_edit::value;

use crate::{
    calls::assert_talk,
    guests::{add_guest, route},
};

const LIMIT: Duration = Duration::from_secs(10);
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\0\0\0\x0cIDAT\x08\xd7c\xf8\xff";
const JPEG: &[u8] =
    b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xdb\0C\0\x08\x06\x06\x07\x06\x05";

const CONFIG: &str =
    "[routes]\n\"10X\" = { user = \"*\" }\n\"200\" = { users = [\"alice\", \"bob\"], ring = \"2s\" }\n";

/// What stands in the file, what is written instead, how the faulty line begins and where in it
/// the fault is, and what is said.
const MISTAKES: [[&str; 5]; 5] = [
    // An unknown key.
    ["ring = ", "rign = ", "\"200\"", "rign", "unknown key `rign`; did you mean `ring`?"],
    // A wrong type.
    [
        "realm = \"la-plateforme\"",
        "realm = 75",
        "realm",
        "75",
        "text is expected here, not a bare number; write \"75\"",
    ],
    // No unit.
    ["\"2s\"", "2", "\"200\"", "2 }", "`2` has no unit; write it with one, such as \"2s\""],
    // A name that leads nowhere.
    ["\"bob\"]", "\"bbo\"]", "\"200\"", "\"bbo\"", "there is no user `bbo`; did you mean `bob`?"],
    // No TOML.
    ["[routes]", "[routes", "[routes", "", "unclosed table, expected `]`; this is not TOML"],
];

#[test]
fn a_mistake_in_the_configuration_is_named_with_its_place_and_its_remedy() {
    let site = Site::new(CONFIG);
    site.jackfield(&["check"]).expect_good();
    let good = fs::read_to_string(site.config()).unwrap();
    for [from, to, line, piece, said] in MISTAKES {
        assert!(good.contains(from), "{from}");
        let text = good.replacen(from, to, 1);
        fs::write(site.config(), &text).unwrap();
        let place = match piece {
            // What is missing is missed at the end of the line.
            "" => files::place(&text.replacen(line, &format!("{line}!"), 1), line, "!"),
            piece => files::place(&text, line, piece),
        };
        let expected = format!("{}:{place}: error: {said}", site.config().display());
        for command in ["check", "run"] {
            let output = site.jackfield(&[command]).expect_bad();
            assert!(output.lines().any(|line| line.ends_with(&expected)), "{expected}\nin\n{output}");
        }
    }
}

#[test]
fn a_mistake_that_is_saved_while_calls_are_up_harms_nobody() {
    let exchange = Exchange::start(CONFIG);
    let (alice, bob) = (Phone::registered(&exchange, "alice"), Phone::registered(&exchange, "bob"));
    let dialing = alice.dial("102");
    let there = bob.incoming().answer();
    let mut here = dialing.outcome(LIMIT).unwrap();
    let good = fs::read_to_string(exchange.site().config()).unwrap();
    for [from, to, _, _, said] in MISTAKES {
        fs::write(exchange.site().config(), good.replacen(from, to, 1)).unwrap();
        exchange.await_log(&[&exchange.site().config().display().to_string(), said]);
    }
    assert_talk(&here, &there);
    assert_eq!(alice.options(), 200);
    here.hang_up();
}

#[test]
fn a_port_in_use_is_named_with_its_key() {
    let site = Site::new("[users.david]\nnumber = \"104\"\n");
    let (udp, tcp, tls) = (site.udp(), site.tcp(), site.tls());
    let refused = |key: &str, address: SocketAddr| {
        let said = site.jackfield(&["run"]).expect_bad();
        let words =
            [&format!("[listen] {key} = \"{address}\" cannot be used"), "is another exchange running?"];
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
        assert_calm(&said);
    };
    let taken = UdpSocket::bind(udp).unwrap();
    refused("udp", udp);
    drop(taken);
    for (key, address) in [("tcp", tcp), ("tls", tls)] {
        let taken = TcpListener::bind(address).unwrap();
        refused(key, address);
        drop(taken);
    }
    // A start that failed has shown no password, so it has made none.
    let exchange = site.start();
    let log = exchange.log();
    let david = log.lines().find(|line| line.contains("user david")).unwrap();
    let password = david.rsplit(' ').next().unwrap();
    assert_eq!(password.len(), 20, "{david}");
    let mut phone = Phone::stranger(&exchange, "david", password, "127.0.0.1:0".parse().unwrap());
    phone.register();
}

#[test]
fn too_few_media_ports_are_refused_or_serve_as_many_calls_as_they_can() {
    let site = Site::new(CONFIG);
    let first = site.media_port();
    let ports = |last: u16| {
        site.edit(|config| config["media"]["ports"] = value(format!("{first}-{last}")));
    };
    ports(first + 1);
    for command in ["check", "run"] {
        let said = site.jackfield(&[command]).expect_bad();
        let text = fs::read_to_string(site.config()).unwrap();
        let place = files::place(&text, "ports = ", "\"");
        assert!(said.contains(&format!("jackfield.toml:{place}: error: the port range")), "{said}");
        assert!(said.contains("is too small for one call; a call takes 4 ports"), "{said}");
    }

    // All of them are taken.
    ports(first + 3);
    let taken = [first, first + 2].map(|port| UdpSocket::bind(("0.0.0.0", port)).unwrap());
    let said = site.jackfield(&["run"]).expect_bad();
    assert!(said.contains(&format!("[media] ports = \"{first}-{}\"", first + 3)), "{said}");
    assert!(said.contains("are the ports of [media] taken?"), "{said}");
    assert_calm(&said);
    drop(taken);

    // One call, after another, and no second one beside it.
    site.edit(|config| config["media"]["workers"] = value(1));
    let exchange = site.start();
    let [alice, bob, malcom] = ["alice", "bob", "malcom"].map(|user| Phone::registered(&exchange, user));
    for _ in 0..3 {
        let dialing = alice.dial("102");
        let there = bob.incoming().answer();
        let mut here = dialing.outcome(LIMIT).unwrap();
        assert_eq!(malcom.dial("101").outcome(LIMIT).err(), Some(503));
        assert_talk(&here, &there);
        here.hang_up();
        drop((here, there));
        exchange.await_calls(0);
        // The sockets serve the next call at once: the phones of this one must be silent.
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn more_calls_than_the_machine_can_have_are_refused_with_what_to_write() {
    let site = Site::new("");
    site.edit(|config| config["exchange"]["calls"] = value(1_000_000));
    for command in ["check", "run"] {
        let said = site.jackfield(&[command]).expect_bad();
        assert!(said.contains("[exchange] calls = 1000000: ") && said.contains("configure"), "{said}");
        assert_calm(&said);
    }
}

/// What is no plugin, and what is said of it.
fn no_plugins() -> [(Vec<u8>, &'static str); 4] {
    let wasi =
        "(component (import \"wasi:cli/environment@0.3.0\" (instance (export \"initial-cwd\" (func)))))";
    [
        (JPEG.to_vec(), "misfit.wasm is not WebAssembly"),
        (
            wat::parse_str("(module (func (export \"handle\")))").unwrap(),
            "a core module without a WIT section",
        ),
        (wat::parse_str(wasi).unwrap(), "imports wasi:cli/environment@0.3.0, and this daemon has WASI 0.2"),
        (b"#!/bin/sh\nexit 0\n".to_vec(), "misfit.wasm is not WebAssembly"),
    ]
}

#[test]
fn a_plugin_that_is_none_is_refused_and_the_others_serve() {
    let site = Site::new("[routes]\n\"10X\" = { user = \"*\" }\n");
    add_guest(&site, "misfit", "[config]\nfault = \"trap\"\n");
    site.edit(|config| route(config, "661", "misfit", "guests/misfit"));
    site.jackfield(&["check"]).expect_good();
    let wasm = site.beside("guests/misfit/misfit.wasm");
    for (content, what) in no_plugins() {
        fs::write(&wasm, content).unwrap();
        let said = site.jackfield(&["check"]).expect_bad();
        let folder = site.beside("guests/misfit").display().to_string();
        assert!(said.contains("plugin misfit: ") && said.contains(&folder) && said.contains(what), "{said}");
        assert_calm(&said);
    }

    let exchange = site.start();
    assert_eq!(exchange.plugin("misfit").state, "failed");
    let (alice, bob) = (Phone::registered(&exchange, "alice"), Phone::registered(&exchange, "bob"));
    for number in ["661", "102"] {
        let dialing = alice.dial(number);
        let there = bob.incoming().answer();
        let mut here = dialing.outcome(LIMIT).unwrap();
        assert_talk(&here, &there);
        here.hang_up();
    }
    for (content, what) in no_plugins() {
        fs::write(&wasm, content).unwrap();
        exchange.await_refusal("misfit", &[what]);
    }
    fs::write(&wasm, files::guest("misfit")).unwrap();
    let failed = exchange.plugin("misfit");
    exchange.await_version_after(&failed);
    assert_calm(&exchange.log());
}

#[test]
fn a_picture_is_no_list_of_users() {
    let site = Site::new(CONFIG);
    let before = fs::read_to_string(site.config()).unwrap();
    for (name, content, what) in [
        ("users.png", PNG, "users.png:1: this is not UTF-8 text, so it is no CSV file"),
        ("users.jpg", JPEG, "users.jpg:1: this is not UTF-8 text, so it is no CSV file"),
        ("empty.csv", b"", "empty.csv:1: there is no column `name`"),
        ("wrong.csv", b"name,number\nerin,105\nfrank,one\n", "wrong.csv:3: frank: "),
    ] {
        let file = site.write(name, content).display().to_string();
        let said = site.jackfield(&["user", "import", &file]).expect_bad();
        assert!(said.contains(what), "{said}");
        assert_eq!(fs::read_to_string(site.config()).unwrap(), before, "{name}");
        assert_calm(&said);
    }
    let said = site.jackfield(&["user", "import", "nowhere.csv"]).expect_bad();
    assert!(said.contains("nowhere.csv: No such file"), "{said}");
    assert_eq!(site.jackfield(&["user", "list"]).expect_good().lines().count(), 4, "a head and three users");
}

#[test]
fn commands_for_a_daemon_that_does_not_run_say_so() {
    let site = Site::new("");
    for command in [&["calls"][..], &["plugins"], &["hangup", "j-1"]] {
        let said = site.jackfield(command).expect_bad();
        assert!(said.contains("no daemon is running with this configuration: start it with `jackfield run`"));
    }
    // The socket of one that was killed is no daemon either.
    let mut exchange = site.start();
    exchange.process().kill();
    assert!(exchange.site().beside("var/control.sock").exists());
    let said = exchange.site().jackfield(&["calls"]).expect_bad();
    assert!(said.contains("no daemon is running"), "{said}");
    let said = exchange.site().jackfield(&["check", "nowhere.toml"]).expect_bad();
    assert!(said.contains("nowhere.toml: error: the file does not exist"), "{said}");
}

/// A sentence, and no panic.
#[track_caller]
fn assert_calm(said: &str) {
    assert!(!said.contains("panicked") && !said.contains("RUST_BACKTRACE"), "{said}");
}
