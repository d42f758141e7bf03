//! Names of extensions: `101`, `_10X`, `_0[1-68]XXXXXXXX`, `_9.`

use std::collections::BTreeSet;

/// Routes that one pattern may become.
const MAX_ROUTES: usize = 32;

/// A name that begins with `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The characters that fit in each place.
    places: Vec<BTreeSet<char>>,
    tail: Tail,
}

/// How a pattern ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tail {
    /// With its last place.
    Closed,
    /// `.`: with one or more of any characters.
    Some,
    /// `!`: with any characters or none.
    Any,
}

/// A pattern in the words of `jackfield.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routes {
    /// Digits, `X`, and `*` at the end.
    pub patterns: Vec<String>,
    /// They fit more numbers than the pattern did.
    pub is_wider: bool,
}

impl Pattern {
    /// Reads what follows the `_`; None: an open bracket, or nothing.
    pub fn parse(text: &str) -> Option<Pattern> {
        let mut places = Vec::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            let tail = match c {
                '.' => Tail::Some,
                '!' => Tail::Any,
                '-' => continue,
                '[' => {
                    places.push(set(&mut chars)?);
                    continue;
                }
                'X' | 'x' => {
                    places.push(('0'..='9').collect());
                    continue;
                }
                'Z' | 'z' => {
                    places.push(('1'..='9').collect());
                    continue;
                }
                'N' | 'n' => {
                    places.push(('2'..='9').collect());
                    continue;
                }
                other => {
                    places.push(BTreeSet::from([other]));
                    continue;
                }
            };
            return Some(Pattern { places, tail });
        }
        (!places.is_empty()).then_some(Pattern { places, tail: Tail::Closed })
    }

    /// Whether it fits that number.
    pub fn matches(&self, number: &str) -> bool {
        let mut chars = number.chars().filter(|c| *c != '-');
        for place in &self.places {
            if !chars.next().is_some_and(|c| place.contains(&c)) {
                return false;
            }
        }
        match self.tail {
            Tail::Closed => chars.next().is_none(),
            Tail::Some => chars.next().is_some(),
            Tail::Any => true,
        }
    }

    /// Whether it fits one single key.
    pub fn is_of_keys(&self) -> bool {
        self.places.len() == 1 && self.tail != Tail::Some
    }

    /// Lesser comes first: the fewest characters, place by place.
    pub fn order(&self) -> Vec<usize> {
        let tail = match self.tail {
            Tail::Closed => 0,
            Tail::Some => 1000,
            Tail::Any => 1001,
        };
        self.places.iter().map(BTreeSet::len).chain([tail]).collect()
    }

    /// Characters before the first place that fits several.
    pub fn fixed(&self) -> usize {
        self.places.iter().take_while(|place| place.len() == 1).count()
    }

    /// The same in the words of `jackfield.toml`; None: letters that are no numbers.
    pub fn routes(&self) -> Option<Routes> {
        let mut patterns = vec![String::new()];
        let mut is_wider = false;
        for place in &self.places {
            let digits = place.iter().filter(|c| c.is_ascii_digit()).count();
            let is_dialled = |c: &char| c.is_ascii_digit() || matches!(c, '*' | '#' | '+');
            if !place.iter().all(is_dialled) && place.len() > 1 {
                return None;
            }
            let choices: Vec<char> = match place.len() {
                10 if digits == 10 => vec!['X'],
                choices if patterns.len() * choices <= MAX_ROUTES => place.iter().copied().collect(),
                choices if digits == choices => {
                    is_wider = true;
                    vec!['X']
                }
                _ => return None,
            };
            patterns = patterns
                .iter()
                .flat_map(|begun| choices.iter().map(move |choice| format!("{begun}{choice}")))
                .collect();
        }
        let patterns = match self.tail {
            // A star at the end of a route is no key.
            Tail::Closed if patterns.iter().any(|pattern| pattern.ends_with('*')) => return None,
            Tail::Any if patterns.iter().any(|pattern| pattern.ends_with('*')) => return None,
            Tail::Closed => patterns,
            Tail::Some => patterns.into_iter().map(|begun| begun + "*").collect(),
            Tail::Any => patterns
                .into_iter()
                .flat_map(|begun| [begun.clone(), begun + "*"])
                .filter(|pattern| !pattern.is_empty())
                .collect(),
        };
        Some(Routes { patterns, is_wider })
    }
}

