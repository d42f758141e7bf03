//! The Via header (RFC 3261 20.42, RFC 3581).

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::syntax::{self, Span, SyntaxError};
use super::uri;

/// One Via value: `SIP/2.0/UDP host:port;branch=...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    text: Box<str>,
    transport: Span,
    host: Span,
    port: Option<u16>,
    params: Span,
}

impl Via {
    /// Reads one value; white space around the slashes is allowed.
    pub fn parse(text: &str) -> Result<Via, SyntaxError> {
        let text = text.trim_ascii();
        let (name, rest) = text.split_once('/').ok_or(SyntaxError::Protocol)?;
        let (version, rest) = rest.split_once('/').ok_or(SyntaxError::Protocol)?;
        let rest = rest.trim_start_matches([' ', '\t']);
        if !name.trim_ascii().eq_ignore_ascii_case("SIP") || version.trim_ascii() != "2.0" {
            return Err(SyntaxError::Protocol);
        }
        let (transport, rest) = rest.split_once([' ', '\t']).ok_or(SyntaxError::Protocol)?;
        if !syntax::is_token(transport.as_bytes()) {
            return Err(SyntaxError::Protocol);
        }
        let (sent_by, params) = rest.split_at(rest.find(';').unwrap_or(rest.len()));
        let (host, port) = uri::host_port(sent_by.trim_ascii())?;
        syntax::check_params(params)?;
        let span = |part: &str| Span::of(part, text);
        Ok(Via {
            text: text.into(),
            transport: span(transport),
            host: span(host),
            port,
            params: span(params),
        })
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `UDP`, `TCP`, `TLS`...; compare it without case.
    pub fn transport(&self) -> &str {
        self.transport.of_str(&self.text)
    }

    /// The host of sent-by, an IPv6 address in its brackets.
    pub fn host(&self) -> &str {
        self.host.of_str(&self.text)
    }

    /// The port of sent-by, if one is written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The transaction's branch.
    pub fn branch(&self) -> Option<&str> {
        self.param("branch")
    }

    /// The source address that the next hop saw; brackets around IPv6 are allowed (RFC 5118 4.5).
    pub fn received(&self) -> Option<IpAddr> {
        self.param("received")?.trim_matches(['[', ']']).parse().ok()
    }

    /// None: not asked for; Some(None): asked for (`;rport`); Some(Some(port)): filled in (RFC 3581).
    pub fn rport(&self) -> Option<Option<u16>> {
        self.param("rport").map(|port| port.parse().ok())
    }

    /// Whether a NAT is between us and who sent from `source`: it names itself by another address. A name may
    /// be anybody's.
    pub fn is_translated(&self, source: SocketAddr) -> bool {
        let host = self.host().trim_matches(['[', ']']).parse::<IpAddr>();
        host.is_ok_and(|host| host.to_canonical() != source.ip().to_canonical())
    }

    /// The value of a parameter, without quotes; "" for one without value.
    pub fn param(&self, name: &str) -> Option<&str> {
        syntax::param(self.params.of_str(&self.text), name)
    }

    /// Names and values of the parameters, in order; quotes are kept.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        syntax::params(self.params.of_str(&self.text))
    }

    /// The value as a server keeps it: `received` when sent-by is not the source address (RFC 3261
    /// 18.2.1) or `rport` was asked for, and `rport` filled in (RFC 3581 4).
    pub fn seen_from(&self, source: SocketAddr) -> String {
        use fmt::Write;
        let params = self.params.of_str(&self.text);
        let mut value = self.text[..self.text.len() - params.len()].trim_end().to_owned();
        let asked = self.rport().is_some();
        for (name, content) in syntax::params(params) {
            let replaced = name.eq_ignore_ascii_case("received") || name.eq_ignore_ascii_case("rport");
            // Writing to a String cannot fail.
            let _ = match content {
                _ if replaced => Ok(()),
                "" => write!(value, ";{name}"),
                _ => write!(value, ";{name}={content}"),
            };
        }
        if asked || self.host().trim_matches(['[', ']']).parse() != Ok(source.ip()) {
            let _ = write!(value, ";received={}", source.ip());
        }
        if asked {
            let _ = write!(value, ";rport={}", source.port());
        }
        value
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
