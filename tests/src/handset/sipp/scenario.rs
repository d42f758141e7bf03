//! SIPp's scenarios, written for one telephone and one call.

use std::{fmt::Write, net::SocketAddr, time::Duration};

use super::super::{Digits, Line, Step};
use crate::rtp::Audio;

/// What all messages of one telephone share.
pub(super) struct Party {
    user: &'static str,
    password: String,
    transport: &'static str,
    server: SocketAddr,
    media: SocketAddr,
    /// The key that it sends with.
    key: Option<&'static str>,
    profile: &'static str,
    /// Whom it calls.
    callee: &'static str,
}

/// What a secured SIPp offers and takes, under the tag that it has in both directions.
pub(super) const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";

/// The dialog of a consultation, for Replaces (RFC 3891).
pub(super) struct Replaced {
    pub(super) call: String,
    pub(super) ours: String,
    pub(super) theirs: String,
}

impl Party {
    pub(super) fn of(line: &Line, server: SocketAddr, audio: &Audio) -> Party {
        Party {
            user: line.user,
            password: line.password(),
            transport: line.transport(),
            server,
            media: audio.local(),
            key: audio.crypto().map(|(_, key)| key),
            profile: if line.secured { "RTP/SAVP" } else { "RTP/AVP" },
            callee: "",
        }
    }

    /// Which m= line it is asked with depends on the transport, and the answer has the same one.
    fn called(self) -> Party {
        let is_offered_keys_alone = self.transport == "tls" && self.key.is_some();
        Party { profile: if is_offered_keys_alone { "RTP/SAVP" } else { "RTP/AVP" }, ..self }
    }

    fn session(&self, version: u32, direction: &str) -> String {
        let (ip, port, profile) = (self.media.ip(), self.media.port(), self.profile);
        let crypto = self.key.map(|key| format!("a=crypto:1 {SUITE} inline:{key}\n")).unwrap_or_default();
        format!(
            "v=0\no=- 1 {version} IN IP4 {ip}\ns=-\nc=IN IP4 {ip}\nt=0 0\nm=audio {port} {profile} 8 101\n\
             a=rtpmap:8 PCMA/8000\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=ptime:20\na={direction}\n{crypto}"
        )
    }

    fn contact(&self) -> String {
        format!("<sip:{}@[local_ip]:[local_port];transport={}>", self.user, self.transport)
    }

    /// A request of ours outside (`to` without a tag) or inside a dialog.
    fn request(&self, method: &str, uri: &str, to: &str, more: &str, body: (&str, &str)) -> String {
        let (kind, body) = body;
        let kind = if body.is_empty() { String::new() } else { format!("Content-Type: {kind}\n") };
        let retrans = if method == "ACK" { "" } else { " retrans=\"500\"" };
        send(
            retrans,
            &format!(
                "{method} {uri} SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];rport;branch=[branch]\n\
                 From: <sip:{user}@{server}>;tag=[pid]J[call_number]\n{to}\nCall-ID: [call_id]\nCSeq: [cseq] {method}\n\
                 Contact: {contact}\nMax-Forwards: 70\nUser-Agent: SIPp\n{more}{kind}Content-Length: [len]\n\n{body}",
                user = self.user,
                server = self.server,
                contact = self.contact(),
            ),
        )
    }

    fn inside(&self, method: &str, more: &str, body: (&str, &str)) -> String {
        // Not `[last_To:]`: in a request of the other side, that is this one.
        let to = format!("To: <sip:{}@{}>[peer_tag_param]", self.callee, self.server);
        self.request(method, "[next_url]", &to, &format!("[routes]\n{more}"), body)
    }

    fn credentials(&self) -> String {
        format!("[authentication username={} password={}]\n", self.user, self.password)
    }

    /// 200 to a request in a dialog. Goes on at `next` at once: a step between the two would be one in which
    /// SIPp takes no request.
    fn good(&self, body: &str, next: u32) -> String {
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\n" };
        send(
            &format!(" next=\"{next}\""),
            &format!(
                "SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\nContact: {}\n\
                 {kind}Content-Length: [len]\n\n{body}",
                self.contact()
            ),
        )
    }

    /// Answers whatever comes in the dialog. Goes on behind it after `time` without a request, or, if
    /// that is none, never; a BYE leads to `end`.
    fn listen(&self, label: u32, time: Option<Duration>, session: &str, end: u32) -> String {
        let (offer, other, bye, next) = (label + 1, label + 2, label + 3, label + 4);
        let limit = match time {
            Some(time) => format!(" timeout=\"{}\" ontimeout=\"{next}\"", time.as_millis()),
            None => String::new(),
        };
        let mut text = format!("<label id=\"{label}\"/>\n");
        // SIPp waits at the first of them, and looks at the time of that one only.
        for (request, target) in [("INVITE", offer), ("UPDATE", offer), ("ACK", label)] {
            let _ =
                writeln!(text, "<recv request=\"{request}\" optional=\"true\" next=\"{target}\"{limit}/>");
        }
        for request in ["NOTIFY", "INFO", "OPTIONS"] {
            let _ = writeln!(text, "<recv request=\"{request}\" optional=\"true\" next=\"{other}\"{limit}/>");
        }
        let _ = writeln!(text, "<recv request=\"BYE\" next=\"{bye}\"{limit}/>");
        for (at, answer) in
            [(offer, self.good(session, label)), (other, self.good("", label)), (bye, self.good("", end))]
        {
            let _ = write!(text, "<label id=\"{at}\"/>\n{answer}");
        }
        let _ = writeln!(text, "<label id=\"{next}\"/>");
        text
    }
}

