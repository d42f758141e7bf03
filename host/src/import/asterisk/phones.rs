//! Who has a phone, and what a dialled channel means: `PJSIP/alice`, `PJSIP/0612345678@provider`.

use std::collections::BTreeMap;

use crate::{
    config::{is_name, suggest},
    import::{
        flow::Target,
        plan::User,
        report::{Place, Report},
    },
};

/// Longer names of digits are numbers of the world, not phones of the house.
const LONGEST_EXTENSION: usize = 5;

/// What was dialled, where it is not known before a call; `{number:1}` without its first digit.
pub const DIALLED: &str = "{number}";

/// The endpoints of `pjsip.conf`, and those that are only dialled.
#[derive(Clone, Debug, Default)]
pub struct Phones {
    /// Whether there is a `pjsip.conf`.
    pub has_file: bool,
    /// They register.
    pub users: BTreeMap<String, User>,
    /// Where each user stands.
    pub places: BTreeMap<String, Place>,
    /// They are other exchanges.
    pub trunks: BTreeMap<String, Trunk>,
    /// Context of each endpoint, with its line.
    pub contexts: Vec<(String, Place)>,
}

/// An exchange that calls go to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trunk {
    /// `HOST` or `HOST:PORT`, if it is said.
    pub host: Option<String>,
}

impl Phones {
    /// Whom a channel rings. None: nobody; the report says why.
    pub fn target(&mut self, place: &Place, channel: &str, report: &mut Report) -> Option<Target> {
        let Some((technology, rest)) = channel.split_once('/') else {
            let text = format!("`{channel}` is no channel: write PJSIP/{channel}");
            report.defect(place, text);
            return None;
        };
        match technology.trim().to_ascii_uppercase().as_str() {
            "PJSIP" | "SIP" => self.sip(place, rest.trim(), report),
            "LOCAL" => {
                let number = rest.split(['@', '/']).next().unwrap_or_default();
                is_dialled(number).then(|| Target::Number(number.to_owned())).or_else(|| {
                    report.not_carried(place, format!("`{channel}` rings no number that is known"));
                    None
                })
            }
            other => {
                report.not_carried(place, format!("`{channel}`: Jackfield speaks SIP, not {other}"));
                None
            }
        }
    }

    fn sip(&mut self, place: &Place, rest: &str, report: &mut Report) -> Option<Target> {
        if let Some((_, uri)) = rest.split_once("/sip:") {
            let (number, host) = uri.split_once('@').unwrap_or(("", uri));
            let host = host.split([';', '/', '?']).next().unwrap_or_default();
            return self.outside(place, number, Some(host.to_owned()), report);
        }
        if let Some((number, trunk)) = rest.split_once('@').or_else(|| swapped(rest)) {
            return self.through(place, number, trunk, report);
        }
        if rest == DIALLED {
            return Some(Target::AnyUser);
        }
        if self.users.contains_key(rest) {
            return Some(Target::User(rest.to_owned()));
        }
        if self.users.values().any(|user| user.number.as_deref() == Some(rest)) {
            let text = format!("there is no endpoint `{rest}`, but a phone with that number: it is rung");
            report.defect(place, text);
            return Some(Target::Number(rest.to_owned()));
        }
        if self.trunks.contains_key(rest) {
            let text = format!("the trunk `{rest}` is dialled without a number: write PJSIP/NUMBER@{rest}");
            report.defect(place, text);
            return None;
        }
        self.unknown(place, rest, report)
    }

    fn through(&mut self, place: &Place, number: &str, trunk: &str, report: &mut Report) -> Option<Target> {
        match self.trunks.get(trunk) {
            Some(known) => {
                let host = known.host.clone();
                self.outside(place, number, host, report)
            }
            None if self.users.contains_key(trunk) => Some(Target::User(trunk.to_owned())),
            None => {
                let help = suggest(trunk, self.trunks.keys().map(String::as_str));
                report.defect(place, format!("there is no trunk `{trunk}`: calls to it fail; {help}"));
                None
            }
        }
    }

