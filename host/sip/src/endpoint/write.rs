//! What the endpoint writes into every message: Via, Contact, tags, and its name.

use std::fmt::{self, Display};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use rand::Rng;

use super::Endpoint;
use super::clients::Sent;
use super::types::{Answer, ClientId};
use crate::dialog::Head;
use crate::flow::{Flow, Transport};
use crate::message::{Builder, Message, Method, Name};

/// Seconds after which a peer may try again.
pub(super) const RETRY_AFTER: &str = "5";

const ALLOW: &str =
    "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, PRACK, UPDATE, REFER, NOTIFY, MESSAGE, REGISTER";

/// What a peer may require of us, and is told that we support.
pub(super) const EXTENSIONS: [&str; 4] =
    [super::reliable::TAG, crate::session_timer::TAG, "replaces", "norefersub"];

/// The user part of our Contact.
const USER: &str = "jackfield";

impl Endpoint {
    /// A response; `tag` is for a To without one.
    pub(super) fn response(
        &self,
        request: &Message,
        flow: &Flow,
        answer: &Answer,
        tag: Option<&str>,
    ) -> Bytes {
        let Answer { status, reason, headers, body } = answer;
        let mut builder = Builder::response_to(request, *status, reason, tag);
        let method = request.method().unwrap_or(Method::Options);
        let is_given = |name| headers.iter().any(|(given, _)| *given == name);
        if (101..300).contains(status) && refreshes_target(&method) && !is_given(Name::Contact) {
            let is_secure = request.uri().is_some_and(is_sips);
            builder = builder.header(Name::Contact, contact(flow, self.address(flow), is_secure));
        }
        let is_success = (200..300).contains(status);
        let tells_methods = matches!(method, Method::Invite | Method::Options) && is_success;
        let tells_extensions = tells_methods || (method == Method::Update && is_success);
        if (tells_methods || *status == 405) && !is_given(Name::Allow) {
            builder = builder.header(Name::Allow, ALLOW);
        }
        if tells_extensions && !is_given(Name::Supported) {
            builder = builder.header(Name::Supported, EXTENSIONS.join(", "));
        }
        if !self.config.user_agent.is_empty() && !is_given(Name::Server) {
            builder = builder.header(Name::Server, &self.config.user_agent);
        }
        finished(builder, headers, body)
    }

    /// A request; `head` gets its Via here.
    pub(super) fn sent(
        &mut self,
        flow: &Flow,
        method: Method,
        head: Head,
        headers: &[(Name, String)],
        body: &Option<(String, Bytes)>,
    ) -> Sent {
        let id = self.next_client();
        self.sent_as(id, flow, method, head, headers, body)
    }

    /// With an id that was given before.
    pub(super) fn sent_as(
        &mut self,
        id: ClientId,
        flow: &Flow,
        method: Method,
        mut head: Head,
        headers: &[(Name, String)],
        body: &Option<(String, Bytes)>,
    ) -> Sent {
        let branch = self.new_branch(id);
        head.via = via(flow, self.address(flow), &branch);
        let mut builder = self.signed(head.builder(&method));
        let is_given = |name| headers.iter().any(|(given, _)| *given == name);
        if (refreshes_target(&method) || method == Method::Notify) && !is_given(Name::Contact) {
            builder = builder.header(Name::Contact, contact(flow, self.address(flow), is_sips(&head.uri)));
        }
        if method == Method::Invite && !is_given(Name::Allow) {
            builder = builder.header(Name::Allow, ALLOW);
        }
        if matches!(method, Method::Invite | Method::Update) && !is_given(Name::Supported) {
            builder = builder.header(Name::Supported, EXTENSIONS.join(", "));
        }
        let bytes = finished(builder, headers, body);
        Sent { id, method, branch, head, bytes }
    }

    /// The ACK of a 2xx: a request of its own, that nobody answers (RFC 3261 13.2.2.4).
    pub(super) fn ack(&mut self, flow: &Flow, mut head: Head) -> Bytes {
        let id = self.next_client();
        let branch = self.new_branch(id);
        head.via = via(flow, self.address(flow), &branch);
        self.signed(head.builder(&Method::Ack)).build()
    }

    /// Adds our name.
    pub(super) fn signed(&self, builder: Builder) -> Builder {
        match &*self.config.user_agent {
            "" => builder,
            name => builder.header(Name::UserAgent, name),
        }
    }

    pub(super) fn new_tag(&mut self) -> Arc<str> {
        format!("{}{:016x}", self.config.node, self.rng.next_u64()).into()
    }

    pub(super) fn new_call_id(&mut self) -> String {
        format!("{:016x}{:016x}", self.rng.next_u64(), self.rng.next_u64())
    }

    /// See [`Endpoint::match_client`].
    fn new_branch(&mut self, id: ClientId) -> String {
        format!("z9hG4bK{:016x}.{:x}", self.rng.next_u64(), id.0)
    }
}

/// Requests whose Contact is where the peer sends its next ones, and so are the 2xx to them.
fn refreshes_target(method: &Method) -> bool {
    method.creates_dialog() || *method == Method::Update
}

fn is_sips(uri: &str) -> bool {
    uri.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("sips:"))
}

fn finished(mut builder: Builder, headers: &[(Name, String)], body: &Option<(String, Bytes)>) -> Bytes {
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    match body {
        Some((content_type, body)) => builder.body(content_type, body).build(),
        None => builder.build(),
    }
}

fn via(flow: &Flow, address: SocketAddr, branch: &str) -> String {
    format!("SIP/2.0/{} {};branch={branch};rport", flow.transport, Address(address))
}

fn contact(flow: &Flow, address: SocketAddr, is_secure: bool) -> String {
    let scheme = if is_secure { "sips" } else { "sip" };
    let transport = match flow.transport {
        Transport::Udp => "udp",
        // RFC 3261 26.2.2: sips implies TLS, and `transport` names what is below.
        Transport::Tls if !is_secure => "tls",
        Transport::Tcp | Transport::Tls => "tcp",
    };
    format!("<{scheme}:{USER}@{};transport={transport}>", Address(address))
}

/// An address without the zone that the machine adds to a link-local one.
struct Address(SocketAddr);

impl Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            SocketAddr::V4(address) => write!(f, "{address}"),
            SocketAddr::V6(address) => write!(f, "[{}]:{}", address.ip(), address.port()),
        }
    }
}
