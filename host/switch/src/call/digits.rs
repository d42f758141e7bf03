//! Digits: where they come from, and how they reach the other leg of a bridge.

use jackfield_media::{self as media, LegId};
use jackfield_sip::{Answer, Message, Method};

use super::leg::{Verb, VerbKind};
use crate::{
    command::{BridgeEnd, Event},
    settings::Dtmf,
    switch::Switch,
};

/// How a digit came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    /// RFC 4733.
    Event,
    /// In-band.
    Tone,
    /// SIP INFO.
    Info,
}

const RELAY: &str = "application/dtmf-relay";
const PLAIN: &str = "application/dtmf";
/// Milliseconds of a digit that we send by INFO.
const DURATION: u32 = 160;

impl Switch {
    pub(crate) fn digit_pressed(&mut self, id: LegId, digit: char, means: Means) {
        self.trace(id, crate::trace::Happened::Digit);
        if self.breaks_bridge(id, digit) {
            self.unbridge(id, BridgeEnd::Digit(digit));
            return;
        }
        self.pass_digit(id, digit, means);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if let Some(Verb { kind: VerbKind::Gather { gather, .. }, .. }) = &mut leg.verb
            && gather.wants_more()
        {
            let step = gather.digit(digit);
            self.gather_step(id, step);
            return;
        }
        // What is said to the other leg of a bridge is not said to the plugin's next menu.
        if leg.joined.is_none() {
            leg.type_ahead(digit);
        }
        if let Some(owner) = leg.owner {
            self.post(owner, Event::Digit { leg: id, digit });
        }
    }

    /// Brings a digit to the other leg of a bridge, in the way that this one takes.
    fn pass_digit(&mut self, from: LegId, digit: char, means: Means) {
        let joined = self.legs.get(&from).and_then(|leg| leg.joined.as_ref());
        let Some(to) = joined.map(|joined| joined.other()) else { return };
        let Some(leg) = self.legs.get_mut(&to) else { return };
        let has_events = leg.audio.params.as_ref().is_some_and(|params| params.dtmf.is_some());
        match (means, leg.audio.dtmf) {
            (_, Dtmf::Info) => self.send_info(to, digit),
            // The worker relays them as they are.
            (Means::Event, _) if has_events => {}
            (Means::Tone, _) if !has_events => {}
            _ => {
                leg.sending += 1;
                let digits = digit.to_string().into();
                self.media(to, media::Command::SendDigits { leg: to, digits });
            }
        }
    }

    fn send_info(&mut self, id: LegId, digit: char) {
        let Some(session) = self.legs.get(&id).and_then(|leg| leg.session) else { return };
        let body = format!("Signal={digit}\r\nDuration={DURATION}\r\n");
        let body = Some((RELAY.to_owned(), body.into()));
        // What is refused is lost, as a tone would be.
        self.endpoint.session_request(self.now, session, Method::Info, Vec::new(), body);
    }

    /// An INFO in the session of a leg.
    pub(crate) fn informed(&mut self, id: Option<LegId>, request: &Message) -> Answer {
        // RFC 6086 4.2.2 would refuse; an empty INFO is a phone asking whether we are there.
        if request.body().is_empty() {
            return Answer::status(200);
        }
        let kind = request.content_type().unwrap_or_default().to_ascii_lowercase();
        let digit = match kind.as_str() {
            RELAY => relayed_digit(request.body()),
            PLAIN => plain_digit(request.body()),
            _ => return Answer::status(415),
        };
        let Some(digit) = digit else { return Answer::status(400) };
        if let Some(id) = id {
            self.digit_pressed(id, digit, Means::Info);
        }
        Answer::status(200)
    }
}

/// `Signal=5`, among other lines.
fn relayed_digit(body: &[u8]) -> Option<char> {
    let text = std::str::from_utf8(body).ok()?;
    let signal = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .find_map(|(name, value)| name.trim().eq_ignore_ascii_case("signal").then(|| value.trim()))?;
    digit_in(signal)
}

/// The digit alone, or the number of its event.
fn plain_digit(body: &[u8]) -> Option<char> {
    digit_in(std::str::from_utf8(body).ok()?.trim())
}

fn digit_in(text: &str) -> Option<char> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(digit), None) => media::dtmf::event_of(digit).and_then(media::dtmf::digit_of),
        _ => text.parse().ok().and_then(media::dtmf::digit_of),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_in_all_their_spellings() {
        assert_eq!(relayed_digit(b"Signal=5\r\nDuration=160\r\n"), Some('5'));
        assert_eq!(relayed_digit(b"Duration=160\nsignal= *"), Some('*'));
        assert_eq!(relayed_digit(b"Signal=10\r\n"), Some('*'));
        assert_eq!(plain_digit(b"#\r\n"), Some('#'));
        assert_eq!(plain_digit(b"11"), Some('#'));
        for wrong in [&b"Signal=x"[..], b"Signal=", b"5", b"\xff", b"Signal=16", b"Signal=-1"] {
            assert_eq!(relayed_digit(wrong), None);
        }
    }
}
