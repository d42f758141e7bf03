//! Does the menu make sense as a whole? What does not is told with its place and its remedy.

use std::{collections::BTreeMap, time::Duration};

use jackfield_sdk::{
    Prompt, Speech,
    settings::{Finding, Time},
    spoken::{Language, Text},
};

use crate::{
    flow,
    flow::{Choice, Flow, Kind, Menu, MenuId, Ring},
    settings,
    settings::{List, Settings},
};

/// Every key that a telephone has.
const KEYS: &str = "0123456789*#";

const DEFAULT_RING: Duration = Duration::from_secs(20);
const DEFAULT_ATTEMPTS: u32 = 3;

/// What a gap in a sentence is filled with.
type Fields<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The flow that the settings describe, or all that is wrong with them. Gaps stay empty.
pub fn flow(settings: &Settings) -> Result<Flow, Vec<Finding>> {
    flow_of(settings, &|_| None)
}

/// The flow of a call, with the gaps of its sentences filled.
pub fn flow_of(settings: &Settings, fields: Fields<'_>) -> Result<Flow, Vec<Finding>> {
    check(settings, fields).map(|(flow, _)| flow)
}

/// The sentences that are the same for every call.
pub fn fixed(settings: &Settings) -> Result<Vec<Speech>, Vec<Finding>> {
    check(settings, &|_| None).map(|(_, fixed)| fixed)
}

fn check(settings: &Settings, fields: Fields<'_>) -> Result<(Flow, Vec<Speech>), Vec<Finding>> {
    let names: Vec<&str> = settings.menus.keys().map(String::as_str).collect();
    let (backs, findings, fixed) = (Vec::new(), Vec::new(), Vec::new());
    let mut check = Check { settings, fields, names, backs, fixed, findings };
    let start = check.start();
    let menus =
        settings.menus.iter().enumerate().map(|(id, (name, menu))| check.menu(id, name, menu)).collect();
    let flow = Flow { start, menus };
    if check.findings.is_empty() {
        check.dead_ends(&flow);
        check.endless(&flow);
    }
    if check.findings.is_empty() { Ok((flow, check.fixed)) } else { Err(check.findings) }
}

struct Check<'a> {
    settings: &'a Settings,
    fields: Fields<'a>,
    /// By [`MenuId`].
    names: Vec<&'a str>,
    /// Where `back` is written, and in which menu.
    backs: Vec<(MenuId, Vec<String>)>,
    /// Sentences without a gap.
    fixed: Vec<Speech>,
    findings: Vec<Finding>,
}

/// A place in the settings.
#[derive(Clone, Copy)]
struct Path<'a> {
    above: Option<&'a Path<'a>>,
    key: &'a str,
}

impl<'a> Path<'a> {
    fn of(key: &'a str) -> Self {
        Path { above: None, key }
    }

    fn to(&'a self, key: &'a str) -> Path<'a> {
        Path { above: Some(self), key }
    }

    fn keys(&self) -> Vec<String> {
        let mut keys = self.above.map(Path::keys).unwrap_or_default();
        keys.push(self.key.to_string());
        keys
    }
}

