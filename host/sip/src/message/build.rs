//! Writing messages.

use std::borrow::Cow;
use std::io::Write;
use std::{fmt, mem};

use bytes::Bytes;

use super::{Message, Method, Name, NameAddr, Uri, Via, reason_phrase};

/// Writes a message: the start line, headers in the order of the calls, Content-Length always. Line ends
/// inside of values become spaces, so that no value can add a header.
#[derive(Clone, Debug)]
pub struct Builder {
    out: Vec<u8>,
    body: Vec<u8>,
}

impl Builder {
    /// Begins a request.
    pub fn request(method: &Method, uri: &str) -> Builder {
        Builder::start(format_args!("{method} {uri} SIP/2.0"))
    }

    /// Begins a response; an empty reason is replaced by the standard phrase.
    pub fn response(status: u16, reason: &str) -> Builder {
        let reason = if reason.is_empty() { reason_phrase(status) } else { reason };
        Builder::start(format_args!("SIP/2.0 {status} {reason}"))
    }

    /// Begins a response with what RFC 3261 8.2.6 and 12.1.1 want from the request: all Via (the first with
    /// `received` and `rport`, see [`Message::set_source`]), From, To (with `to_tag`, if it has none and
    /// the status is not 100), Call-ID, CSeq, Timestamp in a 100, and Record-Route where a dialog is made.
    pub fn response_to(request: &Message, status: u16, reason: &str, to_tag: Option<&str>) -> Builder {
        let mut builder = Builder::response(status, reason).vias(request);
        let makes_dialog =
            (101..300).contains(&status) && request.method().is_some_and(|method| method.creates_dialog());
        if makes_dialog {
            for value in request.headers(&Name::RecordRoute) {
                builder = builder.header(Name::RecordRoute, value);
            }
        }
        for name in [Name::From, Name::To, Name::CallId, Name::CSeq, Name::Timestamp] {
            let Some(value) = request.header(&name) else { continue };
            builder = match (&name, to_tag) {
                (Name::Timestamp, _) if status != 100 => builder,
                (Name::To, Some(tag)) if status > 100 && lacks_tag(request) => {
                    builder.header(name, format_args!("{};tag={tag}", String::from_utf8_lossy(value)))
                }
                _ => builder.header(name, value),
            };
        }
        builder
    }

    /// Adds a header line.
    pub fn header(mut self, name: impl Into<Name>, value: impl HeaderValue) -> Self {
        self.out.extend_from_slice(name.into().as_str().as_bytes());
        self.out.extend_from_slice(b": ");
        self.line(|out| value.write_to(out));
        self
    }

    /// Sets the body and adds its Content-Type.
    pub fn body(mut self, content_type: &str, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self.header(Name::ContentType, content_type)
    }

    /// The finished message.
    pub fn build(self) -> Bytes {
        let body = self.body.len();
        let mut done = self.header(Name::ContentLength, body);
        done.out.extend_from_slice(b"\r\n");
        done.out.extend_from_slice(&mem::take(&mut done.body));
        Bytes::from(done.out)
    }

    fn start(line: fmt::Arguments<'_>) -> Builder {
        let mut builder = Builder { out: Vec::with_capacity(1024), body: Vec::new() };
        builder.line(|out| line.write_to(out));
        builder
    }

    fn vias(mut self, request: &Message) -> Builder {
        let stamped = request.source().zip(request.via().ok()).map(|(source, via)| via.seen_from(source));
        let Some(stamped) = stamped else {
            for value in request.headers(&Name::Via) {
                self = self.header(Name::Via, value);
            }
            return self;
        };
        self = self.header(Name::Via, stamped);
        for value in request.values(&Name::Via).skip(1) {
            self = self.header(Name::Via, value);
        }
        self
    }

    /// Writes one line and its end.
    fn line(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.out.len();
        write(&mut self.out);
        for byte in &mut self.out[start..] {
            if matches!(byte, b'\r' | b'\n' | 0) {
                *byte = b' ';
            }
        }
        self.out.extend_from_slice(b"\r\n");
    }
}

/// A To that cannot be read gets no tag: it would be read no better.
fn lacks_tag(request: &Message) -> bool {
    request.to().is_ok_and(|to| to.tag().is_none())
}

/// What can stand as a header value: texts, bytes, numbers and our own types.
pub trait HeaderValue {
    /// Appends the value.
    fn write_to(&self, out: &mut Vec<u8>);
}

impl<T: HeaderValue + ?Sized> HeaderValue for &T {
    fn write_to(&self, out: &mut Vec<u8>) {
        (**self).write_to(out);
    }
}

macro_rules! as_bytes {
    ($($type:ty)*) => {$(
        impl HeaderValue for $type {
            fn write_to(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(AsRef::<[u8]>::as_ref(self));
            }
        }
    )*};
}

as_bytes! { [u8] Vec<u8> Bytes str String }

impl HeaderValue for Cow<'_, str> {
    fn write_to(&self, out: &mut Vec<u8>) {
        (**self).write_to(out);
    }
}

macro_rules! as_displayed {
    ($($type:ty)*) => {$(
        impl HeaderValue for $type {
            fn write_to(&self, out: &mut Vec<u8>) {
                // Writing to a Vec cannot fail.
                let _ = write!(out, "{self}");
            }
        }
    )*};
}

as_displayed! { u8 u16 u32 u64 usize Method Name NameAddr Uri Via fmt::Arguments<'_> }
