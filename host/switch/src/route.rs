//! Which number leads where: patterns and their order.

use std::fmt;

use crate::settings::{Route, RouteTo};

/// What a route is written for: digits, `X` for any digit, `*` at the end for one or
/// more characters. Any other text (`ivr`) stands for itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern {
    text: String,
    /// Wildcards `X` count only where everything else is a dialling character.
    wild: bool,
    open: bool,
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing is written.
    #[error("a pattern needs at least one character")]
    Empty,
    /// More than [`MAX_NUMBER`] characters.
    #[error("a pattern has at most {MAX_NUMBER} characters")]
    TooLong,
    /// A character that no number or name has.
    #[error("`{0}` cannot stand in a number or name")]
    Character(char),
}

/// Characters of a number or name that can be dialled.
pub const MAX_NUMBER: usize = 64;

impl Pattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Pattern, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.len() > MAX_NUMBER {
            return Err(PatternError::TooLong);
        }
        if let Some(c) = text.chars().find(|&c| !is_dialable(c)) {
            return Err(PatternError::Character(c));
        }
        let open = text.ends_with('*');
        let text = text.strip_suffix('*').unwrap_or(text);
        let wild =
            text.contains('X') && text.chars().all(|c| c == 'X' || matches!(c, '0'..='9' | '*' | '#' | '+'));
        Ok(Pattern { text: text.to_owned(), wild, open })
    }

    /// What the `*` stood for (empty without one), if the pattern fits the number.
    pub fn matches<'a>(&self, number: &'a str) -> Option<&'a str> {
        let mut rest = number.chars();
        for expected in self.text.chars() {
            let found = rest.next()?;
            let fits = if self.wild && expected == 'X' { found.is_ascii_digit() } else { found == expected };
            if !fits {
                return None;
            }
        }
        // An open end stands for something: `9*` is not `9`.
        (self.open != rest.as_str().is_empty()).then_some(rest.as_str())
    }

    /// Greater is more specific: exact beats pattern, a longer literal prefix beats a
    /// shorter one, a fixed length beats an open end.
    fn specificity(&self) -> (bool, usize, bool, usize) {
        let prefix = match self.wild {
            true => self.text.find('X').unwrap_or(self.text.len()),
            false => self.text.len(),
        };
        (!self.wild && !self.open, prefix, !self.open, self.text.len())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        f.write_str(if self.open { "*" } else { "" })
    }
}

/// The most specific route for a number, and what its `*` stood for.
pub fn find<'a, 'n>(routes: &'a [Route], number: &'n str) -> Option<(&'a Route, &'n str)> {
    routes
        .iter()
        .filter_map(|route| Some((route, route.pattern.matches(number)?)))
        .max_by_key(|(route, _)| route.pattern.specificity())
}

impl RouteTo {
    /// The `sip:` URI of a route whose template names `{number}` or `{rest}`.
    pub(crate) fn expand(template: &str, number: &str, rest: &str) -> String {
        template.replace("{number}", &escape(number)).replace("{rest}", &escape(rest))
    }
}

/// The number or name that a URI's user part stands for, if it is one: `%23` is `#`,
/// parameters after `;` are not part of it.
pub(crate) fn dialled(user: &str) -> Option<String> {
    let user = user.split(';').next().unwrap_or(user);
    let mut number = String::with_capacity(user.len());
    let mut chars = user.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            number.push(c);
            continue;
        }
        let code = [chars.next()?.to_digit(16)?, chars.next()?.to_digit(16)?];
        number.push(char::from_u32(code[0] * 16 + code[1])?);
    }
    is_number(&number).then_some(number)
}

/// May stand in the user part of a URI that we build (then through [`escape`]).
pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NUMBER && text.chars().all(is_dialable)
}

/// A number or name as the user part of a URI (RFC 3261 25.1: `#` is not allowed there).
pub(crate) fn escape(number: &str) -> String {
    number.replace('#', "%23")
}

fn is_dialable(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '*' | '#' | '.' | '_' | '-' | '~' | '!')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(pattern: &str) -> Route {
        let pattern = Pattern::parse(pattern).unwrap();
        Route { pattern, to: RouteTo::AnyUser, ring: None, fallback: None, record: false }
    }

    fn best(patterns: &[&str], number: &str) -> Option<String> {
        let routes: Vec<_> = patterns.iter().map(|p| route(p)).collect();
        find(&routes, number).map(|(route, _)| route.pattern.to_string())
    }

    #[test]
    fn x_is_any_digit_and_a_star_one_or_more_characters() {
        let pattern = |p| Pattern::parse(p).unwrap();
        assert_eq!(pattern("10X").matches("105"), Some(""));
        assert_eq!(pattern("10X").matches("10a"), None);
        assert_eq!(pattern("10X").matches("1055"), None);
        assert_eq!(pattern("9*").matches("90612"), Some("0612"));
        assert_eq!(pattern("9*").matches("9"), None);
        assert_eq!(pattern("*").matches("alice"), Some("alice"));
        assert_eq!(pattern("ivr").matches("ivr"), Some(""));
        assert_eq!(pattern("*98").matches("*98"), Some(""));
        assert_eq!(pattern("Xavier").matches("1avier"), None, "a name is no pattern");
    }

    #[test]
    fn the_most_specific_route_wins_whatever_the_order() {
        let patterns = ["*", "1*", "10X", "1XX", "10*", "105"];
        assert_eq!(best(&patterns, "105").as_deref(), Some("105"));
        assert_eq!(best(&patterns, "104").as_deref(), Some("10X"));
        assert_eq!(best(&patterns, "117").as_deref(), Some("1XX"));
        assert_eq!(best(&patterns, "1045").as_deref(), Some("10*"));
        assert_eq!(best(&patterns, "18").as_deref(), Some("1*"));
        assert_eq!(best(&patterns, "7").as_deref(), Some("*"));
        assert_eq!(best(&["10X"], "7"), None);
    }

    #[test]
    fn what_cannot_be_dialled_is_refused() {
        assert_eq!(Pattern::parse(""), Err(PatternError::Empty));
        assert_eq!(Pattern::parse("1 2"), Err(PatternError::Character(' ')));
        assert_eq!(Pattern::parse(&"1".repeat(65)), Err(PatternError::TooLong));
        assert_eq!(dialled("100;phone-context=x").as_deref(), Some("100"));
        assert_eq!(dialled("%2398").as_deref(), Some("#98"));
        assert_eq!(dialled("a@b"), None);
        assert_eq!(dialled("%4"), None);
        assert_eq!(dialled("%0d"), None);
        assert_eq!(RouteTo::expand("sip:{rest}@h", "9#1", "#1"), "sip:%231@h");
    }
}