impl Check<'_> {
    fn find(&mut self, path: &Path<'_>, text: impl Into<String>, help: impl Into<String>) {
        self.findings.push(Finding::at(path.keys(), text).help(help));
    }

    fn start(&mut self) -> MenuId {
        match (&self.settings.start, self.names.len()) {
            (_, 0) => {
                self.find(
                    &Path::of("menus"),
                    "there is no menu",
                    "write [config.menus.main] with prompts and keys",
                );
                0
            }
            (Some(name), _) => self.named(&Path::of("start"), name),
            (None, 1) => 0,
            (None, _) => {
                let help = format!("write start = {:?} in [config]", self.names[0]);
                self.find(
                    &Path::of("start"),
                    "several menus, and it is not said which one comes first",
                    help,
                );
                0
            }
        }
    }

    fn named(&mut self, path: &Path<'_>, name: &str) -> MenuId {
        if let Some(id) = self.names.iter().position(|known| *known == name) {
            return id;
        }
        let nearest = self.names.iter().min_by_key(|known| strsim::levenshtein(known, name));
        let help = match nearest {
            Some(known) if strsim::levenshtein(known, name) <= 1 + name.len() / 3 => {
                format!("did you mean {known:?}?")
            }
            _ => format!("the menus are: {}", self.names.join(", ")),
        };
        self.find(path, format!("there is no menu {name:?}"), help);
        0
    }

    fn menu(&mut self, id: MenuId, name: &str, menu: &settings::Menu) -> Menu {
        let above = Path::of("menus");
        let path = above.to(name);
        let greeting = self.prompts(&path.to("greeting"), &menu.greeting);
        let prompts = self.prompts(&path.to("prompts"), &menu.prompts);
        if greeting.is_empty() && prompts.is_empty() {
            self.find(&path, "has nothing to say", "write prompts = [\"Pour joindre Alice, taper 1.\"]");
        }
        let kind = if menu.keys.is_empty() {
            Kind::Message { then: self.message(id, &path, menu) }
        } else {
            Kind::Choice(self.choice(id, &path, menu))
        };
        let barge_in = menu.barge_in.unwrap_or(!menu.keys.is_empty());
        Menu { name: name.to_string(), greeting, prompts, barge_in, kind }
    }

    /// A menu without keys.
    fn message(&mut self, id: MenuId, path: &Path<'_>, menu: &settings::Menu) -> flow::Action {
        let useless = [
            ("response-timeout", menu.response_timeout.is_some()),
            ("on-timeout", menu.on_timeout.is_some()),
            ("invalid", menu.invalid.is_some()),
            ("max-attempts", menu.max_attempts.is_some()),
            ("goodbye", menu.goodbye.is_some()),
        ];
        for (key, _) in useless.into_iter().filter(|(_, given)| *given) {
            let help = format!("write keys.1 = {{ ... }}, or remove `{key}`");
            self.find(&path.to(key), "has no effect: this menu has no keys", help);
        }
        match &menu.then {
            Some(then) => self.action(id, &path.to("then"), then),
            None => {
                let help = "write then = \"hangup\", or keys.1 = { ring = \"alice\", ... }";
                self.find(path, "has neither keys nor `then`: the call would go nowhere", help);
                flow::Action::HangUp
            }
        }
    }

    fn choice(&mut self, id: MenuId, path: &Path<'_>, menu: &settings::Menu) -> Choice {
        if menu.then.is_some() {
            let help = "write on-timeout for a caller who presses nothing";
            self.find(&path.to("then"), "has no effect: this menu waits for a key", help);
        }
        Choice {
            keys: self.keys(id, path, menu),
            timeout: self.response_timeout(path, menu),
            on_timeout: self.action_or(id, &path.to("on-timeout"), &menu.on_timeout, flow::Action::Repeat),
            invalid: self.action_or(id, &path.to("invalid"), &menu.invalid, flow::Action::Repeat),
            max_attempts: self.max_attempts(path, menu),
            goodbye: self.action_or(id, &path.to("goodbye"), &menu.goodbye, flow::Action::HangUp),
        }
    }

    fn keys(&mut self, id: MenuId, path: &Path<'_>, menu: &settings::Menu) -> BTreeMap<char, flow::Action> {
        let mut fates = BTreeMap::new();
        let above = path.to("keys");
        for (name, action) in &menu.keys {
            let path = above.to(name);
            match single_key(name) {
                Some(key) => drop(fates.insert(key, self.action(id, &path, action))),
                None => self.find(
                    &path,
                    format!("{name:?} is no key"),
                    "a key is one of 0 to 9, \"*\" and \"#\"; for all others together write \
                     invalid = { say = \"Entrée invalide\", then = \"restart\" }",
                ),
            }
        }
        let without: Vec<char> = KEYS.chars().filter(|key| !fates.contains_key(key)).collect();
        if menu.invalid.is_none() && !without.is_empty() {
            let help =
                "write invalid = { say = \"Entrée invalide\", then = \"restart\" } for all keys without one";
            self.find(&above, no_fate(&without), help);
        }
        fates
    }

    fn response_timeout(&mut self, path: &Path<'_>, menu: &settings::Menu) -> Duration {
        let help = "write response-timeout = \"10s\"";
        match menu.response_timeout {
            None => self.find(path, "waits for a key without a time-out", help),
            Some(time) if time.is_zero() => {
                self.find(&path.to("response-timeout"), "leaves no time to press a key", help);
            }
            Some(time) => return *time,
        }
        Duration::ZERO
    }

    fn max_attempts(&mut self, path: &Path<'_>, menu: &settings::Menu) -> u32 {
        let attempts = menu.max_attempts.unwrap_or(DEFAULT_ATTEMPTS);
        if attempts == 0 {
            let text = "a silent line would stay in this menu for ever";
            self.find(&path.to("max-attempts"), text, "write max-attempts = 3");
        }
        attempts
    }

    fn action_or(
        &mut self,
        id: MenuId,
        path: &Path<'_>,
        action: &Option<settings::Action>,
        default: flow::Action,
    ) -> flow::Action {
        action.as_ref().map_or(default, |action| self.action(id, path, action))
    }

    fn action(&mut self, id: MenuId, path: &Path<'_>, action: &settings::Action) -> flow::Action {
        match action {
            settings::Action::Repeat => flow::Action::Repeat,
            settings::Action::Restart => flow::Action::Restart,
            settings::Action::HangUp => flow::Action::HangUp,
            settings::Action::Back => {
                self.backs.push((id, path.keys()));
                flow::Action::Back
            }
            settings::Action::Menu(name) => flow::Action::Menu(self.named(&path.to("menu"), name)),
            settings::Action::Say { prompts, then } => {
                let prompts = self.prompts(&path.to("say"), prompts);
                flow::Action::Say(prompts, Box::new(self.then(id, path, then)))
            }
            settings::Action::Ring { targets, time, no_answer, busy, unavailable } => {
                flow::Action::Ring(Box::new(Ring {
                    targets: self.targets(path, targets),
                    time: self.ring_time(path, *time),
                    no_answer: self.no_answer(id, path, targets, no_answer),
                    busy: busy.as_ref().map(|action| self.action(id, &path.to("busy"), action)),
                    unavailable: unavailable
                        .as_ref()
                        .map(|action| self.action(id, &path.to("unavailable"), action)),
                }))
            }
        }
    }

    fn then(&mut self, id: MenuId, path: &Path<'_>, then: &Option<Box<settings::Action>>) -> flow::Action {
        if let Some(then) = then {
            return self.action(id, &path.to("then"), then);
        }
        let help = "write then = \"repeat\" (or \"restart\", \"back\", \"hangup\", { menu = \"...\" })";
        self.find(path, "it is not said what follows the sentence", help);
        flow::Action::HangUp
    }

    fn targets(&mut self, path: &Path<'_>, targets: &List<String>) -> Vec<String> {
        if targets.0.is_empty() || targets.0.iter().any(|target| target.trim().is_empty()) {
            self.find(&path.to("ring"), "rings nobody", "write ring = \"alice\", or a number");
        }
        targets.0.clone()
    }

    fn ring_time(&mut self, path: &Path<'_>, time: Option<Time>) -> Duration {
        let time = time.map_or(DEFAULT_RING, |time| *time);
        if time.is_zero() {
            self.find(&path.to("for"), "does not ring at all", "write for = \"10s\"");
        }
        time
    }

    fn no_answer(
        &mut self,
        id: MenuId,
        path: &Path<'_>,
        targets: &List<String>,
        branch: &Option<Box<settings::Action>>,
    ) -> flow::Action {
        if let Some(branch) = branch {
            return self.action(id, &path.to("no-answer"), branch);
        }
        let who = targets.0.join(", ");
        let text = format!("rings {who}, and it is not said what follows when nobody answers");
        self.find(path, text, "write no-answer = { say = \"...\", then = \"repeat\" }");
        flow::Action::HangUp
    }

    fn prompts(&mut self, path: &Path<'_>, prompts: &List<settings::Prompt>) -> Vec<Prompt> {
        let alone = prompts.0.len() == 1;
        let prompts = prompts.0.iter().enumerate();
        prompts
            .map(|(index, prompt)| {
                let index = index.to_string();
                let place = if alone { *path } else { path.to(&index) };
                self.prompt(&place, prompt)
            })
            .collect()
    }

    fn prompt(&mut self, path: &Path<'_>, prompt: &settings::Prompt) -> Prompt {
        match prompt {
            settings::Prompt::Say { text, language, voice } => {
                if text.trim().is_empty() {
                    self.find(path, "is an empty sentence", "write what the caller shall hear, or remove it");
                }
                let lang = language.as_ref().unwrap_or(&self.settings.language);
                let voice = voice.as_ref().unwrap_or(&self.settings.voice);
                let text = Text::parse(text).unwrap_or_else(|wrong| {
                    self.find(path, wrong, "write {name}, or {name:date} for what is said as a date");
                    Text::default()
                });
                let said = text.fill(Language::of(lang), self.fields);
                let speech = Speech::new(said).lang(lang).voice(voice);
                if text.is_fixed() {
                    self.fixed.push(speech.clone());
                }
                Prompt::Say(speech)
            }
            settings::Prompt::File(name) => {
                if name.trim().is_empty() {
                    self.find(path, "is a file without a name", "write { file = \"welcome.wav\" }");
                }
                Prompt::File(name.clone())
            }
            settings::Prompt::Tone(tone) => Prompt::Tone(tone.clone()),
            settings::Prompt::Silence(time) => Prompt::Silence(**time),
        }
    }

    /// `back` needs a menu to go back to.
    fn dead_ends(&mut self, flow: &Flow) {
        for (id, path) in std::mem::take(&mut self.backs) {
            let why = match id {
                id if id == flow.start => "a call begins with this menu",
                id if callers(flow, id).next().is_none() => "no key leads to this menu",
                _ => continue,
            };
            let finding = Finding::at(path, format!("there is nothing to go back to: {why}"));
            self.findings.push(finding.help("write \"repeat\" or \"hangup\""));
        }
    }

    /// Whoever presses nothing must come to an end.
    fn endless(&mut self, flow: &Flow) {
        for (id, menu) in flow.menus.iter().enumerate() {
            let mut reached = Vec::new();
            let mut ahead = silent_targets(flow, id);
            while let Some(next) = ahead.pop() {
                if !reached.contains(&next) {
                    reached.push(next);
                    ahead.extend(silent_targets(flow, next));
                }
            }
            if reached.contains(&id) {
                let menus = Path::of("menus");
                let menu_path = menus.to(&menu.name);
                let path = menu_path.to(silent_exit(menu).0);
                self.find(
                    &path,
                    "leads back here without a key: a silent line would never end",
                    "end with \"hangup\"",
                );
            }
        }
    }
}

