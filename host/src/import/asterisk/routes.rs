//! What can be dialled, and where calls come in.

use std::{collections::BTreeMap, time::Duration};

use super::{
    campaigns::free,
    dialplan::{Context, Dialplan, Extension, Point, pattern},
    walk::Walk,
};
use crate::{
    config::is_number,
    import::{
        flow::{Action, Ring, Target},
        plan::{Plan, Route, RouteTo, compressed},
        report::Place,
    },
};

/// Names of extensions that nobody dials.
const SPECIAL: [&str; 9] = ["s", "i", "t", "h", "e", "a", "o", "T", "fax"];
/// Names that other plugins have.
const TAKEN: [&str; 2] = ["tts", "campaign"];

/// The routes of a dialplan in the making.
pub struct Routes<'a> {
    dialplan: &'a Dialplan,
    routes: BTreeMap<String, (Route, Place)>,
    apps: Vec<App>,
    /// Numbers of the world, by the host that leads there.
    outside: BTreeMap<String, Vec<String>>,
    /// Numbers that ring one user alone.
    numbers: BTreeMap<String, String>,
}

/// A plugin in the making.
#[derive(Clone, Debug)]
struct App {
    name: String,
    action: Action,
    place: Place,
    /// It is given a number, since none leads to it.
    wants_number: bool,
}

/// Numbers that lead to one extension.
struct Entrance {
    /// As routes are written.
    patterns: Vec<String>,
    /// How many first digits are always the same.
    fixed: usize,
    place: Place,
}

