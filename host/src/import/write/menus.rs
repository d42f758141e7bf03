//! `plugin.toml` of a plugin of the kind `ivr`.

use std::fmt::Write;

use jackfield_plugin::CONTRACT;

use super::{
    super::flow::{Action, Choice, Flow, Kind, Menu, Prompt, Ring, Target},
    toml::{key, list, text, time},
};

/// Once a menu was heard so often without an answer, the call ends.
const MAX_ATTEMPTS: u32 = 3;

/// The whole file.
pub(super) fn manifest(name: &str, flow: &Flow) -> String {
    let mut file = format!(
        "# A menu that was imported; docs of its settings: plugins/ivr/README.md\n[plugin]\nname = {}\n\
         version = \"1.0.0\"\nwit = \"{CONTRACT}\"\ncomponent = \"ivr.wasm\"\nkind = [\"app\"]\n",
        text(name)
    );
    let dialled = dialled(flow);
    if !dialled.is_empty() {
        file += &format!("\n[capabilities]\ndial = {}\n", list(dialled));
    }
    file += "\n[config]\n";
    if !flow.language.is_empty() {
        file += &format!("language = {}\n", text(&flow.language));
    }
    if flow.menus.len() > 1 {
        file += &format!("start = {}\n", text(&flow.menus[flow.start].name));
    }
    for menu in &flow.menus {
        file += &menu_of(flow, menu);
    }
    file
}

/// Whom it rings, as rights are written.
pub(super) fn dialled(flow: &Flow) -> Vec<String> {
    let mut names: Vec<String> = flow.targets().into_iter().filter_map(target).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

/// None: a plugin does not know what was dialled.
fn target(target: &Target) -> Option<&str> {
    match target {
        Target::User(name) => Some(name),
        Target::Number(number) | Target::Outside { number, .. } => {
            Some(number).filter(|n| !n.contains('{')).map(|n| n.as_str())
        }
        Target::AnyUser => None,
    }
}

fn menu_of(flow: &Flow, menu: &Menu) -> String {
    let mut lines = format!("\n[config.menus.{}]\n", key(&menu.name));
    if !menu.greeting.is_empty() {
        lines += &format!("greeting = {}\n", prompts(&menu.greeting, true));
    }
    if !menu.prompts.is_empty() {
        lines += &format!("prompts = {}\n", prompts(&menu.prompts, true));
    }
    match &menu.kind {
        Kind::Message(then) => lines += &format!("then = {}\n", action(flow, then)),
        Kind::Choice(choice) => {
            if !menu.barge_in {
                lines += "barge-in = false\n";
            }
            lines += &choice_of(flow, menu, choice);
        }
    }
    lines
}

fn choice_of(flow: &Flow, menu: &Menu, choice: &Choice) -> String {
    let mut lines = format!("response-timeout = {}\n", time(choice.timeout));
    // Writing to a text never fails.
    let _ = writeln!(lines, "on-timeout = {}", action(flow, &choice.on_timeout));
    let _ = writeln!(lines, "invalid = {}", action(flow, &choice.invalid));
    let _ = writeln!(lines, "max-attempts = {MAX_ATTEMPTS}\ngoodbye = \"hangup\"");
    let _ = writeln!(lines, "\n[config.menus.{}.keys]", key(&menu.name));
    for (name, then) in &choice.keys {
        let _ = writeln!(lines, "{} = {}", key(&name.to_string()), action(flow, then));
    }
    lines
}

/// One a line where there are several and they may be.
fn prompts(prompts: &[Prompt], may_break: bool) -> String {
    let written: Vec<String> = prompts.iter().map(prompt).collect();
    match &written[..] {
        [one] => one.clone(),
        several if may_break => format!("[\n    {},\n]", several.join(",\n    ")),
        several => format!("[{}]", several.join(", ")),
    }
}

fn prompt(prompt: &Prompt) -> String {
    match prompt {
        Prompt::Say { text: said, language: None } => text(&without_gaps(said)),
        Prompt::Say { text: said, language: Some(language) } => {
            format!("{{ say = {}, language = {} }}", text(&without_gaps(said)), text(language))
        }
        Prompt::File(name) => format!("{{ file = {} }}", text(name)),
        Prompt::Silence(length) => format!("{{ silence = {} }}", time(*length)),
    }
}

/// A brace would begin a gap.
fn without_gaps(said: &str) -> String {
    said.replace('{', "{{")
}

fn action(flow: &Flow, then: &Action) -> String {
    match then {
        Action::Repeat => "\"repeat\"".to_owned(),
        Action::Restart => "\"restart\"".to_owned(),
        Action::HangUp => "\"hangup\"".to_owned(),
        Action::Menu(id) => format!("{{ menu = {} }}", text(&flow.menus[*id].name)),
        Action::Say(said, then) => {
            format!("{{ say = {}, then = {} }}", prompts(said, false), action(flow, then))
        }
        Action::Ring(ring) => ring_of(flow, ring),
    }
}

fn ring_of(flow: &Flow, ring: &Ring) -> String {
    let targets: Vec<&str> = ring.targets.iter().filter_map(target).collect();
    let who = match &targets[..] {
        [] => return action(flow, &ring.no_answer),
        [one] => text(one),
        several => list(several),
    };
    let mut parts = vec![format!("ring = {who}")];
    parts.extend(ring.time.map(|length| format!("for = {}", time(length))));
    parts.push(format!("no-answer = {}", action(flow, &ring.no_answer)));
    parts.extend(ring.busy.as_ref().map(|branch| format!("busy = {}", action(flow, branch))));
    parts.extend(ring.unavailable.as_ref().map(|branch| format!("unavailable = {}", action(flow, branch))));
    format!("{{ {} }}", parts.join(", "))
}
