//! What a call carries through the dialplan.

use std::{collections::BTreeMap, time::Duration};

use super::super::{
    dialplan::{Dialplan, Point, value},
    phones::DIALLED,
};

/// How long Asterisk waits for a key unless told.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
/// Global variables in global variables.
const MAX_DEPTH: usize = 8;

/// Variables and time-outs of a call, as far as they are known beforehand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Channel {
    /// `TIMEOUT(response)`
    pub(super) response: Duration,
    /// `CHANNEL(language)`
    pub(super) language: Option<String>,
    /// `DIALSTATUS`, where one way of several is followed.
    pub(super) status: Option<&'static str>,
    pub(super) variables: BTreeMap<String, String>,
}

impl Default for Channel {
    fn default() -> Self {
        Channel { response: RESPONSE_TIMEOUT, language: None, status: None, variables: BTreeMap::new() }
    }
}

/// What `${...}` can name, at a point of a call.
pub(super) struct Scope<'a> {
    pub(super) dialplan: &'a Dialplan,
    pub(super) point: &'a Point,
    pub(super) channel: &'a Channel,
    /// Whether `DIALSTATUS` was asked for.
    pub(super) status_read: bool,
}

impl Scope<'_> {
    /// The text with its variables replaced; None: something in it is not known before a call.
    pub(super) fn expand(&mut self, text: &str) -> Option<String> {
        self.expand_at(text, 0)
    }

    fn expand_at(&mut self, text: &str, depth: usize) -> Option<String> {
        value::expand(text, &mut |name| self.variable(name, depth))
    }

    fn variable(&mut self, name: &str, depth: usize) -> Option<String> {
        if let Some((function, argument)) = name.strip_suffix(')').and_then(|name| name.split_once('(')) {
            return match function.to_ascii_uppercase().as_str() {
                "GLOBAL" => self.global(argument, depth),
                "CHANNEL" if argument.eq_ignore_ascii_case("language") => self.channel.language.clone(),
                "PJSIP_DIAL_CONTACTS" => Some(format!("PJSIP/{argument}")),
                _ => None,
            };
        }
        let (name, range) = name.split_once(':').map_or((name, None), |(name, range)| (name, Some(range)));
        let whole = match name {
            "EXTEN" if self.point.exten.starts_with('_') => return dialled(range),
            "EXTEN" => self.point.exten.clone(),
            "CONTEXT" => self.point.context.clone(),
            "PRIORITY" => self.point.priority.to_string(),
            "DIALSTATUS" => {
                self.status_read = true;
                self.channel.status?.to_owned()
            }
            name => match self.channel.variables.get(name) {
                Some(value) => value.clone(),
                None => self.global(name, depth)?,
            },
        };
        range.map_or(Some(whole.clone()), |range| value::part(&whole, range))
    }

    fn global(&mut self, name: &str, depth: usize) -> Option<String> {
        let text = self.dialplan.globals.get(name).filter(|_| depth < MAX_DEPTH)?.clone();
        self.expand_at(&text, depth + 1)
    }
}

/// What is dialled is not known; that its first digits are cut off is.
fn dialled(range: Option<&str>) -> Option<String> {
    match range.map(str::parse::<usize>) {
        None | Some(Ok(0)) => Some(DIALLED.to_owned()),
        Some(Ok(cut)) => Some(format!("{{number:{cut}}}")),
        Some(Err(_)) => None,
    }
}
