//! A call's way through the menus.

use std::time::Duration;

use jackfield_sdk::{Prompt, Result};

use crate::flow::{Action, Choice, Flow, Kind, Menu, MenuId, Ring};

/// What the walk needs of a call.
pub trait Line {
    /// Plays to the end, or to a key when it may barge in.
    fn play(&mut self, prompts: &[Prompt], barge_in: bool) -> Result<()>;

    /// Plays, and waits after that for one key. None: nobody pressed one.
    fn key(&mut self, prompts: &[Prompt], barge_in: bool, timeout: Duration) -> Result<Option<char>>;

    /// A key with a fate was pressed.
    fn chosen(&mut self, menu: &str, key: char) -> Result<()>;

    /// Rings all targets, and lets the caller talk to who answers.
    fn ring(&mut self, targets: &[String], time: Duration) -> Result<RingEnd>;
}

/// How ringing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RingEnd {
    /// Somebody answered, and has hung up since.
    Talked,
    NoAnswer,
    Busy,
    Unavailable,
}

/// Leads a call from the first menu to its end.
pub fn walk(flow: &Flow, line: &mut impl Line) -> Result<()> {
    let mut walk = Walk { flow, line, way: vec![flow.start], said: Vec::new(), failures: 0 };
    let mut next = Next::Top;
    while next != Next::End {
        let action = walk.visit(next == Next::Top)?;
        next = walk.perform(action)?;
    }
    Ok(())
}

/// Where the present menu is entered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// With its greeting.
    Top,
    /// Without.
    Prompts,
    End,
}

struct Walk<'a, L> {
    flow: &'a Flow,
    line: &'a mut L,
    /// The present menu last, before it those that `back` leads to.
    way: Vec<MenuId>,
    /// To be heard before what comes next, in one go with it.
    said: Vec<Prompt>,
    /// Time-outs and wrong keys since the last key with a fate.
    failures: u32,
}

impl<'a, L: Line> Walk<'a, L> {
    fn menu(&self) -> &'a Menu {
        let id = self.way.last().copied().unwrap_or(self.flow.start);
        &self.flow.menus[id]
    }

    fn visit(&mut self, from_top: bool) -> Result<&'a Action> {
        let menu = self.menu();
        let mut prompts = std::mem::take(&mut self.said);
        if from_top {
            prompts.extend_from_slice(&menu.greeting);
        }
        prompts.extend_from_slice(&menu.prompts);
        match &menu.kind {
            Kind::Message { then } => {
                self.line.play(&prompts, menu.barge_in)?;
                Ok(then)
            }
            Kind::Choice(choice) => {
                let key = self.line.key(&prompts, menu.barge_in, choice.timeout)?;
                self.choose(menu, choice, key)
            }
        }
    }

    fn choose(&mut self, menu: &'a Menu, choice: &'a Choice, key: Option<char>) -> Result<&'a Action> {
        if let Some((key, action)) = key.and_then(|key| choice.keys.get_key_value(&key)) {
            self.failures = 0;
            self.line.chosen(&menu.name, *key)?;
            return Ok(action);
        }
        let failed = if key.is_some() { &choice.invalid } else { &choice.on_timeout };
        self.failures += 1;
        if self.failures < choice.max_attempts {
            return Ok(failed);
        }
        self.failures = 0;
        // The last wrong key is told, too.
        if let Action::Say(prompts, _) = failed {
            self.said.extend_from_slice(prompts);
        }
        Ok(&choice.goodbye)
    }

    fn perform(&mut self, mut action: &'a Action) -> Result<Next> {
        loop {
            action = match action {
                Action::Say(prompts, then) => {
                    self.said.extend_from_slice(prompts);
                    then
                }
                Action::Ring(ring) => match self.ring(ring)? {
                    Some(branch) => branch,
                    None => return Ok(Next::End),
                },
                Action::Menu(id) => return Ok(self.enter(*id)),
                Action::Back => return Ok(self.back()),
                Action::Repeat => return Ok(Next::Prompts),
                Action::Restart => return Ok(Next::Top),
                Action::HangUp => {
                    self.speak(false)?;
                    return Ok(Next::End);
                }
            }
        }
    }

    /// Where to go on when nobody answered.
    fn ring(&mut self, ring: &'a Ring) -> Result<Option<&'a Action>> {
        self.speak(self.menu().barge_in)?;
        Ok(match self.line.ring(&ring.targets, ring.time)? {
            RingEnd::Talked => None,
            RingEnd::NoAnswer => Some(&ring.no_answer),
            RingEnd::Busy => Some(ring.busy.as_ref().unwrap_or(&ring.no_answer)),
            RingEnd::Unavailable => Some(ring.unavailable.as_ref().unwrap_or(&ring.no_answer)),
        })
    }

    fn speak(&mut self, barge_in: bool) -> Result<()> {
        if self.said.is_empty() {
            return Ok(());
        }
        let prompts = std::mem::take(&mut self.said);
        self.line.play(&prompts, barge_in)
    }

    /// A menu that lies on the way already is gone back to, so that the way stays short.
    fn enter(&mut self, id: MenuId) -> Next {
        match self.way.iter().position(|&passed| passed == id) {
            Some(place) => self.way.truncate(place + 1),
            None => self.way.push(id),
        }
        Next::Top
    }

    fn back(&mut self) -> Next {
        self.way.pop();
        if self.way.is_empty() { Next::End } else { Next::Prompts }
    }
}
