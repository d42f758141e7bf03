//! The wire of a phone and its transactions.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpStream, UdpSocket},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rsip::{
    Header, Headers, Method, Request, Response, SipMessage, StatusCode, Version,
    headers::{self, CSeq, CallId, From, MaxForwards, To, Via},
    prelude::*,
};

use super::{digest::Login, token};

/// RFC 3261 T1.
const RETRANSMIT: Duration = Duration::from_millis(500);
const FINAL: Duration = Duration::from_secs(20);

enum Wire {
    Udp(UdpSocket),
    Tcp(Mutex<TcpStream>),
}

/// One phone's connection to the exchange, read by a thread of its own.
pub(crate) struct Line {
    pub(super) user: String,
    pub(super) local: SocketAddr,
    password: String,
    server: SocketAddr,
    wire: Wire,
    state: Mutex<State>,
    changed: Condvar,
    stop: AtomicBool,
}

#[derive(Default)]
struct State {
    inbox: VecDeque<SipMessage>,
    /// Responses by transaction, for retransmitted requests.
    answered: HashMap<String, Vec<u8>>,
    /// ACKs by Call-ID and CSeq, for retransmitted responses.
    acknowledged: HashMap<String, Vec<u8>>,
    /// INVITEs without a final response, by Call-ID, and the tag given to each.
    ringing: HashMap<String, (Request, String)>,
    /// The session description of each call, for re-INVITEs.
    sessions: HashMap<String, String>,
    /// Call-IDs of calls that the other side ended.
    ended: HashSet<String>,
    /// Start lines, for whoever reads a failure.
    trace: Vec<String>,
}

impl Line {
    pub(super) fn udp(
        server: SocketAddr,
        user: &str,
        password: &str,
        local: Option<SocketAddr>,
    ) -> Arc<Line> {
        let local = local.unwrap_or(SocketAddr::new(own_address(server), 0));
        let socket = UdpSocket::bind(local).expect("a UDP port");
        let local = socket.local_addr().expect("a bound socket");
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a time-out");
        let line = Line::new(server, user, password, local, Wire::Udp(socket));
        let reader = line.clone();
        thread::spawn(move || {
            let mut buffer = [0; 65536];
            while !reader.stop.load(Ordering::Relaxed) {
                let Wire::Udp(socket) = &reader.wire else { return };
                if let Ok(length) = socket.recv(&mut buffer) {
                    reader.receive(&buffer[..length]);
                }
            }
        });
        line
    }

    pub(super) fn tcp(server: SocketAddr, user: &str, password: &str) -> Arc<Line> {
        let stream = TcpStream::connect(server).expect("a TCP connection");
        let local = stream.local_addr().expect("a connection");
        let mut reading = stream.try_clone().expect("a connection");
        reading.set_read_timeout(Some(Duration::from_millis(100))).expect("a time-out");
        let line = Line::new(server, user, password, local, Wire::Tcp(Mutex::new(stream)));
        let reader = line.clone();
        thread::spawn(move || {
            let mut kept = Vec::new();
            let mut buffer = [0; 65536];
            while !reader.stop.load(Ordering::Relaxed) {
                match reading.read(&mut buffer) {
                    Ok(0) => return,
                    Ok(length) => kept.extend_from_slice(&buffer[..length]),
                    Err(_) => continue,
                }
                while let Some(length) = message_length(&kept) {
                    let message: Vec<u8> = kept.drain(..length).collect();
                    reader.receive(&message);
                }
            }
        });
        line
    }

    fn new(server: SocketAddr, user: &str, password: &str, local: SocketAddr, wire: Wire) -> Arc<Line> {
        Arc::new(Line {
            user: user.to_owned(),
            local,
            password: password.to_owned(),
            server,
            wire,
            state: Mutex::default(),
            changed: Condvar::new(),
            stop: AtomicBool::new(false),
        })
    }

