//! Offers and answers of a line (RFC 3264), and what it believes was agreed.

use std::net::SocketAddr;

use crate::{common::Sdp, fault::Fault, message::Message};

/// The sound of a line.
#[derive(Debug)]
pub(crate) struct Audio {
    pub(crate) rtp: SocketAddr,
    /// What its user wants.
    pub(crate) direction: &'static str,
    /// What it has said last.
    said: Option<Sdp>,
    /// What the exchange has said last: all but the version, and the version.
    seen: Option<(String, u64)>,
    pub(crate) agreed: Option<Agreed>,
    /// An offer of ours that has no answer yet.
    pub(crate) offered: Option<Sdp>,
}

/// The last offer and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Agreed {
    pub(crate) ours: Sdp,
    pub(crate) theirs: Sdp,
    /// Of the codec in the answer, and of telephone events.
    pub(crate) payload: u8,
    pub(crate) events: Option<u8>,
}

impl Agreed {
    pub(crate) fn may_hear(&self) -> bool {
        receives(&self.ours.direction) && sends(&self.theirs.direction)
    }

    pub(crate) fn may_speak(&self) -> bool {
        sends(&self.ours.direction) && receives(&self.theirs.direction)
    }
}

fn sends(direction: &str) -> bool {
    matches!(direction, "sendrecv" | "sendonly")
}

fn receives(direction: &str) -> bool {
    matches!(direction, "sendrecv" | "recvonly")
}

impl Audio {
    pub(super) fn new(rtp: SocketAddr) -> Audio {
        Audio { rtp, direction: "sendrecv", said: None, seen: None, agreed: None, offered: None }
    }

    /// The version grows by one when something changes, and only then (RFC 3264 8).
    fn say(&mut self, sdp: Sdp) -> Sdp {
        let sdp = match &self.said {
            None => Sdp { version: 1, ..sdp },
            Some(said) if (Sdp { version: said.version, ..sdp.clone() }) == *said => said.clone(),
            Some(said) => Sdp { version: said.version + 1, ..sdp },
        };
        self.said = Some(sdp.clone());
        sdp
    }

    /// An offer of these payload types.
    pub(super) fn offer(&mut self, payloads: &[u8]) -> Sdp {
        let offer = self.say(Sdp::new(self.rtp).payloads(payloads).direction(self.direction));
        self.offered = Some(offer.clone());
        offer
    }

    /// The answer to an offer, which is in force from now on; none if there is no common codec.
    pub(super) fn answer(&mut self, theirs: &Sdp) -> Option<Sdp> {
        let ours = [8, 0];
        let codec = theirs.codecs().into_iter().find(|codec| ours.contains(codec))?;
        let events = theirs.payloads.iter().copied().find(|payload| *payload == 101);
        let payloads: Vec<u8> = [codec].into_iter().chain(events).collect();
        let may_send = sends(self.direction) && receives(&theirs.direction);
        let may_receive = receives(self.direction) && sends(&theirs.direction);
        let direction = match (may_send, may_receive) {
            (true, true) => "sendrecv",
            (true, false) => "sendonly",
            (false, true) => "recvonly",
            (false, false) => "inactive",
        };
        let answer = self.say(Sdp::new(self.rtp).payloads(&payloads).direction(direction));
        self.agree(answer.clone(), theirs.clone(), &answer);
        Some(answer)
    }

    /// The exchange has answered our offer.
    pub(super) fn take_answer(&mut self, theirs: Sdp) {
        if let Some(ours) = self.offered.take() {
            let answer = theirs.clone();
            self.agree(ours, theirs, &answer);
        }
    }

    fn agree(&mut self, ours: Sdp, theirs: Sdp, answer: &Sdp) {
        let payload = answer.codecs().first().copied().unwrap_or_default();
        let events = answer.payloads.iter().copied().find(|payload| *payload >= 96);
        self.agreed = Some(Agreed { ours, theirs, payload, events });
    }

    /// What a message of the exchange describes; none without a body.
    pub(super) fn see(&mut self, message: &Message) -> Result<Option<Sdp>, Fault> {
        if message.body.is_empty() {
            return Ok(None);
        }
        let broken = |rule| Fault { rule, text: format!("{}\n{}", message.start, message.body) };
        let sdp =
            Sdp::read(message.body.as_bytes()).ok_or(broken("a phone can read the session descriptions"))?;
        let origin = message.body.split("\r\n").find(|line| line.starts_with("o=")).unwrap_or_default();
        let rest = message.body.replacen(&format!(" {} IN ", sdp.version), " ? IN ", 1);
        let (before, version) =
            self.seen.replace((rest.clone(), sdp.version)).unwrap_or((rest.clone(), sdp.version));
        let owner = |text: &str| text.split("\r\n").find(|line| line.starts_with("o=")).map(str::to_owned);
        if owner(&before) != owner(&rest) {
            return Err(Fault {
                rule: "a session has one origin (RFC 3264 8)",
                text: format!("{before}\nthen {origin}"),
            });
        }
        let expected = if before == rest { version } else { version + 1 };
        if sdp.version != expected {
            let text = format!("version {version}: {before}\nthen version {}: {rest}", sdp.version);
            return Err(Fault { rule: "the version grows by one with each change (RFC 3264 8)", text });
        }
        Ok(Some(sdp))
    }
}
