//! What callers hear and what their keys do, in the shapes of the plugin `ivr`.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

/// Place of a menu in [`Flow::menus`].
pub type MenuId = usize;

/// The settings of one plugin.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// Of the sentences that do not say; may be empty.
    pub language: String,
    /// The menu that a call begins with.
    pub start: MenuId,
    /// At least one.
    pub menus: Vec<Menu>,
    /// Audio files by the name that prompts call them.
    pub sounds: BTreeMap<String, PathBuf>,
}

/// `[config.menus.NAME]`
#[derive(Clone, Debug, PartialEq)]
pub struct Menu {
    /// Its key.
    pub name: String,
    /// Heard once, when the menu is entered from the top.
    pub greeting: Vec<Prompt>,
    /// Heard each time.
    pub prompts: Vec<Prompt>,
    /// Whether a key stops the prompts.
    pub barge_in: bool,
    /// What follows them.
    pub kind: Kind,
}

/// What follows the prompts of a menu.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Something else.
    Message(Action),
    /// A key of the caller's.
    Choice(Choice),
}

/// What each key does.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Of `0` to `9`, `*` and `#`.
    pub keys: BTreeMap<char, Action>,
    /// From the prompts' end.
    pub timeout: Duration,
    /// When nothing was pressed.
    pub on_timeout: Action,
    /// For each key that `keys` does not name.
    pub invalid: Action,
}

/// Something to be heard.
#[derive(Clone, Debug, PartialEq)]
pub enum Prompt {
    /// A sentence; a language only where it is not that of the flow.
    Say {
        /// UTF-8, as it is written.
        text: String,
        /// BCP 47.
        language: Option<String>,
    },
    /// A name of [`Flow::sounds`].
    File(String),
    /// Nothing, for a while.
    Silence(Duration),
}

/// What a key, a time-out or the end of a prompt does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The prompts of this menu again.
    Repeat,
    /// This menu again, with its greeting.
    Restart,
    /// The end of the call.
    HangUp,
    /// Another menu, or this one, from the top.
    Menu(MenuId),
    /// Something to be heard first.
    Say(Vec<Prompt>, Box<Action>),
    /// Somebody's phone.
    Ring(Box<Ring>),
}

/// Whom to ring, and what follows when nobody answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Ring {
    /// All at once.
    pub targets: Vec<Target>,
    /// How long; as long as usual when not said.
    pub time: Option<Duration>,
    /// When nobody answered in that time.
    pub no_answer: Action,
    /// As `no_answer` unless said.
    pub busy: Option<Action>,
    /// As `no_answer` unless said.
    pub unavailable: Option<Action>,
}

/// Who can be rung.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A user, by name.
    User(String),
    /// Whoever has the number that was dialled.
    AnyUser,
    /// A number of the exchange's own.
    Number(String),
    /// A number behind another host; it may be a template with `{number}` or `{rest}`.
    Outside {
        /// What is dialled there.
        number: String,
        /// `HOST` or `HOST:PORT`.
        host: String,
    },
}

impl Target {
    /// As a person would call it.
    pub fn name(&self) -> &str {
        match self {
            Target::User(name) | Target::Number(name) | Target::Outside { number: name, .. } => name,
            Target::AnyUser => "whoever has the number",
        }
    }
}

impl Action {
    /// This action and those that may follow it at once.
    pub fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a Action)) {
        visit(self);
        match self {
            Action::Say(_, then) => then.each(visit),
            Action::Ring(ring) => {
                let branches = [Some(&ring.no_answer), ring.busy.as_ref(), ring.unavailable.as_ref()];
                branches.into_iter().flatten().for_each(|branch| branch.each(visit));
            }
            Action::Repeat | Action::Restart | Action::HangUp | Action::Menu(_) => {}
        }
    }

    /// As [`each`](Action::each), to change them.
    pub fn each_mut(&mut self, visit: &mut dyn FnMut(&mut Action)) {
        visit(self);
        match self {
            Action::Say(_, then) => then.each_mut(visit),
            Action::Ring(ring) => {
                ring.no_answer.each_mut(visit);
                ring.busy.iter_mut().for_each(|branch| branch.each_mut(visit));
                ring.unavailable.iter_mut().for_each(|branch| branch.each_mut(visit));
            }
            Action::Repeat | Action::Restart | Action::HangUp | Action::Menu(_) => {}
        }
    }

    fn prompts_mut(&mut self, visit: &mut dyn FnMut(&mut Prompt)) {
        self.each_mut(&mut |action| {
            if let Action::Say(prompts, _) = action {
                prompts.iter_mut().for_each(&mut *visit);
            }
        });
    }
}