    pub(super) fn transport(&self) -> &'static str {
        match self.wire {
            Wire::Udp(_) => "UDP",
            Wire::Tcp(_) => "TCP",
        }
    }

    pub(super) fn server_uri(&self) -> String {
        self.uri_of_server("")
    }

    pub(super) fn uri_of(&self, number: &str) -> String {
        self.uri_of_server(&format!("{number}@"))
    }

    fn uri_of_server(&self, user: &str) -> String {
        match self.wire {
            Wire::Udp(_) => format!("sip:{user}{}", self.server),
            Wire::Tcp(_) => format!("sip:{user}{};transport=tcp", self.server),
        }
    }

    pub(super) fn address_of_record(&self) -> String {
        format!("sip:{}@{}", self.user, self.server)
    }

    pub(super) fn contact(&self) -> String {
        let parameter = if let Wire::Tcp(_) = self.wire { ";transport=tcp" } else { "" };
        format!("sip:{}@{}{parameter}", self.user, self.local)
    }

    /// A request with the headers that every one has.
    pub(super) fn request(
        &self,
        method: Method,
        uri: &str,
        from: &str,
        to: &str,
        call_id: &str,
        cseq: u32,
    ) -> Request {
        let via = format!("SIP/2.0/{} {};rport;branch=z9hG4bK{}", self.transport(), self.local, token());
        let headers: Vec<Header> = vec![
            Via::new(via).into(),
            MaxForwards::default().into(),
            From::new(from).into(),
            To::new(to).into(),
            CallId::new(call_id).into(),
            CSeq::new(format!("{cseq} {method}")).into(),
        ];
        let uri = uri.try_into().unwrap_or_else(|error| panic!("rsip reads {uri}: {error}"));
        Request { method, uri, version: Version::V2, headers: headers.into(), body: Vec::new() }
    }

    /// A response with the headers that it takes from the request.
    pub(super) fn response(&self, request: &Request, status: u16, tag: &str) -> Response {
        let copied = request.headers.iter().filter_map(|header| match header {
            Header::To(to) if !to.value().contains(";tag=") && status > 100 => {
                Some(To::new(format!("{};tag={tag}", to.value())).into())
            }
            Header::Via(_)
            | Header::From(_)
            | Header::To(_)
            | Header::CallId(_)
            | Header::CSeq(_)
            | Header::RecordRoute(_) => Some(header.clone()),
            _ => None,
        });
        Response {
            status_code: StatusCode::from(status),
            version: Version::V2,
            headers: copied.collect::<Vec<_>>().into(),
            body: Vec::new(),
        }
    }

    /// The header that answers a challenge, for a response that is one.
    pub(super) fn login(&self, response: &Response, method: Method, uri: &str) -> Option<Header> {
        let login = Login { user: &self.user, password: &self.password, method: &method.to_string(), uri };
        response.headers.iter().find_map(|header| match (response.status_code.code(), header) {
            (401, Header::WwwAuthenticate(challenge)) => {
                Some(headers::Authorization::new(login.answer(challenge.value())).into())
            }
            (407, Header::ProxyAuthenticate(challenge)) => {
                Some(headers::ProxyAuthorization::new(login.answer(challenge.value())).into())
            }
            _ => None,
        })
    }

    pub(super) fn send_request(&self, request: &Request) -> Vec<u8> {
        self.send(SipMessage::Request(request.clone()))
    }

    /// Sends a response and keeps it for the request's retransmissions.
    pub(super) fn answer(&self, request: &Request, response: Response) {
        if response.status_code.code() >= 200 && request.method == Method::Invite {
            self.state.lock().unwrap().ringing.remove(call_id(&request.headers));
        }
        let bytes = self.send(SipMessage::Response(response));
        self.state.lock().unwrap().answered.insert(transaction(&request.headers), bytes);
    }

    /// Acknowledges a final response, and each time that it comes again.
    pub(super) fn acknowledge(&self, response: &Response, ack: &Request) {
        let bytes = self.send_request(ack);
        self.state.lock().unwrap().acknowledged.insert(acknowledged(&response.headers), bytes);
    }

    fn send(&self, message: SipMessage) -> Vec<u8> {
        let mut message = message;
        let length = message.body().len() as u32;
        message.headers_mut().unique_push(headers::ContentLength::from(length).into());
        let bytes = message.to_string().into_bytes();
        self.note("->", &message);
        self.write(&bytes);
        bytes
    }

    fn write(&self, bytes: &[u8]) {
        // A port that is closed is found by the answer that does not come.
        let _ = match &self.wire {
            Wire::Udp(socket) => socket.send_to(bytes, self.server).map(|_| ()),
            Wire::Tcp(stream) => stream.lock().unwrap().write_all(bytes),
        };
    }

    fn note(&self, arrow: &str, message: &SipMessage) {
        let cseq = message.cseq_header().map(|cseq| cseq.value().to_owned()).unwrap_or_default();
        let line = match message {
            SipMessage::Request(request) => format!("{arrow} {} {} ({cseq})", request.method, request.uri),
            SipMessage::Response(response) => format!("{arrow} {} ({cseq})", response.status_code),
        };
        self.state.lock().unwrap().trace.push(line);
    }

    fn receive(&self, bytes: &[u8]) {
        // RTCP of another call: our port may be the one above that of another phone's RTP.
        let is_rtcp = bytes.first().is_some_and(|first| first >> 6 == 2);
        if is_rtcp || bytes.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let message = SipMessage::try_from(bytes)
            .unwrap_or_else(|error| panic!("rsip reads it: {error}\n{}", String::from_utf8_lossy(bytes)));
        self.note("<-", &message);
        match &message {
            SipMessage::Request(request) => {
                if !self.serve(request) {
                    return;
                }
            }
            SipMessage::Response(response) => {
                let again =
                    self.state.lock().unwrap().acknowledged.get(&acknowledged(&response.headers)).cloned();
                if let Some(ack) = again {
                    return self.write(&ack);
                }
            }
        }
        self.state.lock().unwrap().inbox.push_back(message);
        self.changed.notify_all();
    }

    /// What a phone answers unasked; false for a retransmission.
    fn serve(&self, request: &Request) -> bool {
        if request.method == Method::Ack {
            return true;
        }
        let again = self.state.lock().unwrap().answered.get(&transaction(&request.headers)).cloned();
        if let Some(response) = again {
            self.write(&response);
            return false;
        }
        let id = call_id(&request.headers).to_owned();
        let in_dialog = request.to_header().is_ok_and(|to| to.value().contains("tag="));
        match request.method {
            Method::Invite if !in_dialog => {
                let tag = token();
                self.answer(request, self.response(request, 100, &tag));
                self.state.lock().unwrap().ringing.insert(id, (request.clone(), tag));
            }
            Method::Invite | Method::Update => {
                let session = self.state.lock().unwrap().sessions.get(&id).cloned();
                let mut response = self.response(request, 200, "");
                response.headers.push(headers::Contact::new(format!("<{}>", self.contact())).into());
                if let Some(session) = session {
                    set_session(&mut response.headers, &mut response.body, &session);
                }
                self.answer(request, response);
            }
            Method::Cancel => {
                self.answer(request, self.response(request, 200, &token()));
                let cancelled = self.state.lock().unwrap().ringing.remove(&id);
                if let Some((invite, tag)) = cancelled {
                    self.answer(&invite, self.response(&invite, 487, &tag));
                }
            }
            _ => {
                self.answer(request, self.response(request, 200, &token()));
                if request.method == Method::Bye {
                    self.state.lock().unwrap().ended.insert(id);
                }
            }
        }
        true
    }

    /// The first message that `wanted` takes, if one comes in time.
    pub(super) fn take(&self, limit: Duration, wanted: impl Fn(&SipMessage) -> bool) -> Option<SipMessage> {
        let end = Instant::now() + limit;
        let mut state = self.state.lock().unwrap();
        loop {
            if let Some(index) = state.inbox.iter().position(&wanted) {
                return state.inbox.remove(index);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            state = self.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    /// The next response to a request.
    pub(super) fn response_to(&self, request: &Request, limit: Duration) -> Option<Response> {
        let branch = transaction(&request.headers);
        let wanted = |message: &SipMessage| message.is_response() && transaction(message.headers()) == branch;
        self.take(limit, wanted).and_then(|message| message.try_into().ok())
    }

    /// Sends a request that is not an INVITE, again and again over UDP, until its final response.
    #[track_caller]
    pub(super) fn transact(&self, request: &Request) -> Response {
        let bytes = self.send_request(request);
        let end = Instant::now() + FINAL;
        while Instant::now() < end {
            match self.response_to(request, RETRANSMIT) {
                Some(response) if response.status_code.code() >= 200 => return response,
                Some(_) => {}
                None if self.transport() == "UDP" => self.write(&bytes),
                None => {}
            }
        }
        panic!("{} of {} was not answered", request.method, self.user)
    }

    /// The session description that answers re-INVITEs of a call.
    pub(super) fn keep_session(&self, call: &str, session: &str) {
        self.state.lock().unwrap().sessions.insert(call.to_owned(), session.to_owned());
    }

    /// The tag that was made for an INVITE.
    pub(super) fn ringing_tag(&self, call: &str) -> Option<String> {
        self.state.lock().unwrap().ringing.get(call).map(|(_, tag)| tag.clone())
    }

    /// The other side has sent a BYE.
    pub(super) fn has_ended(&self, call: &str) -> bool {
        self.state.lock().unwrap().ended.contains(call)
    }

    /// Stops reading; messages are no longer answered.
    pub(super) fn close(&self) {
        self.stop.store(true, Ordering::Relaxed);
        if thread::panicking() {
            let trace = &self.state.lock().unwrap().trace;
            let last = &trace[trace.len().saturating_sub(40)..];
            eprintln!("--- the phone of {}\n{}", self.user, last.join("\n"));
        }
    }
}

pub(super) fn set_session(headers: &mut Headers, body: &mut Vec<u8>, session: &str) {
    headers.push(headers::ContentType::new("application/sdp").into());
    *body = session.as_bytes().to_vec();
}

pub(super) fn call_id(headers: &Headers) -> &str {
    let id = headers.iter().find_map(|header| match header {
        Header::CallId(id) => Some(id.value()),
        _ => None,
    });
    id.unwrap_or_default()
}

/// Top branch and CSeq: one for each transaction.
fn transaction(headers: &Headers) -> String {
    let via = headers.iter().find_map(|header| match header {
        Header::Via(via) => Some(via.value()),
        _ => None,
    });
    let branch = via.unwrap_or_default().split(';').find_map(|part| part.trim().strip_prefix("branch="));
    format!("{} {}", branch.unwrap_or_default(), cseq(headers))
}

fn acknowledged(headers: &Headers) -> String {
    format!("{} {}", call_id(headers), cseq(headers))
}

fn cseq(headers: &Headers) -> &str {
    let cseq = headers.iter().find_map(|header| match header {
        Header::CSeq(cseq) => Some(cseq.value()),
        _ => None,
    });
    cseq.unwrap_or_default()
}

/// The first whole message of a stream, by its Content-Length.
fn message_length(stream: &[u8]) -> Option<usize> {
    let head = stream.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&stream[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    let whole = head + length.map_or(0, |length| length.trim().parse().expect("a length"));
    (stream.len() >= whole).then_some(whole)
}

/// The address that the server sees.
fn own_address(server: SocketAddr) -> IpAddr {
    let probe = UdpSocket::bind("0.0.0.0:0").expect("a UDP port");
    probe.connect(server).expect("a route to the exchange");
    probe.local_addr().expect("a bound socket").ip()
}
