//! `jackfield test`: the cases of the example, how a failing one is told, and what two hundred of them cost.

use std::{fs, path::PathBuf, process::Command};

use jackfield_tests::{
    files,
    process::{Said, run},
};
use tempfile::TempDir;

const MENU: &str = "examples/la-plateforme/plugins/menu";

/// A copy of the example's plugins, with what was built beside them.
fn example() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let copy = files::copy_folder("examples/la-plateforme", folder.path());
    (folder, copy)
}

/// A copy of the menu, with these cases instead of its own.
fn menu_with(cases: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let menu = files::copy_folder(MENU, folder.path());
    fs::remove_dir_all(menu.join("cases")).unwrap();
    fs::create_dir(menu.join("cases")).unwrap();
    fs::write(menu.join("cases/own.case"), cases).unwrap();
    (folder, menu)
}

fn jackfield(arguments: &[&str]) -> Said {
    run(Command::new(files::daemon()).args(arguments), b"")
}

#[test]
fn the_cases_of_the_example_pass_and_use_all_of_its_menu() {
    let (_folder, example) = example();
    let said = jackfield(&["test", &example.display().to_string()]).expect_good();
    assert!(said.contains(" 0 failed") && !said.contains("never"), "{said}");
    assert!(said.contains("9 of 9 texts") && said.contains("3 of 3 keys"), "{said}");
    assert!(!said.contains('\x1b'), "no colours where nobody sees them");
}

#[test]
fn no_socket_is_opened() {
    let (folder, example) = example();
    let trace = folder.path().join("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "--seccomp-bpf", "-e", "trace=%network", "-o"]).arg(&trace);
    run(strace.arg(files::daemon()).arg("test").arg(example.join("plugins/menu")), b"").expect_good();
    let trace = fs::read_to_string(trace).unwrap();
    assert!(trace.contains("exited with 0"), "it was followed to its end:\n{trace}");
    let calls: Vec<&str> =
        trace.lines().filter(|line| !line.contains("+++") && !line.contains("---")).collect();
    assert!(calls.is_empty(), "{calls:#?}");
}

#[test]
fn a_case_that_fails_is_told_with_its_line_what_is_wrong_and_what_happened() {
    let cases = "case: 1 rings Bob\nbob: answers\ncaller: hears \"Bonjour\", presses 1; then: rings bob within 5 s\n\
                 case: the welcome\ncaller: hears \"Bonjuor\" within 3 s\n\
                 case: this one is right\ncaller: hears \"Bonjour\"\n";
    let (_folder, menu) = menu_with(cases);
    let said = jackfield(&["test", &menu.display().to_string()]).expect_bad();
    let file = menu.join("cases/own.case").display().to_string();
    let told = [
        &format!("{file}:3:43: then: rings bob within 5 s\n      bob did not ring within 5 s"),
        &format!("{file}:5:9: caller: hears \"Bonjuor\" within 3 s"),
        "3 s passed without it; the nearest that caller heard is \"Bonjour et bienvenue",
        "what happened:\n         0.000  caller calls 100\n         0.020  caller is answered",
        "alice rings: 0612345678 calls",
        "  ok     this one is right",
        "cases: 1 passed, 2 failed",
        "jackfield: 2 cases failed",
        "never heard: menus.accueil.goodbye.say",
    ];
    for part in told {
        assert!(said.contains(part), "no {part:?} in\n{said}");
    }
    let one =
        jackfield(&["test", "--filter", "right", "--verbose", &menu.display().to_string()]).expect_good();
    assert!(one.contains("cases: 1 passed, 0 failed") && one.contains("caller hears \"Bonjour"), "{one}");
    let list = jackfield(&["test", "--list", &menu.display().to_string()]).expect_good();
    assert_eq!(list.lines().last(), Some(&*format!("{file}:6: this one is right")));
}

#[test]
fn a_mistake_in_a_case_file_is_told_with_its_place_and_its_remedy() {
    let (folder, menu) = menu_with("case: a\ncaller: heers \"Bonjour\"\n");
    let said = jackfield(&["test", &menu.display().to_string()]).expect_bad();
    let file = menu.join("cases/own.case").display().to_string();
    let mistake =
        format!("{file}:2:9: error: caller cannot be followed by \"heers\"; did you mean \"hears\"?");
    assert!(said.contains(&mistake), "{said}");
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let said = jackfield(&["test", &empty.display().to_string()]).expect_bad();
    assert!(said.contains("there is no case; write cases/first.case beside a plugin.toml"), "{said}");
}

#[test]
fn a_case_file_is_for_every_plugin_that_does_the_same() {
    let (_folder, menu) = menu_with("case: a\ncaller: hears \"Bonjour\"\n");
    let own = files::repository().join(MENU).join("cases/menu.case").display().to_string();
    let said = jackfield(&["test", "--plugin", &menu.display().to_string(), &own]).expect_good();
    assert!(said.contains(&own), "{said}");
}

/// Each case waits twenty seconds for keys that nobody presses.
#[test]
fn two_hundred_cases_with_time_outs_take_two_seconds_of_two_processors() {
    let case = |n: u32| {
        format!(
            "case: {n} waits\ncaller: hears \"taper 3.\", hears \"Bonjour\", hears \"taper 3.\", hears \"Bonjour\"\n"
        )
    };
    let (_folder, menu) = menu_with(&(0..200).map(case).collect::<String>());
    let mut shell = Command::new("sh");
    shell.args(["-c", "\"$0\" test \"$1\" && times"]).arg(files::daemon()).arg(&menu);
    let said = run(&mut shell, b"").expect_good();
    let summary = said.lines().find(|line| line.starts_with("cases:")).unwrap();
    // The last line is that of the children: user and system time.
    let spent: f64 = said.lines().last().unwrap().split(' ').map(seconds).sum();
    println!("{summary}; {spent:.2} s of processor time");
    assert!(summary.starts_with("cases: 200 passed, 0 failed"), "{summary}");
    assert!(spent < 4.0, "{spent} s of processor time");
}

/// Of `0m1.230000s`.
fn seconds(time: &str) -> f64 {
    let (minutes, seconds) = time.trim_end_matches('s').split_once('m').unwrap();
    minutes.parse::<f64>().unwrap() * 60.0 + seconds.parse::<f64>().unwrap()
}
