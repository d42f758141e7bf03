//! Runs that wait for a key become menus.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{Channel, MAX_MENUS, Place, Point, Run, Walk, steps::BEFORE_RING};
use crate::import::flow::{Action, Choice, Flow, Kind, Menu, MenuId, Prompt};

/// Every key that a telephone has.
const KEYS: &str = "0123456789*#";

/// A menu whose keys may not be known yet.
pub(super) struct Draft {
    place: Place,
    /// The line that waits.
    point: Point,
    channel: Channel,
    /// Where the extensions of the keys are.
    context: String,
    timeout: Duration,
    name: String,
    prompts: Vec<Prompt>,
    barge_in: bool,
    kind: Option<Kind>,
}

/// Actions of keys, and whether a pattern gave them.
type Keys = BTreeMap<char, (Action, bool)>;

impl Walk<'_> {
    /// The menu of a run that waits for a key now.
    pub(super) fn menu(&mut self, place: &Place, mut run: Run, context: String, timeout: Duration) -> Action {
        let (point, mut channel) =
            run.first.clone().unwrap_or_else(|| (run.point.clone(), run.channel.clone()));
        channel.status = None;
        run.channel.status = None;
        let key = (point.clone(), channel);
        if let Some(id) = self.ids.get(&key) {
            return Action::Menu(*id);
        }
        if self.drafts.len() == MAX_MENUS {
            self.tell_once(place, &format!("more than {MAX_MENUS} menus"));
            return Action::HangUp;
        }
        let id = self.drafts.len();
        let barge_in = self.barge_in(place, &run);
        let name =
            if point.exten == "s" { point.context } else { format!("{}-{}", point.context, point.exten) };
        self.drafts.push(Draft {
            place: place.clone(),
            point: run.point.clone(),
            channel: run.channel.clone(),
            context,
            timeout,
            name,
            prompts: run.prompts(),
            barge_in,
            kind: None,
        });
        self.ids.insert(key, id);
        Action::Menu(id)
    }

    fn barge_in(&mut self, place: &Place, run: &Run) -> bool {
        let sounds = run.heard.iter().filter(|(prompt, _)| !matches!(prompt, Prompt::Silence(_)));
        let stops: BTreeSet<bool> = sounds.map(|(_, is_stopped)| *is_stopped).collect();
        if stops.len() > 1 {
            let text = "some prompts of this menu were stopped by keys and some were not: here all are";
            self.report.changed(place, text);
        }
        stops.contains(&true) || stops.is_empty()
    }

    /// Whether any key does something there.
    pub(super) fn has_keys(&self, context: &str) -> bool {
        KEYS.chars().any(|key| self.dialplan.serves(context, &key.to_string()))
    }

    /// Finds out what the keys of new menus do, which may lead to further menus.
    pub(super) fn finish(&mut self) {
        let mut id = 0;
        while id < self.drafts.len() {
            if self.drafts[id].kind.is_none() {
                let kind = self.kind(id);
                self.drafts[id].kind = Some(kind);
            }
            id += 1;
        }
        self.break_circles();
    }

    /// Menus without keys that lead to each other would never end.
    fn break_circles(&mut self) {
        for id in 0..self.drafts.len() {
            let mut reached = BTreeSet::new();
            let mut ahead = self.silent_targets(id);
            while let Some(next) = ahead.pop() {
                if reached.insert(next) {
                    ahead.extend(self.silent_targets(next));
                }
            }
            if reached.contains(&id) {
                let text = "a line that stays silent would never end here: the call ends after the prompts";
                self.report.changed(&self.drafts[id].place, text);
                self.drafts[id].kind = Some(Kind::Message(Action::HangUp));
            }
        }
    }

    fn silent_targets(&self, id: MenuId) -> Vec<MenuId> {
        let mut targets = Vec::new();
        if let Some(Kind::Message(then)) = &self.drafts[id].kind {
            then.each(&mut |action| targets.extend(menu_of(action)));
        }
        targets
    }

    fn kind(&mut self, id: MenuId) -> Kind {
        let draft = &self.drafts[id];
        let (place, context) = (draft.place.clone(), draft.context.clone());
        let timeout = draft.timeout;
        let mut keys = self.keys(id, &context);
        self.longer_extensions(&place, &context);
        self.hangup_extension(&context);
        let on_timeout = self.on_timeout(id, &place, &context);
        if keys.is_empty() {
            self.report.defect(&place, format!("a key is waited for, and [{context}] has none"));
            self.drafts[id].prompts.push(Prompt::Silence(timeout));
            // There is no key that could end it.
            let ends = if on_timeout == Action::Menu(id) { Action::HangUp } else { on_timeout };
            return Kind::Message(ends);
        }
        let invalid = self.invalid(id, &place, &context, &keys);
        let has_own_use = |(action, is_pattern): &(Action, bool)| !*is_pattern || *action != invalid;
        // A menu needs a key.
        if keys.values().any(has_own_use) {
            keys.retain(|_, key| has_own_use(key));
        }
        let keys: BTreeMap<char, Action> = keys.into_iter().map(|(key, (action, _))| (key, action)).collect();
        let names: Vec<String> = keys.keys().map(char::to_string).collect();
        let text = format!(
            "the menu [{context}]: keys {}; {} s to press one",
            names.join(", "),
            timeout.as_secs_f32()
        );
        self.report.carried(&place, text);
        let text =
            "a menu without end in Asterisk: after three time-outs or wrong keys in a row the call ends here";
        self.report.changed(&place, format!("{text} (max-attempts, goodbye)"));
        Kind::Choice(Choice { keys, timeout, on_timeout, invalid })
    }

    fn keys(&mut self, id: MenuId, context: &str) -> Keys {
        let mut keys = Keys::new();
        for key in KEYS.chars() {
            let point = Point { context: context.to_owned(), exten: key.to_string(), priority: 1 };
            let Some(extension) = self.dialplan.extension(&point) else { continue };
            let is_pattern = extension.pattern.is_some();
            keys.insert(key, (self.branch(id, point), is_pattern));
        }
        keys
    }

    /// What follows when a call goes there from that menu.
    fn branch(&mut self, id: MenuId, point: Point) -> Action {
        let channel = self.drafts[id].channel.clone();
        self.follow(point, channel, Some(id), Vec::new())
    }

    /// The first of those special extensions that there is.
    fn special(&mut self, id: MenuId, context: &str, names: &[&str]) -> Option<Action> {
        let name = names.iter().find(|name| self.dialplan.serves(context, name))?;
        let point = Point { context: context.to_owned(), exten: (*name).to_owned(), priority: 1 };
        Some(self.branch(id, point))
    }

    fn on_timeout(&mut self, id: MenuId, place: &Place, context: &str) -> Action {
        let mut next = self.drafts[id].point.clone();
        next.priority = next.priority.saturating_add(1);
        if self.dialplan.step(&next).is_some() {
            return self.branch(id, next);
        }
        self.special(id, context, &["t", "e"]).unwrap_or_else(|| {
            let text = format!("[{context}] has no `t`: Asterisk ends the call of whoever presses nothing");
            self.report.defect(place, text + "; here the menu is heard again");
            Action::Menu(id)
        })
    }

    /// `i`, or what most keys without a use of their own do.
    fn invalid(&mut self, id: MenuId, place: &Place, context: &str, keys: &Keys) -> Action {
        let without: Vec<String> =
            KEYS.chars().filter(|key| !keys.contains_key(key)).map(|key| format!("`{key}`")).collect();
        if let Some(action) = self.special(id, context, &["i", "e"]) {
            return action;
        }
        let common = keys.values().filter(|(action, is_pattern)| *is_pattern && leads_back(action, id));
        let common = common.map(|(action, _)| action.clone()).next();
        if !without.is_empty() {
            let has_h = self.dialplan.serves(context, "h");
            let h = if has_h { "" } else { " (nor an `h`)" };
            let text = format!(
                "[{context}] has no `i`{h}, and nothing for {}: Asterisk ends the call of whoever presses that",
                without.join(", ")
            );
            let remedy = match common {
                Some(_) => "; here it does what the other wrong keys do",
                None => "; here the menu is heard again",
            };
            self.report.defect(place, text + remedy);
        }
        common.unwrap_or(Action::Menu(id))
    }

    fn longer_extensions(&mut self, place: &Place, context: &str) {
        let is_longer = |name: &str| name.len() > 1 && name.chars().all(|c| KEYS.contains(c));
        let extensions = self.dialplan.extensions(context);
        let longer = extensions.iter().filter(|extension| match &extension.pattern {
            Some(pattern) => !pattern.is_of_keys(),
            None => is_longer(&extension.name),
        });
        let names: Vec<&str> = longer.map(|extension| extension.name.as_str()).collect();
        if !names.is_empty() {
            let shown = super::super::file::shortened(&names.join(", "));
            let text = format!("a menu takes one key here: in it nobody can dial {shown}");
            self.report.not_carried(place, text);
        }
    }

    fn hangup_extension(&mut self, context: &str) {
        let point = Point { context: context.to_owned(), exten: "h".to_owned(), priority: 1 };
        if let Some(step) = self.dialplan.step(&point) {
            let text =
                format!("`h` of [{context}]: what is done after a call; `jackfield records` has its story");
            self.report.not_carried(&step.place, text);
        }
    }

    /// The name of a menu, if that leads to one at once.
    pub fn menu_name(&self, action: &Action) -> Option<&str> {
        self.drafts.get(menu_of(action)?).map(|draft| draft.name.as_str())
    }

    /// The settings of a plugin whose calls begin with that; None: they would only end.
    pub fn flow(&self, name: &str, start: &Action) -> Option<Flow> {
        // A menu has something to be heard.
        let silence = vec![Prompt::Silence(BEFORE_RING)];
        let mut menus: Vec<Menu> = Vec::new();
        let mut ids: BTreeMap<MenuId, MenuId> = BTreeMap::new();
        let mut ahead: Vec<MenuId> = Vec::new();
        let see = |action: &Action, ahead: &mut Vec<MenuId>| {
            action.each(&mut |action| ahead.extend(menu_of(action)));
        };
        let first = match start {
            Action::HangUp | Action::Repeat | Action::Restart => return None,
            Action::Menu(id) => {
                ahead.push(*id);
                None
            }
            Action::Say(prompts, then) => Some((prompts.clone(), (**then).clone())),
            ring @ Action::Ring(_) => Some((silence.clone(), ring.clone())),
        };
        if let Some((prompts, then)) = first {
            see(&then, &mut ahead);
            let (greeting, kind) = (Vec::new(), Kind::Message(then));
            menus.push(Menu { name: name.to_owned(), greeting, prompts, barge_in: false, kind });
        }
        while !ahead.is_empty() {
            let id = ahead.remove(0);
            let Some(draft) = self.drafts.get(id).filter(|_| !ids.contains_key(&id)) else { continue };
            let kind = draft.kind.clone().unwrap_or(Kind::Message(Action::HangUp));
            ids.insert(id, menus.len());
            menus.push(Menu {
                name: draft.name.clone(),
                greeting: Vec::new(),
                prompts: if draft.prompts.is_empty() { silence.clone() } else { draft.prompts.clone() },
                barge_in: draft.barge_in && matches!(kind, Kind::Choice(_)),
                kind,
            });
            menus.last().into_iter().flat_map(Menu::actions).for_each(|action| see(action, &mut ahead));
        }
        let mut flow = Flow { language: String::new(), start: 0, menus, sounds: BTreeMap::new() };
        flow.renumber(&ids);
        flow.name_apart();
        flow.tidy();
        flow.take_sounds(&self.sounds.found);
        Some(flow)
    }
}

fn menu_of(action: &Action) -> Option<MenuId> {
    if let Action::Menu(id) = action { Some(*id) } else { None }
}

/// Whether the menu is heard again after it.
fn leads_back(action: &Action, id: MenuId) -> bool {
    match action {
        Action::Menu(menu) => *menu == id,
        Action::Say(_, then) => leads_back(then, id),
        _ => false,
    }
}
