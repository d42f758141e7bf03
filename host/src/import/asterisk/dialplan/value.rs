//! Texts with variables and expressions: `${EXTEN:1}`, `$["${DIALSTATUS}" = "BUSY"]`.

/// Texts in texts.
const MAX_DEPTH: usize = 16;
/// Of what a text may become.
const MAX_LENGTH: usize = 8192;

/// The text with what is known in the place of its variables. None: something in it is not known before a
/// call is there.
pub fn expand(text: &str, lookup: &mut dyn FnMut(&str) -> Option<String>) -> Option<String> {
    expand_at(text, lookup, 0)
}

fn expand_at(text: &str, lookup: &mut dyn FnMut(&str) -> Option<String>, depth: usize) -> Option<String> {
    if depth == MAX_DEPTH {
        return None;
    }
    let mut whole = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        whole += &rest[..at];
        let after = &rest[at + 1..];
        let inner = match after.chars().next() {
            Some('{') => enclosed(after, '{', '}'),
            Some('[') => enclosed(after, '[', ']'),
            _ => None,
        };
        let Some(inner) = inner else {
            whole.push('$');
            rest = after;
            continue;
        };
        let name = expand_at(inner, lookup, depth + 1)?;
        whole += &match after.starts_with('{') {
            true => lookup(&name)?,
            false => evaluate(&name)?,
        };
        if whole.len() > MAX_LENGTH {
            return None;
        }
        rest = &after[inner.len() + 2..];
    }
    whole += rest;
    Some(whole)
}

/// What stands in the brackets that the text begins with.
fn enclosed(text: &str, open: char, close: char) -> Option<&str> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            depth -= 1;
            if depth == 0 {
                return Some(&text[1..at]);
            }
        }
    }
    None
}

/// Equal and unequal are understood, and what is a value already.
fn evaluate(expression: &str) -> Option<String> {
    let plain = |text: &str| text.trim().trim_matches('"').to_owned();
    let truth = |is: bool| Some(u8::from(is).to_string());
    if expression.contains(['&', '|', '<', '>', '~', ':', '?', '(']) {
        return None;
    }
    if let Some((left, right)) = expression.split_once("!=") {
        return truth(plain(left) != plain(right));
    }
    if let Some((left, right)) = expression.split_once('=') {
        return truth(plain(left) == plain(right.trim_start_matches('=')));
    }
    let value = plain(expression);
    value.chars().all(|c| c.is_ascii_digit()).then_some(value)
}

/// What counts as true: all but nothing and 0.
pub fn is_true(value: &str) -> bool {
    !matches!(value.trim(), "" | "0")
}

/// `NAME:OFFSET:LENGTH`: a part of a value.
pub fn part(value: &str, range: &str) -> Option<String> {
    let (offset, length) =
        range.split_once(':').map_or((range, None), |(offset, length)| (offset, Some(length)));
    let count = i64::try_from(value.chars().count()).ok()?;
    let offset: i64 = offset.trim().parse().ok()?;
    let start = if offset < 0 { count.saturating_add(offset).max(0) } else { offset.min(count) };
    let end = match length.map(|length| length.trim().parse::<i64>()) {
        None => count,
        Some(Ok(length)) if length < 0 => count.saturating_add(length),
        Some(Ok(length)) => start.saturating_add(length).min(count),
        Some(Err(_)) => return None,
    };
    let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end.max(start)).ok()?);
    Some(value.chars().skip(start).take(end - start).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(text: &str) -> Option<String> {
        expand(text, &mut |name| match name {
            "A" => Some("alice".to_owned()),
            "NAME" => Some("A".to_owned()),
            "STATUS" => Some("BUSY".to_owned()),
            "LOOP" => Some("${LOOP}".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn variables_are_replaced_and_the_unknown_is_told() {
        assert_eq!(known("PJSIP/${A}&x").as_deref(), Some("PJSIP/alice&x"));
        assert_eq!(known("${${NAME}}").as_deref(), Some("alice"));
        assert_eq!(known("a $ b ${ $").as_deref(), Some("a $ b ${ $"));
        assert_eq!(known("${B}"), None);
        assert_eq!(known("${LOOP}").as_deref(), Some("${LOOP}"), "values are not read again");
        assert_eq!(known(&"${".repeat(100)), Some("${".repeat(100)));
        assert_eq!(known(&format!("{}{}", "${".repeat(100), "}".repeat(100))), None);
    }

    #[test]
    fn expressions_compare() {
        assert_eq!(known("$[\"${STATUS}\" = \"BUSY\"]").as_deref(), Some("1"));
        assert_eq!(known("$[${STATUS} != BUSY]").as_deref(), Some("0"));
        assert_eq!(known("$[\"${STATUS}\"==\"NOANSWER\"]").as_deref(), Some("0"));
        assert_eq!(known("$[1 + 1]"), None);
        assert_eq!(known("$[1]").as_deref(), Some("1"));
        assert!(is_true("1") && !is_true("0") && !is_true(""));
    }

    #[test]
    fn parts_of_values() {
        assert_eq!(part("0612", "1").as_deref(), Some("612"));
        assert_eq!(part("0612", "-2").as_deref(), Some("12"));
        assert_eq!(part("0612", "1:2").as_deref(), Some("61"));
        assert_eq!(part("0612", "0:-1").as_deref(), Some("061"));
        assert_eq!(part("0612", "9").as_deref(), Some(""));
        assert_eq!(part("0612", "3:-9").as_deref(), Some(""));
        assert_eq!(part("0612", "x"), None);
        assert_eq!(part("0612", "-9223372036854775808").as_deref(), Some("0612"));
    }
}