impl<'a> Routes<'a> {
    /// None yet.
    pub fn new(dialplan: &'a Dialplan) -> Routes<'a> {
        let (routes, apps, outside, numbers) = Default::default();
        Routes { dialplan, routes, apps, outside, numbers }
    }

    /// The extensions of all contexts that phones dial in.
    pub fn dialled(&mut self, walk: &mut Walk<'_>) {
        let contexts = self.contexts(walk);
        if let [first, second, ..] = &contexts[..]
            && let Some(context) = self.dialplan.context(first)
        {
            let text = format!(
                "phones dial in [{first}], [{second}]{}: here all numbers are in one table, and who may dial which \
                 is not kept",
                if contexts.len() > 2 { " and others" } else { "" }
            );
            walk.report.changed(&context.place, text);
        }
        for context in contexts {
            for extension in self.dialplan.extensions(&context) {
                self.extension(walk, &context, extension);
            }
        }
    }

    /// Those of the endpoints; where none is said, those that look as if they were dialled in.
    fn contexts(&self, walk: &mut Walk<'_>) -> Vec<String> {
        let mut contexts: Vec<String> = Vec::new();
        for (name, place) in walk.phones.contexts.clone() {
            if self.dialplan.context(&name).is_none() {
                walk.report
                    .defect(&place, format!("there is no context [{name}]: its phones can dial nothing"));
            } else if !contexts.contains(&name) {
                contexts.push(name);
            }
        }
        if contexts.is_empty() {
            let dialled = self.dialplan.contexts().filter(|(name, context)| {
                let dials = context.extensions.iter().any(is_dialled_in);
                dials && !self.is_menu(name, context)
            });
            contexts = dialled.map(|(name, _)| name.to_owned()).collect();
        }
        contexts
    }

    /// Its extensions are keys.
    fn is_menu(&self, name: &str, context: &Context) -> bool {
        let steps = context.extensions.iter().flat_map(|extension| extension.steps.values());
        let waits = |application: &str| {
            ["waitexten", "background"].iter().any(|name| application.eq_ignore_ascii_case(name))
        };
        steps.into_iter().any(|step| waits(&step.application)) && self.dialplan.serves(name, "s")
    }

    fn extension(&mut self, walk: &mut Walk<'_>, context: &str, extension: &Extension) {
        let Some(place) = extension.place().filter(|_| is_dialled_in(extension)) else { return };
        let point = Point { context: context.to_owned(), exten: extension.name.clone(), priority: 1 };
        if self.dialplan.step(&point).is_none() {
            return;
        }
        let Some(entrance) = entrance(walk, place, extension) else { return };
        let action = walk.enter(point);
        let name = &extension.name;
        match (dialled(&action), &action) {
            (_, Action::Ring(ring)) if ring.no_answer == Action::HangUp && ring.busy.is_none() => {
                self.ring(walk, &entrance, ring);
            }
            (Some(ring), _) => {
                let text = format!("`{name}` rings whoever was dialled, and nothing else of it is left");
                walk.report.changed(place, text);
                self.ring(walk, &entrance, ring);
            }
            (None, Action::HangUp | Action::Repeat | Action::Restart) => {
                walk.report.not_carried(place, format!("`{name}`: nothing of it is left"));
            }
            (None, _) => {
                if matches!(action, Action::Ring(_)) {
                    let text = format!("`{name}` is answered before it rings, to go on when nobody answers");
                    walk.report.changed(place, text);
                }
                let name = walk.menu_name(&action).map_or(format!("{context}-{name}"), str::to_owned);
                self.lead_to_app(walk, &entrance, &name, action);
            }
        }
    }

    fn lead_to_app(&mut self, walk: &mut Walk<'_>, entrance: &Entrance, name: &str, action: Action) {
        if let Some(app) = self.app(name, action, &entrance.place, false) {
            self.lead(walk, entrance, &Route { to: RouteTo::App(app), ring: None, fallback: None });
        }
    }

    fn ring(&mut self, walk: &mut Walk<'_>, entrance: &Entrance, ring: &Ring) {
        let route = |to| Route { to, ring: ring.time, fallback: None };
        let user = |target: &Target| if let Target::User(name) = target { Some(name.clone()) } else { None };
        if let Some(users) = ring.targets.iter().map(user).collect::<Option<Vec<String>>>() {
            if let ([user], [number]) = (&users[..], &entrance.patterns[..])
                && is_number(number)
            {
                self.numbers.entry(user.clone()).or_insert_with(|| number.clone());
            }
            self.lead(walk, entrance, &route(RouteTo::Users(users)));
            return;
        }
        match &ring.targets[..] {
            [Target::AnyUser] => self.lead(walk, entrance, &route(RouteTo::AnyUser)),
            [Target::Outside { number, host }] => self.trunk(walk, entrance, (number, host), ring.time),
            targets if targets.iter().all(is_known) => {
                let name = format!("to-{}", targets.iter().map(Target::name).collect::<Vec<_>>().join("-"));
                self.lead_to_app(walk, entrance, &name, Action::Ring(Box::new(ring.clone())));
            }
            targets => {
                let who: Vec<&str> = targets.iter().map(Target::name).collect();
                let text = format!("{} cannot be rung together by one route", who.join(", "));
                walk.report.not_carried(&entrance.place, text);
            }
        }
    }

    /// What is dialled there may lack its first digits.
    fn trunk(
        &mut self,
        walk: &mut Walk<'_>,
        entrance: &Entrance,
        (number, host): (&str, &str),
        ring: Option<Duration>,
    ) {
        let route = |uri| Route { to: RouteTo::Sip(uri), ring, fallback: None };
        let cut = number.split_once("{number:").and_then(|(before, rest)| {
            let (cut, after) = rest.split_once('}')?;
            Some((before, cut.parse::<usize>().ok()?, after))
        });
        let Some((before, cut, after)) = cut else {
            self.lead(walk, entrance, &route(format!("sip:{number}@{host}")));
            return;
        };
        // `{rest}` is what the `*` stood for: it must begin where the number is cut.
        let Entrance { patterns, fixed, place } = entrance;
        let prefix = patterns.first().and_then(|pattern| pattern.get(..cut)).unwrap_or_default();
        if *fixed < cut || prefix.is_empty() {
            let text = format!("the first {cut} digits are cut off, and they are not always the same");
            walk.report.not_carried(place, text);
            return;
        }
        let pattern = format!("{prefix}*");
        if *patterns != [pattern.clone()] {
            let were = patterns.join(", ");
            let text = format!("`{were}` is `{pattern}`, so that its first digits can be cut off");
            walk.report.changed(place, text);
        }
        self.add(walk, &pattern, &route(format!("sip:{before}{{rest}}{after}@{host}")), place);
    }

    fn lead(&mut self, walk: &mut Walk<'_>, entrance: &Entrance, route: &Route) {
        for pattern in &entrance.patterns {
            self.add(walk, pattern, route, &entrance.place);
        }
    }

    fn add(&mut self, walk: &mut Walk<'_>, pattern: &str, route: &Route, place: &Place) {
        match self.routes.get(pattern) {
            Some((former, _)) if former == route => {}
            Some((_, first)) => {
                let text =
                    format!("`{pattern}` leads elsewhere in another context: the one at {first} counts");
                walk.report.changed(place, text);
            }
            None => {
                walk.report.carried(place, format!("the number {pattern}"));
                self.routes.insert(pattern.to_owned(), (route.clone(), place.clone()));
            }
        }
    }

    /// Contexts with a beginning that nothing led to: they get a number of their own.
    pub fn entries(&mut self, walk: &mut Walk<'_>) {
        let dialplan = self.dialplan;
        for (name, context) in dialplan.contexts() {
            let point = Point { context: name.to_owned(), exten: "s".to_owned(), priority: 1 };
            if walk.visited.contains(name) || dialplan.step(&point).is_none() || is_subroutine(context) {
                continue;
            }
            let action = walk.enter(point);
            self.app(name, action, &context.place, true);
        }
    }

    /// The name of the plugin whose calls begin with that; None: they would only end.
    pub fn app(&mut self, name: &str, action: Action, place: &Place, wants_number: bool) -> Option<String> {
        if action == Action::HangUp {
            return None;
        }
        if let Some(app) = self.apps.iter().find(|app| app.action == action) {
            return Some(app.name.clone());
        }
        let is_free = |name: &str| !TAKEN.contains(&name) && self.apps.iter().all(|app| app.name != name);
        let name = free(&slug(name), is_free);
        self.apps.push(App { name: name.clone(), action, place: place.clone(), wants_number });
        Some(name)
    }

    /// A number behind another host that is called.
    pub fn outside(&mut self, number: &str, host: &str) {
        self.outside.entry(host.to_owned()).or_default().push(number.to_owned());
    }

    /// Whatever fits the pattern is behind that host.
    pub fn open_to(&mut self, pattern: &str, host: &str) {
        self.outside.entry(host.to_owned()).or_default().push(pattern.to_owned());
    }

    /// Puts everything into the plan. All calls have been followed.
    pub fn finish(mut self, walk: &Walk<'_>, plan: &mut Plan) -> Vec<(String, Place)> {
        let mut without_number = Vec::new();
        for app in std::mem::take(&mut self.apps) {
            let Some(flow) = walk.flow(&app.name, &app.action) else { continue };
            for target in flow.targets() {
                if let Target::Outside { number, host } = target {
                    self.outside(number, host);
                }
            }
            if app.wants_number {
                without_number.push((app.name.clone(), app.place));
            }
            plan.apps.insert(app.name, flow);
        }
        plan.routes.extend(self.routes.into_iter().map(|(pattern, (route, _))| (pattern, route)));
        for (host, numbers) in self.outside {
            for pattern in compressed(&numbers) {
                let to = RouteTo::Sip(format!("sip:{{number}}@{host}"));
                plan.routes.entry(pattern).or_insert(Route { to, ring: None, fallback: None });
            }
        }
        for (user, number) in self.numbers {
            if let Some(user) = plan.users.get_mut(&user).filter(|user| user.number.is_none()) {
                user.number = Some(number);
            }
        }
        without_number
    }
}

/// The numbers of an extension; None: they cannot be written as routes.
fn entrance(walk: &mut Walk<'_>, place: &Place, extension: &Extension) -> Option<Entrance> {
    let name = &extension.name;
    let Some(pattern) = &extension.pattern else {
        if name.ends_with('*') {
            walk.report.not_carried(place, format!("`{name}`: a number cannot end with a star here"));
            return None;
        }
        return Some(Entrance { patterns: vec![name.clone()], fixed: name.len(), place: place.clone() });
    };
    let Some(pattern::Routes { patterns, is_wider }) = pattern.routes() else {
        walk.report.not_carried(place, format!("`{name}` cannot be written with digits and X"));
        return None;
    };
    if is_wider {
        walk.report.changed(place, format!("`{name}` is {}: more than it was", patterns.join(", ")));
    }
    Some(Entrance { patterns, fixed: pattern.fixed(), place: place.clone() })
}

/// It does not depend on what was dialled.
fn is_known(target: &Target) -> bool {
    match target {
        Target::AnyUser => false,
        Target::User(_) => true,
        Target::Number(number) | Target::Outside { number, .. } => !number.contains('{'),
    }
}

/// A ring that depends on what was dialled, which a plugin cannot do.
fn dialled(action: &Action) -> Option<&Ring> {
    let mut found = None;
    action.each(&mut |action| {
        if let Action::Ring(ring) = action
            && !ring.targets.iter().all(is_known)
        {
            found.get_or_insert(&**ring);
        }
    });
    found
}

/// Not those that are only jumped to or called by Asterisk itself.
fn is_dialled_in(extension: &Extension) -> bool {
    let name = extension.name.as_str();
    match &extension.pattern {
        Some(_) => !name.starts_with("_s-"),
        None => !SPECIAL.contains(&name) && is_number(name),
    }
}

/// Ends with Return: it is called by Gosub or Macro.
fn is_subroutine(context: &Context) -> bool {
    let steps = context.extensions.iter().flat_map(|extension| extension.steps.values());
    let mut names = steps.map(|step| step.application.to_ascii_lowercase());
    names.any(|name| matches!(name.as_str(), "return" | "macroexit"))
}

/// Small letters, digits and dashes: what a plugin and a campaign can be called.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().flat_map(char::to_lowercase).map(plain) {
        match c {
            'a'..='z' | '0'..='9' => slug.push(c),
            _ if slug.is_empty() || slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
        if slug.len() == 40 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "menu".to_owned() } else { slug.to_owned() }
}

/// French letters without their accents.
fn plain(c: char) -> char {
    match c {
        'à' | 'â' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'î' | 'ï' => 'i',
        'ô' | 'ö' => 'o',
        'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_plugins() {
        assert_eq!(slug("auto_calls"), "auto-calls");
        assert_eq!(slug("Prospection Automatique"), "prospection-automatique");
        assert_eq!(slug("Été !"), "ete");
        assert_eq!(slug("日本"), "menu");
    }
}
