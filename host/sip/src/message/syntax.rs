//! What the header parsers share: character classes, delimiters outside of quotes, parameters, errors.

use std::borrow::Cow;

use super::Name;

/// A rule of the grammar (RFC 3261 25) that a value breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    /// A value stands where nothing is.
    #[error("is empty")]
    Empty,
    /// A scheme, then a colon.
    #[error("has no URI scheme")]
    Scheme,
    /// The user part has a character that must be escaped.
    #[error("has a bad user part")]
    User,
    /// Host name, IPv4 address or IPv6 address in brackets.
    #[error("has a bad host")]
    Host,
    /// 0 to 65535.
    #[error("has a bad port")]
    Port,
    /// A quoted string without its end.
    #[error("has an unclosed quote")]
    Quote,
    /// `<` without `>`, or text between or behind them.
    #[error("has misplaced angle brackets")]
    Brackets,
    /// A display name that had to be quoted.
    #[error("has a bad display name")]
    Display,
    /// An address with `?` or `,` needs angle brackets (RFC 3261 20).
    #[error("needs angle brackets")]
    BareAddress,
    /// An empty parameter, or a character that a parameter cannot have.
    #[error("has a bad parameter")]
    Parameter,
    /// Not digits, or too large.
    #[error("has a bad number")]
    Number,
    /// Not a method.
    #[error("has a bad method")]
    Method,
    /// Not `SIP/2.0/transport`.
    #[error("has a bad protocol")]
    Protocol,
}

/// Why a header could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The message has no such header.
    #[error("Missing {0} header")]
    Missing(Name),
    /// It has one, but it breaks a rule.
    #[error("{0} header {1}")]
    Malformed(Name, SyntaxError),
}

/// A part of a text that is kept beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Texts are no longer than a message (64 KiB), so that `u32` holds.
    pub(super) fn new(start: usize, end: usize) -> Span {
        Span { start: start as u32, end: end as u32 }
    }

    /// Where `part` stands in `whole`, of which it must be a slice.
    pub(super) fn of(part: &str, whole: &str) -> Span {
        let start = part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr());
        Span::new(start, start + part.len())
    }

    pub(super) fn of_str(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    pub(super) fn of_bytes(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    pub(super) fn start(self) -> usize {
        self.start as usize
    }

    pub(super) fn end(self) -> usize {
        self.end as usize
    }
}

/// `token` of RFC 3261 25.1.
pub(super) fn is_token_char(byte: u8) -> bool {
    const TOKEN: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            table[byte] = (byte as u8).is_ascii_alphanumeric();
            byte += 1;
        }
        let marks = b"-.!%*_+`'~";
        let mut at = 0;
        while at < marks.len() {
            table[marks[at] as usize] = true;
            at += 1;
        }
        table
    };
    TOKEN[usize::from(byte)]
}

pub(super) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| is_token_char(byte))
}

/// A header value as text: folds become one space, wrong UTF-8 the replacement character.
pub(super) fn unfolded(value: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(value);
    if !value.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
        return text;
    }
    let mut flat = String::with_capacity(text.len());
    // Other white space of ASCII is none in SIP (RFC 3261 25.1, LWS): what is copied must read the same.
    let lines = text.split(['\r', '\n']).map(|line| line.trim_matches([' ', '\t']));
    for line in lines.filter(|line| !line.is_empty()) {
        if !flat.is_empty() {
            flat.push(' ');
        }
        flat.push_str(line);
    }
    Cow::Owned(flat)
}

/// The first `delimiter` outside of quoted strings and angle brackets.
pub(super) fn find_outside(text: &[u8], delimiter: u8) -> Option<usize> {
    let (mut quoted, mut bracketed, mut escaped) = (false, false, false);
    for (at, &byte) in text.iter().enumerate() {
        if quoted {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => quoted = true,
            b'<' => bracketed = true,
            b'>' => bracketed = false,
            _ if byte == delimiter && !bracketed => return Some(at),
            _ => {}
        }
    }
    None
}

/// Splits `text` at `delimiter` outside of quoted strings and angle brackets; parts are trimmed.
pub(super) fn split_outside(text: &str, delimiter: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (part, behind) = match find_outside(text.as_bytes(), delimiter) {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        rest = behind;
        Some(part.trim_ascii())
    })
}

/// The text behind the closing quote of a string that begins with one.
pub(super) fn behind_quoted(text: &str) -> Result<&str, SyntaxError> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Ok(&text[at + 1..]),
            _ => {}
        }
    }
    Err(SyntaxError::Quote)
}

/// The content of a quoted string with its escapes resolved; other text stays as it is.
pub(super) fn unquoted(text: &str) -> Cow<'_, str> {
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
        return Cow::Borrowed(text);
    };
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        plain.extend(if char == '\\' { chars.next() } else { Some(char) });
    }
    Cow::Owned(plain)
}

/// Name and value of each parameter in `;name=value;flag`; a flag has the value "".
pub(crate) fn params(text: &str) -> impl Iterator<Item = (&str, &str)> {
    split_outside(text.strip_prefix(';').unwrap_or(text), b';').filter(|param| !param.is_empty()).map(
        |param| {
            let (name, value) = param.split_once('=').unwrap_or((param, ""));
            (name.trim_ascii(), value.trim_ascii())
        },
    )
}

/// The value of a parameter, without its quotes.
pub(super) fn param<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, value) = params(text).find(|(found, _)| found.eq_ignore_ascii_case(name))?;
    Some(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

/// Checks `;name=value;flag` (or nothing) as `generic-param` of RFC 3261 25.1. Values may have what real
/// phones send: brackets of IPv6 addresses, slashes, colons.
pub(super) fn check_params(text: &str) -> Result<(), SyntaxError> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Ok(());
    }
    let text = text.strip_prefix(';').ok_or(SyntaxError::Parameter)?;
    for param in split_outside(text, b';') {
        let (name, value) = param.split_once('=').map_or((param, None), |(name, value)| (name, Some(value)));
        if !is_token(name.trim_ascii().as_bytes()) {
            return Err(SyntaxError::Parameter);
        }
        value.map_or(Ok(()), |value| check_value(value.trim_ascii()))?;
    }
    Ok(())
}

fn check_value(value: &str) -> Result<(), SyntaxError> {
    if value.starts_with('"') {
        return match behind_quoted(value)? {
            "" => Ok(()),
            _ => Err(SyntaxError::Parameter),
        };
    }
    let plain = |byte: u8| byte > b' ' && !matches!(byte, b'"' | b',' | b'<' | b'>' | b';' | 0x7f);
    if !value.is_empty() && value.bytes().all(plain) { Ok(()) } else { Err(SyntaxError::Parameter) }
}

/// Digits only, as a number that fits.
pub(super) fn number<T: std::str::FromStr>(text: &str) -> Result<T, SyntaxError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SyntaxError::Number);
    }
    text.parse().map_err(|_| SyntaxError::Number)
}

/// `delta-seconds`: digits; what is larger than `u32` becomes its maximum (RFC 3261 20.19).
pub(crate) fn delta_seconds(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u32::MAX))
}
