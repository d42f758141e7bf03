//! The words of a line.

use super::mistake::Fault;

/// A word, a text in quotes, or what parts them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    /// From 1, in characters.
    pub(super) column: usize,
    /// Its bytes in the line.
    pub(super) from: usize,
    pub(super) until: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    Word(&'a str),
    Text(String),
    /// Between steps.
    Comma,
    /// Between those who do them.
    Semicolon,
}

/// Quotes of word processors, which look like ours.
const FOREIGN_QUOTES: [char; 7] = ['“', '”', '„', '«', '»', '‘', '’'];

/// A word ends at a blank, a comma, a semicolon or a quote.
pub(super) fn tokens(line: &str) -> Result<Vec<Token<'_>>, Fault> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = line[at..].chars().next() {
        let column = line[..at].chars().count() + 1;
        let (kind, length) = match first {
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            ',' => (Kind::Comma, 1),
            ';' => (Kind::Semicolon, 1),
            '"' => text(&line[at..], column)?,
            c if FOREIGN_QUOTES.contains(&c) => {
                let message = format!("{c} is not the quote that is meant here");
                return Err(Fault::new(column, message, "write \"Bonjour\" with straight quotes"));
            }
            _ => word(&line[at..]),
        };
        tokens.push(Token { kind, column, from: at, until: at + length });
        at += length;
    }
    Ok(tokens)
}

fn word(rest: &str) -> (Kind<'_>, usize) {
    let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"');
    let length = rest.find(ends).unwrap_or(rest.len());
    (Kind::Word(&rest[..length]), length)
}

/// What stands in quotes; `\"` and `\\` stand for the characters behind the backslash.
fn text(rest: &str, column: usize) -> Result<(Kind<'_>, usize), Fault> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Ok((Kind::Text(text), at + 1)),
            '\\' => match characters.next() {
                Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                _ => {
                    let column = column + rest[..at].chars().count();
                    return Err(Fault::new(
                        column,
                        "a backslash stands alone",
                        "write \\\\ for it, and \\\" for a quote",
                    ));
                }
            },
            _ => text.push(c),
        }
    }
    Err(Fault::new(column, "this text has no end", "close it with \" on the same line"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(line: &str) -> Vec<Kind<'_>> {
        tokens(line).unwrap().into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn words_texts_and_what_parts_them() {
        let text = |text: &str| Kind::Text(text.to_owned());
        assert_eq!(
            kinds("caller: hears \"a, \\\"b\\\"; c\",presses *12#; then:"),
            [
                Kind::Word("caller:"),
                Kind::Word("hears"),
                text("a, \"b\"; c"),
                Kind::Comma,
                Kind::Word("presses"),
                Kind::Word("*12#"),
                Kind::Semicolon,
                Kind::Word("then:"),
            ]
        );
    }

    #[test]
    fn columns_are_counted_in_characters() {
        let tokens = tokens("  é \"où\" ici").unwrap();
        assert_eq!(tokens.iter().map(|token| token.column).collect::<Vec<_>>(), [3, 5, 10]);
    }

    #[test]
    fn quotes_that_are_none_have_their_place() {
        let fault = |line| tokens(line).unwrap_err();
        assert_eq!(fault("é \"open").column, 3);
        assert_eq!(fault("hears “Bonjour”").column, 7);
        assert_eq!(fault("\"a\\n\"").column, 3);
    }
}
