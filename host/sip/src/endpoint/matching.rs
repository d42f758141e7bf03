//! From bytes to the transaction, the dialog or the new request that they belong to.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use bytes::Bytes;

use super::Endpoint;
use super::types::{Answer, Event, ServerId};
use super::write::{EXTENSIONS, RETRY_AFTER};
use crate::Time;
use crate::flow::Flow;
use crate::message::{Message, Method, Name, Via};
use crate::transaction::ServerEvent;

/// A request that is fit to be acted on, and what everybody asks of it.
pub(super) struct Arrival {
    pub(super) request: Message,
    pub(super) flow: Flow,
    /// Where its responses go.
    pub(super) reply_flow: Flow,
    pub(super) method: Method,
    pub(super) cseq: u32,
    pub(super) from_tag: Option<String>,
    pub(super) to_tag: Option<String>,
    /// Names its server transaction.
    pub(super) key: Arc<str>,
    /// The same for all copies of a request that came here over several ways; None inside of a dialog.
    pub(super) merge: Option<u64>,
}

impl Endpoint {
    pub(super) fn receive(&mut self, now: Time, flow: &Flow, bytes: Bytes) {
        match Message::parse(bytes) {
            Ok(message) if message.is_request() => self.receive_request(now, flow, message),
            Ok(message) => self.receive_response(now, flow, &message),
            Err(error) => {
                if let Some(bytes) = error.rejection() {
                    self.transmit(*flow, bytes);
                }
            }
        }
    }

    fn receive_response(&mut self, now: Time, flow: &Flow, response: &Message) {
        if response.validate(flow.transport).is_err() {
            return;
        }
        if let Some(client) = self.match_client(response) {
            self.client_response(now, client, response);
        }
    }

    fn receive_request(&mut self, now: Time, flow: &Flow, mut request: Message) {
        request.set_source(flow.remote);
        let Some(arrival) = self.read(flow, request) else { return };
        let known = self.server_keys.get(&arrival.key).copied();
        match (&arrival.method, known) {
            (Method::Ack, Some(id)) => {
                if self.server_event(now, id, ServerEvent::Ack, 0) {
                    self.ack_arrived(now, &arrival);
                }
            }
            (Method::Ack, None) => self.ack_arrived(now, &arrival),
            (Method::Cancel, known) => self.cancel_arrived(now, &arrival, known),
            (_, Some(id)) => {
                self.server_event(now, id, ServerEvent::Request, 0);
            }
            (_, None) => self.new_request(now, &arrival),
        }
    }

    /// Checks a request, and answers it if it is not fit.
    fn read(&mut self, flow: &Flow, request: Message) -> Option<Arrival> {
        let method = request.method()?;
        if let Err(invalid) = request.validate(flow.transport) {
            if method != Method::Ack {
                let reply_flow = request.via().map_or(*flow, |via| reply_flow(flow, &via));
                let answer =
                    Answer { status: invalid.status(), reason: invalid.reason(), ..Answer::default() };
                self.answer_once(&request, &reply_flow, &answer);
            }
            return None;
        }
        // Both are there: the request is valid.
        let (via, (cseq, _)) = (request.via().ok()?, request.cseq().ok()?);
        let from_tag = request.from().ok()?.tag().map(str::to_owned);
        let to_tag = request.to().ok()?.tag().map(str::to_owned);
        let key = server_key(&request, &method, &via, cseq, from_tag.as_deref());
        let merge = to_tag.is_none().then(|| {
            let mut hasher = self.hasher();
            (&from_tag, request.call_id(), cseq, &method).hash(&mut hasher);
            hasher.finish()
        });
        let reply_flow = reply_flow(flow, &via);
        Some(Arrival { request, flow: *flow, reply_flow, method, cseq, from_tag, to_tag, key, merge })
    }

    fn new_request(&mut self, now: Time, arrival: &Arrival) {
        if let Some(refusal) = self.refusal(arrival) {
            return self.refuse(arrival, &refusal);
        }
        if arrival.to_tag.is_some() {
            return self.request_within(now, arrival);
        }
        if arrival.method == Method::Invite {
            return self.new_call(now, arrival);
        }
        let tag = self.new_tag();
        let server = self.open_server(now, arrival, Some(tag), None);
        self.tell(Event::Request { server, flow: arrival.flow, request: arrival.request.clone() });
    }

