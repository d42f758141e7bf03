//! Follows the dialplan as calls would, and writes down what they hear and what their keys do.
//!
//! A run begins where a call comes in, where a Goto leads, and after a Dial; it ends with a Goto, a Dial, a
//! hang-up, or with waiting for a key. Then it is a menu, known by where its first prompt stands: whoever
//! comes there again comes to the same menu.

mod channel;
mod menus;
mod steps;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use self::{
    channel::{Channel, Scope},
    menus::Draft,
};
use super::{
    dialplan::{Dialplan, Point, Step},
    phones::Phones,
    sounds::Sounds,
};
use crate::import::{
    flow::{Action, MenuId, Prompt},
    report::{Place, Report},
};

/// Lines of all runs together.
const MAX_STEPS: usize = 100_000;
/// Runs that lead to runs.
const MAX_DEPTH: usize = 64;
/// Menus of one dialplan.
const MAX_MENUS: usize = 200;
/// Prompts of one run.
const MAX_PROMPTS: usize = 100;

/// Follows calls through one dialplan.
pub struct Walk<'a> {
    dialplan: &'a Dialplan,
    /// Whom lines ring.
    pub phones: &'a mut Phones,
    sounds: &'a mut Sounds,
    /// Hears of everything.
    pub report: &'a mut Report,
    drafts: Vec<Draft>,
    ids: BTreeMap<(Point, Channel), MenuId>,
    /// Since the last Dial.
    status_read: bool,
    steps: usize,
    /// Said once only.
    told: BTreeSet<String>,
    /// Contexts whose beginning a call came to.
    pub visited: BTreeSet<String>,
}

/// One run, so far.
struct Run {
    point: Point,
    channel: Channel,
    /// The menu whose key led here.
    home: Option<MenuId>,
    /// Each with whether a key stops it.
    heard: Vec<(Prompt, bool)>,
    /// Where the first prompt stands, and what the call carried there.
    first: Option<(Point, Channel)>,
    /// Keys count while something is heard: the line that began it, and the context of the keys.
    listens: Option<(Place, String)>,
    /// Where the Gotos on the way here led.
    way: Vec<(Point, Channel)>,
}

/// What follows a line.
enum Next {
    /// The line with the next priority.
    Step,
    /// That line.
    Jump(Point),
    /// Nothing: the run ends with this.
    Done(Action),
    /// A key, in that context, within that time.
    Key(String, Duration),
}

impl<'a> Walk<'a> {
    /// Begins with no call.
    pub fn new(
        dialplan: &'a Dialplan,
        phones: &'a mut Phones,
        sounds: &'a mut Sounds,
        report: &'a mut Report,
    ) -> Walk<'a> {
        let (drafts, ids, told, visited) = Default::default();
        Walk { dialplan, phones, sounds, report, drafts, ids, status_read: false, steps: 0, told, visited }
    }

    /// What happens to a call that comes in there.
    pub fn enter(&mut self, point: Point) -> Action {
        let action = self.follow(point, Channel::default(), None, Vec::new());
        self.finish();
        action
    }

    /// What happens to a call for which that is done alone, as call files can ask for.
    pub fn perform_alone(&mut self, step: &Step) -> Action {
        let point = Point { context: String::new(), exten: "s".to_owned(), priority: 1 };
        let mut run = Run::new(point, Channel::default(), None, Vec::new());
        let action = match self.perform(step, &mut run) {
            Next::Done(action) => action,
            Next::Step | Next::Jump(_) | Next::Key(..) => Action::HangUp,
        };
        say(run.prompts(), action)
    }

    fn follow(
        &mut self,
        point: Point,
        channel: Channel,
        home: Option<MenuId>,
        way: Vec<(Point, Channel)>,
    ) -> Action {
        let dialplan = self.dialplan;
        let mut run = Run::new(point, channel, home, way);
        loop {
            let Some(step) = dialplan.step(&run.point) else {
                return self.run_out(run);
            };
            self.steps += 1;
            if run.point.exten == "s" && !self.visited.contains(&run.point.context) {
                self.visited.insert(run.point.context.clone());
            }
            if self.steps > MAX_STEPS || run.heard.len() > MAX_PROMPTS {
                self.tell_once(&step.place, "the dialplan is too long to be followed from here on");
                return say(run.prompts(), Action::HangUp);
            }
            let next = self.perform(step, &mut run);
            match next {
                Next::Step => match run.point.priority.checked_add(1) {
                    Some(priority) => run.point.priority = priority,
                    None => return self.run_out(run),
                },
                Next::Jump(target) => return self.jump(step, run, target),
                Next::Done(action) => return say(run.prompts(), action),
                Next::Key(context, time) => return self.menu(&step.place, run, context, time),
            }
        }
    }

    fn jump(&mut self, step: &Step, mut run: Run, target: Point) -> Action {
        let state = (target.clone(), run.channel.clone());
        if run.way.contains(&state) || run.way.len() > MAX_DEPTH {
            let text = "this leads back to where the call was, and no key is waited for: it would never end";
            self.report.defect(&step.place, format!("{text}; here it ends"));
            return say(run.prompts(), Action::HangUp);
        }
        let prompts = run.prompts();
        run.way.push(state);
        let then = self.follow(target, run.channel, run.home, run.way);
        say(prompts, then)
    }

    /// There is no line any more.
    fn run_out(&mut self, mut run: Run) -> Action {
        if let Some((place, context)) = run.listens.clone().filter(|(_, context)| self.has_keys(context)) {
            let text = "no WaitExten follows the prompts: Asterisk takes keys only while they are heard";
            self.report.defect(&place, format!("{text}; here there is time to press one after them, too"));
            let time = run.channel.response;
            return self.menu(&place, run, context, time);
        }
        say(run.prompts(), Action::HangUp)
    }

    /// The text with its variables replaced.
    fn expand(&mut self, run: &Run, text: &str) -> Option<String> {
        let mut scope = Scope {
            dialplan: self.dialplan,
            point: &run.point,
            channel: &run.channel,
            status_read: self.status_read,
        };
        let expanded = scope.expand(text);
        self.status_read = scope.status_read;
        expanded
    }

    fn tell_once(&mut self, place: &Place, text: &str) {
        if self.told.insert(text.to_owned()) {
            self.report.not_carried(place, text);
        }
    }
}

impl Run {
    fn new(point: Point, channel: Channel, home: Option<MenuId>, way: Vec<(Point, Channel)>) -> Run {
        Run { point, channel, home, heard: Vec::new(), first: None, listens: None, way }
    }

    fn hear(&mut self, prompt: Prompt, is_stopped_by_keys: bool) {
        if self.first.is_none() {
            self.first = Some((self.point.clone(), self.channel.clone()));
        }
        self.heard.push((prompt, is_stopped_by_keys));
    }

    fn prompts(&mut self) -> Vec<Prompt> {
        std::mem::take(&mut self.heard).into_iter().map(|(prompt, _)| prompt).collect()
    }
}

/// The prompts, and then that. A pause before the end is none.
fn say(mut prompts: Vec<Prompt>, action: Action) -> Action {
    match action {
        Action::Say(more, then) => {
            prompts.extend(more);
            Action::Say(prompts, then)
        }
        Action::HangUp if prompts.iter().all(|prompt| matches!(prompt, Prompt::Silence(_))) => Action::HangUp,
        action if prompts.is_empty() => action,
        action => Action::Say(prompts, Box::new(action)),
    }
}

#[cfg(test)]
mod tests;
