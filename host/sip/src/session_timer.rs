//! Session timers (RFC 4028): how long a session may last without a sign of life, and who gives it.

use std::fmt;

use crate::message::{Message, Name, syntax};

/// Nobody may ask for less, in seconds (RFC 4028 4).
pub(crate) const MIN_SE: u32 = 90;

/// The option tag.
pub(crate) const TAG: &str = "timer";

/// Who refreshes: a side of the transaction that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refresher {
    Uac,
    Uas,
}

/// The value of a Session-Expires header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionExpires {
    /// Seconds.
    pub(crate) interval: u32,
    pub(crate) refresher: Option<Refresher>,
}

impl SessionExpires {
    /// What a message says; none if it says nothing that can be read.
    pub(crate) fn of(message: &Message) -> Option<SessionExpires> {
        let text = message.text(&Name::SessionExpires)?;
        let (_, params) = text.split_once(';').unwrap_or_default();
        let refresher = match syntax::params(params).find(|(name, _)| name.eq_ignore_ascii_case("refresher"))
        {
            Some((_, side)) if side.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
            Some((_, side)) if side.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
            _ => None,
        };
        Some(SessionExpires { interval: seconds(&text)?, refresher })
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.interval)?;
        match self.refresher {
            Some(Refresher::Uac) => f.write_str(";refresher=uac"),
            Some(Refresher::Uas) => f.write_str(";refresher=uas"),
            None => Ok(()),
        }
    }
}

/// The Min-SE of a message, at least [`MIN_SE`].
pub(crate) fn min_se(message: &Message) -> u32 {
    message.text(&Name::MinSe).and_then(|text| seconds(&text)).map_or(MIN_SE, |min| min.max(MIN_SE))
}

/// Whether the sender speaks session timers.
pub(crate) fn is_supported(message: &Message) -> bool {
    [Name::Supported, Name::Require]
        .iter()
        .any(|name| message.values(name).any(|tag| tag.eq_ignore_ascii_case(TAG)))
}

/// What we say to a request that refreshes, in a 2xx: nothing to a peer that does not know timers. `ours`
/// is the interval that we want. A peer that leaves it open does not refresh: we do, and so notice first
/// when it is gone.
pub(crate) fn answer(request: &Message, ours: u32) -> Option<SessionExpires> {
    let asked = SessionExpires::of(request);
    if !is_supported(request) {
        // A proxy may want timers although its phone knows nothing of them (RFC 4028 9, table 2).
        let interval = |asked: SessionExpires| asked.interval.max(min_se(request));
        return asked
            .map(|asked| SessionExpires { interval: interval(asked), refresher: Some(Refresher::Uas) });
    }
    let interval = asked.map_or(ours, |asked| asked.interval.min(ours)).max(min_se(request));
    let refresher = asked.and_then(|asked| asked.refresher).or(Some(Refresher::Uas));
    Some(SessionExpires { interval, refresher })
}

fn seconds(text: &str) -> Option<u32> {
    syntax::delta_seconds(text.split(';').next()?.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &str) -> Message {
        Message::parse(format!("UPDATE sip:a@b SIP/2.0\r\n{headers}\r\n\r\n").into()).unwrap()
    }

    fn said(headers: &str, ours: u32) -> Option<String> {
        answer(&request(headers), ours).map(|said| said.to_string())
    }

    #[test]
    fn the_shorter_interval_counts_but_never_less_than_the_least() {
        let timer = "Supported: timer\r\n";
        assert_eq!(
            said(&format!("{timer}Session-Expires: 4000"), 1800).as_deref(),
            Some("1800;refresher=uas")
        );
        assert_eq!(said(&format!("{timer}x: 600;refresher=uac"), 1800).as_deref(), Some("600;refresher=uac"));
        assert_eq!(
            said(&format!("{timer}x: 2000 ;refresher=UAS\r\nMin-SE: 1900"), 1800).as_deref(),
            Some("1900;refresher=uas")
        );
        assert_eq!(said(timer, 300).as_deref(), Some("300;refresher=uas"));
    }

    #[test]
    fn a_peer_without_timers_is_told_nothing_unless_its_proxy_asks() {
        assert_eq!(said("Supported: 100rel", 1800), None);
        assert_eq!(said("Session-Expires: 600", 1800).as_deref(), Some("600;refresher=uas"));
        assert_eq!(
            said("Supported: timer\r\nSession-Expires: soon", 1800).as_deref(),
            Some("1800;refresher=uas")
        );
    }
}
