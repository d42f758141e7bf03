//! With `tests = true` a version that fails its own cases is refused.

use std::fs;

use jackfield_tests::{Site, files};
use toml_edit::value;

use super::{rename_over, replaced};
use crate::menu::PROMPTS;

const NEW: &str = "Alice vous répond si vous appuyez sur la touche 1.";

#[test]
fn a_version_that_fails_its_own_cases_is_refused_with_the_case_and_its_line() {
    let site = Site::example_with("la-plateforme", |config| {
        config["plugins"]["menu"]["tests"] = value(true);
    });
    let menu = site.beside("plugins/menu");
    let mut exchange = site.start();
    exchange.await_log(&["\"menu\"", "v1 passes its cases"]);
    let first = exchange.plugin("menu");
    let manifest = fs::read_to_string(menu.join("plugin.toml")).unwrap();
    let cases = fs::read_to_string(menu.join("cases/menu.case")).unwrap();

    rename_over(&menu.join("plugin.toml"), replaced(&manifest, PROMPTS[1], NEW));
    let step = files::place(&cases, "caller: hears next exactly \"Pour joindre Alice", "hears");
    let place = format!("{}:{step}: ", menu.join("cases/menu.case").display());
    let words = ["its own cases fail", &place, "(case \"the prompts are heard in order"];
    let refused = exchange.await_refusal("menu", &words);
    assert_eq!((&refused.version, refused.state.as_str()), (&first.version, "live"));
    exchange.await_log(&["refused, v1 stays live: its own cases fail"]);

    // A restart does not let it through.
    exchange.stop();
    exchange.restart();
    let kept = exchange.plugin("menu");
    assert_eq!(kept.version, first.version);
    assert!(kept.refused.contains(&place), "{kept:?}");

    // A case with a mistake does not either.
    rename_over(&menu.join("cases/menu.case"), cases.replace("caller: hears", "caller: heers"));
    exchange.await_refusal("menu", &["its own cases cannot be run", "did you mean \"hears\"?"]);

    // The cases change with the texts, and the version goes live.
    rename_over(
        &menu.join("cases/menu.case"),
        cases.replace(PROMPTS[1], NEW).replace("Pour joindre Alice", "Alice vous"),
    );
    let second = exchange.await_version_after(&kept);
    assert_eq!((second.refused.as_str(), second.notes.as_str()), ("", ""));
    assert!(!exchange.site().beside("var/cases/menu").exists(), "nothing is left of it");

    // A setting of the operator is no matter of the cases.
    let passed = exchange.log().matches("passes its cases").count();
    exchange.site().edit(|config| config["plugins"]["menu"]["config"]["language"] = value("fr-FR"));
    exchange.await_version_after(&second);
    assert_eq!(exchange.log().matches("passes its cases").count(), passed);

    let check = exchange.site().jackfield(&["check"]).expect_good();
    assert!(check.contains("good"), "{check}");
    rename_over(&menu.join("cases/menu.case"), &cases);
    let check = exchange.site().jackfield(&["check"]).expect_bad();
    assert!(check.contains("plugin menu: its own cases fail"), "{check}");
}
