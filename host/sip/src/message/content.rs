//! The body of a message by its type, also where it is one of several parts (RFC 2046 section 5.1).

use super::syntax::{self, unfolded};
use super::{Message, Name};

/// Parts of a multipart body that are looked at.
const MAX_PARTS: usize = 16;

/// What the body of a message has of a wanted type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// There is no body.
    Nothing,
    /// The body, or the part of it, of that type.
    Found(&'a [u8]),
    /// There is a body, of other types only: 415.
    Other,
}

pub(super) fn find<'a>(message: &'a Message, wanted: &str) -> Content<'a> {
    let body = message.body();
    if body.is_empty() {
        return Content::Nothing;
    }
    let found = match message.content_type() {
        Some(kind) if kind.eq_ignore_ascii_case(wanted) => Some(body),
        Some(kind) if starts_with(kind, "multipart/") => {
            let value = message.header(&Name::ContentType).map(unfolded).unwrap_or_default();
            boundary(&value).and_then(|boundary| part(body, &boundary, wanted))
        }
        _ => None,
    };
    found.map_or(Content::Other, Content::Found)
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn boundary(content_type: &str) -> Option<String> {
    let parameters = &content_type[content_type.find(';')?..];
    syntax::param(parameters, "boundary").map(|value| syntax::unquoted(value).into_owned())
}

/// The first part of the wanted type, without the line end that belongs to the boundary behind it.
fn part<'a>(body: &'a [u8], boundary: &str, wanted: &str) -> Option<&'a [u8]> {
    let delimiter = format!("--{boundary}");
    let mut rest = &body[find_delimiter(body, delimiter.as_bytes())?..];
    for _ in 0..MAX_PARTS {
        let begin = rest.iter().position(|&byte| byte == b'\n')? + 1;
        rest = &rest[begin..];
        let end = find_delimiter(rest, delimiter.as_bytes())?;
        let part = &rest[..end];
        let part = part.strip_suffix(b"\n").unwrap_or(part);
        let part = part.strip_suffix(b"\r").unwrap_or(part);
        if let Some(content) = content_of(part, wanted) {
            return Some(content);
        }
        rest = &rest[end..];
    }
    None
}

/// Where the next line is that has only the delimiter, or ends the last part.
fn find_delimiter(text: &[u8], delimiter: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let end = text[at..].iter().position(|&byte| byte == b'\n');
        let line = &text[at..end.map_or(text.len(), |end| at + end)];
        if let Some(b"" | b"--") = line.strip_prefix(delimiter).map(<[u8]>::trim_ascii) {
            return Some(at);
        }
        at += end? + 1;
    }
}

/// What stands behind the header of a part, if the part is of that type.
fn content_of<'a>(part: &'a [u8], wanted: &str) -> Option<&'a [u8]> {
    let mut rest = part;
    let mut is_wanted = false;
    loop {
        let end = rest.iter().position(|&byte| byte == b'\n')?;
        let line = rest[..end].trim_ascii();
        rest = &rest[end + 1..];
        if line.is_empty() {
            return is_wanted.then_some(rest);
        }
        let Some((name, value)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once(':')) else {
            continue;
        };
        if name.trim_ascii().eq_ignore_ascii_case("Content-Type") {
            let kind = value.split(';').next().unwrap_or_default();
            is_wanted = kind.trim_ascii().eq_ignore_ascii_case(wanted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn found(content_type: &str, body: &str) -> Option<Option<String>> {
        let text = format!(
            "INVITE sip:x@example.com SIP/2.0\r\nContent-Type: {content_type}\r\n\r\n{}",
            body.replace('\n', "\r\n")
        );
        let message = Message::parse(Bytes::from(text)).expect("a message");
        match message.content("application/sdp") {
            Content::Nothing => None,
            Content::Found(content) => Some(Some(String::from_utf8_lossy(content).into_owned())),
            Content::Other => Some(None),
        }
    }

    #[test]
    fn a_body_is_found_alone_and_among_others() {
        let sdp = Some(Some("v=0\r\ns=-".to_owned()));
        assert_eq!(found("application/sdp", ""), None);
        assert_eq!(found("Application/SDP; charset=utf-8", "v=0\ns=-"), sdp);
        assert_eq!(found("text/plain", "v=0"), Some(None));
        let parts = "no part\n--a b\nContent-Type: text/plain\n\n--a\n--a b\nContent-Disposition: session\n\
                     content-type : application/sdp\n\nv=0\ns=-\n--a b--\nnothing";
        assert_eq!(found("multipart/mixed; x=y; boundary=\"a b\"", parts), sdp);
        assert_eq!(found("multipart/mixed;boundary=a", parts), Some(None), "two parts that end nowhere");
        assert_eq!(found("multipart/mixed", parts), Some(None));
    }

    #[test]
    fn broken_parts_are_no_parts() {
        for body in
            ["--a", "--a\n", "--a\n\n", "--a\nContent-Type: application/sdp\n--a--", "-", "\n\n", "--a--\n"]
        {
            assert_eq!(found("multipart/alternative; boundary=a", body), Some(None), "{body:?}");
        }
    }
}