/// A set, up to its bracket. Nothing stands for several characters in it but `-`.
fn set(chars: &mut std::str::Chars<'_>) -> Option<BTreeSet<char>> {
    let mut set = BTreeSet::new();
    let mut last = None;
    while let Some(c) = chars.next() {
        match c {
            ']' => return (!set.is_empty()).then_some(set),
            '\\' => {
                let c = chars.next()?;
                set.insert(c);
                last = Some(c);
            }
            '-' if last.is_some() => match chars.next()? {
                ']' => {
                    set.insert('-');
                    return Some(set);
                }
                end => {
                    let start = last.take()?;
                    // Asterisk takes them from the lower to the higher, however they are written.
                    set.extend((start.min(end)..=start.max(end)).filter(char::is_ascii));
                }
            },
            c => {
                set.insert(c);
                last = Some(c);
            }
        }
    }
    None
}

/// A name without `_` that can only have been meant for a pattern.
pub fn is_pattern_without_mark(name: &str) -> bool {
    let is_meant = |c: char| matches!(c, '[' | 'X' | 'Z' | 'N') || matches!(c, '.' | '!');
    let fits = |c: char| c.is_ascii_digit() || is_meant(c) || matches!(c, ']' | '-' | '*' | '#' | '+');
    let has_more = name.chars().count() > 1;
    has_more && name.chars().all(fits) && name.chars().any(is_meant) && Pattern::parse(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, number: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(number)
    }

    fn routes(pattern: &str) -> Option<(Vec<String>, bool)> {
        Pattern::parse(pattern).unwrap().routes().map(|routes| (routes.patterns, routes.is_wider))
    }

    #[test]
    fn letters_and_sets_stand_for_digits() {
        assert!(fits("10X", "105") && !fits("10X", "1055") && !fits("10X", "10"));
        assert!(fits("N", "2") && !fits("N", "1") && fits("Z", "1") && !fits("z", "0"));
        assert!(fits("[04-9#]", "0") && fits("[04-9#]", "7") && fits("[04-9#]", "#"));
        assert!(!fits("[04-9#]", "*") && !fits("[04-9#]", "3"));
        assert!(fits("[6-4]", "5") && fits("[a\\]-]", "a") && fits("[a\\]-]", "]"));
        assert!(fits("9.", "91") && !fits("9.", "9") && fits("9!", "9") && fits("9!", "91"));
        assert!(fits("1-2", "12") && fits("12", "1-2"), "a dash counts for nothing");
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        for text in ["", "[", "[]", "[12", "1[2", "-"] {
            assert_eq!(Pattern::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_closest_comes_first() {
        let order = |text| Pattern::parse(text).unwrap().order();
        let mut patterns = ["6XX1", "64XX", "640X", "6.", "64NX", "6!"];
        patterns.sort_by_key(|text| order(text));
        assert_eq!(patterns, ["640X", "64NX", "64XX", "6XX1", "6.", "6!"]);
    }

    #[test]
    fn routes_have_x_and_a_star_only() {
        let one = |text: &str| Some((vec![text.to_owned()], false));
        assert_eq!(routes("10X"), one("10X"));
        assert_eq!(routes("9."), one("9*"));
        assert_eq!(routes("X."), one("X*"));
        assert_eq!(routes("."), one("*"));
        assert_eq!(routes("1[23]"), Some((vec!["12".to_owned(), "13".to_owned()], false)));
        assert_eq!(routes("9!"), Some((vec!["9".to_owned(), "9*".to_owned()], false)));
        assert_eq!(routes("!"), one("*"));
        assert_eq!(
            routes("NXXNXX"),
            Some((routes("N").unwrap().0.iter().map(|n| format!("{n}XXXXX")).collect(), true))
        );
        assert_eq!(routes("[ab]"), None);
        assert_eq!((routes("9*"), routes("9*!"), routes("*9")), (None, None, one("*9")));
    }

    #[test]
    fn names_that_were_meant_for_patterns() {
        for name in ["[04-9#]", "1XX", "9.", "NXX"] {
            assert!(is_pattern_without_mark(name), "{name}");
        }
        for name in ["101", "s", "X", "*98", "s-BUSY", "fax", "[", "Nick"] {
            assert!(!is_pattern_without_mark(name), "{name}");
        }
    }
}
