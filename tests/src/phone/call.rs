//! A call that is up.

use std::{sync::Arc, time::Duration};

use rsip::{Header, Method, Request, Response, headers, prelude::*};

use super::{
    line::{Line, set_session},
    sdp,
};
use crate::{await_within, rtp::Audio};

/// Who talks to whom: the headers of RFC 3261 12.
pub(super) struct Dialog {
    pub(super) id: String,
    /// The value of our From.
    pub(super) local: String,
    /// The value of our To.
    pub(super) remote: String,
    /// The request URI.
    pub(super) target: String,
    pub(super) routes: Vec<String>,
    pub(super) cseq: u32,
}

impl Dialog {
    pub(super) fn request(&self, line: &Line, method: Method) -> Request {
        let mut request = line.request(method, &self.target, &self.local, &self.remote, &self.id, self.cseq);
        request.headers.extend(self.routes.iter().map(|route| headers::Route::new(route).into()).collect());
        request
    }
}

/// A call that is up; ended when dropped.
pub struct Call {
    line: Arc<Line>,
    dialog: Dialog,
    /// What is said and heard.
    pub audio: Audio,
    over: bool,
}

impl Call {
    pub(super) fn new(line: &Arc<Line>, dialog: Dialog, audio: Audio) -> Call {
        Call { line: line.clone(), dialog, audio, over: false }
    }

    /// Hangs up, and waits for the answer.
    #[track_caller]
    pub fn hang_up(&mut self) {
        let response = self.bye();
        // Both may hang up at once.
        assert!(
            matches!(response.status_code.code(), 200 | 481),
            "BYE was answered {}",
            response.status_code
        );
    }

    fn bye(&mut self) -> Response {
        self.over = true;
        self.dialog.cseq += 1;
        self.line.transact(&self.dialog.request(&self.line, Method::Bye))
    }

    /// UPDATE with that direction of our audio, as `sendonly` to hold; the status (RFC 3311).
    #[track_caller]
    pub fn update(&mut self, direction: &str) -> u16 {
        self.dialog.cseq += 1;
        let mut update = self.dialog.request(&self.line, Method::Update);
        update.headers.push(headers::Contact::new(format!("<{}>", self.line.contact())).into());
        let version = format!("o=- 7 {}", 7 + self.dialog.cseq);
        let session = sdp::offer(&self.audio).replace("o=- 7 7", &version);
        let session = session.replace("a=sendrecv", &format!("a={direction}"));
        set_session(&mut update.headers, &mut update.body, &session);
        self.line.transact(&update).status_code.code()
    }

    /// REFER with that target; the status.
    #[track_caller]
    pub fn refer(&mut self, target: &str) -> u16 {
        self.dialog.cseq += 1;
        let mut refer = self.dialog.request(&self.line, Method::Refer);
        refer.headers.push(Header::Other("Refer-To".to_owned(), target.to_owned()));
        self.line.transact(&refer).status_code.code()
    }

    /// What a Replaces header says of this call (RFC 3891).
    pub fn replaces(&self) -> String {
        let tag = |value: &str| value.rsplit_once("tag=").map(|(_, tag)| tag.to_owned()).unwrap_or_default();
        let Dialog { id, local, remote, .. } = &self.dialog;
        format!("{id};to-tag={};from-tag={}", tag(remote), tag(local))
    }

    /// The other side has hung up.
    pub fn is_over(&self) -> bool {
        self.line.has_ended(&self.dialog.id)
    }

    /// Waits until the other side hangs up.
    #[track_caller]
    pub fn await_end(&mut self, limit: Duration) {
        await_within(limit, "the other side to hang up", || self.is_over().then_some(()));
        self.over = true;
    }

    /// The call's Call-ID.
    pub fn id(&self) -> &str {
        &self.dialog.id
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.over && !self.is_over() && !std::thread::panicking() {
            // Once, without waiting: who wants to know calls `hang_up`.
            self.dialog.cseq += 1;
            self.line.send_request(&self.dialog.request(&self.line, Method::Bye));
        }
    }
}

/// The URI of a message's Contact.
pub(super) fn contact_of(headers: &rsip::Headers) -> Option<String> {
    headers.iter().find_map(|header| match header {
        Header::Contact(contact) => contact.clone().typed().ok().map(|contact| contact.uri.to_string()),
        _ => None,
    })
}

/// The values of its Record-Route headers.
pub(super) fn routes_of(headers: &rsip::Headers) -> Vec<String> {
    let routes = headers.iter().filter_map(|header| match header {
        Header::RecordRoute(route) => Some(route.value().to_owned()),
        _ => None,
    });
    routes.collect()
}