fn single_key(name: &str) -> Option<char> {
    let mut characters = name.chars();
    characters.next().filter(|key| characters.next().is_none() && KEYS.contains(*key))
}

/// "the keys 0, 4 to 9, * and # have no fate"
fn no_fate(keys: &[char]) -> String {
    let mut runs: Vec<(char, char)> = Vec::new();
    for &key in keys {
        match runs.last_mut() {
            Some((_, last)) if key.is_ascii_digit() && *last as u32 + 1 == key as u32 => *last = key,
            _ => runs.push((key, key)),
        }
    }
    let words = runs.into_iter().map(|(first, last)| match last as u32 - first as u32 {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first} to {last}"),
    });
    let words: Vec<String> = words.collect();
    match (keys, words.split_last()) {
        ([key], _) => format!("the key {key} has no fate: whoever presses it would be left alone"),
        (_, Some((last, []))) => format!("the keys {last} have no fate"),
        (_, Some((last, others))) => format!("the keys {} and {last} have no fate", others.join(", ")),
        (_, None) => String::new(),
    }
}

/// Menus with a key or a branch that leads to this one.
fn callers(flow: &Flow, id: MenuId) -> impl Iterator<Item = MenuId> {
    flow.menus.iter().enumerate().filter_map(move |(caller, menu)| {
        let mut calls = false;
        menu.each_action(&mut |action| calls |= matches!(action, flow::Action::Menu(to) if *to == id));
        (calls && caller != id).then_some(caller)
    })
}

/// How a menu is left by a line that stays silent.
fn silent_exit(menu: &Menu) -> (&'static str, &flow::Action) {
    match &menu.kind {
        Kind::Message { then } => ("then", then),
        Kind::Choice(choice) => ("goodbye", &choice.goodbye),
    }
}

fn silent_targets(flow: &Flow, id: MenuId) -> Vec<MenuId> {
    let mut targets = Vec::new();
    silent_exit(&flow.menus[id]).1.each(&mut |action| match action {
        flow::Action::Repeat | flow::Action::Restart => targets.push(id),
        flow::Action::Menu(to) => targets.push(*to),
        flow::Action::Back => targets.extend(callers(flow, id)),
        flow::Action::HangUp | flow::Action::Say(..) | flow::Action::Ring(_) => {}
    });
    targets
}
