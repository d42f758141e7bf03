//! SIP and SIPS URIs (RFC 3261 19.1); other schemes are kept as text.

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv6Addr;

use super::syntax::{self, Span, SyntaxError};

/// A URI: its text, and where its parts stand in it. `==` compares by RFC 3261 19.1.4.
#[derive(Clone, Debug)]
pub struct Uri {
    text: Box<str>,
    scheme: Span,
    user: Option<Span>,
    password: Option<Span>,
    host: Span,
    port: Option<u16>,
    params: Span,
    headers: Span,
}

impl Uri {
    /// Reads a URI without angle brackets. `sip:` and `sips:` are taken apart; of any other scheme only the
    /// scheme is known and the rest counts as its host-less text.
    pub fn parse(text: &str) -> Result<Uri, SyntaxError> {
        let (scheme, rest) = text.split_once(':').ok_or(SyntaxError::Scheme)?;
        if !scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            || !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        {
            return Err(SyntaxError::Scheme);
        }
        if rest.is_empty() || rest.bytes().any(|byte| byte <= b' ' || byte == 0x7f || b"<>\"".contains(&byte))
        {
            return Err(SyntaxError::Host);
        }
        let span = |part: &str| Span::of(part, text);
        let mut uri = Uri { scheme: span(scheme), ..Uri::opaque(text) };
        if !uri.is_sip() {
            return Ok(uri);
        }

        let address = match rest.split_once('@') {
            Some((userinfo, address)) => {
                let (user, password) = match userinfo.split_once(':') {
                    Some((user, password)) => (user, Some(password)),
                    None => (userinfo, None),
                };
                if user.is_empty() {
                    return Err(SyntaxError::User);
                }
                uri.user = Some(span(user));
                uri.password = password.map(span);
                address
            }
            None => rest,
        };
        let (address, headers) = split_before(address, '?');
        let (hostport, params) = split_before(address, ';');
        uri.headers = span(headers.strip_prefix('?').unwrap_or(headers));
        uri.params = span(params);
        syntax::check_params(params)?;
        let (host, port) = host_port(hostport)?;
        uri.host = span(host);
        uri.port = port;
        Ok(uri)
    }

    /// Text without parts.
    pub(super) fn opaque(text: &str) -> Uri {
        Uri {
            text: text.into(),
            scheme: Span::default(),
            user: None,
            password: None,
            host: Span::default(),
            port: None,
            params: Span::default(),
            headers: Span::default(),
        }
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `sip`, `sips`, `tel`...; compare it without case.
    pub fn scheme(&self) -> &str {
        self.scheme.of_str(&self.text)
    }

    /// `sip:` or `sips:`.
    pub fn is_sip(&self) -> bool {
        self.scheme().eq_ignore_ascii_case("sip") || self.is_secure()
    }

    /// `sips:`.
    pub fn is_secure(&self) -> bool {
        self.scheme().eq_ignore_ascii_case("sips")
    }

    /// The user part as written, escapes included; of a `tel:` URI its number.
    pub fn user(&self) -> Option<&str> {
        if self.scheme().eq_ignore_ascii_case("tel") {
            return self.text[self.scheme.end() + 1..].split(';').next();
        }
        self.user.map(|span| span.of_str(&self.text))
    }

    /// The user part with its escapes (`%61`) resolved.
    pub fn decoded_user(&self) -> Option<Cow<'_, str>> {
        self.user().map(percent_decoded)
    }

    /// The password, which nobody should send.
    pub fn password(&self) -> Option<&str> {
        self.password.map(|span| span.of_str(&self.text))
    }

    /// Name or address, an IPv6 address in its brackets; "" unless [`Uri::is_sip`].
    pub fn host(&self) -> &str {
        self.host.of_str(&self.text)
    }

    /// The port, if one is written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The value of a URI parameter; "" for one without value.
    pub fn param(&self, name: &str) -> Option<&str> {
        syntax::param(self.params.of_str(&self.text), name)
    }

    /// Names and values of the parameters, in order.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        syntax::params(self.params.of_str(&self.text))
    }

    /// What stands behind `?`, "" if nothing does.
    pub fn headers(&self) -> &str {
        self.headers.of_str(&self.text)
    }
}

/// RFC 3261 19.1.4; other schemes compare as text without case.
impl PartialEq for Uri {
    fn eq(&self, other: &Uri) -> bool {
        if !self.is_sip() || !other.is_sip() {
            return self.text.eq_ignore_ascii_case(&other.text);
        }
        self.is_secure() == other.is_secure()
            && self.decoded_user() == other.decoded_user()
            && self.password().map(percent_decoded) == other.password().map(percent_decoded)
            && percent_decoded(self.host()).eq_ignore_ascii_case(&percent_decoded(other.host()))
            && self.port == other.port
            && params_agree(self, other)
            && params_agree(other, self)
            && headers_agree(self.headers(), other.headers())
    }
}

impl Eq for Uri {}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl AsRef<str> for Uri {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl std::str::FromStr for Uri {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Uri, SyntaxError> {
        Uri::parse(text)
    }
}

/// `host` or `host:port`, an IPv6 host in brackets.
pub(super) fn host_port(text: &str) -> Result<(&str, Option<u16>), SyntaxError> {
    let (host, rest) = match text.strip_prefix('[').and_then(|text| text.find(']')) {
        Some(end) => text.split_at(end + 2),
        None => split_before(text, ':'),
    };
    let (host, rest) = (host.trim_ascii(), rest.trim_ascii());
    check_host(host)?;
    match rest.strip_prefix(':') {
        Some(port) => Ok((host, Some(syntax::number(port.trim_ascii()).map_err(|_| SyntaxError::Port)?))),
        None if rest.is_empty() => Ok((host, None)),
        None => Err(SyntaxError::Port),
    }
}

/// Escapes like `%20` resolved; an escape that is none stays as it is.
pub fn percent_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        match behind {
            [high, low, behind @ ..]
                if *first == b'%' && high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                bytes.push(hex(*high) << 4 | hex(*low));
                rest = behind;
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

fn check_host(host: &str) -> Result<(), SyntaxError> {
    let valid = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        // RFC 5118 4.10: one colon too many, made by the grammar of RFC 3261, is forgiven.
        Some(address) => {
            address.parse::<Ipv6Addr>().is_ok()
                || address.replacen(":::", "::", 1).parse::<Ipv6Addr>().is_ok()
        }
        // Underscores are no host names, but stand in many a Via.
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        }
    };
    if valid { Ok(()) } else { Err(SyntaxError::Host) }
}

/// Splits so that the second part begins with `delimiter`, or is empty at the end of the text.
fn split_before(text: &str, delimiter: char) -> (&str, &str) {
    text.split_at(text.find(delimiter).unwrap_or(text.len()))
}

/// Parameters that both have must be equal; some must not stand in one URI only.
fn params_agree(a: &Uri, b: &Uri) -> bool {
    a.params().all(|(name, value)| match b.param(name) {
        Some(other) => percent_decoded(value).eq_ignore_ascii_case(&percent_decoded(other)),
        None => !["user", "ttl", "method", "maddr", "transport"]
            .iter()
            .any(|must| name.eq_ignore_ascii_case(must)),
    })
}

/// Headers agree as sets.
fn headers_agree(a: &str, b: &str) -> bool {
    let normal = |text: &str| {
        let mut headers: Vec<_> =
            text.split('&').map(|header| percent_decoded(header).to_ascii_lowercase()).collect();
        headers.sort_unstable();
        headers
    };
    a == b || normal(a) == normal(b)
}
