//! What a readable message must have before anybody acts on it.

use super::parse::{Start, Version};
use super::syntax::SyntaxError;
use super::{HeaderError, Message, Method, Name, Uri};
use crate::flow::Transport;

/// The rule that a message breaks; a request is answered with its status and reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Not SIP/2.0.
    #[error("Version Not Supported")]
    Version,
    /// The request URI has a scheme that we do not speak.
    #[error("Unsupported URI Scheme")]
    Scheme,
    /// The request URI cannot be read.
    #[error("Request-URI {0}")]
    RequestUri(SyntaxError),
    /// The request URI has headers (RFC 3261 19.1.1).
    #[error("Request-URI has headers")]
    RequestUriHeaders,
    /// A header is missing or cannot be read.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// A header that stands once stands twice.
    #[error("Repeated {0} header")]
    Repeated(Name),
    /// CSeq names another method than the request line.
    #[error("CSeq method does not match")]
    CSeqMethod,
}

impl Invalid {
    /// 400, 416 or 505.
    pub fn status(&self) -> u16 {
        match self {
            Invalid::Version => 505,
            Invalid::Scheme => 416,
            _ => 400,
        }
    }

    /// The reason phrase, which names the broken rule (RFC 3261 21.4.1).
    pub fn reason(&self) -> String {
        self.to_string()
    }
}

/// Headers that a message has once at most, and that somebody acts on.
const SINGLE: [Name; 9] = [
    Name::From,
    Name::To,
    Name::CallId,
    Name::CSeq,
    Name::MaxForwards,
    Name::ContentLength,
    Name::ContentType,
    Name::Expires,
    Name::Event,
];

pub(super) fn validate(message: &Message, transport: Transport) -> Result<(), Invalid> {
    let (Start::Request { version, .. } | Start::Response { version, .. }) = message.start;
    if version != Version::Sip2 {
        return Err(Invalid::Version);
    }
    for name in SINGLE {
        if message.headers(&name).nth(1).is_some() {
            return Err(Invalid::Repeated(name));
        }
    }
    message.via()?;
    message.from()?;
    message.to()?;
    if message.call_id().is_none_or(str::is_empty) {
        return Err(HeaderError::Missing(Name::CallId).into());
    }
    let (number, method) = message.cseq()?;
    if number > i32::MAX as u32 {
        return Err(HeaderError::Malformed(Name::CSeq, SyntaxError::Number).into());
    }
    if transport.is_reliable() && message.header(&Name::ContentLength).is_none() {
        return Err(HeaderError::Missing(Name::ContentLength).into());
    }
    match message.method() {
        Some(requested) if requested != method => Err(Invalid::CSeqMethod),
        Some(requested) => request(message, &requested),
        None => Ok(()),
    }
}

fn request(message: &Message, method: &Method) -> Result<(), Invalid> {
    let uri = Uri::parse(message.uri().unwrap_or_default()).map_err(Invalid::RequestUri)?;
    if !uri.is_sip() && !uri.scheme().eq_ignore_ascii_case("tel") {
        return Err(Invalid::Scheme);
    }
    if !uri.headers().is_empty() {
        return Err(Invalid::RequestUriHeaders);
    }
    if message.header(&Name::MaxForwards).is_some() && message.max_forwards().is_none() {
        return Err(HeaderError::Malformed(Name::MaxForwards, SyntaxError::Number).into());
    }
    // The star is for REGISTER only; the registrar has its rules for it.
    let star = message.contacts()?.iter().any(|contact| contact.is_star());
    if star && *method != Method::Register {
        return Err(HeaderError::Malformed(Name::Contact, SyntaxError::Empty).into());
    }
    Ok(())
}
