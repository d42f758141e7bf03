//! What a plugin asks for can be read before it is installed, and what it gets afterwards.

use jackfield_tests::Site;
use toml_edit::value;

use crate::guests::add_guest;

const WISHES: &str = "[capabilities]\ndial = [\"10X\"]\nhttp = [\"https://crm.example/\"]\nrecord = true\n\n\
    [limits]\nmemory = \"512MiB\"\ncpu-event = \"20ms\"\n";

fn show(site: &Site, name: &str) -> String {
    let folder = site.beside("guests").join(name);
    site.jackfield(&["plugin", "show", &folder.display().to_string()]).expect_good()
}

#[track_caller]
fn assert_says(text: &str, lines: &[&str]) {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let said: Vec<String> = text.lines().map(words).collect();
    for line in lines {
        assert!(said.iter().any(|said| said == line), "no line {line:?} in\n{text}");
    }
}

#[test]
fn what_a_plugin_asks_for_is_shown_before_it_is_installed() {
    let site = Site::new("");
    add_guest(&site, "keypad", WISHES);
    let text = show(&site, "keypad");
    assert_says(
        &text,
        &[
            "keypad 1.2.3: app, for jackfield:plugin 0.1.0",
            "dial 10X",
            "http https://crm.example/",
            "record",
            "memory 512MiB",
            "It offers app, plugin-info",
            // What is to be written, and no more than is needed.
            "[plugins.keypad]",
            "grant = { dial = [\"10X\"], http = [\"https://crm.example/\"], record = true }",
            "limits = { memory = \"512MiB\" }",
        ],
    );
    let uses = text.lines().find_map(|line| line.strip_prefix("It uses")).unwrap();
    assert!(uses.contains("call-control") && !uses.contains("wasi"), "{uses}");
}

#[test]
fn what_the_configuration_gives_a_plugin_is_shown_with_what_it_lacks() {
    let site = Site::new("");
    add_guest(&site, "keypad", WISHES);
    site.edit(|config| {
        config["plugins"]["mine"]["path"] = value("guests/keypad");
        config["plugins"]["mine"]["grant"]["dial"] = value(toml_edit::Array::from_iter(["*"]));
        config["plugins"]["mine"]["grant"]["record"] = value(true);
    });
    let lines = ["does not grant, and so refuses it:", "http = [\"https://crm.example/\"]", "memory 256 MiB"];
    assert_says(&show(&site, "keypad"), &lines);
    site.edit(|config| {
        let granted = toml_edit::Array::from_iter(["https://crm.example/"]);
        config["plugins"]["mine"]["grant"]["http"] = value(granted);
        config["plugins"]["mine"]["limits"]["memory"] = value("512MiB");
    });
    let lines = ["grants all that it asks for", "memory 512 MiB", "cpu-event 20 ms", "calls 500"];
    assert_says(&show(&site, "keypad"), &lines);
}

#[test]
fn a_folder_that_is_no_plugin_is_refused_with_its_name() {
    let site = Site::new("");
    add_guest(&site, "keypad", "");
    let wasm = site.beside("guests/keypad/keypad.wasm");
    std::fs::write(&wasm, b"\x7fELF and no WebAssembly").unwrap();
    let said = site.jackfield(&["plugin", "show", &site.beside("guests/keypad").display().to_string()]);
    assert!(said.expect_bad().contains("keypad.wasm"));
    let said = site.jackfield(&["plugin", "show", "/nowhere"]);
    assert!(said.expect_bad().contains("/nowhere/plugin.toml"));
}
