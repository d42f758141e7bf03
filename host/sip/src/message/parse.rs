//! The span parser: finds where the start line, the headers and the body stand, and reads no further.

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::{Buf, Bytes};

use super::name::Known;
use super::syntax::{self, Span, find_outside, is_token, unfolded};
use super::{Builder, Message, Name};

/// Start line and headers of a message, and its body, in bytes each.
pub const MAX_MESSAGE: usize = 64 * 1024;
/// Header lines of a message.
pub const MAX_HEADERS: usize = 128;

/// The rule that a message breaks so badly that it cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseFault {
    /// Nothing but line ends.
    #[error("empty message")]
    Empty,
    /// More than [`MAX_MESSAGE`] bytes.
    #[error("message too large")]
    TooLarge,
    /// Neither a request line nor a status line.
    #[error("bad start line")]
    StartLine,
    /// A header line without a colon, or with a name that is no token.
    #[error("bad header line")]
    HeaderLine,
    /// More than [`MAX_HEADERS`] header lines.
    #[error("too many headers")]
    TooManyHeaders,
    /// No empty line behind the headers.
    #[error("headers without end")]
    Unfinished,
    /// Content-Length is not a number, or stands twice with two values.
    #[error("bad Content-Length")]
    ContentLength,
    /// The body is shorter than Content-Length.
    #[error("body shorter than Content-Length")]
    ShortBody,
}

/// A message that cannot be read, with what is needed to answer it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct ParseError {
    fault: ParseFault,
    bytes: Bytes,
}

impl ParseError {
    /// The broken rule.
    pub fn fault(&self) -> ParseFault {
        self.fault
    }

    /// A 400 response with Via, From, To, Call-ID and CSeq as far as they were readable. None for what must
    /// or can not be answered: responses, ACK, no Via.
    pub fn rejection(&self) -> Option<Bytes> {
        let mut lines = Lines::new(&self.bytes[..self.bytes.len().min(MAX_MESSAGE)]);
        let start = lines.next()?.of_bytes(&self.bytes);
        let method = &start[..start.iter().position(|byte| matches!(byte, b' ' | b'\t'))?];
        // A status line begins with no token: its slash is none.
        if !is_token(method) || method == b"ACK" {
            return None;
        }
        let mut found: Vec<(Name, &[u8])> = Vec::new();
        for line in lines.take(MAX_HEADERS) {
            let line = line.of_bytes(&self.bytes);
            let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
            let Some(known) = Known::find(line[..colon].trim_ascii()) else { continue };
            let name = Name::from_known(known);
            let wanted = matches!(name, Name::Via | Name::From | Name::To | Name::CallId | Name::CSeq);
            if wanted && (name == Name::Via || found.iter().all(|(other, _)| *other != name)) {
                found.push((name, line[colon + 1..].trim_ascii()));
            }
        }
        found.iter().find(|(name, _)| *name == Name::Via)?;

        let mut answer = Builder::response(400, &format!("Bad Request: {}", self.fault));
        for (name, value) in &found {
            let untagged =
                *name == Name::To && syntax::param(&unfolded(behind_address(value)), "tag").is_none();
            answer = match untagged {
                true => answer.header(name, format_args!("{};tag={:016x}", unfolded(value), hash(&found))),
                false => answer.header(name, value),
            };
        }
        Some(answer.build())
    }
}

/// The parameters behind an address: with brackets what follows them, else what follows the URI.
fn behind_address(value: &[u8]) -> &[u8] {
    find_outside(value, b';').map_or(&[], |at| &value[at..])
}

/// The same To tag for every copy of a request (RFC 3261 8.2.7).
fn hash(headers: &[(Name, &[u8])]) -> u64 {
    let mut hasher = DefaultHasher::new();
    headers.hash(&mut hasher);
    hasher.finish()
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Start {
    Request { method: Span, uri: Span, version: Version },
    Response { status: u16, reason: Span, version: Version },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Sip2,
    Other,
}

/// A header line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) known: Option<Known>,
    pub(super) name: Span,
    pub(super) value: Span,
}

pub(super) fn parse(mut bytes: Bytes) -> Result<Message, ParseError> {
    // RFC 3261 7.5: line ends ahead of the start line are ignored.
    let ahead = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    bytes.advance(ahead);
    match index(&bytes) {
        Ok(index) => {
            bytes.truncate(index.body.end());
            let Index { start, lines, body } = index;
            Ok(Message { bytes, start, lines: lines.into(), body, source: None })
        }
        Err(fault) => Err(ParseError { fault, bytes }),
    }
}

struct Index {
    start: Start,
    lines: Vec<Line>,
    body: Span,
}

fn index(bytes: &[u8]) -> Result<Index, ParseFault> {
    if bytes.is_empty() {
        return Err(ParseFault::Empty);
    }
    if bytes.len() > 2 * MAX_MESSAGE {
        return Err(ParseFault::TooLarge);
    }
    let mut rest = Lines::new(bytes);
    let start = start_line(bytes, rest.next().ok_or(ParseFault::Unfinished)?)?;
    let mut lines = Vec::with_capacity(32);
    for line in &mut rest {
        if lines.len() == MAX_HEADERS {
            return Err(ParseFault::TooManyHeaders);
        }
        lines.push(header_line(bytes, line)?);
    }
    let head = rest.end.ok_or(ParseFault::Unfinished)?;
    if head > MAX_MESSAGE || bytes.len() - head > MAX_MESSAGE {
        return Err(ParseFault::TooLarge);
    }
    let end = match content_length(lengths(bytes, lines.iter().copied()))? {
        Some(length) if length > bytes.len() - head => return Err(ParseFault::ShortBody),
        Some(length) => head + length,
        None => bytes.len(),
    };
    Ok(Index { start, lines, body: Span::new(head, end) })
}

