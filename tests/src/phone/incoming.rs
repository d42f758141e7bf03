//! A call that comes to the phone.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rsip::{Header, Method, Request, SipMessage, headers, prelude::*};

use super::{
    call::{Call, Dialog, contact_of, routes_of},
    line::{Line, call_id, set_session},
    sdp,
};
use crate::rtp::Audio;

/// An INVITE that waits for its answer.
pub struct Ringing {
    line: Arc<Line>,
    invite: Request,
    id: String,
    tag: String,
    /// When it came.
    pub at: Instant,
}

impl Ringing {
    pub(super) fn next(line: &Arc<Line>, limit: Duration) -> Option<Ringing> {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let is_invite = |message: &SipMessage| match message {
                SipMessage::Request(request) => {
                    request.method == Method::Invite
                        && request.to_header().is_ok_and(|to| !to.value().contains("tag="))
                }
                SipMessage::Response(_) => false,
            };
            let invite: Request = line.take(left, is_invite)?.try_into().ok()?;
            let id = call_id(&invite.headers).to_owned();
            // Without a tag it was cancelled before we looked.
            if let Some(tag) = line.ringing_tag(&id) {
                return Some(Ringing { line: line.clone(), invite, id, tag, at: Instant::now() });
            }
        }
    }

    /// The caller, as the phone would show it: the value of From.
    pub fn from(&self) -> &str {
        self.invite.from_header().expect("a From header").value()
    }

    /// The value of a header, by its long name.
    pub fn header(&self, name: &str) -> Option<String> {
        let prefix = format!("{}:", name.to_ascii_lowercase());
        let found = self
            .invite
            .headers
            .iter()
            .map(Header::to_string)
            .find(|line| line.to_ascii_lowercase().starts_with(&prefix));
        found.map(|line| line[prefix.len()..].trim().to_owned())
    }

    /// What the caller's side offers, in SDP.
    pub fn session(&self) -> String {
        String::from_utf8_lossy(&self.invite.body).into_owned()
    }

    /// The user part of the request URI: what was called.
    pub fn called(&self) -> &str {
        self.invite.uri.user().unwrap_or_default()
    }

    /// 180.
    pub fn ring(&self) {
        self.line.answer(&self.invite, self.response(180));
    }

    /// Refuses with that status.
    pub fn reject(self, status: u16) {
        self.line.answer(&self.invite, self.response(status));
    }

    /// Waits until the caller gives up.
    #[track_caller]
    pub fn await_cancel(self, limit: Duration) {
        let is_cancel = |message: &SipMessage| match message {
            SipMessage::Request(request) => {
                request.method == Method::Cancel && call_id(&request.headers) == self.id
            }
            SipMessage::Response(_) => false,
        };
        assert!(self.line.take(limit, is_cancel).is_some(), "the call was not cancelled in {limit:?}");
    }

    /// Takes the call, and waits for the ACK.
    #[track_caller]
    pub fn answer(self) -> Call {
        let audio = Audio::open(self.line.local.ip());
        self.answer_with(audio)
    }

    /// Takes the call with that suite, which must have been offered.
    #[track_caller]
    pub fn answer_encrypted(self, suite: &'static str) -> Call {
        let audio = Audio::encrypted(self.line.local.ip(), suite);
        self.answer_with(audio)
    }

    #[track_caller]
    fn answer_with(self, audio: Audio) -> Call {
        let offer = sdp::read(&self.invite.body).expect("an offer of G.711");
        let session =
            sdp::write(&audio, &[offer.codec], offer.digit_type, &sdp::Travel::answer(&audio, &offer));
        let mut response = self.response(200);
        set_session(&mut response.headers, &mut response.body, &session);
        let remote = self.invite.from_header().expect("a From header").value().to_owned();
        let local = response.to_header().expect("a To header").value().to_owned();
        sdp::connect(&audio, &offer);
        self.line.keep_session(&self.id, &session);
        for attempt in 0.. {
            self.line.answer(&self.invite, response.clone());
            if self.line.take(Duration::from_millis(500), |message| self.is_ack(message)).is_some() {
                break;
            }
            assert!(attempt < 20, "no ACK");
        }
        let dialog = Dialog {
            id: self.id.clone(),
            local,
            remote,
            target: contact_of(&self.invite.headers).expect("a Contact in the INVITE"),
            routes: routes_of(&self.invite.headers),
            cseq: 1,
        };
        Call::new(&self.line, dialog, audio)
    }

    fn is_ack(&self, message: &SipMessage) -> bool {
        match message {
            SipMessage::Request(request) => {
                request.method == Method::Ack && call_id(&request.headers) == self.id
            }
            SipMessage::Response(_) => false,
        }
    }

    fn response(&self, status: u16) -> rsip::Response {
        let mut response = self.line.response(&self.invite, status, &self.tag);
        if status < 300 {
            response.headers.push(headers::Contact::new(format!("<{}>", self.line.contact())).into());
        }
        response
    }
}
