//! SIP as the random phones read and write it: a third reading of the RFC, beside that of the exchange
//! and of rsip, and a fast one.

use std::fmt::{Display, Write};

use bytes::Bytes;

/// A message that has come.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) start: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Message {
    /// None for what no phone could make anything of.
    pub(crate) fn read(bytes: &[u8]) -> Option<Message> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let start = lines.next()?.to_owned();
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_owned(), value.trim().to_owned()))
        };
        let headers = lines.map(header).collect::<Option<Vec<_>>>()?;
        let message = Message { start, headers, body: body.to_owned() };
        let length: usize = message.header("Content-Length")?.parse().ok()?;
        let needed = ["Via", "From", "To", "Call-ID", "CSeq"];
        let is_whole =
            length == message.body.len() && needed.iter().all(|name| message.header(name).is_some());
        is_whole.then_some(message)
    }

    /// The value of the first header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(of, _)| of.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| &**value)
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(of, _)| of.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// Of a request.
    pub(crate) fn method(&self) -> Option<&str> {
        self.start.strip_suffix(" SIP/2.0")?.split(' ').next()
    }

    /// Of a response.
    pub(crate) fn status(&self) -> Option<u16> {
        self.start.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    /// Number and method.
    pub(crate) fn cseq(&self) -> (u32, &str) {
        let (number, method) = self.header("CSeq").and_then(|cseq| cseq.split_once(' ')).unwrap_or_default();
        (number.parse().unwrap_or_default(), method)
    }

    pub(crate) fn call_id(&self) -> &str {
        self.header("Call-ID").unwrap_or_default()
    }

    pub(crate) fn branch(&self) -> &str {
        param(self.header("Via").unwrap_or_default(), "branch").unwrap_or_default()
    }

    /// The tag of `From` or `To`.
    pub(crate) fn tag(&self, name: &str) -> Option<&str> {
        param(self.header(name)?, "tag")
    }

    /// The URI of the Contact.
    pub(crate) fn contact(&self) -> Option<&str> {
        Some(self.header("Contact")?.split_once('<')?.1.split_once('>')?.0)
    }
}

fn param<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    value.split(';').skip(1).find_map(|param| param.strip_prefix(name)?.strip_prefix('='))
}

/// A message that is being written.
pub(crate) struct Draft(String);

impl Draft {
    pub(crate) fn request(method: &str, uri: &str) -> Draft {
        Draft(format!("{method} {uri} SIP/2.0\r\n"))
    }

    /// With the headers that a response takes from its request; `tag` is for a To that has none.
    pub(crate) fn response(request: &Message, status: u16, tag: &str) -> Draft {
        let mut draft = Draft(format!("SIP/2.0 {status} So\r\n"));
        for via in request.all("Via") {
            draft = draft.header("Via", via);
        }
        for name in ["From", "To", "Call-ID", "CSeq"] {
            let value = request.header(name).unwrap_or_default();
            let needs_tag = name == "To" && status > 100 && request.tag("To").is_none();
            draft = match needs_tag {
                true => draft.header(name, format_args!("{value};tag={tag}")),
                false => draft.header(name, value),
            };
        }
        draft
    }

    pub(crate) fn header(mut self, name: &str, value: impl Display) -> Draft {
        let _ = write!(self.0, "{name}: {value}\r\n");
        self
    }

    pub(crate) fn maybe(self, name: &str, value: Option<impl Display>) -> Draft {
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    /// The whole message, with a session description if there is one.
    pub(crate) fn bytes(self, sdp: Option<&str>) -> Bytes {
        let draft = self.maybe("Content-Type", sdp.map(|_| "application/sdp"));
        let body = sdp.unwrap_or_default();
        let text = draft.header("Content-Length", body.len()).0;
        Bytes::from(format!("{text}\r\n{body}"))
    }
}