    /// What every new request is checked for (RFC 3261 8.2), before anybody looks at its meaning.
    fn refusal(&self, arrival: &Arrival) -> Option<Answer> {
        let within = arrival.to_tag.is_some();
        let belongs_in_dialog =
            matches!(arrival.method, Method::Bye | Method::Info | Method::Prack | Method::Update);
        if !within && belongs_in_dialog {
            return Some(Answer::status(481));
        }
        if arrival.merge.is_some_and(|merge| self.merges.contains_key(&merge)) {
            return Some(Answer::status(482));
        }
        if !within && arrival.method != Method::Options && arrival.request.max_forwards() == Some(0) {
            return Some(Answer::status(483));
        }
        let is_known = |tag: &str| EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(tag));
        let required = arrival.request.values(&Name::Require);
        let unsupported: Vec<_> = required.filter(|tag| !is_known(tag)).collect();
        if !unsupported.is_empty() {
            return Some(Answer::status(420).header(Name::Unsupported, unsupported.join(", ")));
        }
        if let Some(too_brief) = Self::too_brief(&arrival.request) {
            return Some(too_brief);
        }
        // A BYE makes room.
        if arrival.method != Method::Bye && self.is_full() {
            return Some(Answer::status(503).header(Name::RetryAfter, RETRY_AFTER));
        }
        None
    }

    /// Answers without a transaction: whatever comes again gets the same answer again.
    pub(super) fn refuse(&mut self, arrival: &Arrival, answer: &Answer) {
        self.answer_once(&arrival.request, &arrival.reply_flow, answer);
    }

    /// All answers to one request carry the same To tag (RFC 3261 8.2.7).
    fn answer_once(&mut self, request: &Message, flow: &Flow, answer: &Answer) {
        let mut hasher = self.hasher();
        for name in [Name::Via, Name::From, Name::CallId, Name::CSeq] {
            request.header(&name).hash(&mut hasher);
        }
        let tag = format!("{}{:016x}", self.config.node, hasher.finish());
        let bytes = self.response(request, flow, answer, Some(&tag));
        self.transmit(*flow, bytes);
    }

    /// CANCEL is answered without a transaction of its own, for its answer depends on the INVITE only
    /// (RFC 3261 9.2).
    fn cancel_arrived(&mut self, now: Time, arrival: &Arrival, invite: Option<ServerId>) {
        let Some(id) = invite else { return self.refuse(arrival, &Answer::status(481)) };
        let Some(server) = self.servers.get(&id) else { return };
        let bytes =
            self.response(&arrival.request, &arrival.reply_flow, &Answer::status(200), server.tag.as_deref());
        let (is_pending, session) = (server.request.is_some(), server.session);
        self.transmit(arrival.reply_flow, bytes);
        if is_pending {
            self.answer(now, id, &Answer::status(487));
            if let Some(session) = session {
                self.invite_cancelled(now, session, id, arrival.request.clone());
            }
        }
    }

    /// Keyed by the seed, so that no peer can aim at collisions.
    fn hasher(&self) -> DefaultHasher {
        let mut hasher = DefaultHasher::new();
        self.secret.hash(&mut hasher);
        hasher
    }
}

/// RFC 3261 17.2.3: branch, sent-by and method; ACK and CANCEL look for their INVITE. Without the magic
/// cookie, or with nothing behind it, the peer is taken for one of RFC 2543, and its transaction is known by
/// everything that a retransmission repeats; the To tag is left out, for the ACK has one and the INVITE has
/// none.
fn server_key(request: &Message, method: &Method, via: &Via, cseq: u32, from_tag: Option<&str>) -> Arc<str> {
    let method = match method {
        Method::Ack | Method::Cancel => &Method::Invite,
        method => method,
    };
    match via.branch().filter(|branch| branch.strip_prefix("z9hG4bK").is_some_and(|id| !id.is_empty())) {
        Some(branch) => {
            let (host, port) = (via.host(), via.port().unwrap_or_default());
            format!("{branch} {host}:{port} {method}").into()
        }
        None => {
            let (uri, call_id) = (request.uri().unwrap_or_default(), request.call_id().unwrap_or_default());
            format!("{via} {uri} {} {call_id} {cseq} {method}", from_tag.unwrap_or_default()).into()
        }
    }
}

/// Where responses go: over a connection they go back on it; over UDP to the source address, and there
/// to the source port if the peer asks for that (RFC 3581) or is behind a NAT, whose other ports lead
/// nowhere, else to the port of sent-by (RFC 3261 18.2.2). `maddr` is not followed: it would let anybody aim
/// our responses at anybody.
fn reply_flow(flow: &Flow, via: &Via) -> Flow {
    let mut reply = *flow;
    if !flow.transport.is_reliable() && via.rport().is_none() && !via.is_translated(flow.remote) {
        reply.remote.set_port(via.port().unwrap_or(5060));
    }
    reply
}
