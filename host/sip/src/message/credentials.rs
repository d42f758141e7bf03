//! The content of Authorization and its relatives (RFC 3261 20.7, RFC 7616 3.4).

use std::borrow::Cow;

use super::syntax;

/// `Digest name=value, name="value"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    text: Box<str>,
}

impl Credentials {
    /// Takes any text; what is no parameter is not found later.
    pub fn new(text: &str) -> Credentials {
        Credentials { text: text.trim_ascii().into() }
    }

    /// `Digest`, `Basic`...; compare it without case.
    pub fn scheme(&self) -> &str {
        self.text.split([' ', '\t']).next().unwrap_or_default()
    }

    /// The value of a parameter, without quotes and escapes.
    pub fn param(&self, name: &str) -> Option<Cow<'_, str>> {
        let params = &self.text[self.scheme().len()..];
        syntax::split_outside(params, b',').find_map(|param| {
            let (found, value) = param.split_once('=')?;
            found.trim_ascii().eq_ignore_ascii_case(name).then(|| syntax::unquoted(value.trim_ascii()))
        })
    }
}