    fn outside(
        &self,
        place: &Place,
        number: &str,
        host: Option<String>,
        report: &mut Report,
    ) -> Option<Target> {
        let Some(host) = host.filter(|host| !host.is_empty() && !host.contains(char::is_whitespace)) else {
            let text =
                format!("`{number}` goes to a trunk whose address is not said: give its aor a contact");
            report.not_carried(place, text);
            return None;
        };
        Some(Target::Outside { number: number.to_owned(), host })
    }

    fn unknown(&mut self, place: &Place, name: &str, report: &mut Report) -> Option<Target> {
        let is_number = name.chars().all(|c| c.is_ascii_digit() || c == '+');
        if is_number && name.len() > LONGEST_EXTENSION {
            let text = format!(
                "PJSIP/{name} rings an endpoint of that name, and there is none: a number of the world needs a \
                 trunk, PJSIP/{name}@TRUNK"
            );
            report.defect(place, text);
            return None;
        }
        if !is_name(name) || name.contains(['{', '$']) {
            report.not_carried(place, format!("it is not known before a call whom PJSIP/{name} rings"));
            return None;
        }
        let why = if self.has_file { "pjsip.conf has no such endpoint" } else { "there is no pjsip.conf" };
        report.defect(place, format!("PJSIP/{name} is rung, and {why}; the user `{name}` is made"));
        self.users.insert(name.to_owned(), User::default());
        self.places.insert(name.to_owned(), place.clone());
        Some(Target::User(name.to_owned()))
    }
}

/// `TRUNK/NUMBER`, as chan_sip wrote it.
fn swapped(rest: &str) -> Option<(&str, &str)> {
    rest.split_once('/').map(|(trunk, number)| (number, trunk))
}

/// A number of this exchange.
fn is_dialled(number: &str) -> bool {
    !number.is_empty() && number.chars().all(|c| c.is_ascii_alphanumeric() || "+*#.-_".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rings(channel: &str) -> (Option<Target>, usize) {
        let user = User { number: Some("101".to_owned()), ..User::default() };
        let mut phones = Phones {
            has_file: true,
            users: BTreeMap::from([("alice".to_owned(), user)]),
            trunks: BTreeMap::from([
                ("provider".to_owned(), Trunk { host: Some("192.0.2.1:5060".to_owned()) }),
                ("nowhere".to_owned(), Trunk::default()),
            ]),
            ..Phones::default()
        };
        let mut report = Report::default();
        let target = phones.target(&Place::file("e"), channel, &mut report);
        (target, report.notes().count())
    }

    fn outside(number: &str, host: &str) -> (Option<Target>, usize) {
        (Some(Target::Outside { number: number.to_owned(), host: host.to_owned() }), 0)
    }

    #[test]
    fn channels_ring_users_numbers_and_trunks() {
        assert_eq!(rings("PJSIP/alice"), (Some(Target::User("alice".to_owned())), 0));
        assert_eq!(rings("pjsip/{number}"), (Some(Target::AnyUser), 0));
        assert_eq!(rings("Local/200@internal/n"), (Some(Target::Number("200".to_owned())), 0));
        assert_eq!(rings("PJSIP/0612@provider"), outside("0612", "192.0.2.1:5060"));
        assert_eq!(rings("SIP/provider/{number:1}"), outside("{number:1}", "192.0.2.1:5060"));
        assert_eq!(rings("PJSIP/x/sip:06@h.example:5070;transport=tcp"), outside("06", "h.example:5070"));
        assert_eq!(rings("PJSIP/101"), (Some(Target::Number("101".to_owned())), 1));
        assert_eq!(rings("PJSIP/bob"), (Some(Target::User("bob".to_owned())), 1), "he is made");
    }

    #[test]
    fn what_rings_nobody_is_told() {
        for channel in [
            "alice",
            "DAHDI/1",
            "PJSIP/0612345678",
            "PJSIP/06@nobody",
            "PJSIP/06@nowhere",
            "PJSIP/provider",
            "PJSIP/",
            "PJSIP/$X",
            "Local/@x",
        ] {
            assert_eq!(rings(channel), (None, 1), "{channel}");
        }
    }
}
