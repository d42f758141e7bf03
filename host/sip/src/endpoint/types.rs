//! What goes in and out of an [`Endpoint`](super::Endpoint).

use crate::flow::Flow;
use crate::message::{Message, Method, Name, Replaces};
use bytes::Bytes;

pub use crate::transaction::timer::Timers;

/// How an endpoint behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// Everything random (tags, branches, Call-IDs) follows from this; it must be secret.
    pub seed: [u8; 32],
    /// Starts our tags, so that any node of a cluster finds the owner of a dialog; token characters only.
    pub node: String,
    /// The User-Agent and Server headers; none if empty.
    pub user_agent: String,
    /// The base intervals of the retransmissions.
    pub timers: Timers,
    /// Transactions at once; beyond it, new requests are answered 503.
    pub max_transactions: usize,
    /// Seconds after which a session without sign of life is over (RFC 4028); 0: never, unless the peer
    /// wants it. Peers that do not know session timers are refreshed at half of it.
    pub session_expires: u32,
    /// INVITE sessions at once; beyond it, new calls are answered 503.
    pub max_sessions: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            seed: [0; 32],
            node: "n1".to_owned(),
            user_agent: "Jackfield".to_owned(),
            timers: Timers::default(),
            max_transactions: 200_000,
            session_expires: 1800,
            max_sessions: 20_000,
        }
    }
}

/// A request of a peer, to be answered by [`respond`](super::Endpoint::respond).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerId(pub(super) u64);

/// A request of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(pub(super) u64);

/// One INVITE session with one peer, from its INVITE to the end of its BYE. All forks of an outgoing
/// INVITE are one session: the first 2xx wins, later ones are released by the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// A response of ours, without what the endpoint writes itself: Via, From, To, Call-ID, CSeq,
/// Record-Route, Contact (unless given here), Allow, Server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// 100 to 699.
    pub status: u16,
    /// The reason phrase; empty for the standard one.
    pub reason: String,
    /// Further headers.
    pub headers: Vec<(Name, String)>,
    /// Content type and content.
    pub body: Option<(String, Bytes)>,
}

impl Answer {
    /// A bare status.
    pub fn status(status: u16) -> Self {
        Answer { status, ..Answer::default() }
    }

    /// Adds a header.
    pub fn header(mut self, name: Name, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = Some((content_type.to_owned(), body.into()));
        self
    }
}

/// An INVITE of ours. Via, tags, Call-ID, CSeq, Contact, Allow and User-Agent are written
/// by the endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invite {
    /// The request URI.
    pub uri: String,
    /// Name-addr of the callee.
    pub to: String,
    /// Name-addr of the caller, without tag.
    pub from: String,
    /// Route headers, from first to last.
    pub routes: Vec<String>,
    /// Further headers.
    pub headers: Vec<(Name, String)>,
    /// Content type and content: our offer.
    pub body: Option<(String, Bytes)>,
    /// Max-Forwards; None for 70.
    pub hops: Option<u8>,
}

/// A request of ours outside of any session, like OPTIONS or MESSAGE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutRequest {
    /// Any but INVITE, ACK and CANCEL.
    pub method: Method,
    /// The request URI.
    pub uri: String,
    /// Name-addr of the receiver.
    pub to: String,
    /// Name-addr of the sender, without tag.
    pub from: String,
    /// Route headers, from first to last.
    pub routes: Vec<String>,
    /// Further headers.
    pub headers: Vec<(Name, String)>,
    /// Content type and content.
    pub body: Option<(String, Bytes)>,
}

/// The session that a Replaces header names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The session.
    pub session: SessionId,
    /// It has no 2xx yet.
    pub is_early: bool,
    /// Its INVITE was ours.
    pub is_ours: bool,
}

/// `max_transactions` or `max_sessions` is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many transactions or sessions")]
pub struct Busy;

/// Why a request of ours got no final response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// None came in time.
    #[error("no response in time")]
    Timeout,
    /// The flow was closed.
    #[error("the connection is gone")]
    Transport,
    /// The session was over before its turn came.
    #[error("the session has ended")]
    Ended,
}

/// What the endpoint wants done.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send `bytes` on `flow`. Over UDP, `flow.remote` may differ from that of the flow that came in.
    Transmit {
        /// The way.
        flow: Flow,
        /// One whole message.
        bytes: Bytes,
    },
    /// Tell the user.
    Event(Event),
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A request outside of any dialog, neither INVITE, ACK nor CANCEL. To be answered by
    /// [`respond`](super::Endpoint::respond) within 64*T1. Retransmissions never come up.
    Request {
        /// Names it in the answer.
        server: ServerId,
        /// The way it came.
        flow: Flow,
        /// The request.
        request: Message,
    },
    /// A new call; 100 Trying has been sent. To be answered by `accept`, `reject` or `end`.
    Invite {
        /// The new session.
        session: SessionId,
        /// The way it came.
        flow: Flow,
        /// The INVITE.
        request: Message,
        /// The dialog that it wants to replace; see [`replaced`](super::Endpoint::replaced).
        replaces: Option<Replaces>,
    },
    /// 101 to 199 to our INVITE. The To tag tells the early dialogs of a forking peer apart.
    Progress {
        /// The session.
        session: SessionId,
        /// The response.
        response: Message,
    },
    /// 2xx to our INVITE; ACK has been sent.
    Answered {
        /// The session.
        session: SessionId,
        /// The response.
        response: Message,
    },
    /// The ACK of our 2xx came; its body, if any, answers the offer in the 2xx.
    Acked {
        /// The session.
        session: SessionId,
        /// The ACK.
        ack: Message,
    },
    /// Re-INVITE, UPDATE with an offer, or PRACK with one, to be answered by
    /// [`respond`](super::Endpoint::respond). The rules of glare (491, 500) are the endpoint's.
    Reoffer {
        /// The session.
        session: SessionId,
        /// Names it in the answer.
        server: ServerId,
        /// The request.
        request: Message,
    },
    /// A peer that does not know UPDATE wants a sign of life: send it a re-INVITE by
    /// [`session_request`](super::Endpoint::session_request).
    RefreshDue {
        /// The session.
        session: SessionId,
    },
    /// Any other request in the dialog (INFO, REFER, NOTIFY...), to be answered by
    /// [`respond`](super::Endpoint::respond) within 64*T1.
    InDialog {
        /// The session.
        session: SessionId,
        /// Names it in the answer.
        server: ServerId,
        /// The request.
        request: Message,
    },
    /// The session is over; exactly once per session, and its last event.
    Ended {
        /// The session.
        session: SessionId,
        /// Why.
        end: SessionEnd,
    },
    /// The end of a request of ours that is not the first INVITE of a session; exactly once per request.
    Response {
        /// The request.
        client: ClientId,
        /// Its final response.
        result: Result<Message, Failure>,
    },
}

/// How a session ended. Once we called `end` (or `reject`) it is always `Local`.
#[derive(Clone, Debug)]
pub enum SessionEnd {
    /// The peer hung up.
    Bye(Message),
    /// The peer gave up its unanswered call.
    Cancelled(Option<Message>),
    /// The final 3xx to 6xx to our INVITE, or the 481 or 408 to our re-INVITE or UPDATE.
    Rejected(Message),
    /// No answer to our INVITE, re-INVITE or UPDATE, no ACK for our 2xx, no PRACK, no refresh.
    Timeout,
    /// The flow was closed.
    Transport,
    /// Our own `end` or `reject`.
    Local,
}
