//! Reads a case file, line by line.

use std::path::Path;

use super::{
    grammar::{self, GIVEN},
    mistake::{Fault, Mistake, Place, did_you_mean},
    script::{Act, Case, Given, Script, Step},
    token::{Kind, Token, tokens},
};

/// Who calls where nobody else is named.
pub(super) const CALLER: &str = "caller";
/// Every line of a file beyond these would be a mistake in itself.
const MAX_MISTAKES: usize = 50;

/// Understands a case file. `implied` are the users whom nobody has to name.
pub(crate) fn parse(path: &Path, text: &str, implied: &[String]) -> Result<Script, Vec<Mistake>> {
    let script = Script { path: path.to_owned(), given: Vec::new(), cases: Vec::new() };
    let mut parser = Parser { script, implied, mistakes: Vec::new(), line: 0 };
    for (index, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
        parser.line = index + 1;
        if let Err(fault) = parser.line(line) {
            parser.mistake(fault);
        }
        if parser.mistakes.len() >= MAX_MISTAKES {
            break;
        }
    }
    parser.whole();
    if parser.mistakes.is_empty() { Ok(parser.script) } else { Err(parser.mistakes) }
}

struct Parser<'a> {
    script: Script,
    implied: &'a [String],
    mistakes: Vec<Mistake>,
    /// From 1.
    line: usize,
}

