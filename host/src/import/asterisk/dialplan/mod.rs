//! `extensions.conf`: contexts, extensions, priorities.

pub mod application;
pub mod defects;
pub mod pattern;
pub mod value;

use std::collections::{BTreeMap, BTreeSet};

use self::pattern::Pattern;
use super::file::{Entry, Section, shortened};
use crate::import::report::{Place, Report};

/// All contexts, and the global variables.
#[derive(Clone, Debug, Default)]
pub struct Dialplan {
    /// `[globals]`, as written.
    pub globals: BTreeMap<String, String>,
    contexts: BTreeMap<String, Context>,
    /// In the order of the files.
    order: Vec<String>,
}

/// `[name]`
#[derive(Clone, Debug)]
pub struct Context {
    /// Where it begins.
    pub place: Place,
    /// In the order of the file.
    pub extensions: Vec<Extension>,
    includes: Vec<(String, Place)>,
}

/// All steps of one name in one context.
#[derive(Clone, Debug)]
pub struct Extension {
    /// As written, with `_` where it is a pattern.
    pub name: String,
    /// What follows the `_`.
    pub pattern: Option<Pattern>,
    /// By priority.
    pub steps: BTreeMap<u32, Step>,
    /// Priorities that were written without the `_`.
    unmarked: BTreeSet<u32>,
}

/// `exten => name,priority(label),Application(arguments)`
#[derive(Clone, Debug)]
pub struct Step {
    /// In the parentheses.
    pub label: Option<String>,
    /// As written.
    pub application: String,
    /// As written.
    pub arguments: String,
    /// Its line.
    pub place: Place,
}

/// Where a call is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// A context.
    pub context: String,
    /// What was dialled there, or the name of a pattern: whatever fits it.
    pub exten: String,
    /// From 1.
    pub priority: u32,
}

/// Where a Goto leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where the call goes on.
    pub point: Point,
    /// The context as it is written, where there is none of that name but one that is very like it.
    pub misspelt: Option<String>,
}

impl Dialplan {
    /// Reads the sections, and tells what in them is wrong.
    pub fn read(sections: &[Section], report: &mut Report) -> Dialplan {
        let mut dialplan = Dialplan::default();
        for section in sections {
            match section.name.to_ascii_lowercase().as_str() {
                "general" => {}
                "globals" => {
                    let globals =
                        section.entries.iter().map(|entry| (entry.name.clone(), entry.value.clone()));
                    dialplan.globals.extend(globals);
                }
                _ => dialplan.section(section, report),
            }
        }
        defects::tell(&dialplan, report);
        dialplan
    }

    fn section(&mut self, section: &Section, report: &mut Report) {
        if !self.contexts.contains_key(&section.name) {
            self.order.push(section.name.clone());
        }
        let new = || Context { place: section.place.clone(), extensions: Vec::new(), includes: Vec::new() };
        let context = self.contexts.entry(section.name.clone()).or_insert_with(new);
        let mut reader = Reader { context, report, exten: None, priority: 0 };
        for entry in &section.entries {
            reader.entry(entry);
        }
    }

    /// Names and contexts, in the order of the files.
    pub fn contexts(&self) -> impl Iterator<Item = (&str, &Context)> {
        self.order.iter().filter_map(|name| Some((name.as_str(), self.contexts.get(name)?)))
    }

    /// That one.
    pub fn context(&self, name: &str) -> Option<&Context> {
        self.contexts.get(name)
    }

    /// Its own extensions, then those of the contexts that it includes, depth first.
    pub fn extensions(&self, context: &str) -> Vec<&Extension> {
        self.reach(context).into_iter().flat_map(|context| &context.extensions).collect()
    }

    /// The context and all that it includes, each once.
    fn reach(&self, context: &str) -> Vec<&Context> {
        let mut names: Vec<&str> = Vec::new();
        let mut ahead = vec![context];
        while let Some(name) = ahead.pop() {
            let Some((name, found)) = self.contexts.get_key_value(name) else { continue };
            if !names.contains(&name.as_str()) {
                names.push(name);
                ahead.extend(found.includes.iter().rev().map(|(name, _)| name.as_str()));
            }
        }
        names.into_iter().filter_map(|name| self.contexts.get(name)).collect()
    }

    /// The extension that serves what was dialled at that priority: exact ones first, then the closest
    /// pattern, then the includes.
    pub fn step(&self, point: &Point) -> Option<&Step> {
        self.extension(point)?.steps.get(&point.priority)
    }

    /// The extension whose step it is.
    pub fn extension(&self, point: &Point) -> Option<&Extension> {
        self.reach(&point.context).into_iter().find_map(|context| {
            let fitting = context.extensions.iter().filter(|extension| {
                extension.steps.contains_key(&point.priority) && extension.fits(&point.exten)
            });
            fitting.min_by_key(|extension| {
                let order = extension.pattern.as_ref().map(Pattern::order);
                (extension.name != point.exten, order)
            })
        })
    }