impl Menu {
    /// What may follow the prompts.
    pub fn actions(&self) -> Vec<&Action> {
        match &self.kind {
            Kind::Message(then) => vec![then],
            Kind::Choice(choice) => {
                choice.keys.values().chain([&choice.on_timeout, &choice.invalid]).collect()
            }
        }
    }

    fn actions_mut(&mut self) -> Vec<&mut Action> {
        match &mut self.kind {
            Kind::Message(then) => vec![then],
            Kind::Choice(choice) => {
                choice.keys.values_mut().chain([&mut choice.on_timeout, &mut choice.invalid]).collect()
            }
        }
    }

    fn leads_to(&self, menu: MenuId) -> bool {
        let mut leads = false;
        for action in self.actions() {
            action.each(&mut |action| leads |= *action == Action::Menu(menu));
        }
        leads
    }
}

impl Flow {
    /// Everybody whom it may ring.
    pub fn targets(&self) -> Vec<&Target> {
        let mut targets = Vec::new();
        for action in self.menus.iter().flat_map(Menu::actions) {
            action.each(&mut |action| {
                if let Action::Ring(ring) = action {
                    targets.extend(&ring.targets);
                }
            });
        }
        targets.sort();
        targets.dedup();
        targets
    }

    /// Gives menus the places that they have now; one that has none is not there.
    pub fn renumber(&mut self, ids: &BTreeMap<MenuId, MenuId>) {
        for action in self.menus.iter_mut().flat_map(Menu::actions_mut) {
            action.each_mut(&mut |action| {
                if let Action::Menu(id) = action {
                    *action = ids.get(id).map_or(Action::HangUp, |id| Action::Menu(*id));
                }
            });
        }
    }

    /// Gives each menu a name of its own.
    pub fn name_apart(&mut self) {
        for id in 1..self.menus.len() {
            let (before, rest) = self.menus.split_at_mut(id);
            let own = rest[0].name.clone();
            let numbered = (2..).map(|number| format!("{own}-{number}"));
            let mut names = std::iter::once(own.clone()).chain(numbered);
            let free = names.find(|name| before.iter().all(|menu| menu.name != *name));
            rest[0].name = free.unwrap_or(own);
        }
    }

    /// Keeps the files that its prompts name.
    pub fn take_sounds(&mut self, all: &BTreeMap<String, PathBuf>) {
        let mut sounds = BTreeMap::new();
        self.each_prompt(&mut |prompt| {
            if let Prompt::File(name) = prompt
                && let Some(path) = all.get(name)
            {
                sounds.insert(name.clone(), path.clone());
            }
        });
        self.sounds = sounds;
    }

    /// Says the same in fewer words: what is heard once becomes a greeting, a menu's way back to itself a
    /// word, and the language of most sentences that of the flow.
    pub fn tidy(&mut self) {
        while let Some((whole, part)) = self.greeted() {
            self.join(whole, part);
        }
        for (id, menu) in self.menus.iter_mut().enumerate() {
            let word = if menu.greeting.is_empty() { Action::Repeat } else { Action::Restart };
            for action in menu.actions_mut() {
                action.each_mut(&mut |action| {
                    if *action == Action::Menu(id) {
                        *action = word.clone();
                    }
                });
            }
        }
        self.agree_on_language();
    }

    /// A menu that repeats only the end of its prompts, and the menu that has nothing but that end.
    fn greeted(&self) -> Option<(MenuId, MenuId)> {
        let pairs = (0..self.menus.len()).flat_map(|one| (0..self.menus.len()).map(move |two| (one, two)));
        pairs.filter(|(one, two)| one != two && *two != self.start).find(|&(one, two)| {
            let (whole, part) = (&self.menus[one], &self.menus[two]);
            let others = (0..self.menus.len()).filter(|&id| id != one && id != two);
            whole.greeting.is_empty()
                && part.greeting.is_empty()
                && whole.kind == part.kind
                && whole.barge_in == part.barge_in
                && matches!(whole.kind, Kind::Choice(_))
                && !part.prompts.is_empty()
                && whole.prompts.len() > part.prompts.len()
                && whole.prompts.ends_with(&part.prompts)
                && others.into_iter().all(|id| !self.menus[id].leads_to(two))
        })
    }

