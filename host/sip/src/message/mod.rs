//! Messages: parsed to spans, read on access, checked apart, written by a builder.
//!
//! [`Message::parse`] finds lines only. Each accessor reads its header when it is called, so that a header
//! nobody asks for costs nothing, and a broken one hurts only who needs it. [`Message::validate`] checks
//! what everybody needs.

mod build;
mod content;
mod credentials;
mod method;
mod name;
mod name_addr;
pub(crate) mod parse;
mod reason;
mod replaces;
pub(crate) mod syntax;
mod uri;
mod validate;
mod via;

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

pub use build::{Builder, HeaderValue};
pub use content::Content;
pub use credentials::Credentials;
pub use method::Method;
pub use name::Name;
pub use name_addr::NameAddr;
pub use parse::{MAX_HEADERS, MAX_MESSAGE, ParseError, ParseFault};
pub use reason::reason_phrase;
pub use replaces::Replaces;
pub use syntax::{HeaderError, SyntaxError};
pub use uri::{Uri, percent_decoded};
pub use validate::Invalid;
pub use via::Via;

use crate::flow::Transport;
use parse::{Line, Start};
use syntax::Span;

/// A message: its bytes, and where the headers stand in them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Message {
    bytes: Bytes,
    start: Start,
    lines: Arc<[Line]>,
    body: Span,
    source: Option<SocketAddr>,
}

impl Message {
    /// Reads a datagram or one framed message. Line ends ahead of it are skipped; bytes behind the body that
    /// Content-Length announces are cut off, and without Content-Length the body is all the rest.
    pub fn parse(bytes: Bytes) -> Result<Message, ParseError> {
        parse::parse(bytes)
    }

    /// Whether its start line is a request line.
    pub fn is_request(&self) -> bool {
        matches!(self.start, Start::Request { .. })
    }

    /// The method of a request.
    pub fn method(&self) -> Option<Method> {
        match self.start {
            Start::Request { method, .. } => Some(Method::from(self.part(method))),
            Start::Response { .. } => None,
        }
    }

    /// The URI of a request, as written.
    pub fn uri(&self) -> Option<&str> {
        match self.start {
            Start::Request { uri, .. } => Some(self.part(uri)),
            Start::Response { .. } => None,
        }
    }

    /// The status of a response, 100 to 699.
    pub fn status(&self) -> Option<u16> {
        match self.start {
            Start::Request { .. } => None,
            Start::Response { status, .. } => Some(status),
        }
    }

    /// The reason phrase of a response; "" for a request.
    pub fn reason(&self) -> &str {
        match self.start {
            Start::Request { .. } => "",
            Start::Response { reason, .. } => self.part(reason),
        }
    }

    /// The first header line of this name: its value without surrounding white space, folds kept.
    pub fn header(&self, name: &Name) -> Option<&[u8]> {
        self.headers(name).next()
    }

