//! What each application does to a call.

use std::time::Duration;

use super::{
    super::{
        dialplan::{Step, application, branches, defects::misspelt_context, value},
        file::shortened,
        sounds,
    },
    Next, Run, Walk,
};
use crate::import::{
    flow::{Action, Prompt, Ring, Target},
    report::Place,
};

/// A ring without a time goes on for as long as the caller likes.
const RING_WITHOUT_END: Duration = Duration::from_secs(120);
/// A call that is answered to be rung on hears this much silence first.
pub(super) const BEFORE_RING: Duration = Duration::from_millis(100);
/// Options of Dial that are so by themselves: transfers, ringing tone, hang-up by a key.
const DIAL_BY_ITSELF: &str = "tTrRhHkKwWxXcCiIoOe";
/// Longer sentences have a full stop.
const LONG_SENTENCE: usize = 60;

impl Walk<'_> {
    pub(super) fn perform(&mut self, step: &Step, run: &mut Run) -> Next {
        match step.application.to_ascii_lowercase().as_str() {
            "answer" | "noop" | "verbose" | "log" | "progress" | "proceeding" | "ringing" | "resetcdr"
            | "nocdr" | "stopplaytones" | "stopmusiconhold" => Next::Step,
            "hangup" | "return" | "macroexit" => Next::Done(Action::HangUp),
            "busy" | "congestion" => {
                let text = format!("{}: the call ends at once, without the tone", step.application);
                self.report.changed(&step.place, text);
                Next::Done(Action::HangUp)
            }
            "wait" => self.wait(step, run),
            "waitexten" => self.wait_exten(step, run),
            "set" => self.set(step, run),
            "playback" => self.play(step, run, false),
            "background" => self.play(step, run, true),
            "agi" | "eagi" | "deadagi" => self.agi(step, run),
            "flite" | "espeak" | "picotts" | "festival" | "swift" => self.speak(step, run),
            "saydigits" | "sayalpha" | "sayphonetic" => self.spell(step, run),
            "saynumber" => match self.argument(step, run, 0) {
                Some(number) => self.say(&step.place, run, &number, None, false),
                None => self.left_out(step),
            },
            "dial" => self.dial(step, run),
            "goto" => self.goto(step, run, &step.arguments),
            "gotoif" => self.goto_if(step, run),
            "execif" => self.exec_if(step, run),
            _ => self.left_out(step),
        }
    }

    fn left_out(&mut self, step: &Step) -> Next {
        // That there is no such thing is told already.
        if application::is_known(&step.application) {
            let what = shortened(&format!("{}({})", step.application, step.arguments));
            self.report.not_carried(&step.place, format!("{what}: the call goes on with the next line"));
        }
        Next::Step
    }

    fn argument(&mut self, step: &Step, run: &Run, index: usize) -> Option<String> {
        let arguments = application::arguments(&self.expand(run, &step.arguments)?);
        arguments.into_iter().nth(index).filter(|argument| !argument.is_empty())
    }

    fn wait(&mut self, step: &Step, run: &mut Run) -> Next {
        match self.argument(step, run, 0).as_deref().and_then(seconds) {
            Some(time) if time.is_zero() => {}
            Some(time) => run.hear(Prompt::Silence(time), true),
            None => return self.left_out(step),
        }
        Next::Step
    }

    fn wait_exten(&mut self, step: &Step, run: &mut Run) -> Next {
        let time = self.argument(step, run, 0).as_deref().and_then(seconds).filter(|time| !time.is_zero());
        let context = run.listens.take().map(|(_, context)| context);
        Next::Key(context.unwrap_or_else(|| run.point.context.clone()), time.unwrap_or(run.channel.response))
    }

    fn set(&mut self, step: &Step, run: &mut Run) -> Next {
        let Some((name, value)) = step.arguments.split_once('=') else {
            self.report.defect(&step.place, "Set gives no value: write Set(NAME=VALUE)");
            return Next::Step;
        };
        let name = name.trim().trim_start_matches('_');
        let value = self.expand(run, value.trim()).map(|value| value.trim_matches('"').to_owned());
        match name.to_ascii_uppercase().as_str() {
            "TIMEOUT(RESPONSE)" => match value.as_deref().and_then(seconds).filter(|time| !time.is_zero()) {
                Some(time) => run.channel.response = time,
                None => return self.left_out(step),
            },
            // One key is a whole answer.
            "TIMEOUT(DIGIT)" => {}
            "CHANNEL(LANGUAGE)" | "LANGUAGE()" => run.channel.language = value,
            other if other.contains('(') => return self.left_out(step),
            _ => {
                match value {
                    Some(value) => run.channel.variables.insert(name.to_owned(), value),
                    None => run.channel.variables.remove(name),
                };
            }
        }
        Next::Step
    }

    // ---- to be heard

    fn play(&mut self, step: &Step, run: &mut Run, listens: bool) -> Next {
        let Some(arguments) = self.expand(run, &step.arguments).map(|text| application::arguments(&text))
        else {
            return self.left_out(step);
        };
        let files = arguments[0].split('&').map(str::trim).filter(|name| !name.is_empty());
        for name in files.map(str::to_owned).collect::<Vec<_>>() {
            let language = run.channel.language.clone();
            let prompt = match self.sounds.find(&step.place, &name, language.as_deref(), self.report) {
                Some(file) => Prompt::File(file),
                None => Prompt::Say { text: sounds::stand_in(&name), language },
            };
            run.hear(prompt, listens);
        }
        if listens {
            let context = arguments.get(3).filter(|context| !context.is_empty());
            let context = context.unwrap_or(&run.point.context).clone();
            run.listens = Some((step.place.clone(), context));
        }
        Next::Step
    }

    /// `googletts.agi,"text",language,keys,speed` and its like.
    fn agi(&mut self, step: &Step, run: &mut Run) -> Next {
        let Some(arguments) = self.expand(run, &step.arguments).map(|text| application::arguments(&text))
        else {
            return self.left_out(step);
        };
        let script = arguments[0].rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let speaks = ["tts", "flite", "espeak", "speak", "polly"].iter().any(|word| script.contains(word));
        let Some(text) = arguments.get(1).filter(|_| speaks) else {
            let text =
                format!("the program `{}`: write it as a plugin; the call goes on", shortened(&script));
            self.report.not_carried(&step.place, text);
            return Next::Step;
        };
        let language = arguments.get(2).filter(|language| !language.is_empty()).cloned();
        let keys = arguments.get(3).is_some_and(|keys| !keys.is_empty());
        let listens = keys.then(|| run.point.context.clone());
        let next = self.say(&step.place, run, text, language, keys);
        run.listens = listens.map(|context| (step.place.clone(), context)).or(run.listens.take());
        next
    }

    /// `Flite(text,keys)` and its like.
    fn speak(&mut self, step: &Step, run: &mut Run) -> Next {
        match self.argument(step, run, 0) {
            Some(text) => {
                let keys = self.argument(step, run, 1).is_some();
                self.say(&step.place, run, &text, None, keys)
            }
            None => self.left_out(step),
        }
    }

    fn spell(&mut self, step: &Step, run: &mut Run) -> Next {
        let Some(text) = self.argument(step, run, 0) else { return self.left_out(step) };
        let spelt: Vec<String> = text.chars().map(String::from).collect();
        self.say(&step.place, run, &spelt.join(" "), None, false)
    }

    fn say(
        &mut self,
        place: &Place,
        run: &mut Run,
        text: &str,
        language: Option<String>,
        keys: bool,
    ) -> Next {
        let text = text.trim();
        if text.is_empty() {
            self.report.defect(place, "an empty sentence is said");
            return Next::Step;
        }
        let is_finished = text.ends_with(|c: char| !c.is_alphanumeric() && c != ',');
        if text.chars().count() > LONG_SENTENCE && !is_finished {
            let words: Vec<&str> = text.split_whitespace().collect();
            let end = words[words.len().saturating_sub(4)..].join(" ");
            let text = format!("the sentence ends without a full stop, as if it were cut: \"... {end}\"");
            self.report.defect(place, text);
        }
        let language = language.or_else(|| run.channel.language.clone());
        run.hear(Prompt::Say { text: text.to_owned(), language }, keys);
        Next::Step
    }

    // ---- other ways

    fn goto(&mut self, step: &Step, run: &Run, arguments: &str) -> Next {
        let Some(arguments) = self.expand(run, arguments) else {
            let text = "where this leads is not known before a call: it ends here";
            self.report.not_carried(&step.place, text);
            return Next::Done(Action::HangUp);
        };
        match self.dialplan.target(&run.point, &application::arguments(&arguments)) {
            Ok(target) => {
                if let Some(name) = target.misspelt {
                    self.report.defect(&step.place, misspelt_context(&name, &target.point.context));
                }
                Next::Jump(target.point)
            }
            Err(why) => {
                let text = format!("{} leads nowhere: {why}; Asterisk ends the call here", step.application);
                self.report.defect(&step.place, text);
                Next::Done(Action::HangUp)
            }
        }
    }

    fn goto_if(&mut self, step: &Step, run: &Run) -> Next {
        let Some((condition, yes, no)) = branches(&step.arguments) else {
            self.report.defect(&step.place, "GotoIf has no `?`: write GotoIf(CONDITION?TARGET:TARGET)");
            return Next::Step;
        };
        let Some(condition) = self.expand(run, &condition) else {
            let text = "a condition that is not known before a call: it goes on with the next line";
            self.report.not_carried(&step.place, text);
            return Next::Step;
        };
        let target = if value::is_true(&condition) { yes } else { no };
        if target.is_empty() { Next::Step } else { self.goto(step, run, &target) }
    }

    fn exec_if(&mut self, step: &Step, run: &mut Run) -> Next {
        let Some((condition, yes, no)) = branches(&step.arguments) else { return self.left_out(step) };
        let Some(condition) = self.expand(run, &condition) else { return self.left_out(step) };
        let chosen = if value::is_true(&condition) { yes } else { no };
        let (name, rest) = chosen.split_once('(').unwrap_or((&chosen, ""));
        if name.trim().is_empty() || name.trim().eq_ignore_ascii_case("execif") {
            return Next::Step;
        }
        let arguments = rest.strip_suffix(')').unwrap_or(rest).to_owned();
        let inner = Step { application: name.trim().to_owned(), arguments, ..step.clone() };
        self.perform(&inner, run)
    }

    // ---- other phones

    fn dial(&mut self, step: &Step, run: &mut Run) -> Next {
        let Some(text) = self.expand(run, &step.arguments) else {
            let text = "it is not known before a call whom this rings: the call goes on with the next line";
            self.report.not_carried(&step.place, text);
            return Next::Step;
        };
        let arguments = application::arguments(&text);
        let channels = arguments[0].split('&').map(str::trim).filter(|channel| !channel.is_empty());
        let mut targets: Vec<Target> =
            channels.filter_map(|channel| self.phones.target(&step.place, channel, self.report)).collect();
        targets.dedup();
        if let Some(options) = arguments.get(2) {
            self.dial_options(&step.place, options);
        }
        if targets.is_empty() {
            return Next::Step;
        }
        let time = arguments.get(1).and_then(|time| seconds(time)).filter(|time| !time.is_zero());
        let before = std::mem::take(&mut self.status_read);
        let no_answer = self.after_dial(step, run, &targets, "NOANSWER");
        // Only where the way depends on it.
        let others = if self.status_read { &["BUSY", "CHANUNAVAIL"][..] } else { &[] };
        let mut others = others.iter().map(|status| {
            Some(self.after_dial(step, run, &targets, status)).filter(|branch| *branch != no_answer)
        });
        let (busy, unavailable) = (others.next().flatten(), others.next().flatten());
        self.status_read = before;
        if time.is_none() && run.home.is_some() {
            let text = format!("rings without end in Asterisk, and {} s here", RING_WITHOUT_END.as_secs());
            self.report.changed(&step.place, text);
        }
        let time = time.or(run.home.map(|_| RING_WITHOUT_END));
        Next::Done(Action::Ring(Box::new(Ring { targets, time, no_answer, busy, unavailable })))
    }

    /// What follows when nobody took the call, and why nobody did.
    fn after_dial(&mut self, step: &Step, run: &Run, targets: &[Target], status: &'static str) -> Action {
        let mut point = run.point.clone();
        point.priority = point.priority.saturating_add(1);
        if self.dialplan.step(&point).is_none() || run.way.len() > super::MAX_DEPTH {
            return self.nothing_after_dial(step, run, targets);
        }
        let channel = super::Channel { status: Some(status), ..run.channel.clone() };
        let mut way = run.way.clone();
        way.push((point.clone(), channel.clone()));
        self.follow(point, channel, run.home, way)
    }

    fn nothing_after_dial(&mut self, step: &Step, run: &Run, targets: &[Target]) -> Action {
        // Whoever dialled a phone hears that it does not answer; whoever chose it in a menu is left alone.
        let Some(home) = run.home else { return Action::HangUp };
        let who: Vec<&str> = targets.iter().map(Target::name).collect();
        let text = format!(
            "nothing follows when {} does not answer: Asterisk ends the call; here the menu is heard again",
            who.join(", ")
        );
        self.report.defect(&step.place, text);
        Action::Menu(home)
    }

    fn dial_options(&mut self, place: &Place, options: &str) {
        let mut depth = 0_usize;
        let mut others = String::new();
        for c in options.chars() {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                c if depth == 0 && c.is_ascii_alphabetic() && !DIAL_BY_ITSELF.contains(c) => others.push(c),
                _ => {}
            }
        }
        if !others.is_empty() {
            self.report.not_carried(place, format!("the options `{others}` of Dial"));
        }
    }
}

/// `10` or `0.5`
fn seconds(text: &str) -> Option<Duration> {
    const LONGEST: f64 = 86_400.0;
    let seconds: f64 = text.trim().parse().ok()?;
    (0.0..=LONGEST).contains(&seconds).then(|| Duration::from_millis((seconds * 1000.0) as u64))
}