    fn join(&mut self, whole: MenuId, part: MenuId) {
        let prompts = self.menus[part].prompts.clone();
        let menu = &mut self.menus[whole];
        menu.greeting = menu.prompts[..menu.prompts.len() - prompts.len()].to_vec();
        menu.prompts = prompts;
        for action in menu.actions_mut() {
            action.each_mut(&mut |action| {
                if *action == Action::Menu(part) {
                    *action = Action::Repeat;
                }
            });
        }
        self.menus.remove(part);
        let moved = |id: MenuId| if id > part { id - 1 } else { id };
        self.start = moved(self.start);
        for action in self.menus.iter_mut().flat_map(Menu::actions_mut) {
            action.each_mut(&mut |action| {
                if let Action::Menu(id) = action {
                    *id = moved(*id);
                }
            });
        }
    }

    fn agree_on_language(&mut self) {
        let mut spoken: BTreeMap<String, usize> = BTreeMap::new();
        self.each_prompt(&mut |prompt| {
            if let Prompt::Say { language: Some(language), .. } = prompt {
                *spoken.entry(language.clone()).or_default() += 1;
            }
        });
        let most = spoken.into_iter().max_by_key(|(_, times)| *times);
        let Some((language, _)) = most else { return };
        self.each_prompt(&mut |prompt| {
            if let Prompt::Say { language: own, .. } = prompt
                && own.as_deref() == Some(&language)
            {
                *own = None;
            }
        });
        self.language = language;
    }

    fn each_prompt(&mut self, visit: &mut dyn FnMut(&mut Prompt)) {
        for menu in &mut self.menus {
            menu.greeting.iter_mut().for_each(&mut *visit);
            menu.prompts.iter_mut().for_each(&mut *visit);
            menu.actions_mut().into_iter().for_each(|action| action.prompts_mut(visit));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(text: &str) -> Prompt {
        Prompt::Say { text: text.to_owned(), language: Some("fr".to_owned()) }
    }

    fn menu(name: &str, prompts: &[&str], on_timeout: Action) -> Menu {
        let choice = Choice {
            keys: BTreeMap::from([('1', Action::HangUp)]),
            timeout: Duration::from_secs(10),
            on_timeout,
            invalid: Action::Menu(0),
        };
        Menu {
            name: name.to_owned(),
            greeting: Vec::new(),
            prompts: prompts.iter().map(|text| say(text)).collect(),
            barge_in: true,
            kind: Kind::Choice(choice),
        }
    }

    fn flow(menus: Vec<Menu>) -> Flow {
        let mut flow = Flow { language: String::new(), start: 0, menus, sounds: BTreeMap::new() };
        flow.tidy();
        flow
    }

    #[test]
    fn what_is_not_repeated_is_a_greeting() {
        let again = Action::Menu(1);
        let flow = flow(vec![
            menu("all", &["Bonjour.", "Tapez 1."], again.clone()),
            menu("end", &["Tapez 1."], again),
        ]);
        let [menu] = &flow.menus[..] else { panic!("one menu: {flow:?}") };
        assert_eq!((menu.greeting.len(), menu.prompts.len()), (1, 1));
        let Kind::Choice(choice) = &menu.kind else { panic!("{menu:?}") };
        assert_eq!((&choice.on_timeout, &choice.invalid), (&Action::Repeat, &Action::Restart));
    }

    #[test]
    fn the_way_back_to_itself_is_a_word_and_the_language_is_said_once() {
        let flow = flow(vec![menu("all", &["Bonjour.", "Tapez 1."], Action::Menu(0))]);
        let Kind::Choice(choice) = &flow.menus[0].kind else { panic!("{flow:?}") };
        assert_eq!((&choice.on_timeout, &choice.invalid), (&Action::Repeat, &Action::Repeat));
        assert_eq!(flow.language, "fr");
        assert!(matches!(&flow.menus[0].prompts[0], Prompt::Say { language: None, .. }));
    }
}