impl Parser<'_> {
    fn line(&mut self, line: &str) -> Result<(), Fault> {
        let begin = line.trim_start();
        let column = line.chars().count() - begin.chars().count() + 1;
        if begin.is_empty() || begin.starts_with('#') {
            return Ok(());
        }
        if let Some(title) = begin.strip_prefix("case:") {
            return self.case(title.trim(), column);
        }
        if let Some(toml) = begin.strip_prefix("settings:") {
            let before = line.len() - toml.len();
            return self.settings(toml, line[..before].chars().count() + 1, column);
        }
        let tokens = tokens(line)?;
        for statement in tokens.split(|token| token.kind == Kind::Semicolon).filter(|part| !part.is_empty()) {
            self.statement(line, statement)?;
        }
        Ok(())
    }

    fn case(&mut self, title: &str, column: usize) -> Result<(), Fault> {
        if title.is_empty() {
            return Err(Fault::new(column, "this case has no title", "write `case: 1 rings Alice`"));
        }
        let same = self.script.cases.iter().find(|case| case.title == title).map(|case| case.place.line);
        let place = Place { line: self.line, column };
        self.script.cases.push(Case { title: title.to_owned(), place, given: Vec::new(), steps: Vec::new() });
        match same {
            Some(line) => {
                Err(Fault::new(column, format!("line {line} has a case of this title already"), ""))
            }
            None => Ok(()),
        }
    }

    fn settings(&mut self, toml: &str, begin: usize, column: usize) -> Result<(), Fault> {
        let table = toml::from_str(toml).map_err(|error: toml::de::Error| {
            let at = error.span().map_or(0, |span| span.start);
            let column = begin + toml.get(..at).unwrap_or_default().chars().count();
            let message = format!("this is not TOML: {}", error.message());
            Fault::new(column, message, format!("write `{}`", grammar::form_of("settings")))
        })?;
        self.give(Given::Settings(table), "settings", column)
    }

    /// `WHO: STEP, STEP`
    fn statement(&mut self, line: &str, tokens: &[Token<'_>]) -> Result<(), Fault> {
        let first = &tokens[0];
        let Kind::Word(word) = first.kind else {
            return Err(Fault::new(
                first.column,
                "it is not said who does this",
                "write `caller: hears \"Bonjour\"`",
            ));
        };
        let Some(who) = word.strip_suffix(':') else { return Err(self.no_subject(first.column, word)) };
        let mut missing = None;
        for step in tokens[1..].split(|token| token.kind == Kind::Comma) {
            if step.is_empty() {
                missing =
                    Some(Fault::new(first.column, format!("nothing stands behind `{who}:` or a comma"), ""));
            } else if GIVEN.iter().any(|(given, _)| *given == who) {
                self.give(grammar::given(who, step, first.column)?, who, first.column)?;
            } else {
                self.step(who, first.column, line, step)?;
            }
        }
        missing.map_or(Ok(()), Err)
    }

    fn no_subject(&self, column: usize, word: &str) -> Fault {
        let names = self.names();
        let begins = |name: &&str| {
            word.strip_prefix(*name).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        };
        let known =
            names.iter().copied().chain(["then", "operator", "case"]).chain(GIVEN.map(|(word, _)| word));
        let help = match known.clone().find(begins) {
            Some(name) => format!("write `{name}: `, with a colon and a blank"),
            None => "a line begins with who does it: `caller: hears \"Bonjour\"`".to_owned(),
        };
        Fault::new(column, format!("\"{word}\" is not who does something"), help)
    }

    fn give(&mut self, given: Given, what: &str, column: usize) -> Result<(), Fault> {
        let all = self.script.given.iter();
        match self.script.cases.last_mut() {
            None => {
                twice(&given, all, column)?;
                self.script.given.push(given);
            }
            Some(case) if case.steps.is_empty() => {
                twice(&given, case.given.iter(), column)?;
                case.given.push(given);
            }
            Some(_) => {
                let message = format!("`{what}:` comes too late: the case has begun");
                return Err(Fault::new(column, message, "write it above the first step"));
            }
        }
        Ok(())
    }

    fn step(&mut self, who: &str, column: usize, line: &str, tokens: &[Token<'_>]) -> Result<(), Fault> {
        let names = self.names();
        let (rest, within) = grammar::within(tokens)?;
        let act = match who {
            "then" => Act::Then(grammar::then(rest, &names)?),
            "operator" => Act::Operator(grammar::operator(rest)?),
            name if names.contains(&name) => Act::Phone(name.to_owned(), grammar::phone(name, rest, &names)?),
            name => {
                let words = ["then", "operator", "case"].into_iter().chain(GIVEN.map(|(word, _)| word));
                let fault = grammar::unknown_name(column, name, &names);
                let help = did_you_mean(name, words.chain(names)).unwrap_or(fault.help);
                return Err(Fault { help, ..fault });
            }
        };
        let written = match (tokens.first(), tokens.last()) {
            (Some(first), Some(last)) => &line[first.from..last.until],
            _ => "",
        };
        let place = Place { line: self.line, column: tokens[0].column };
        let step = Step { place, text: format!("{who}: {written}"), act, within };
        match self.script.cases.last_mut() {
            Some(case) => case.steps.push(step),
            None => {
                return Err(Fault::new(
                    column,
                    "this step is in no case",
                    "write `case: what it shows` above it",
                ));
            }
        }
        Ok(())
    }

    /// All phones that may be named here.
    fn names(&self) -> Vec<&str> {
        let given =
            self.script.given.iter().chain(self.script.cases.last().into_iter().flat_map(|case| &case.given));
        let named = given.filter_map(|given| match given {
            Given::User { name, .. } | Given::Outside { name, .. } => Some(name.as_str()),
            _ => None,
        });
        let mut names: Vec<&str> =
            std::iter::once(CALLER).chain(self.implied.iter().map(String::as_str)).collect();
        for name in named {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// What no single line shows.
    fn whole(&mut self) {
        let empty: Vec<Place> =
            self.script.cases.iter().filter(|case| case.steps.is_empty()).map(|case| case.place).collect();
        // Its steps were mistaken; that is said already.
        if !self.mistakes.is_empty() {
            return;
        }
        for place in empty {
            self.line = place.line;
            self.mistake(Fault::new(
                place.column,
                "nothing happens in this case",
                "write `caller: hears \"Bonjour\"` below it",
            ));
        }
    }

    fn mistake(&mut self, fault: Fault) {
        let place = Place { line: self.line, column: fault.column };
        let Fault { message, help, .. } = fault;
        self.mistakes.push(Mistake { file: self.script.path.clone(), place, message, help });
    }
}

/// Two phones of one name or number, at the same level.
fn twice<'a>(given: &Given, mut others: impl Iterator<Item = &'a Given>, column: usize) -> Result<(), Fault> {
    let of = |given: &'a Given| match given {
        Given::User { name, number } | Given::Outside { name, number } => {
            Some((name.as_str(), number.as_str()))
        }
        _ => None,
    };
    let (Given::User { name, number } | Given::Outside { name, number }) = given else { return Ok(()) };
    let same = others.find_map(|other| of(other).filter(|(a, b)| a == name || b == number));
    match same {
        None => Ok(()),
        Some((other, _)) if other == name => {
            Err(Fault::new(column, format!("there is a \"{name}\" already"), "take another name"))
        }
        Some((other, _)) => Err(Fault::new(
            column,
            format!("{number} is the number of {other} already"),
            "take another number",
        )),
    }
}