    /// Like [`Message::header`] as text: folds become a space, wrong UTF-8 the replacement character.
    pub fn text(&self, name: &Name) -> Option<Cow<'_, str>> {
        self.header(name).map(syntax::unfolded)
    }

    /// The values of all header lines of this name, one per line.
    pub fn headers<'a>(&'a self, name: &Name) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let known = name.known();
        let other = known.is_none().then(|| name.as_str().to_owned());
        let found = move |line: &&Line| match &other {
            Some(name) => line.name.of_bytes(&self.bytes).eq_ignore_ascii_case(name.as_bytes()),
            None => line.known == known,
        };
        self.lines.iter().filter(found).map(|line| line.value.of_bytes(&self.bytes))
    }

    /// All header lines in order: name as written, value as by [`Message::header`].
    pub fn all_headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.lines.iter().map(|line| (self.part(line.name), line.value.of_bytes(&self.bytes)))
    }

    /// The elements of a list header, across commas and header lines, empty ones left out.
    pub fn values<'a>(&'a self, name: &Name) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        self.headers(name).flat_map(elements).map(syntax::unfolded)
    }

    /// The topmost Via.
    pub fn via(&self) -> Result<Via, HeaderError> {
        self.first(Name::Via, Via::parse)
    }

    /// The From header.
    pub fn from(&self) -> Result<NameAddr, HeaderError> {
        self.single(Name::From, NameAddr::parse)
    }

    /// The To header.
    pub fn to(&self) -> Result<NameAddr, HeaderError> {
        self.single(Name::To, NameAddr::parse)
    }

    /// Sequence number and method.
    pub fn cseq(&self) -> Result<(u32, Method), HeaderError> {
        self.single(Name::CSeq, |text| {
            let (number, method) = text.split_once([' ', '\t']).ok_or(SyntaxError::Method)?;
            let method = method.trim_ascii();
            if !syntax::is_token(method.as_bytes()) {
                return Err(SyntaxError::Method);
            }
            Ok((syntax::number(number)?, Method::from(method)))
        })
    }

    /// The Call-ID, which is compared byte by byte.
    pub fn call_id(&self) -> Option<&str> {
        std::str::from_utf8(self.header(&Name::CallId)?).ok()
    }

    /// All contacts, in order.
    pub fn contacts(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.values(&Name::Contact)
            .map(|value| {
                NameAddr::parse(&value).map_err(|error| HeaderError::Malformed(Name::Contact, error))
            })
            .collect()
    }

    /// The Route values, in order.
    pub fn routes(&self) -> Vec<String> {
        self.values(&Name::Route).map(Cow::into_owned).collect()
    }

    /// The Record-Route values, in order.
    pub fn record_routes(&self) -> Vec<String> {
        self.values(&Name::RecordRoute).map(Cow::into_owned).collect()
    }

    /// The dialog that an INVITE wants to replace; an error also for a second header (RFC 3891 3).
    pub fn replaces(&self) -> Result<Option<Replaces>, HeaderError> {
        let malformed = |error| HeaderError::Malformed(Name::Replaces, error);
        let mut values = self.headers(&Name::Replaces).map(syntax::unfolded);
        let Some(value) = values.next() else { return Ok(None) };
        match values.next() {
            Some(_) => Err(malformed(SyntaxError::Parameter)),
            None => Replaces::parse(&value).map(Some).map_err(malformed),
        }
    }

    /// Seconds; None if missing or malformed, the maximum if too large (RFC 3261 20.19).
    pub fn expires(&self) -> Option<u32> {
        syntax::delta_seconds(&self.text(&Name::Expires)?)
    }

    /// 0 to 255; None if missing or malformed.
    pub fn max_forwards(&self) -> Option<u8> {
        syntax::number(&self.text(&Name::MaxForwards)?).ok()
    }

    /// The media type of the body without its parameters; compare it without case.
    pub fn content_type(&self) -> Option<&str> {
        let value = std::str::from_utf8(self.header(&Name::ContentType)?).ok()?;
        value.split(';').next().map(str::trim_ascii)
    }

    /// What the body has of that media type, also as one of the parts of a multipart body.
    pub fn content(&self, media_type: &str) -> Content<'_> {
        content::find(self, media_type)
    }

    /// Whether an answer may have a body of that media type (RFC 3261 20.1). `default` is what a peer
    /// takes that does not say.
    pub fn accepts(&self, media_type: &str, default: &str) -> bool {
        let mut ranges = self.values(&Name::Accept).peekable();
        if ranges.peek().is_none() {
            return self.header(&Name::Accept).is_none() && media_type.eq_ignore_ascii_case(default);
        }
        let main = media_type.split('/').next().unwrap_or_default();
        ranges.any(|range| {
            let range = range.split(';').next().unwrap_or_default().trim_ascii();
            range.eq_ignore_ascii_case(media_type)
                || range == "*/*"
                || range.strip_suffix("/*").is_some_and(|range| range.eq_ignore_ascii_case(main))
        })
    }

    /// The content of every Authorization or Proxy-Authorization line.
    pub fn credentials(&self, name: &Name) -> Vec<Credentials> {
        self.headers(name).map(|value| Credentials::new(&syntax::unfolded(value))).collect()
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        self.body.of_bytes(&self.bytes)
    }

    /// The whole message as it came, without what stood ahead of it and behind it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Checks what every receiver relies on: version, mandatory headers, single headers, CSeq, the
    /// addresses, Content-Length on a stream. RFC 3261 8.2 and 18.3.
    pub fn validate(&self, transport: Transport) -> Result<(), Invalid> {
        validate::validate(self, transport)
    }

    /// Notes where a request came from, for the top Via of its responses.
    pub fn set_source(&mut self, source: SocketAddr) {
        self.source = Some(source);
    }

    /// What [`Message::set_source`] noted.
    pub fn source(&self) -> Option<SocketAddr> {
        self.source
    }

    /// Text of the start line or of a header name, both of which `parse` knows to be UTF-8.
    fn part(&self, span: Span) -> &str {
        std::str::from_utf8(span.of_bytes(&self.bytes)).unwrap_or_default()
    }

    /// The first element of a list header.
    fn first<T>(
        &self,
        name: Name,
        parse: impl FnOnce(&str) -> Result<T, SyntaxError>,
    ) -> Result<T, HeaderError> {
        let Some(value) = self.values(&name).next() else { return Err(HeaderError::Missing(name)) };
        parse(&value).map_err(|error| HeaderError::Malformed(name, error))
    }

    /// A header that is no list.
    fn single<T>(
        &self,
        name: Name,
        parse: impl FnOnce(&str) -> Result<T, SyntaxError>,
    ) -> Result<T, HeaderError> {
        let Some(value) = self.text(&name) else { return Err(HeaderError::Missing(name)) };
        parse(&value).map_err(|error| HeaderError::Malformed(name, error))
    }
}

fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = syntax::find_outside(text, b',');
        rest = end.map(|at| &text[at + 1..]);
        Some(text[..end.unwrap_or(text.len())].trim_ascii())
    })
    .filter(|element| !element.is_empty())
}
