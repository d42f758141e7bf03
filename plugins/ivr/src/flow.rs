//! A menu that makes sense: every target exists, every key has a fate, nothing goes on for ever.

use std::{collections::BTreeMap, time::Duration};

use jackfield_sdk::Prompt;

/// Place of a menu in [`Flow::menus`].
pub type MenuId = usize;

#[derive(Debug)]
pub struct Flow {
    pub start: MenuId,
    pub menus: Vec<Menu>,
}

#[derive(Debug)]
pub struct Menu {
    pub name: String,
    /// Heard once, when the menu is entered from the top.
    pub greeting: Vec<Prompt>,
    pub prompts: Vec<Prompt>,
    pub barge_in: bool,
    pub kind: Kind,
}

#[derive(Debug)]
pub enum Kind {
    /// Is heard, and goes on.
    Message { then: Action },
    /// Waits for a key.
    Choice(Choice),
}

#[derive(Debug)]
pub struct Choice {
    pub keys: BTreeMap<char, Action>,
    pub timeout: Duration,
    pub on_timeout: Action,
    pub invalid: Action,
    pub max_attempts: u32,
    pub goodbye: Action,
}

#[derive(Debug)]
pub enum Action {
    /// The prompts again.
    Repeat,
    /// The menu again, from the top.
    Restart,
    /// The prompts of the menu before.
    Back,
    HangUp,
    Menu(MenuId),
    Say(Vec<Prompt>, Box<Action>),
    Ring(Box<Ring>),
}

#[derive(Debug)]
pub struct Ring {
    pub targets: Vec<String>,
    pub time: Duration,
    pub no_answer: Action,
    /// As `no_answer` unless said.
    pub busy: Option<Action>,
    /// As `no_answer` unless said.
    pub unavailable: Option<Action>,
}

impl Action {
    /// This action, and those that may follow it in the same menu.
    pub fn each<'a>(&'a self, visit: &mut impl FnMut(&'a Action)) {
        visit(self);
        match self {
            Action::Say(_, then) => then.each(visit),
            Action::Ring(ring) => {
                let branches = [Some(&ring.no_answer), ring.busy.as_ref(), ring.unavailable.as_ref()];
                branches.into_iter().flatten().for_each(|branch| branch.each(visit));
            }
            Action::Repeat | Action::Restart | Action::Back | Action::HangUp | Action::Menu(_) => {}
        }
    }
}

impl Menu {
    /// All actions of this menu, with those that follow them.
    pub fn each_action<'a>(&'a self, visit: &mut impl FnMut(&'a Action)) {
        match &self.kind {
            Kind::Message { then } => then.each(visit),
            Kind::Choice(choice) => {
                choice.keys.values().for_each(|action| action.each(visit));
                let others = [&choice.on_timeout, &choice.invalid, &choice.goodbye];
                others.into_iter().for_each(|action| action.each(visit));
            }
        }
    }
}
