//! Addresses with a display name and parameters: From, To, Contact, Route... (RFC 3261 20.10).

use std::borrow::Cow;
use std::fmt;

use super::syntax::{self, Span, SyntaxError};
use super::uri::Uri;

/// `"Display" <uri>;params`, `uri;params`, or the `*` of a Contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAddr {
    text: Box<str>,
    display: Span,
    params: Span,
    uri: Uri,
}

impl NameAddr {
    /// Reads one address. Without angle brackets, parameters belong to the header, not to the URI.
    pub fn parse(text: &str) -> Result<NameAddr, SyntaxError> {
        let text = text.trim_ascii();
        if text == "*" {
            let none = Span::default();
            return Ok(NameAddr { text: text.into(), display: none, params: none, uri: Uri::opaque(text) });
        }
        let (display, uri, params) = split(text)?;
        syntax::check_params(params)?;
        Ok(NameAddr {
            text: text.into(),
            display: Span::of(display, text),
            params: Span::of(params, text),
            uri: Uri::parse(uri)?,
        })
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `*`, which stands for all contacts (RFC 3261 10.2.2); its URI is the text `*`.
    pub fn is_star(&self) -> bool {
        &*self.text == "*"
    }

    /// The address.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The display name without quotes and escapes.
    pub fn display(&self) -> Option<Cow<'_, str>> {
        let display = self.display.of_str(&self.text);
        (!display.is_empty()).then(|| syntax::unquoted(display))
    }

    /// The tag of a From or To.
    pub fn tag(&self) -> Option<&str> {
        self.param("tag")
    }

    /// The value of a header parameter, without quotes; "" for one without value.
    pub fn param(&self, name: &str) -> Option<&str> {
        syntax::param(self.params.of_str(&self.text), name)
    }

    /// Names and values of the header parameters, in order; quotes are kept.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        syntax::params(self.params.of_str(&self.text))
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Display name (quotes kept), URI, and parameters with their first semicolon.
fn split(text: &str) -> Result<(&str, &str, &str), SyntaxError> {
    if text.is_empty() {
        return Err(SyntaxError::Empty);
    }
    if text.starts_with('"') {
        let rest = syntax::behind_quoted(text)?;
        let display = &text[..text.len() - rest.len()];
        let rest = rest.trim_ascii().strip_prefix('<').ok_or(SyntaxError::Brackets)?;
        let (uri, params) = rest.split_once('>').ok_or(SyntaxError::Brackets)?;
        return Ok((display, uri, params));
    }
    if let Some((display, rest)) = text.split_once('<') {
        let (uri, params) = rest.split_once('>').ok_or(SyntaxError::Brackets)?;
        check_display(display)?;
        return Ok((display.trim_ascii(), uri, params));
    }
    let (uri, params) = text.split_at(text.find(';').unwrap_or(text.len()));
    // RFC 3261 20: an address with comma, question mark or semicolon must be enclosed.
    if uri.contains(['?', ',']) {
        return Err(SyntaxError::BareAddress);
    }
    Ok((&text[..0], uri.trim_ascii(), params))
}

/// RFC 3261 wants tokens; phones also send other letters, which hurt nobody.
fn check_display(display: &str) -> Result<(), SyntaxError> {
    let structural = |byte: u8| matches!(byte, b',' | b';' | b':' | b'"' | b'>' | b'@');
    if display.bytes().any(structural) { Err(SyntaxError::Display) } else { Ok(()) }
}
