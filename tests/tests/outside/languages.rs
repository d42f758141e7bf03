//! The seed's menu in four languages, and scripts that are live as soon as they are saved.

use std::{env, fs, process::Command, time::Duration};

use jackfield_tests::{
    Exchange, Phone, Site, files,
    process::{Said, run},
    speech::assert_spoken,
};

use crate::{calls::assert_talk, guests::route};

const CASES: &str = "examples/la-plateforme/plugins/menu/cases/menu.case";
const NUMBER: &str = "320";
const LIMIT: Duration = Duration::from_secs(20);

fn jackfield_test(plugin: &str) -> Said {
    let root = files::repository();
    let tools = root.join(env::var_os("CARGO_TARGET_DIR").unwrap_or("target".into())).join("qa/bin");
    let path =
        env::join_paths([tools].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap()))).unwrap();
    let mut command = Command::new(files::daemon());
    command.env("PATH", path).arg("test").arg("--plugin").arg(root.join(plugin));
    run(command.arg(root.join(CASES)), b"")
}

/// As many as there are.
#[track_caller]
fn assert_all_pass(plugin: &str) {
    let text = fs::read_to_string(files::repository().join(CASES)).unwrap();
    let count = text.lines().filter(|line| line.starts_with("case: ")).count();
    let said = jackfield_test(plugin).expect_good();
    assert!(said.contains(&format!("cases: {count} passed, 0 failed")), "{said}");
}

#[test]
fn the_menu_in_rust_passes_the_case_file() {
    assert_all_pass("examples/menu/rust");
}

#[test]
fn the_menu_in_javascript_passes_the_case_file() {
    assert_all_pass("examples/menu/js");
}

#[test]
fn the_menu_in_python_passes_the_case_file() {
    assert_all_pass("examples/menu/python");
}

#[test]
fn the_menu_in_c_passes_the_case_file() {
    assert_all_pass("examples/menu/c");
}

const MANIFEST: &str = "[plugin]\nname = \"script\"\nversion = \"1.0.0\"\nwit = \"0.1.0\"\nruntime = \"js\"\n\
                        main = \"script.js\"\nkind = [\"app\"]\n";

fn greeting(text: &str) -> String {
    format!("export function handle(call) {{\n    call.answer();\n    call.say(\"{text}\");\n}}\n")
}

/// A script of that kind in a folder of that name beside the configuration.
fn put(site: &Site, name: &str, kind: &str, script: &str) {
    let folder = site.beside(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("plugin.toml"), MANIFEST.replace("app", kind)).unwrap();
    fs::write(folder.join("script.js"), script).unwrap();
}

/// An exchange with a script of its own.
fn exchange(script: &str) -> Exchange {
    let site = Site::example_with("la-plateforme", |config| route(config, NUMBER, "script", "script"));
    put(&site, "script", "app", script);
    site.start()
}

#[track_caller]
fn assert_hears(caller: &Phone, text: &str) {
    let mut call = caller.call(NUMBER);
    call.await_end(LIMIT);
    assert_spoken(&call.audio.heard().samples(), &[text], "fr");
}

#[test]
fn a_script_that_is_saved_is_live_and_a_wrong_one_is_refused_with_its_place() {
    let exchange = exchange(&greeting("Bonjour !"));
    let alice = Phone::registered(&exchange, "alice");
    assert_hears(&alice, "Bonjour !");

    let former = exchange.plugin("script");
    let script = exchange.site().beside("script/script.js");
    fs::write(&script, greeting("Au revoir !")).unwrap();
    exchange.await_version_after(&former);
    assert_hears(&alice, "Au revoir !");

    fs::write(&script, "export function handle(call) {\n    call.answer(;\n}\n").unwrap();
    exchange.await_refusal("script", &["script/script.js:2:17: SyntaxError"]);
    assert_hears(&alice, "Au revoir !");
}

#[test]
fn a_misspelt_option_names_the_right_one_and_the_call_goes_to_its_fallback() {
    let exchange = exchange("export function handle(call) {\n    call.gather({ firstTimeOut: 3 });\n}\n");
    let (alice, bob) = (Phone::registered(&exchange, "alice"), Phone::registered(&exchange, "bob"));
    let dialing = alice.dial(NUMBER);
    let mut there = bob.incoming().answer();
    let here = dialing.outcome(LIMIT).unwrap();
    assert_talk(&here, &there);
    there.hang_up();
    exchange.await_log(&[
        "script.js:2:10: TypeError: gather: there is no option firstTimeOut; did you mean firstTimeout?",
    ]);
}

const SERVICE: &str = r#"
export function run() {
    for (;;) {
        for (const contact of contacts.due("prospection")) {
            dialer.launch(contact.number, "menu-js", { ringTimeout: 10, contact: contact.id });
        }
        const event = events.next(5);
        if (event?.type === "launch-ended") contacts.finish(event.contact, event.answeredAt ? "answered" : event.cause);
        if (event?.type === "stop") return "done";
    }
}
"#;

#[test]
fn a_service_in_javascript_calls_the_contacts_of_a_campaign() {
    let folder = tempfile::tempdir().unwrap();
    let header = MANIFEST.replace("[\"app\"]", "[\"service\"]");
    let asks = "[capabilities]\nlaunch = { to = [\"*\"], app = [\"menu-js\"] }\n";
    fs::write(folder.path().join("plugin.toml"), header + asks).unwrap();
    fs::write(folder.path().join("script.js"), SERVICE).unwrap();
    let cases = format!(
        "plugin: {}\nuser: alice 101\n\ncase: a contact is called\nalice: answers after 1 s\n\
         operator: starts prospection with 101 \"Alice\"\nthen: rings alice\n\
         alice: hears \"Bonjour\", hangs up\nthen: contact 101 is finished with answered\n",
        files::repository().join("examples/menu/js").display()
    );
    let file = folder.path().join("own.case");
    fs::write(&file, cases).unwrap();
    let mut command = Command::new(files::daemon());
    run(command.arg("test").arg("--plugin").arg(folder.path()).arg(file), b"").expect_good();
}

const VOICE: &str = r#"
export function voices() {
    return [{ id: "saw", lang: "fr", name: "A saw" }];
}
export function synthesize(speech, out) {
    out.format(8000);
    const pcm = new Int16Array(8000).map((_, i) => ((i % 40) - 20) * 400);
    out.write(new Uint8Array(pcm.buffer));
}
"#;

#[test]
fn a_voice_in_javascript_is_heard() {
    let site = Site::example_with("la-plateforme", |config| {
        route(config, NUMBER, "script", "script");
        config["plugins"]["voice"]["path"] = "voice".into();
        config["speech"]["provider"] = "voice".into();
    });
    put(&site, "script", "app", &greeting("Bonjour !"));
    put(&site, "voice", "tts", VOICE);
    let exchange = site.start();
    let alice = Phone::registered(&exchange, "alice");
    let mut call = alice.call(NUMBER);
    call.await_end(Duration::from_secs(30));
    let loud = call.audio.heard().samples().iter().filter(|sample| sample.abs() > 2000).count();
    assert!(loud > 4000, "a second of the saw: {loud} loud samples");
}
