//! A call that the phone makes.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use rsip::{Method, Request, Response, headers, prelude::*};

use super::{
    call::{Call, Dialog, contact_of, routes_of},
    line::{Line, set_session},
    sdp, token,
};
use crate::rtp::Audio;

const RETRANSMIT: Duration = Duration::from_millis(500);

/// An INVITE on its way.
pub struct Dialing {
    line: Arc<Line>,
    invite: Request,
    /// As sent, until the first answer.
    dialog: Dialog,
    /// Early media is heard here.
    pub audio: Audio,
    /// Statuses seen so far.
    seen: Vec<u16>,
    waiting: VecDeque<Response>,
    unanswered: bool,
}

impl Dialing {
    #[track_caller]
    pub(super) fn start(line: &Arc<Line>, number: &str, audio: Audio) -> Dialing {
        let target = line.uri_of(number);
        let dialog = Dialog {
            id: token(),
            local: format!("\"{}\" <{}>;tag={}", line.user, line.address_of_record(), token()),
            remote: format!("<{target}>"),
            target,
            routes: Vec::new(),
            cseq: 1,
        };
        let invite = invite(line, &dialog, &audio);
        line.send_request(&invite);
        let mut dialing = Dialing {
            line: line.clone(),
            invite,
            dialog,
            audio,
            seen: Vec::new(),
            waiting: VecDeque::new(),
            unanswered: true,
        };
        dialing.log_in();
        dialing
    }

    /// Gets past the challenge, if there is one.
    #[track_caller]
    fn log_in(&mut self) {
        let first = loop {
            let response = self.receive(Duration::from_secs(20)).expect("an answer to the INVITE");
            if response.status_code.code() != 100 {
                break response;
            }
        };
        let line = self.line.clone();
        match line.login(&first, Method::Invite, &self.dialog.target) {
            Some(login) => {
                self.acknowledge_refusal(&first);
                self.seen.clear();
                self.dialog.cseq += 1;
                self.invite = invite(&line, &self.dialog, &self.audio);
                self.invite.headers.push(login);
                self.unanswered = true;
                line.send_request(&self.invite);
            }
            None => self.waiting.push_back(first),
        }
    }

    fn next(&mut self, limit: Duration) -> Option<Response> {
        self.waiting.pop_front().or_else(|| self.receive(limit))
    }

    fn receive(&mut self, limit: Duration) -> Option<Response> {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let wait = if self.unanswered { left.min(RETRANSMIT) } else { left };
            if let Some(response) = self.line.response_to(&self.invite, wait) {
                self.unanswered = false;
                self.seen.push(response.status_code.code());
                if let Some(session) = sdp::read(&response.body) {
                    sdp::connect(&self.audio, &session);
                }
                return Some(response);
            }
            if left.is_zero() {
                return None;
            }
            if self.unanswered && self.line.transport() == "UDP" {
                self.line.send_request(&self.invite);
            }
        }
    }

    /// Waits for a provisional response of that status.
    #[track_caller]
    pub fn await_status(&mut self, status: u16) {
        let end = Instant::now() + Duration::from_secs(20);
        while !self.seen.contains(&status) {
            let left = end.saturating_duration_since(Instant::now());
            let response =
                self.next(left).unwrap_or_else(|| panic!("{status} did not come, only {:?}", self.seen));
            assert!(response.status_code.code() < 200, "{} came instead of {status}", response.status_code);
        }
    }

    /// The answered call, or the status that refused it.
    #[track_caller]
    pub fn outcome(mut self, limit: Duration) -> Result<Call, u16> {
        let response = self.await_final(limit);
        let status = response.status_code.code();
        if status >= 300 {
            self.acknowledge_refusal(&response);
            return Err(status);
        }
        let Dialing { line, mut dialog, audio, .. } = self;
        dialog.remote = response.to_header().expect("a To header").value().to_owned();
        dialog.target = contact_of(&response.headers).expect("a Contact in 2xx");
        dialog.routes = routes_of(&response.headers);
        dialog.routes.reverse();
        line.acknowledge(&response, &dialog.request(&line, Method::Ack));
        line.keep_session(&dialog.id, &sdp::offer(&audio));
        Ok(Call::new(&line, dialog, audio))
    }

    /// Hangs up before the answer; the INVITE must end with 487.
    #[track_caller]
    pub fn cancel(mut self) {
        let mut cancel = self.dialog.request(&self.line, Method::Cancel);
        let via = self.invite.via_header().expect("our Via").clone();
        cancel.headers.unique_push(via.into());
        let answer = self.line.transact(&cancel);
        assert_eq!(answer.status_code.code(), 200, "CANCEL");
        let response = self.await_final(Duration::from_secs(20));
        self.acknowledge_refusal(&response);
        assert_eq!(response.status_code.code(), 487, "the cancelled INVITE");
    }

    #[track_caller]
    fn await_final(&mut self, limit: Duration) -> Response {
        let end = Instant::now() + limit;
        loop {
            match self.next(end.saturating_duration_since(Instant::now())) {
                Some(response) if response.status_code.code() >= 200 => return response,
                Some(_) => {}
                None => panic!("no final response in {limit:?}, only {:?}", self.seen),
            }
        }
    }

    /// RFC 3261 17.1.1.3: the ACK belongs to the INVITE's transaction.
    fn acknowledge_refusal(&self, response: &Response) {
        let mut ack = self.dialog.request(&self.line, Method::Ack);
        ack.headers.unique_push(self.invite.via_header().expect("our Via").clone().into());
        ack.headers.unique_push(response.to_header().expect("a To header").clone().into());
        self.line.acknowledge(response, &ack);
    }
}

fn invite(line: &Line, dialog: &Dialog, audio: &Audio) -> Request {
    let mut invite = dialog.request(line, Method::Invite);
    invite.headers.push(headers::Contact::new(format!("<{}>", line.contact())).into());
    invite.headers.push(headers::Allow::new("INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO").into());
    set_session(&mut invite.headers, &mut invite.body, &sdp::offer(audio));
    invite
}
