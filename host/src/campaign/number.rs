//! What people write for a number, as it can be dialled.

use jackfield_sip::Uri;

use crate::config::{is_name, is_number};

/// A number without its ornaments, the name of a user, or a `sip:` URI.
pub(super) fn normalise(text: &str) -> Result<String, String> {
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("sip:") || lower.starts_with("sips:") {
        let uri = Uri::parse(text).map_err(|error| format!("`{text}` is no SIP address: {error}"))?;
        return Ok(uri.as_str().to_owned());
    }
    let bare = without_ornaments(text);
    if is_number(&bare) {
        return Ok(bare);
    }
    // What a spreadsheet makes of numbers begins with a digit; names do not.
    if text.starts_with(|first: char| first.is_ascii_alphabetic()) && is_name(text) {
        return Ok(text.to_owned());
    }
    if is_rounded(&lower) {
        let help = "format the column as text and write the number again";
        return Err(format!("`{text}` is a number that a spreadsheet has rounded; {help}"));
    }
    Err(format!("`{text}` cannot be dialled; write digits, +, * and #, the name of a user, or sip:USER@HOST"))
}

/// `+33 (0)6.12-34` is +33612-34 dialled: the trunk prefix is not dialled from abroad.
fn without_ornaments(text: &str) -> String {
    let text = if text.starts_with('+') { text.replacen("(0)", "", 1) } else { text.to_owned() };
    let ornament =
        |c: char| c.is_whitespace() || matches!(c, '.' | '-' | '(' | ')' | '/' | '\u{2010}'..='\u{2013}');
    text.chars().filter(|c| !ornament(*c)).collect()
}

/// 6.12E+08, 6,12e+08
fn is_rounded(lower: &str) -> bool {
    let Some((mantissa, exponent)) = lower.split_once("e+") else { return false };
    let digits = |text: &str, more: &[char]| {
        text.starts_with(|first: char| first.is_ascii_digit())
            && text.chars().all(|c| c.is_ascii_digit() || more.contains(&c))
    };
    digits(mantissa, &['.', ',']) && digits(exponent, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ornaments_are_not_dialled() {
        for (text, number) in [
            ("101", "101"),
            ("06 12 34 56 78", "0612345678"),
            ("06.12.34.56.78", "0612345678"),
            ("06\u{a0}12\u{202f}34", "061234"),
            ("+33 (0)6-12-34-56-78", "+33612345678"),
            ("(030) 1234/56", "030123456"),
            ("*98#", "*98#"),
            ("alice", "alice"),
            ("jean-luc.p", "jean-luc.p"),
            ("sip:200@example.com;transport=tcp", "sip:200@example.com;transport=tcp"),
        ] {
            assert_eq!(normalise(text).as_deref(), Ok(number), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_dialled_is_refused() {
        for text in
            ["0612a", "12+34", "+", "-", "Jean Dupont", "sip:", "sip:a@b@c", "a\"b", "1".repeat(33).as_str()]
        {
            assert!(normalise(text).is_err(), "{text}");
        }
        let rounded = normalise("6.12E+08").unwrap_err();
        assert!(rounded.contains("format the column as text"), "{rounded}");
        assert!(normalise("6,12E+08").unwrap_err().contains("format the column as text"));
    }
}
