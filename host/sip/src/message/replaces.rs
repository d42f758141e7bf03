//! The Replaces header (RFC 3891): the dialog whose place a new call takes.

use std::fmt;

use super::syntax::{self, SyntaxError};

/// A dialog as its other end names it; the tags are as the receiver of the INVITE sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaces {
    /// The Call-ID.
    pub call_id: String,
    /// The tag of the receiver, as in the To of requests that it gets.
    pub to_tag: String,
    /// The tag of the receiver's peer.
    pub from_tag: String,
    /// The dialog must not be replaced once it is confirmed.
    pub early_only: bool,
}

impl Replaces {
    /// Reads a header value: `call-id;to-tag=a;from-tag=b`.
    pub fn parse(text: &str) -> Result<Replaces, SyntaxError> {
        let (call_id, params) = text.split_once(';').ok_or(SyntaxError::Parameter)?;
        syntax::check_params(&text[call_id.len()..])?;
        let tag = |name| syntax::param(params, name).filter(|tag| !tag.is_empty());
        let (Some(to_tag), Some(from_tag)) = (tag("to-tag"), tag("from-tag")) else {
            return Err(SyntaxError::Parameter);
        };
        let call_id = call_id.trim_ascii();
        if call_id.is_empty() || call_id.contains(|c: char| c.is_ascii_whitespace()) {
            return Err(SyntaxError::Empty);
        }
        Ok(Replaces {
            call_id: call_id.to_owned(),
            to_tag: to_tag.to_owned(),
            from_tag: from_tag.to_owned(),
            early_only: syntax::param(params, "early-only").is_some(),
        })
    }
}

impl fmt::Display for Replaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Replaces { call_id, to_tag, from_tag, early_only } = self;
        let early = if *early_only { ";early-only" } else { "" };
        write!(f, "{call_id};to-tag={to_tag};from-tag={from_tag}{early}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3891 6.1, and the order of the parameters turned round.
    #[test]
    fn the_examples_of_the_rfc_are_read() {
        let read = Replaces::parse("98732@sip.example.com ;from-tag=r33th4x0r ;to-tag=ff87ff").unwrap();
        assert_eq!(read.to_string(), "98732@sip.example.com;to-tag=ff87ff;from-tag=r33th4x0r");
        let early = Replaces::parse("12adf2f34456gs5;to-tag=12345;from-tag=54321;early-only").unwrap();
        assert!(early.early_only);
        assert_eq!(Replaces::parse(&early.to_string()), Ok(early));
    }

    #[test]
    fn both_tags_must_be_there() {
        for text in
            ["a@b", "a@b;to-tag=1", "a@b;from-tag=1", ";to-tag=1;from-tag=2", "a b;to-tag=1;from-tag=2"]
        {
            assert!(Replaces::parse(text).is_err(), "{text}");
        }
    }
}