fn send(attributes: &str, message: &str) -> String {
    format!("<send{attributes}><![CDATA[\n{message}\n]]></send>\n")
}

fn whole(name: &str, steps: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<scenario name=\"{name}\">\n{steps}</scenario>\n")
}

/// Registers, and then stays: calls come down this connection.
pub(super) fn register(party: &Party) -> String {
    let uri = format!("sip:{}", party.server);
    let to = format!("To: <sip:{}@{}>", party.user, party.server);
    let register =
        |more: &str| party.request("REGISTER", &uri, &to, &format!("Expires: 600\n{more}"), ("", ""));
    let steps = [
        register(""),
        "<recv response=\"401\" auth=\"true\"/>\n".into(),
        register(&party.credentials()),
        "<recv response=\"200\"/>\n<pause milliseconds=\"3600000\"/>\n".into(),
    ];
    whole("register", &steps.concat())
}

/// Answers a call at once, and whatever comes in it.
pub(super) fn answer(party: Party) -> String {
    let party = party.called();
    let session = party.session(1, "sendrecv");
    let ok = send(
        " retrans=\"500\"",
        &format!(
            "SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:];tag=[pid]S[call_number]\n[last_Call-ID:]\n[last_CSeq:]\n\
             [last_Record-Route:]\nContact: {}\nContent-Type: application/sdp\nContent-Length: [len]\n\n{session}",
            party.contact()
        ),
    );
    let steps = [
        "<recv request=\"INVITE\" rrs=\"true\"/>\n".into(),
        ok,
        "<recv request=\"ACK\"/>\n".into(),
        party.listen(10, None, &session, 99),
        "<label id=\"99\"/>\n<nop/>\n".into(),
    ];
    whole("answer", &steps.concat())
}

/// Calls, and does what the script says.
pub(super) fn call(party: Party, script: &[Step], replaced: Option<&Replaced>) -> String {
    let callee = script.iter().find_map(|step| match step {
        Step::Dial(number) => Some(*number),
        _ => None,
    });
    let party = Party { callee: callee.unwrap_or_default(), ..party };
    let mut text = String::new();
    for (index, step) in script.iter().enumerate() {
        text += &one(&party, step, 10 * (index as u32 + 1), replaced);
    }
    text += "<label id=\"9\"/>\n<nop/>\n";
    whole("call", &text)
}

/// The end of a call is label 9.
const END: u32 = 9;
const REPLY: &str = "<recv response=\"100\" optional=\"true\"/>\n";

fn one(party: &Party, step: &Step, label: u32, replaced: Option<&Replaced>) -> String {
    let session = party.session(label, "sendrecv");
    let listen = |time: Duration| party.listen(label, Some(time), &session, END);
    match step {
        Step::Dial(number) => dial(party, number),
        Step::Stay(time) => listen(*time),
        Step::Hold => offer(party, label, "sendonly"),
        Step::Resume => offer(party, label, "sendrecv"),
        Step::Press(Digits::Info, keys) => keys.chars().map(|key| info(party, key)).collect(),
        Step::Press(_, keys) => listen(Duration::from_millis(400) * keys.len() as u32),
        Step::Transfer(number) => refer(party, &format!("<sip:{number}@{}>", party.server)),
        Step::Consult(_) => String::new(),
        Step::Join => {
            let Replaced { call, ours, theirs } = replaced.expect("a consultation came first");
            let call = call.replace('@', "%40");
            refer(
                party,
                &format!("<sip:{}?Replaces={call}%3Bto-tag%3D{theirs}%3Bfrom-tag%3D{ours}>", party.server),
            )
        }
        Step::HangUp => party.inside("BYE", "", ("", "")) + "<recv response=\"200\"/>\n",
    }
}

fn dial(party: &Party, number: &str) -> String {
    let uri = format!("sip:{number}@{}", party.server);
    let to = format!("To: <{uri}>");
    let session = party.session(1, "sendrecv");
    let invite = |more: &str| party.request("INVITE", &uri, &to, more, ("application/sdp", &session));
    let ack = |uri: &str, routes: &str| party.request("ACK", uri, "[last_To:]", routes, ("", ""));
    let provisional =
        [100, 180, 183].map(|code| format!("<recv response=\"{code}\" optional=\"true\"/>\n")).concat();
    [
        invite(""),
        REPLY.into(),
        "<recv response=\"401\" auth=\"true\"/>\n".into(),
        // An ACK of a refusal has the branch of its INVITE, three messages before (RFC 3261, 17.1.1.3).
        ack(&uri, "").replace("[branch]", "[branch-3]"),
        invite(&party.credentials()),
        provisional,
        "<recv response=\"200\" rrs=\"true\" timeout=\"15000\"/>\n".into(),
        ack("[next_url]", "[routes]\n"),
    ]
    .concat()
}

fn offer(party: &Party, version: u32, direction: &str) -> String {
    let session = party.session(version, direction);
    party.inside("INVITE", "", ("application/sdp", &session))
        + REPLY
        + "<recv response=\"200\" timeout=\"10000\"/>\n"
        + &party.inside("ACK", "", ("", ""))
}

fn info(party: &Party, key: char) -> String {
    let body = format!("Signal={key}\nDuration=160\n");
    party.inside("INFO", "", ("application/dtmf-relay", &body))
        + "<recv response=\"200\" timeout=\"10000\"/>\n<pause milliseconds=\"300\"/>\n"
}

fn refer(party: &Party, to: &str) -> String {
    let more = format!("Refer-To: {to}\nReferred-By: <sip:{}@{}>\n", party.user, party.server);
    party.inside("REFER", &more, ("", "")) + "<recv response=\"202\" timeout=\"10000\"/>\n"
}