    /// Whether anything serves what was dialled there.
    pub fn serves(&self, context: &str, exten: &str) -> bool {
        let point = Point { context: context.to_owned(), exten: exten.to_owned(), priority: 1 };
        self.step(&point).is_some()
    }

    /// `priority`, `exten,priority` or `context,exten,priority`, seen from a point. An error is a sentence.
    pub fn target(&self, from: &Point, arguments: &[String]) -> Result<Target, String> {
        let (context, exten, priority) = match arguments {
            [priority] => (None, from.exten.as_str(), priority),
            [exten, priority] => (None, exten.as_str(), priority),
            [context, exten, priority, ..] => (Some(context.as_str()), exten.as_str(), priority),
            [] => return Err("Goto leads nowhere: it has no arguments".to_owned()),
        };
        let (context, misspelt) = match context.filter(|context| !context.is_empty()) {
            None => (from.context.as_str(), None),
            Some(name) => self.named(name).ok_or_else(|| format!("there is no context [{name}]"))?,
        };
        let exten = if exten.is_empty() { &from.exten } else { exten };
        let priority = self.priority(context, exten, priority)?;
        let point = Point { context: context.to_owned(), exten: exten.to_owned(), priority };
        match self.step(&point) {
            Some(_) => Ok(Target { point, misspelt }),
            None if self.has_name(context, exten) => {
                Err(format!("`{exten}` in [{context}] has no priority {priority}"))
            }
            None => Err(format!("there is no extension `{exten}` in [{context}]")),
        }
    }

    /// The context of that name, or the one that is very like it.
    pub fn named(&self, name: &str) -> Option<(&str, Option<String>)> {
        if let Some((known, _)) = self.contexts.get_key_value(name) {
            return Some((known, None));
        }
        let allowed = (name.chars().count() / 4).max(1);
        let near = |known: &&String| strsim::damerau_levenshtein(&known.to_lowercase(), &name.to_lowercase());
        let nearest = self.contexts.keys().min_by_key(near).filter(|known| near(known) <= allowed)?;
        Some((nearest, Some(name.to_owned())))
    }

    fn has_name(&self, context: &str, exten: &str) -> bool {
        self.extensions(context).iter().any(|extension| extension.fits(exten))
    }

    fn priority(&self, context: &str, exten: &str, text: &str) -> Result<u32, String> {
        if let Ok(priority) = text.parse() {
            return Ok(priority);
        }
        let extensions = self.extensions(context).into_iter().filter(|extension| extension.fits(exten));
        let mut steps = extensions.flat_map(|extension| &extension.steps);
        let labelled = steps.find(|(_, step)| step.label.as_deref() == Some(text));
        let missing = || format!("`{exten}` in [{context}] has no label `{}`", shortened(text));
        labelled.map(|(priority, _)| *priority).ok_or_else(missing)
    }
}

impl Extension {
    /// Whether it serves what was dialled.
    pub fn fits(&self, exten: &str) -> bool {
        self.name == exten || self.pattern.as_ref().is_some_and(|pattern| pattern.matches(exten))
    }

    /// Where it begins.
    pub fn place(&self) -> Option<&Place> {
        self.steps.values().next().map(|step| &step.place)
    }
}

/// The name of an extension as it is kept.
#[derive(Clone)]
struct Name {
    text: String,
    /// It is a pattern, and was written without `_`.
    is_unmarked: bool,
}

struct Reader<'a> {
    context: &'a mut Context,
    report: &'a mut Report,
    /// What `same` means.
    exten: Option<Name>,
    /// What `n` is one more than; of the line before, whatever its extension.
    priority: u32,
}