fn start_line(bytes: &[u8], line: Span) -> Result<Start, ParseFault> {
    let text = std::str::from_utf8(line.of_bytes(bytes)).map_err(|_| ParseFault::StartLine)?;
    let span = |part: &str| {
        let part = Span::of(part, text);
        Span::new(line.start() + part.start(), line.start() + part.end())
    };
    // Only headers can be folded.
    if text.contains(['\r', '\n']) {
        return Err(ParseFault::StartLine);
    }
    let (first, rest) = text.split_once(' ').ok_or(ParseFault::StartLine)?;
    if let Some(version) = version(first) {
        let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        let status = syntax::number(status).ok().filter(|status| status_range(*status, rest));
        let status = status.ok_or(ParseFault::StartLine)?;
        return Ok(Start::Response { status, reason: span(reason), version });
    }
    // What stands between is the URI, also when it has spaces: `validate` refuses those.
    let (uri, last) = rest.rsplit_once(' ').ok_or(ParseFault::StartLine)?;
    let version = version(last).ok_or(ParseFault::StartLine)?;
    if !is_token(first.as_bytes()) || uri.is_empty() {
        return Err(ParseFault::StartLine);
    }
    Ok(Start::Request { method: span(first), uri: span(uri), version })
}

/// Three digits, 100 to 699.
fn status_range(status: u16, text: &str) -> bool {
    (100..700).contains(&status) && !text.starts_with('0')
}

/// `SIP/1*DIGIT.1*DIGIT`.
fn version(text: &str) -> Option<Version> {
    let (name, number) = text.split_once('/')?;
    let (major, minor) = number.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !name.eq_ignore_ascii_case("SIP") || !digits(major) || !digits(minor) {
        return None;
    }
    Some(if number == "2.0" { Version::Sip2 } else { Version::Other })
}

fn header_line(bytes: &[u8], line: Span) -> Result<Line, ParseFault> {
    let text = line.of_bytes(bytes);
    let length = text.iter().position(|&byte| !syntax::is_token_char(byte)).ok_or(ParseFault::HeaderLine)?;
    let space = text[length..].iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(0);
    if length == 0 || text.get(length + space) != Some(&b':') {
        return Err(ParseFault::HeaderLine);
    }
    let value = &text[length + space + 1..];
    let trimmed = value.trim_ascii();
    let ahead = value.len() - value.trim_ascii_start().len();
    let start = line.end() - value.len() + if trimmed.is_empty() { 0 } else { ahead };
    Ok(Line {
        known: Known::find(&text[..length]),
        name: Span::new(line.start(), line.start() + length),
        value: Span::new(start, start + trimmed.len()),
    })
}

/// The number in all Content-Length values, of which there may be none.
fn content_length<'a>(values: impl Iterator<Item = &'a [u8]>) -> Result<Option<usize>, ParseFault> {
    let mut announced = None;
    for value in values {
        let text = std::str::from_utf8(value).map_err(|_| ParseFault::ContentLength)?;
        let length = syntax::number(text).map_err(|_| ParseFault::ContentLength)?;
        // Two lengths are two messages in the eyes of two readers.
        if announced.is_some_and(|before| before != length) {
            return Err(ParseFault::ContentLength);
        }
        announced = Some(length);
    }
    Ok(announced)
}

/// The Content-Length in the head of a message, of which nothing else need be readable.
pub(crate) fn announced_length(head: &[u8]) -> Result<Option<usize>, ParseFault> {
    let lines = Lines::new(head).skip(1).filter_map(|line| header_line(head, line).ok());
    content_length(lengths(head, lines))
}

fn lengths(bytes: &[u8], lines: impl Iterator<Item = Line>) -> impl Iterator<Item = &[u8]> {
    let known = Name::ContentLength.known();
    lines.filter(move |line| line.known == known).map(|line| line.value.of_bytes(bytes))
}

/// The lines of a message up to the empty one, folded lines joined, without their line ends. A bare LF
/// ends a line too.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the body begins, once the empty line has been read.
    end: Option<usize>,
}

impl<'a> Lines<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Lines { bytes, at: 0, end: None }
    }
}

impl Iterator for Lines<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        let start = self.at;
        let mut at = start;
        loop {
            let end = at + self.bytes.get(at..)?.iter().position(|&byte| byte == b'\n')?;
            at = end + 1;
            let end = if end > start && self.bytes[end - 1] == b'\r' { end - 1 } else { end };
            if end == start {
                self.end = Some(at);
                return None;
            }
            if !matches!(self.bytes.get(at), Some(b' ' | b'\t')) {
                self.at = at;
                return Some(Span::new(start, end));
            }
        }
    }
}
