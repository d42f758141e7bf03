//! What is refused when the plugin is loaded, where, and what is told to write instead.

#![allow(clippy::unwrap_used, reason = "only tests are here")]

use ivr::{check, flow::Flow, settings::Settings};
use jackfield_sdk::settings::{Finding, parse};

/// Settings as they come from a `plugin.toml`.
fn load(manifest: &str) -> Result<Flow, Vec<Finding>> {
    let manifest: toml::Table = manifest.parse().expect("a TOML file");
    let json = serde_json::to_string(&manifest["config"]).expect("settings are JSON too");
    let settings: Settings = parse(&json).map_err(|finding| vec![finding])?;
    check::flow(&settings)
}

fn load_menus(menus: &str) -> Result<Flow, Vec<Finding>> {
    load(&format!("[config.menus]\n{menus}"))
}

fn only_fault(result: Result<Flow, Vec<Finding>>) -> (String, String, String) {
    let [Finding { path, text, help }] = <[Finding; 1]>::try_from(result.unwrap_err()).expect("one finding");
    (path.join(" "), text, help)
}

#[test]
fn the_menus_of_la_plateforme_and_of_the_plugin_itself_are_fine() {
    load(include_str!("../../../examples/la-plateforme/plugins/menu/plugin.toml")).unwrap();
    load(include_str!("../../../examples/la-plateforme/plugins/message/plugin.toml")).unwrap();
    load(include_str!("../plugin.toml")).unwrap();
}

#[test]
fn seed_d1_a_target_that_does_not_exist() {
    let findings =
        load(include_str!("../../../examples/la-plateforme/faults/d1-dangling-target.toml")).unwrap_err();
    let paths: Vec<String> = findings.iter().map(|finding| finding.path.join(" ")).collect();
    assert_eq!(paths, ["menus ivr1 on-timeout menu", "menus ivr1 invalid then menu"]);
    for finding in findings {
        assert_eq!(
            (finding.text.as_str(), finding.help.as_str()),
            ("there is no menu \"ivr_1\"", "did you mean \"ivr1\"?")
        );
    }
}

#[test]
fn seed_d2_a_pattern_that_is_no_key() {
    let findings =
        load(include_str!("../../../examples/la-plateforme/faults/d2-pattern-as-key.toml")).unwrap_err();
    assert_eq!(findings[0].path, ["menus", "ivr1", "keys", "[04-9#]"]);
    assert_eq!(findings[0].text, "\"[04-9#]\" is no key");
    assert!(findings[0].help.contains("invalid = "), "{}", findings[0].help);
    assert_eq!(findings[1].text, "the keys 0, 4 to 9, * and # have no fate");
}

#[test]
fn seed_d3_a_key_without_a_fate() {
    let manifest = include_str!("../../../examples/la-plateforme/faults/d3-key-without-fate.toml");
    let (path, text, help) = only_fault(load(manifest));
    assert_eq!(path, "menus ivr1 keys");
    assert_eq!(text, "the key * has no fate: whoever presses it would be left alone");
    assert!(help.starts_with("write invalid = { say = \"Entrée invalide\""), "{help}");
}

#[test]
fn seed_d4_nothing_after_a_ring() {
    let findings =
        load(include_str!("../../../examples/la-plateforme/faults/d4-no-answer.toml")).unwrap_err();
    let paths: Vec<String> = findings.iter().map(|finding| finding.path.join(" ")).collect();
    assert_eq!(paths, ["menus ivr1 keys 1", "menus ivr1 keys 2", "menus ivr1 keys 3"]);
    assert_eq!(findings[0].text, "rings alice, and it is not said what follows when nobody answers");
    assert_eq!(findings[0].help, "write no-answer = { say = \"...\", then = \"repeat\" }");
}

#[test]
fn a_menu_with_keys_needs_a_timeout() {
    let menu = |timeout| {
        format!("main = {{ prompts = 'Tapez 1.', invalid = 'repeat', keys.1 = 'hangup', {timeout} }}")
    };
    let (path, text, help) = only_fault(load_menus(&menu("")));
    assert_eq!((path.as_str(), text.as_str()), ("menus main", "waits for a key without a time-out"));
    assert_eq!(help, "write response-timeout = \"10s\"");
    assert_eq!(only_fault(load_menus(&menu("response-timeout = '0s'"))).0, "menus main response-timeout");
    assert_eq!(only_fault(load_menus(&menu("response-timeout = 10"))).0, "menus main response-timeout");
    load_menus(&menu("response-timeout = '10s'")).unwrap();
}