impl Reader<'_> {
    fn entry(&mut self, entry: &Entry) {
        match entry.name.to_ascii_lowercase().as_str() {
            "exten" => match entry.value.split_once(',') {
                Some((name, rest)) => {
                    self.exten = self.name(&entry.place, name.trim());
                    self.step(&entry.place, rest);
                }
                None => {
                    let text = "an extension is written NAME,PRIORITY,APPLICATION: this line does nothing";
                    self.report.defect(&entry.place, text);
                }
            },
            "same" => self.step(&entry.place, &entry.value),
            "include" => {
                let mut parts = entry.value.split([',', '|']);
                let name = parts.next().unwrap_or_default().trim().to_owned();
                if parts.next().is_some() {
                    let text = format!("[{name}] is included at certain times only: here it always is");
                    self.report.changed(&entry.place, text);
                }
                self.context.includes.push((name, entry.place.clone()));
            }
            "ignorepat" | "autohints" => {}
            "switch" | "lswitch" | "eswitch" => {
                let text = format!("the dialplan of another exchange: {}", shortened(&entry.value));
                self.report.not_carried(&entry.place, text);
            }
            other => {
                let text = format!("`{}` is nothing that a context has", shortened(other));
                self.report.defect(&entry.place, text);
            }
        }
    }

    /// The name as it is kept; None: not carried.
    fn name(&mut self, place: &Place, name: &str) -> Option<Name> {
        if let Some((name, caller)) = name.split_once('/') {
            let text =
                format!("`{name}` is for the caller `{caller}` only: Jackfield routes by what is dialled");
            self.report.not_carried(place, text);
            return None;
        }
        if let Some(rest) = name.strip_prefix('_') {
            if Pattern::parse(rest).is_none() {
                self.report.defect(place, format!("`{name}` is no pattern: it fits nothing"));
                return None;
            }
        } else if pattern::is_pattern_without_mark(name) {
            let text = format!(
                "`{name}` lacks the `_` of a pattern: Asterisk takes it for a name that nobody can dial; it is \
                 read as `_{name}`"
            );
            self.report.defect(place, text);
            return Some(Name { text: format!("_{name}"), is_unmarked: true });
        }
        Some(Name { text: name.to_owned(), is_unmarked: false })
    }

    fn step(&mut self, place: &Place, rest: &str) {
        // What was wrong with the name is told already.
        let Some(Name { text: name, is_unmarked }) = self.exten.clone() else { return };
        let (priority, application) = rest.split_once(',').unwrap_or((rest, ""));
        let (priority, label) = match priority.trim().split_once('(') {
            Some((priority, label)) => (priority.trim(), Some(label.trim_end_matches(')').trim().to_owned())),
            None => (priority.trim(), None),
        };
        if priority.eq_ignore_ascii_case("hint") {
            let text = format!("the hint of `{name}`: Jackfield knows by itself whose phone is busy");
            self.report.not_carried(place, text);
            return;
        }
        let Some(priority) = self.number(priority) else {
            let text = format!("`{}` is no priority: write 1, n, or n(label)", shortened(priority));
            self.report.defect(place, text);
            return;
        };
        self.priority = priority;
        let Some((application, arguments)) = application_of(application.trim()) else {
            self.report.defect(place, format!("priority {priority} of `{name}` has no application"));
            return;
        };
        let step = Step { label, application, arguments, place: place.clone() };
        self.insert(&name, priority, step);
        if is_unmarked {
            let mut extensions = self.context.extensions.iter_mut();
            if let Some(extension) = extensions.find(|extension| extension.name == name) {
                extension.unmarked.insert(priority);
            }
        }
    }

    /// `1`, `n`, `n+2`, `s`
    fn number(&self, text: &str) -> Option<u32> {
        let (base, plus) = match text.split_once('+') {
            Some((base, plus)) => (base.trim(), plus.trim().parse().ok()?),
            None => (text, 0),
        };
        let base: u32 = match base.to_ascii_lowercase().as_str() {
            "n" | "next" => self.priority.checked_add(1)?,
            "s" | "same" => self.priority,
            number => number.parse().ok()?,
        };
        base.checked_add(plus).filter(|priority| *priority > 0)
    }

    fn insert(&mut self, name: &str, priority: u32, step: Step) {
        let extensions = &mut self.context.extensions;
        let at = extensions.iter().position(|extension| extension.name == name).unwrap_or_else(|| {
            let pattern = name.strip_prefix('_').and_then(Pattern::parse);
            let (steps, unmarked) = Default::default();
            extensions.push(Extension { name: name.to_owned(), pattern, steps, unmarked });
            extensions.len() - 1
        });
        let steps = &mut extensions[at].steps;
        if let Some(first) = steps.get(&priority) {
            let first = &first.place;
            let text =
                format!("`{name}` has a priority {priority} already, at {first}: Asterisk keeps that one");
            self.report.defect(&step.place, text);
            return;
        }
        steps.insert(priority, step);
    }
}

/// `Dial(PJSIP/alice,10)`, `Hangup`, and `Dial,PJSIP/alice` of old.
fn application_of(text: &str) -> Option<(String, String)> {
    let end = text.find(['(', ',']).unwrap_or(text.len());
    let (name, rest) = (text[..end].trim(), &text[end..]);
    let arguments = match rest.strip_prefix('(') {
        Some(inner) => inner.rfind(')').map_or(inner, |end| &inner[..end]),
        None => rest.strip_prefix(',').unwrap_or(rest),
    };
    (!name.is_empty()).then(|| (name.to_owned(), arguments.trim().to_owned()))
}

/// `CONDITION?TARGET:TARGET`: the condition, and where it leads.
pub fn branches(text: &str) -> Option<(String, String, String)> {
    let (condition, rest) = split_outside(text, '?')?;
    let (yes, no) = split_outside(rest, ':').unwrap_or((rest, ""));
    Some((condition.trim().to_owned(), yes.trim().to_owned(), no.trim().to_owned()))
}

/// At the first such character outside of brackets and quotes.
fn split_outside(text: &str, at: char) -> Option<(&str, &str)> {
    let (mut depth, mut is_quoted) = (0_usize, false);
    for (place, c) in text.char_indices() {
        match c {
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ if c == at && depth == 0 => return Some((&text[..place], &text[place + c.len_utf8()..])),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests;
