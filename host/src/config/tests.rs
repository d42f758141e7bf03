//! Each kind of mistake, with the line it is reported at and the advice it gets.

use super::*;

const EXAMPLE: &str = r#"
[exchange]
realm  = "la-plateforme"
reload = "auto"

[listen]
udp = "0.0.0.0:5060"
tcp = ["0.0.0.0:5060", "[::]:5060"]
tls = "0.0.0.0:5061"

[media]
ports = "20000-29999"

[store]
url = "sqlite:jackfield.db"

[users.alice]
number = "101"
name   = "Alice"
digest = "md5"
[users.bob]
number = "102"
[users.malcom]
number = "103"

[peers.provider]
addresses = ["192.0.2.10/32"]

[routes]
"10X"  = { user = "*" }
"100"  = { plugin = "ivr", fallback = "alice" }
"200"  = { users = ["alice", "bob"], ring = "30s", fallback = "100" }
"300"  = "bob"
"9*"   = { sip = "sip:{rest}@192.0.2.10:5060" }

[speech]
provider = "tts"
[helpers.espeak-ng]
command = ["espeak-ng", "--stdin", "--stdout"]

[plugins.ivr]
path  = "plugins/ivr"
grant = { dial = ["10X"] }
[plugins.ivr.limits]
calls = 500
memory = "16MiB"
[plugins.ivr.config]
greeting = "Bonjour et bienvenue chez La Plateforme !"
[plugins.tts]
path  = "plugins/tts"
grant = { helper = ["espeak-ng"] }
[plugins.campaign]
path  = "plugins/campaign"
grant = { launch = { to = ["9*"], app = ["ivr"], at-once = 8, per-second = 2 } }
"#;

