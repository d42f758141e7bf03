//! Case files: how they are read, what they say when they are wrong, and what is told when they fail.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path};

use jackfield_sim::{
    built,
    case::{self, Ran, Suite},
    voice,
};

const MANIFEST: &str = "[plugin]\nname = \"menu\"\nversion = \"1.0.0\"\nwit = \"0.1.0\"\ncomponent = \"ivr.wasm\"\nkind = [\"app\"]\n\
     [capabilities]\ndial = [\"alice\", \"0698765432\"]\n[config.menus.main]\nprompts = \"Un ou deux ?\"\nresponse-timeout = \"5s\"\n\
     invalid = { say = \"Non.\", then = \"repeat\" }\nkeys.1 = { ring = \"alice\", for = \"10s\", no-answer = \"repeat\" }\n\
     keys.2 = { ring = \"0698765432\", for = \"10s\", no-answer = \"hangup\" }\n";

/// A folder with the menu of this file and one case file.
struct Folder(std::path::PathBuf);

impl Folder {
    fn with(name: &str, cases: &str) -> Folder {
        Folder::of(name, "plugins", "ivr", MANIFEST, cases)
    }

    /// A guest of `tests/guests` with these settings.
    fn guest(guest: &str, name: &str, config: &str, cases: &str) -> Folder {
        let manifest = format!(
            "[plugin]\nname = \"{guest}\"\nversion = \"1.0.0\"\nwit = \"0.1.0\"\ncomponent = \"ivr.wasm\"\nkind = [\"app\"]\n\
             [capabilities]\nrecord = true\nhttp = [\"https://weather.example\"]\n[config]\n{config}\n"
        );
        Folder::of(name, "tests/guests", guest, &manifest, cases)
    }

