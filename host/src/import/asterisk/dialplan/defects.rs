//! What is wrong in a dialplan, whatever becomes of it: Asterisk loads it without a word.

use std::collections::BTreeSet;

use super::{Context, Dialplan, Extension, Point, Step, Target, application};
use crate::{
    config::suggest,
    import::report::{Place, Report},
};

/// Tells all of it.
pub(super) fn tell(dialplan: &Dialplan, report: &mut Report) {
    let mut check = Check { dialplan, report, reached: BTreeSet::new() };
    // Whoever is jumped to is known before anything is called unreachable.
    for (name, context) in dialplan.contexts() {
        check.jumps(name, context);
    }
    for (name, context) in dialplan.contexts() {
        check.context(name, context);
    }
    check.googletts();
}

struct Check<'a> {
    dialplan: &'a Dialplan,
    report: &'a mut Report,
    /// Lines that a Goto leads to.
    reached: BTreeSet<Place>,
}

impl Check<'_> {
    fn jumps(&mut self, name: &str, context: &Context) {
        for extension in &context.extensions {
            for (priority, step) in &extension.steps {
                let point =
                    Point { context: name.to_owned(), exten: extension.name.clone(), priority: *priority };
                for target in targets(step) {
                    self.jump(&point, step, &application::arguments(&target));
                }
            }
        }
    }

    fn jump(&mut self, from: &Point, step: &Step, arguments: &[String]) {
        if arguments.iter().any(|argument| argument.contains("${") || argument.contains("$[")) {
            return;
        }
        match self.dialplan.target(from, arguments) {
            Ok(Target { point, misspelt }) => {
                if let Some(name) = misspelt {
                    self.report.defect(&step.place, misspelt_context(&name, &point.context));
                }
                self.reached.extend(self.dialplan.step(&point).map(|step| step.place.clone()));
            }
            Err(why) => {
                let text = format!("{} leads nowhere: {why}; Asterisk ends the call here", step.application);
                self.report.defect(&step.place, text);
            }
        }
    }

    fn context(&mut self, name: &str, context: &Context) {
        for (included, place) in &context.includes {
            if self.dialplan.context(included).is_none() {
                let names = self.dialplan.contexts().map(|(name, _)| name).collect::<Vec<_>>();
                let help = suggest(included, names);
                self.report
                    .defect(place, format!("[{name}] includes [{included}], which is nowhere; {help}"));
            }
        }
        for extension in &context.extensions {
            self.extension(extension);
        }
    }

    fn extension(&mut self, extension: &Extension) {
        self.beginning(extension);
        let mut before: Option<(u32, &Step)> = None;
        for (priority, step) in &extension.steps {
            if !application::is_known(&step.application) {
                let help = suggest_application(&step.application);
                let text = format!("Asterisk has no application `{}`{help}", step.application);
                self.report.defect(&step.place, text);
            }
            let why = match before {
                Some((last, _)) if last + 1 != *priority => {
                    Some(format!("there is no priority {}", priority - 1))
                }
                Some((_, last)) if ends(last) => Some(format!("{} comes before it", last.application)),
                _ => None,
            };
            if let Some(why) = why.filter(|_| step.label.is_none() && !self.reached.contains(&step.place)) {
                let text = format!("priority {priority} of `{}` is never reached: {why}", extension.name);
                self.report.defect(&step.place, text);
            }
            before = Some((*priority, step));
        }
    }

    /// Told once, at its first line.
    fn googletts(&mut self) {
        let extensions = self.dialplan.contexts().flat_map(|(_, context)| &context.extensions);
        let mut steps = extensions.flat_map(|extension| extension.steps.values());
        if let Some(step) = steps.find(|step| step.arguments.to_ascii_lowercase().starts_with("googletts")) {
            let text = "googletts.agi asks a page of Google's for every sentence, is silent when that fails, and \
                        keeps sentences without their language; here the plugin `tts` speaks, on this machine";
            self.report.defect(&step.place, text);
        }
    }

    fn beginning(&mut self, extension: &Extension) {
        let marked = extension.steps.iter().find(|(priority, _)| !extension.unmarked.contains(priority));
        let Some((priority, step)) = marked.filter(|(priority, _)| **priority > 1) else { return };
        let text =
            format!("`{}` has no priority 1: Asterisk never comes to priority {priority}", extension.name);
        let is_joined = extension.steps.contains_key(&1);
        let text = if is_joined { text + "; it is joined with the lines that lack the `_`" } else { text };
        if is_joined || !self.reached.contains(&step.place) {
            self.report.defect(&step.place, text);
        }
    }
}

/// The sentence for a context whose name is nearly right.
pub fn misspelt_context(name: &str, meant: &str) -> String {
    format!(
        "there is no context [{name}]: Asterisk ends the call here; it is read as [{meant}], which is very like it"
    )
}

/// The call never comes to the line after it.
fn ends(step: &Step) -> bool {
    ["goto", "hangup", "busy", "congestion", "return", "macroexit"]
        .iter()
        .any(|name| step.application.eq_ignore_ascii_case(name))
}

/// The places that a line may jump to, as arguments of Goto.
fn targets(step: &Step) -> Vec<String> {
    match step.application.to_ascii_lowercase().as_str() {
        "goto" => vec![step.arguments.clone()],
        "gotoif" | "gotoiftime" => {
            let branches = super::branches(&step.arguments).map(|(_, yes, no)| [yes, no]);
            branches.into_iter().flatten().filter(|target| !target.is_empty()).collect()
        }
        _ => Vec::new(),
    }
}

fn suggest_application(name: &str) -> String {
    let near = crate::config::did_you_mean(name, application::all());
    if near.is_empty() { String::new() } else { format!("; {near}") }
}