fn parsed(text: &str) -> Config {
    parse(Path::new("jackfield.toml"), text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The problems of the example with `from` replaced by `to`.
fn faults(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    problems(&EXAMPLE.replacen(from, to, 1))
}

fn problems(text: &str) -> String {
    parse(Path::new("jackfield.toml"), text).expect_err("it has a fault").to_string()
}

#[test]
fn the_example_is_read() {
    let config = parsed(EXAMPLE);
    assert_eq!(config.listen.tcp.len(), 2);
    assert_eq!(config.routes["300"].to, To::Users(vec!["bob".to_owned()]));
    assert_eq!(config.routes["10X"].to, To::AnyUser);
    assert_eq!(config.routes["200"].ring, Some(std::time::Duration::from_secs(30)));
    assert_eq!(config.plugins["campaign"].grant.launch.as_ref().map(|launch| launch.at_once), Some(8));
    assert_eq!(config.database(), Path::new("var/jackfield.db"));
}

#[test]
fn an_empty_file_has_defaults() {
    let config = parsed("");
    assert_eq!(config.exchange.realm, "jackfield");
    assert_eq!(config.listen.udp, ["0.0.0.0:5060".parse().unwrap()]);
    assert_eq!(config.media.ports, PortRange { first: 20000, last: 29999 });
}

#[test]
fn relative_paths_begin_at_the_file() {
    let config = parse(Path::new("/etc/jackfield/jackfield.toml"), EXAMPLE).unwrap();
    assert_eq!(config.resolve(&config.plugins["ivr"].path), Path::new("/etc/jackfield/plugins/ivr"));
    assert_eq!(config.control_socket(), Path::new("/etc/jackfield/var/control.sock"));
}

#[test]
fn the_daemon_is_reached_also_while_its_file_has_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jackfield.toml");
    for (text, socket) in [
        ("", "var/control.sock"),
        ("[store]\nfolder = \"state\"\n[routes]\n\"300\" = \"nobody\"\n", "state/control.sock"),
        ("[store", "var/control.sock"),
    ] {
        std::fs::write(&file, text).unwrap();
        assert_eq!(control_socket(&file).unwrap(), folder.path().join(socket), "{text}");
    }
    assert!(control_socket(&folder.path().join("missing.toml")).is_err());
}

#[test]
fn the_journal_is_off_and_its_mistakes_are_named() {
    let config = parsed(
        "[journal]\nrecord = true\ndisk = \"64MiB\"\n[plugins.ivr]\npath = \"ivr\"\njournal = false\n",
    );
    assert!(config.journal.record && !config.plugins["ivr"].journal && !parsed("").journal.record);
    for (line, said) in [
        ("keep = 7", "2:8: error: `7` has no unit; write it with one, such as \"7s\""),
        ("keep = \"0s\"", "2:8: error: nothing would be kept; write `record = false` to record nothing"),
        (
            "calls = 0",
            "2:9: error: with 0 calls nothing would be kept; write `record = false` to record nothing",
        ),
        ("disk = \"1 apple\"", "2:8: error: \"1 apple\" is no size; write \"16MiB\""),
        (
            "disk = \"1MiB\"",
            "2:8: error: the disk has no room for 16 calls of 256 KiB; write at least \"4 MiB\", or a smaller `call`",
        ),
    ] {
        assert_eq!(problems(&format!("[journal]\n{line}\n")), format!("jackfield.toml:{said}"));
    }
}

/// Each line: what stands in the example, what is written instead, what is said about it.
#[test]
fn each_mistake_is_named_with_its_line_and_how_to_mend_it() {
    let cases = [
        // Keys and sections.
        (
            r#"ring = "30s", fallback"#,
            r#"ring = "30s", falback"#,
            r#"jackfield.toml:32:52: error: unknown key `falback`; did you mean `fallback`?"#,
        ),
        (
            "[speech]",
            "[speach]",
            r#"jackfield.toml:36:2: error: unknown section `speach`; did you mean `speech`?"#,
        ),
        (
            "digest = \"md5\"",
            "digst = \"md5\"",
            "jackfield.toml:20:1: error: unknown key `digst`; did you mean `digest`?",
        ),
        (
            r#"path  = "plugins/tts""#,
            r#"color = "red""#,
            "jackfield.toml:50:1: error: unknown key `color`; expected one of `path`, `grant`, `limits`, `journal`, `config`",
        ),
        (
            "per-second = 2",
            "persecond = 2",
            "jackfield.toml:54:63: error: unknown key `persecond`; did you mean `per-second`?",
        ),
        (
            "path  = \"plugins/tts\"\n",
            "",
            "jackfield.toml:49:1: error: the key `path` is missing; add `path = ...`",
        ),
        // Values.
        (
            "reload = \"auto\"",
            "reload = \"aply\"",
            "jackfield.toml:4:10: error: `aply` is not possible here; did you mean `apply`?",
        ),
        (
            "\"md5\"",
            "\"sha1\"",
            "jackfield.toml:20:10: error: `sha1` is not possible here; expected one of `md5`, `sha256`, `both`",
        ),
        (
            "ring = \"30s\"",
            "ring = 30",
            "jackfield.toml:32:45: error: `30` has no unit; write it with one, such as \"30s\"",
        ),
        (
            "ring = \"30s\"",
            "ring = \"30\"",
            "jackfield.toml:32:45: error: `30` has no unit; write \"30s\" (units: ms, s, m, h, d)",
        ),
        (
            "ring = \"30s\"",
            "ring = \"30sec\"",
            "jackfield.toml:32:45: error: unknown unit `sec` in `30sec`; the units are ms, s, m, h, d",
        ),
        ("\"16MiB\"", "\"16\"", "jackfield.toml:46:10: error: \"16\" is no size; write \"16MiB\""),
        (
            "20000-29999",
            "29999-20000",
            "jackfield.toml:12:9: error: the port range `29999-20000` is empty; write \"20000-29999\"",
        ),
        (
            "20000-29999",
            "20001-29999",
            "jackfield.toml:12:9: error: the port range `20001-29999` begins with an odd port; RTP ports are even: write \"20000-29999\"",
        ),
        (
            "20000-29999",
            "20000-20001",
            "jackfield.toml:12:9: error: the port range `20000-20001` is too small for one call; a call takes 4 ports",
        ),
        (
            "\"20000-29999\"",
            "20000",
            "jackfield.toml:12:9: error: invalid type: integer `20000`, expected a range of ports such as \"20000-29999\"",
        ),
        (
            "20000-29999",
            "5000-29999",
            "jackfield.toml:7:7: error: the UDP port 5060 is also one of `[media] ports`; choose other media ports",
        ),
        (
            "192.0.2.10/32",
            "192.0.2.10/24",
            "jackfield.toml:27:14: error: `192.0.2.10/24` has bits set after its prefix; the network is \"192.0.2.0/24\", the host \"192.0.2.10/32\"",
        ),
        (
            "192.0.2.10/32",
            "192.0.2.10/33",
            "jackfield.toml:27:14: error: the prefix of `192.0.2.10/33` is not a number from 0 to 32; one host is \"192.0.2.10/32\"",
        ),
        (
            "192.0.2.10/32",
            "sip.example.com",
            "jackfield.toml:27:14: error: `sip.example.com` is not a network; write an address, such as \"192.0.2.10\" or \"192.0.2.0/24\"",
        ),
        (
            "udp = \"0.0.0.0:5060\"",
            "udp = 5060",
            "jackfield.toml:7:7: error: `5060` is not an address; write \"0.0.0.0:5060\"",
        ),
        (
            "udp = \"0.0.0.0:5060\"",
            "udp = \"::1\"",
            "jackfield.toml:7:7: error: `::1` has no port; write \"[::1]:5060\"",
        ),
        (
            "tls = \"0.0.0.0:5061\"",
            "tls = \"0.0.0.0:5060\"",
            "jackfield.toml:9:7: error: `0.0.0.0:5060` is listened on twice; TCP and TLS need ports of their own, usually 5060 and 5061",
        ),
        (
            "sqlite:jackfield.db",
            "mysql://x",
            "jackfield.toml:15:7: error: `mysql://x` is not a store that this version knows; write \"sqlite:jackfield.db\"",
        ),
        // Names that lead nowhere.
        (
            "plugin = \"ivr\"",
            "plugin = \"irv\"",
            "jackfield.toml:31:21: error: there is no plugin `irv`; did you mean `ivr`?",
        ),
        (
            "\"300\"  = \"bob\"",
            "\"300\"  = \"bbo\"",
            "jackfield.toml:33:10: error: there is no user and no plugin `bbo`; did you mean `bob`?",
        ),
        (
            "users = [\"alice\", \"bob\"]",
            "users = [\"alice\", \"zoe\"]",
            "jackfield.toml:32:30: error: there is no user `zoe`; there is `alice`, `bob`, `malcom`",
        ),
        (
            "fallback = \"alice\"",
            "fallback = \"alise\"",
            "jackfield.toml:31:39: error: the fallback `alise` leads nowhere; did you mean `alice`?",
        ),
        (
            "fallback = \"alice\"",
            "fallback = \"109\"",
            "jackfield.toml:31:39: error: the fallback `109` leads nowhere; did you mean `100`?",
        ),
        (
            "fallback = \"100\"",
            "fallback = \"tts\"",
            "jackfield.toml:32:63: error: a fallback is a user or a number, and `tts` is a plugin; add a route to it, and write that route's number",
        ),
        (
            "fallback = \"100\"",
            "fallback = \"ivr\"",
            "jackfield.toml:32:63: error: a fallback is a user or a number, and `ivr` is a plugin; write the number that leads to it: `100`",
        ),
        (
            "{ plugin = \"ivr\", fallback = \"alice\" }",
            "{ plugin = \"ivr\", ring = \"1s\" , user = \"bob\" }",
            "jackfield.toml:31:10: error: the route leads to several places; keep one of `user`, `users`, `plugin`, `sip`",
        ),
        (
            "{ user = \"*\" }",
            "{ }",
            "jackfield.toml:30:10: error: the route leads nowhere; add one of `user`, `users`, `plugin`, `sip`",
        ),
        (
            "provider = \"tts\"",
            "provider = \"ttss\"",
            "jackfield.toml:37:12: error: there is no plugin `ttss`; did you mean `tts`?",
        ),
        (
            "helper = [\"espeak-ng\"]",
            "helper = [\"espeak\"]",
            "jackfield.toml:51:21: error: there is no helper `espeak` to grant; there is `espeak-ng`",
        ),
        (
            "app = [\"ivr\"]",
            "app = [\"menu\"]",
            "jackfield.toml:54:42: error: there is no plugin `menu` to grant; there is `campaign`, `ivr`, `tts`",
        ),
        // Numbers and patterns.
        (
            "number = \"102\"",
            "number = \"101\"",
            "jackfield.toml:22:10: error: `bob` has the number 101, which `alice` has already; give each user a number of their own",
        ),
        (
            "number = \"102\"",
            "number = \"one\"",
            "jackfield.toml:22:10: error: `one` is not a number; write digits, such as \"101\"",
        ),
        (
            "number = \"102\"",
            "number = 102",
            "jackfield.toml:22:10: error: text is expected here, not a bare number; write \"102\"",
        ),
        (
            "\"10X\" ",
            "\"10x\" ",
            "jackfield.toml:30:1: error: in `10x` a small `x` does not stand for a digit; write `10X`",
        ),
        (
            "\"10X\" ",
            "\"1 0\" ",
            "jackfield.toml:30:1: error: `1 0` is not a pattern: ` ` cannot stand in a number or name; write digits, `X` for any digit, `*` at the end",
        ),
        (
            "\"9*\" ",
            "\"9\" ",
            "jackfield.toml:34:17: error: `{rest}` is what `*` stood for, and the pattern has none; use `{number}`, or end the pattern with `*`",
        ),
        (
            "sip:{rest}@192",
            "tel:{rest}@192",
            "jackfield.toml:34:18: error: `tel:{rest}@192.0.2.10:5060` is not a SIP address; write \"sip:{number}@HOST:PORT\"",
        ),
        // Names.
        (
            "[plugins.tts]",
            "[plugins.TTS]",
            "error: `TTS` cannot be the name of a plugin; use small letters, digits and `-`",
        ),
        (
            "[users.malcom]",
            "[users.\"mal com\"]",
            "jackfield.toml:23:8: error: `mal com` cannot be the name of a user; use letters, digits, `.`, `_` and `-`, at most 64",
        ),
        (
            "command = [\"espeak-ng\", \"--stdin\", \"--stdout\"]",
            "command = []",
            "jackfield.toml:39:11: error: the helper `espeak-ng` has no program; write the program and its arguments, such as [\"espeak-ng\", \"--stdout\"]",
        ),
    ];
    let unexpected = cases.into_iter().filter_map(|(from, to, expected)| {
        let said = faults(from, to);
        (!said.contains(expected)).then(|| format!("{to}\nexpected: {expected}\nsaid:     {said}\n"))
    });
    assert_eq!(unexpected.collect::<String>(), "");
}

#[test]
fn faults_of_several_sections_are_reported_together_and_in_order() {
    let text = EXAMPLE
        .replace("digest = \"md5\"", "digst = \"md5\"")
        .replace("20000-29999", "20001-29999")
        .replace("plugin = \"ivr\"", "plugin = \"irv\"")
        .replace("provider = \"tts\"", "provider = \"tta\"");
    let said = problems(&text);
    let lines: Vec<&str> = said.lines().map(|line| line.split(':').nth(1).unwrap()).collect();
    assert_eq!(lines, ["12", "20", "31", "37"], "{said}");
}

#[test]
fn a_user_with_a_fault_is_still_a_user() {
    // One fault, not a second one for each route that names alice.
    assert_eq!(faults("digest = \"md5\"", "digst = \"md5\"").lines().count(), 1);
}

#[test]
fn text_that_is_no_toml_is_told_where_it_ends_to_be() {
    let said = faults("realm  = \"la-plateforme\"", "realm  = \"la-plateforme");
    assert!(said.starts_with("jackfield.toml:3:"), "{said}");
    let twice = faults("[users.bob]", "[users.alice]");
    assert!(twice.contains("jackfield.toml:21:") && twice.contains("duplicate key"), "{twice}");
}

#[test]
fn fallbacks_in_a_circle_are_refused() {
    let said = faults("fallback = \"alice\"", "fallback = \"200\"");
    assert!(
        said.contains("jackfield.toml:31:39: error: the fallbacks go round in a circle: 100 -> 200 -> 100"),
        "{said}"
    );
    assert!(
        said.contains("jackfield.toml:32:63: error: the fallbacks go round in a circle: 200 -> 100 -> 200"),
        "{said}"
    );
}

#[test]
fn a_missing_file_is_said_plainly() {
    let problems = load(Path::new("/nowhere/jackfield.toml")).unwrap_err();
    let expected =
        "/nowhere/jackfield.toml: error: the file does not exist; name another with `--config FILE`";
    assert_eq!(problems.to_string(), expected);
}

#[test]
fn settings_of_plugins_are_found_in_the_file_that_gave_them() {
    let manifest = "[plugin]\nname = \"ivr\"\n[config]\ngreeting = \"Hi\"\n[config.menu]\nkeys = [\n  \"1\",\n  \"2\",\n]\n";
    let place = |path: &[&str]| {
        let found = locate_setting((Path::new("j"), EXAMPLE), (Path::new("p"), manifest), "ivr", path);
        found.map(|(file, at)| (file.to_str().unwrap(), at.line, at.column))
    };
    assert_eq!(place(&["greeting"]), Some(("j", 48, 12)), "the operator overrides");
    assert_eq!(place(&["menu", "keys", "1"]), Some(("p", 8, 3)));
    assert_eq!(place(&["menu", "absent"]), Some(("p", 5, 9)), "the nearest that exists");
    assert_eq!(place(&["absent"]), Some(("p", 3, 2)));
}

#[test]
fn the_switch_gets_what_the_file_says() {
    let settings = settings::to_settings(&parsed(EXAMPLE), &BTreeMap::new());
    assert_eq!(settings.users.get("bob").unwrap().display_name, "bob");
    assert_eq!(settings.users.get("alice").unwrap().display_name, "Alice");
    assert_eq!(settings.routes.len(), 5);
    assert_eq!(settings.peers[0].addresses, [("192.0.2.10".parse().unwrap(), 32)]);
    assert_eq!(settings.expires, (60, 3600));
}

#[test]
fn a_new_version_says_what_it_changes() {
    let old = parsed(EXAMPLE);
    let changes = |from: &str, to: &str| diff(&old, &parsed(&EXAMPLE.replacen(from, to, 1)));
    assert!(diff(&old, &old.clone()).is_empty());

    let routes = changes("fallback = \"alice\"", "fallback = \"bob\"");
    assert!(routes.switch && routes.restart.is_empty() && routes.changed.is_empty());

    let limits = changes("calls = 500", "calls = 600");
    assert_eq!(limits.changed.iter().collect::<Vec<_>>(), ["ivr"]);
    assert!(!limits.switch);
    assert_eq!(limits.summary(), "plugins changed: ivr");

    let renamed = changes("[plugins.campaign]", "[plugins.prospection]");
    assert_eq!(
        renamed.summary(),
        "users, routes and peers; plugins added: prospection; plugins removed: campaign"
    );

    let ports = changes("20000-29999", "30000-39999");
    assert_eq!(ports.restart, ["[media]"]);
    assert!(!ports.switch);
}
