//! A whole exchange, before it is written: what every reader of foreign files ends with.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use jackfield_switch::Pattern;

use super::flow::Flow;
use crate::config::Network;

/// More numbers than these are said in patterns.
const MAX_NUMBERS: usize = 16;

/// What is to be written.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// `[listen]`; nothing: the usual ports.
    pub listen: Listen,
    /// `[media] codecs`; empty: the usual ones.
    pub codecs: Vec<&'static str>,
    /// `[users.NAME]`
    pub users: BTreeMap<String, User>,
    /// `[peers.NAME]`
    pub peers: BTreeMap<String, Vec<Network>>,
    /// `[routes]`, by pattern.
    pub routes: BTreeMap<String, Route>,
    /// Plugins of the kind `ivr`, by name.
    pub apps: BTreeMap<String, Flow>,
    /// By name.
    pub campaigns: BTreeMap<String, Campaign>,
}

/// `[listen]`
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "they are those of the configuration")]
pub struct Listen {
    pub udp: Vec<SocketAddr>,
    pub tcp: Vec<SocketAddr>,
    pub tls: Vec<SocketAddr>,
    pub external: Vec<IpAddr>,
    pub local_nets: Vec<Network>,
}

/// `[users.NAME]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// What others dial.
    pub number: Option<String>,
    /// What others see.
    pub display: Option<String>,
    /// `dtmf`, where it is not the usual.
    pub dtmf: Option<&'static str>,
    /// `srtp`, where it is not the usual.
    pub srtp: Option<&'static str>,
    /// Goes to the store as digests, never into a file.
    pub password: Option<String>,
}

/// One line of `[routes]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Who takes the call.
    pub to: RouteTo,
    /// How long it rings.
    pub ring: Option<Duration>,
    /// A user or number, when nobody took it.
    pub fallback: Option<String>,
}

/// Who takes a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteTo {
    /// Whoever has the number.
    AnyUser,
    /// One or several users.
    Users(Vec<String>),
    /// One of [`Plan::apps`].
    App(String),
    /// A `sip:` URI.
    Sip(String),
}

/// `[config.campaigns.NAME]`, and whom it calls.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// One of [`Plan::apps`].
    pub app: String,
    /// What the contact sees.
    pub caller: Option<String>,
    /// What the contact sees.
    pub caller_name: Option<String>,
    /// After the first attempt.
    pub retries: u32,
    /// From the start of an attempt to the start of the next.
    pub retry_time: Duration,
    /// How long it rings.
    pub wait_time: Duration,
    /// Whom it calls.
    pub contacts: Contacts,
    /// Their numbers.
    pub numbers: Vec<String>,
}

/// The list of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contacts {
    /// A CSV file that is there already.
    File(PathBuf),
    /// Rows for one: numbers, and further columns.
    Rows(Vec<Contact>),
}

/// Somebody to be called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contact {
    /// A number or the name of a user.
    pub number: String,
    /// Column and value.
    pub fields: BTreeMap<String, String>,
}

impl Plan {
    /// Whether there is anything to be written.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.routes.is_empty() && self.apps.is_empty() && self.campaigns.is_empty()
    }
}

/// Numbers as they are, or patterns where there are many.
pub fn compressed(numbers: &[String]) -> Vec<String> {
    let mut patterns: Vec<String> =
        numbers.iter().filter(|number| Pattern::parse(number).is_ok()).cloned().collect();
    patterns.sort();
    patterns.dedup();
    if patterns.len() > MAX_NUMBERS {
        let widened = patterns.iter().map(|number| {
            let is_plain = number.len() > 1 && number.chars().all(|c| c.is_ascii_digit());
            if is_plain {
                format!("{}{}", &number[..1], "X".repeat(number.len() - 1))
            } else {
                number.clone()
            }
        });
        patterns = widened.collect();
        patterns.sort();
        patterns.dedup();
    }
    patterns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_numbers_become_patterns() {
        let few = ["0612".to_owned(), "0612".to_owned(), "1 2".to_owned()];
        assert_eq!(compressed(&few), ["0612"]);
        let many: Vec<String> = (0..40).map(|n| format!("06{n:02}")).collect();
        assert_eq!(compressed(&many), ["0XXX"]);
    }
}