    fn of(name: &str, workspace: &str, component: &str, manifest: &str, cases: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("jackfield-cases-{}-{name}", std::process::id()));
        let wasm = built(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(workspace), component);
        fs::create_dir_all(folder.join("cases")).unwrap();
        fs::write(folder.join("plugin.toml"), manifest).unwrap();
        fs::copy(&wasm, folder.join("ivr.wasm")).unwrap_or_else(|error| {
            panic!("{}: {error}; run `make plugins` and build tests/guests", wasm.display())
        });
        fs::write(folder.join("cases/menu.case"), cases).unwrap();
        Folder(folder)
    }

    fn suites(&self) -> Result<Vec<Suite>, Vec<String>> {
        case::find(std::slice::from_ref(&self.0), None)
    }

    fn run(&self) -> Vec<Ran> {
        self.suites().unwrap_or_else(|errors| panic!("{}", errors.join("\n")))[0].run("")
    }

    /// What is wrong with the file, without its path.
    fn mistakes(&self) -> Vec<String> {
        let file = self.0.join("cases/menu.case").display().to_string() + ":";
        let errors = self.suites().err().unwrap_or_default();
        errors
            .iter()
            .map(|error| error.strip_prefix(&file).unwrap_or_else(|| panic!("{error}")).to_owned())
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn assert_pass(name: &str, cases: &str) {
    assert_all(&Folder::with(name, cases).run());
}

#[track_caller]
fn assert_all(ran: &[Ran]) {
    for Ran { title, failure, story, .. } in ran {
        let story: String = story.iter().map(|event| format!("\n{event}")).collect();
        assert_eq!(*failure, None, "{title}:{story}");
    }
}

/// The place and the reason of each failure.
fn failures(name: &str, cases: &str) -> Vec<(String, String)> {
    let ran = Folder::with(name, cases).run();
    ran.into_iter()
        .filter_map(|ran| ran.failure)
        .map(|failure| (failure.place.to_string(), failure.reason))
        .collect()
}

#[test]
fn the_cases_of_the_example_pass() {
    let school = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/la-plateforme/plugins");
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    for (name, component) in [("menu", "ivr"), ("message", "ivr"), ("campaign", "campaign")] {
        let wasm = school.join(name).join(component).with_extension("wasm");
        // As `make plugins` does it.
        if !wasm.exists() {
            fs::copy(built(&plugins, component), &wasm).unwrap();
        }
    }
    let suites = case::find(&[school], None).unwrap_or_else(|errors| panic!("{}", errors.join("\n")));
    assert_eq!(suites.iter().map(Suite::plugin).collect::<Vec<_>>(), ["campaign", "menu", "message"]);
    suites.iter().for_each(|suite| assert_all(&suite.run("")));
}

#[test]
fn two_runs_are_equal() {
    let folder = Folder::with(
        "equal",
        "case: a\nalice: answers after 1 s, says \"Oui ?\"\ncaller: presses 1, hears \"Oui\"\n",
    );
    let story = |ran: Vec<Ran>| ran[0].story.clone();
    assert_eq!(story(folder.run()), story(folder.run()));
}

#[test]
fn words_are_heard_in_their_order_and_only_once() {
    assert_pass(
        "order",
        "case: parts of a sentence\ncaller: hears \"Un\", hears \"deux\", hears next \"Un\"\n\
         case: a key as soon as a word was spoken\ncaller: hears \"Un\", presses 7, hears next exactly \"Non.\", has not heard \"deux\"\n",
    );
    let failed =
        failures("twice", "case: a\ncaller: hears exactly \"Un ou deux ?\", hears \"Un\" within 3 s\n");
    let [(place, reason)] = &failed[..] else { panic!("{failed:?}") };
    assert_eq!(place, "2:39");
    assert!(reason.starts_with("3 s passed without it") && reason.contains("heard before"), "{reason}");
}

#[test]
fn silence_is_silence() {
    assert_pass(
        "silence",
        "case: a\ncaller: hears \"Un\", hears nothing for 4.9 s, hears next \"Un\" within 1 s\n",
    );
    let failed = failures("loud", "case: a\ncaller: hears \"Un\", hears nothing for 6 s\n");
    assert_eq!(failed, [("2:21".to_owned(), "caller hears \"Un ou deux ?\"".to_owned())]);
}

#[test]
fn phones_outside_are_dialled_by_their_numbers_and_routes_lead_on() {
    assert_pass(
        "outside",
        "outside: zoe 0698765432\n\
         case: the plugin dials out\nzoe: answers after 1 s\ncaller: presses 2, talks with zoe\nzoe: hangs up\ncaller: is hung up on with normal\n\
         case: users call each other\nalice: calls zoe; zoe: rings, answers, talks with alice, hangs up; alice: is hung up on\n\
         case: a number of its own, and nobody under another one\nroute: 300 plugin menu fallback alice\ncaller: calls 300, hears \"Un\", hangs up, calls 999, is refused with 404\n\
         case: a caller with another number\noutside: caller 0033612345678\ncaller: presses 1; then: rings alice\n",
    );
}

#[test]
fn a_failure_says_what_happened_instead() {
    let cases = "case: another text\ncaller: hears \"Un ou trois ?\" within 4 s\n\
                 case: nobody rings\ncaller: presses 7; then: rings alice within 1 s\n\
                 case: somebody rings\ncaller: presses 1; then: rings nobody\n\
                 case: refused\nalice: declines\nbob: is busy\ncaller: calls 101, is answered\n\
                 case: another cause\nalice: answers\ncaller: presses 1, talks with alice; alice: hangs up; caller: is hung up on with busy\n\
                 case: another key\ncaller: hangs up; then: result main is 1\n";
    let failed = failures("instead", &format!("user: bob 102\n{cases}"));
    let reasons: Vec<&str> = failed.iter().map(|(_, reason)| reason.as_str()).collect();
    let expected = [
        "4 s passed without it; the nearest that caller heard is \"Un ou deux ?\"",
        "alice did not ring within 1 s",
        "alice has rung",
        "the call is over: caller is refused with 603",
        "the cause in the record is normal",
        "the record has no results",
    ];
    assert_eq!(reasons, expected);
}

#[test]
fn settings_that_the_plugin_refuses_fail_the_case() {
    let failed = failures(
        "settings",
        "case: a\nsettings: menus.main.response-timeout = \"0s\"\ncaller: is answered\n",
    );
    let [(place, reason)] = &failed[..] else { panic!("{failed:?}") };
    assert!(place == "1:1" && reason.contains("menus.main.response-timeout"), "{place} {reason}");
}

#[test]
fn every_mistake_has_its_place_and_its_remedy() {
    let lines = [
        (
            "caller: heers \"Bonjour\"",
            "1:9: error: caller cannot be followed by \"heers\"; did you mean \"hears\"?",
        ),
        ("alcie: answers", "1:1: error: nobody is called \"alcie\"; did you mean \"alice\"?"),
        (
            "caller: hears Bonjour",
            "1:15: error: words that are heard stand in quotes; write `hears \"Bonjour\"`",
        ),
        (
            "caller: hears “Bonjour”",
            "1:15: error: “ is not the quote that is meant here; write \"Bonjour\" with straight quotes",
        ),
        ("caller: hears \"Bonjour", "1:15: error: this text has no end; close it with \" on the same line"),
        ("caller: waits 10", "1:15: error: this is no time; write `5 s`, `500 ms`, `1.5 min` or `2 h`"),
        (
            "caller: presses 1x",
            "1:17: error: a telephone has no key \"x\"; its keys are 0 to 9, * and #, and on some A to D",
        ),
        (
            "caller hears \"Bonjour\"",
            "1:1: error: \"caller\" is not who does something; write `caller: `, with a colon and a blank",
        ),
        ("thn: rings alice", "1:1: error: nobody is called \"thn\"; did you mean \"then\"?"),
        ("then: rings alcie", "1:13: error: nobody is called \"alcie\"; did you mean \"alice\"?"),
        (
            "caller: is hung up on with bussy",
            "1:28: error: \"bussy\" is no cause of an end; did you mean \"busy\"?",
        ),
        ("caller: presses 1 # choose", "1:9: error: `presses` is not written like this; write `presses 1`"),
        ("caller: presses 1,", "1:1: error: nothing stands behind `caller:` or a comma"),
        ("caller: hears \"Bonjour\" within soon", "1:25: error: `within` needs a time; write `within 5 s`"),
    ];
    for (index, (line, expected)) in lines.iter().enumerate() {
        let found = Folder::with(&format!("mistake-{index}"), &format!("case: a\n{line}\n")).mistakes();
        let told = found.iter().any(|mistake| mistake == &format!("2{}", &expected[1..]));
        assert!(told, "{line}\n  expected {expected}\n  found    {found:?}");
    }
}

#[test]
fn what_no_step_shows_is_found_too() {
    let text = "caller: hears \"Bonjour\"\ncase:\ncase: a\ncaller: waits 1 s\nuser: carl 104\ncase: a\ncaller: waits 1 s\nuser: bob\n\
                settings: menus = {\n";
    let expected = [
        "1:1: error: this step is in no case; write `case: what it shows` above it",
        "2:1: error: this case has no title; write `case: 1 rings Alice`",
        "5:1: error: `user:` comes too late: the case has begun; write it above the first step",
        "6:1: error: line 3 has a case of this title already",
        "8:1: error: `user:` is not written like this; write `user: alice 101`",
    ];
    let found = Folder::with("whole", text).mistakes();
    assert_eq!(found[..5], expected);
    assert!(found[5].starts_with("9:") && found[5].contains("not TOML"), "{}", found[5]);
    assert_eq!(Folder::with("empty", "case: nothing\n").mistakes().len(), 1);
    let twice =
        Folder::with("twice-101", "user: alice 101, zoe 101\ncase: a\ncaller: waits 1 s\n").mistakes();
    assert_eq!(twice, ["1:1: error: 101 is the number of alice already; take another number"]);
}

#[test]
fn recordings_values_the_log_and_the_hour_can_be_asked_for() {
    let record = "case: a message\nvalue: ended is 41\n\
         caller: hears \"Le verbe.\", says \"Mon message.\", hangs up\n\
         then: records \"Mon message\", value ended is 42, value other is not set, logs \"it ended\"\n";
    assert_all(&Folder::guest("verbs", "record", "verb = \"record\"", record).run());
    let tell = "web: \"https://weather.example/\" answers \"Pluie.\"\n\
         case: rain in summer\ntime: 2026-07-14 16:05\ncaller: hears \"Il est 18 heures. 200 Pluie.\"\n\
         case: sun in winter\ntime: 2026-01-14 16:05 Europe/Paris\nweb: \"https://weather.example/paris\" answers 203 \"Soleil.\"\n\
         caller: hears \"Il est 16 heures. 203 Soleil.\"\n\
         case: nobody knows\nweb: \"https://weather.example/\" does not answer\ncaller: hears \"nobody answers\"\n";
    assert_all(&Folder::guest("verbs", "tell", "verb = \"tell\"", tell).run());
}

#[test]
fn tones_keys_and_files_are_heard() {
    let keys = "case: keys\ncaller: hears keys 0123456789ABCD*#, hears next key 0\n";
    assert_all(&Folder::guest("verbs", "keys", "verb = \"send-digits\"", keys).run());
    let tone =
        "case: a tone\ncaller: hears a tone of 440 Hz, hangs up\ncase: any tone\ncaller: hears a tone\n";
    assert_all(&Folder::guest("verbs", "tone", "verb = \"play\"", tone).run());
    let cases = "settings: menus.main.prompts = [{ file = \"jingle.wav\" }, \"Un ?\"]\n\
         case: a part\ncaller: hears jingle.wav, presses 7, hears next \"Non.\"\n\
         case: all of it\ncaller: hears exactly jingle.wav, hears next \"Un\"\n";
    let folder = Folder::with("jingle", cases);
    fs::create_dir(folder.0.join("prompts")).unwrap();
    fs::write(folder.0.join("prompts/jingle.wav"), jingle()).unwrap();
    assert_all(&folder.run());
}

/// A second of a chord that fades, as a WAV file: no tone, and no voice.
fn jingle() -> Vec<u8> {
    let wave = |n: u32, hz: f64| (std::f64::consts::TAU * hz * f64::from(n) / 8000.0).sin();
    let chord = |n: u32| wave(n, 261.6) + wave(n, 329.6) + wave(n, 392.0);
    let sample = |n: u32| (chord(n) * 8000.0 * (1.0 - f64::from(n) / 8000.0)) as i16;
    let samples: Vec<u8> = (0..8000).flat_map(|n| sample(n).to_le_bytes()).collect();
    let mut wav = voice::wav("");
    wav.truncate(44);
    wav[4..8].copy_from_slice(&(36 + samples.len() as u32).to_le_bytes());
    wav[40..44].copy_from_slice(&(samples.len() as u32).to_le_bytes());
    [wav, samples].concat()
}

#[test]
fn a_plugin_that_traps_fails_its_case_unless_that_is_meant() {
    let cases = "case: unexpected\nroute: 666 plugin misfit fallback alice\nuser: alice 101\ncaller: calls 666; then: rings alice\n\
         case: expected\nroute: 666 plugin misfit fallback alice\nuser: alice 101\ncaller: calls 666\n\
         then: rings alice, reports \"trapped\"\n";
    let ran = Folder::guest("misfit", "trap", "fault = \"trap\"", cases).run();
    let reason = &ran[0].failure.as_ref().unwrap().reason;
    assert!(reason.contains("misfit") && reason.contains("then: reports"), "{reason}");
    assert_all(&ran[1..]);
}
