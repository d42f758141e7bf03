//! What phones do to transfer a call.

use rsip::{Header, Method, Request};

use super::{Line, Phone, Sdp, World, net::value};

impl World {
    /// Asks the exchange to send the other party to that number; the status.
    #[track_caller]
    pub(crate) fn refer(&mut self, line: Line, number: &str) -> u16 {
        self.refer_to(line, &format!("<sip:{number}@192.0.2.1>"), &[])
    }

    /// Asks to put the party of `other` into the place of this one; the status.
    #[track_caller]
    pub(crate) fn refer_to_line(&mut self, line: Line, other: Line) -> u16 {
        let replaces = self.replaces(other).replace(';', "%3B").replace('=', "%3D").replace('@', "%40");
        self.refer_to(line, &format!("<sip:whoever@192.0.2.1?Replaces={replaces}>"), &[])
    }

    /// REFER with that target and further headers; the status.
    #[track_caller]
    pub(crate) fn refer_to(&mut self, line: Line, target: &str, headers: &[(&str, &str)]) -> u16 {
        let mut refer = self.within(line, Method::Refer);
        refer.headers.push(Header::Other("Refer-To".to_owned(), target.to_owned()));
        for (name, value) in headers {
            refer.headers.push(Header::Other((*name).to_owned(), (*value).to_owned()));
        }
        self.asks_within(line, refer)
    }

    /// What a Replaces header says of a call.
    pub(crate) fn replaces(&self, line: Line) -> String {
        let state = &self.lines[line.0];
        let tag = |value: &str| value.rsplit_once("tag=").map(|(_, tag)| tag.to_owned());
        let theirs = tag(&state.remote).or_else(|| tag(&state.early)).unwrap();
        format!("{};to-tag={theirs};from-tag={}", state.call_id(), tag(&state.local).unwrap())
    }

    /// Dials to take the place that the Replaces header names.
    pub(crate) fn dial_to_replace(&mut self, phone: Phone, replaces: &str) -> Line {
        self.dial_invite(phone, "102", Some, |invite: &mut Request| {
            invite.headers.push(Header::Other("Replaces".to_owned(), replaces.to_owned()));
        })
    }

    /// What NOTIFYs said since the last look: the status of the new call.
    pub(crate) fn notified(&mut self, line: Line) -> Vec<u16> {
        let notified = std::mem::take(&mut self.lines[line.0].notified);
        let status = |notify: &Request| {
            let body = String::from_utf8(notify.body.clone()).unwrap();
            let status: u16 = body.strip_prefix("SIP/2.0 ").unwrap()[..3].parse().unwrap();
            let state = value(&notify.headers, "Subscription-State").unwrap();
            assert_eq!(state.starts_with("active"), status < 200, "{state} with {status}");
            assert!(value(&notify.headers, "Event").unwrap().starts_with("refer"));
            status
        };
        notified.iter().map(status).collect()
    }

    /// The phone takes us off its ear, in that way; the status.
    #[track_caller]
    pub(crate) fn hold(&mut self, line: Line, direction: &'static str) -> u16 {
        let offer = self.own(line).direction(direction);
        self.reoffer(line, Method::Invite, Some(offer))
    }

    /// It takes us back.
    #[track_caller]
    pub(crate) fn resume(&mut self, line: Line) {
        let offer: Sdp = self.own(line).direction("sendrecv");
        assert_eq!(self.reoffer(line, Method::Invite, Some(offer)), 200);
    }

    /// The phone hears something that nobody says: music, or a tone.
    #[track_caller]
    pub(crate) fn assert_entertained(&mut self, line: Line) {
        self.heard(line);
        self.run_for(super::MS * 2000);
        let heard = self.heard(line);
        assert!(heard.len() >= 95, "{} packets in two seconds", heard.len());
        let loud = heard.iter().filter(|packet| packet.payload.iter().any(|code| code & 0x7f < 0x50)).count();
        assert!(loud > 20, "{loud} packets of {} are not silent", heard.len());
    }

    /// Nothing at all comes.
    #[track_caller]
    pub(crate) fn assert_silent(&mut self, line: Line) {
        self.heard(line);
        self.run_for(super::SECOND);
        assert_eq!(self.heard(line).len(), 0);
    }

    /// The events of a leg, in order: their names as they are written.
    pub(crate) fn story(&self, linked: &str) -> Vec<String> {
        let name = |event: &super::CallEvent| {
            let text = serde_json::to_value(event).unwrap();
            format!("{} {}", event.leg.rsplit_once("-").unwrap().1, text["event"].as_str().unwrap())
        };
        self.events.iter().filter(|event| event.linked == linked).map(name).collect()
    }
}