#[test]
fn a_silent_line_must_come_to_an_end() {
    for (menus, place) in [
        ("news = { prompts = 'a', then = 'repeat' }", "menus news then"),
        ("news = { prompts = 'a', then = { say = 'b', then = 'restart' } }", "menus news then"),
        (
            "m = { prompts = 'a', response-timeout = '1s', invalid = 'repeat', keys.1 = 'hangup', goodbye = 'repeat' }",
            "menus m goodbye",
        ),
        (
            "m = { prompts = 'a', response-timeout = '1s', invalid = 'repeat', keys.1 = 'hangup', max-attempts = 0 }",
            "menus m max-attempts",
        ),
    ] {
        assert_eq!(only_fault(load_menus(menus)).0, place, "{menus}");
    }
    let ring = "m = { prompts = 'a', response-timeout = '1s', invalid = 'repeat', keys.1 = 'hangup', goodbye = { menu = 'n' } }
        n = { prompts = 'b', then = { ring = 'alice', no-answer = { menu = 'm' } } }";
    let findings = load(&format!("[config]\nstart = 'm'\n[config.menus]\n{ring}")).unwrap_err();
    assert_eq!(findings.len(), 2, "both menus of the circle: {findings:?}");
}

#[test]
fn back_needs_somewhere_to_go() {
    let menu = "prompts = 'a', response-timeout = '1s', invalid = 'repeat', keys";
    let two = |main: &str| {
        format!(
            "[config]\nstart = 'main'\n[config.menus]\nmain = {{ {menu} = {main} }}\nsub = {{ {menu} = {{ 1 = 'back' }} }}"
        )
    };
    load(&two("{ 1 = { menu = 'sub' } }")).unwrap();
    let (path, text, _) = only_fault(load(&two("{ 1 = 'hangup' }")));
    assert_eq!(
        (path.as_str(), text.as_str()),
        ("menus sub keys 1", "there is nothing to go back to: no key leads to this menu")
    );
    let (path, text, _) =
        only_fault(load(&two("{ 1 = { menu = 'sub' }, 2 = { say = 'x', then = 'back' } }")));
    assert_eq!(path, "menus main keys 2 then");
    assert_eq!(text, "there is nothing to go back to: a call begins with this menu");
}

#[test]
fn every_slip_has_its_place() {
    for (menus, place, part) in [
        ("", "menus", "there is no menu"),
        (
            "a = { prompts = 'a', then = 'hangup' }\nb = { prompts = 'b', then = 'hangup' }",
            "start",
            "which one comes first",
        ),
        ("a = { prompts = ['a', ''], then = 'hangup' }", "menus a prompts 1", "empty sentence"),
        (
            "a = { prompts = ['a', 'Il est {now:tme}.'], then = 'hangup' }",
            "menus a prompts 1",
            "said as `tme`",
        ),
        ("a = { prompts = 'Il est {now', then = 'hangup' }", "menus a prompts", "has no end"),
        ("a = { then = 'hangup' }", "menus a", "nothing to say"),
        ("a = { prompts = 'a' }", "menus a", "neither keys nor `then`"),
        ("a = { prompts = 'a', then = 'hangup', goodbye = 'hangup' }", "menus a goodbye", "no effect"),
        ("a = { prompts = 'a', then = { say = 'b' } }", "menus a then", "what follows the sentence"),
        (
            "a = { prompts = 'a', then = { ring = [], no-answer = 'hangup' } }",
            "menus a then ring",
            "rings nobody",
        ),
        (
            "a = { prompts = 'a', then = { ring = 'b', for = '0s', no-answer = 'hangup' } }",
            "menus a then for",
            "does not ring",
        ),
        ("a = { prompts = 'a', then = 'hang up' }", "menus a then", "`hang up` is no action"),
        ("a = { prompts = 'a', then = { ring = 'b', say = 'c' } }", "menus a then", "do not go together"),
        ("a = { prompts = 'a', then = { dial = 'b' } }", "menus a then dial", "unknown field `dial`"),
        (
            "a = { prompts = { sound = 'x' }, then = 'hangup' }",
            "menus a prompts sound",
            "unknown field `sound`",
        ),
        ("a = { prompts = 'a', them = 'hangup' }", "menus a them", "unknown field `them`"),
        (
            "a = { prompts = { file = 'x', tone = 'y' }, then = 'hangup' }",
            "menus a prompts",
            "write a sentence",
        ),
    ] {
        let (path, text, _) = only_fault(load_menus(menus));
        assert_eq!(path, place, "{text}");
        assert!(text.contains(part), "{text}");
    }
}
