use super::{Currency, Decimal, Language};

/// A sentence with gaps, as settings have it: `{name}` is a text, `{name:date}` a text that is said as a date. `{{`
/// is a brace.
///
/// | kind | of | said |
/// |---|---|---|
/// | `number`, `feminine` | `21`, `12,5` | vingt et un, vingt et une, douze virgule cinq |
/// | `ordinal`, `feminine-ordinal` | `1` | premier, première |
/// | `amount` | `12.50 EUR`, `12,50 €`; euros unless said | douze euros et cinquante centimes |
/// | `date` | `2026-03-01`, `01/03/2026` | premier mars deux mille vingt-six |
/// | `day` | the same | dimanche premier mars |
/// | `time` | `14:05` | quatorze heures cinq |
/// | `digits` | `4071` | quatre, zéro, sept, un |
/// | `phone` | `01 23 45 67 89` | zéro un, vingt-trois, ... |
///
/// What a text is no such thing, or the language unknown here, is said as it stands.
///
/// ```
/// use jackfield_sdk::spoken::{Language, Text};
///
/// let text = Text::parse("{name}, rendez-vous le {on:date} à {on:time}.").unwrap();
/// let fields = |name: &str| match name {
///     "name" => Some("Anne".to_owned()),
///     "on" => Some("2026-03-01 14:05".to_owned()),
///     _ => None,
/// };
/// assert_eq!(
///     text.fill(Language::of("fr"), fields),
///     "Anne, rendez-vous le premier mars deux mille vingt-six à quatorze heures cinq."
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Plain(String),
    Gap { field: String, kind: Kind },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Feminine,
    Ordinal,
    FeminineOrdinal,
    Amount,
    Date,
    Day,
    Time,
    Digits,
    Phone,
}

const KINDS: [(&str, Kind); 10] = [
    ("number", Kind::Number),
    ("feminine", Kind::Feminine),
    ("ordinal", Kind::Ordinal),
    ("feminine-ordinal", Kind::FeminineOrdinal),
    ("amount", Kind::Amount),
    ("date", Kind::Date),
    ("day", Kind::Day),
    ("time", Kind::Time),
    ("digits", Kind::Digits),
    ("phone", Kind::Phone),
];

impl Text {
    /// The sentence, or what is wrong with one of its gaps.
    ///
    /// ```
    /// # use jackfield_sdk::spoken::Text;
    /// assert!(Text::parse("Il est {now:tme}.").unwrap_err().contains("`tme`"));
    /// ```
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut plain) = (Vec::new(), String::new());
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            plain += &rest[..at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('{') {
                plain.push('{');
                rest = after;
                continue;
            }
            let Some((gap, after)) = rest.split_once('}') else {
                return Err(format!("`{{{rest}` has no end: write `}}` after it, or `{{{{` for a brace"));
            };
            if !plain.is_empty() {
                parts.push(Part::Plain(std::mem::take(&mut plain)));
            }
            parts.push(gap_of(gap)?);
            rest = after;
        }
        plain += rest;
        if !plain.is_empty() {
            parts.push(Part::Plain(plain));
        }
        Ok(Self(parts))
    }

    /// It has no gap: it is always the same.
    ///
    /// ```
    /// # use jackfield_sdk::spoken::Text;
    /// assert!(Text::parse("Bonjour !").unwrap().is_fixed());
    /// ```
    pub fn is_fixed(&self) -> bool {
        self.0.iter().all(|part| matches!(part, Part::Plain(_)))
    }

    /// The names of its gaps.
    ///
    /// ```
    /// # use jackfield_sdk::spoken::Text;
    /// assert!(Text::parse("{a} {b:date}").unwrap().fields().eq(["a", "b"]));
    /// ```
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Plain(_) => None,
            Part::Gap { field, .. } => Some(field.as_str()),
        })
    }

    /// The sentence with its gaps filled. A field that there is not leaves nothing.
    ///
    /// ```
    /// # use jackfield_sdk::spoken::Text;
    /// assert_eq!(Text::parse("Bonjour{a}.").unwrap().fill(None, |_| None), "Bonjour.");
    /// ```
    pub fn fill(&self, language: Option<Language>, field: impl Fn(&str) -> Option<String>) -> String {
        let mut said = String::new();
        for part in &self.0 {
            match part {
                Part::Plain(text) => said += text,
                Part::Gap { field: name, kind } => {
                    let Some(value) = field(name) else { continue };
                    let words = language.and_then(|language| kind.say(language, value.trim()));
                    said += words.as_deref().unwrap_or(&value);
                }
            }
        }
        said
    }
}

fn gap_of(gap: &str) -> Result<Part, String> {
    let (field, kind) = gap.split_once(':').map_or((gap, None), |(field, kind)| (field, Some(kind)));
    let field = field.trim().to_owned();
    if field.is_empty() {
        return Err(format!("`{{{gap}}}` names no field; write `{{name}}`, or `{{{{` for a brace"));
    }
    let Some(wanted) = kind.map(str::trim) else { return Ok(Part::Gap { field, kind: Kind::Text }) };
    match KINDS.iter().find(|(name, _)| *name == wanted) {
        Some((_, kind)) => Ok(Part::Gap { field, kind: *kind }),
        None => {
            let names = KINDS.map(|(name, _)| name).join(", ");
            Err(format!("`{{{gap}}}`: nothing is said as `{wanted}`; one of {names}"))
        }
    }
}

impl Kind {
    fn say(self, language: Language, value: &str) -> Option<String> {
        match self {
            Kind::Text => None,
            Kind::Number => Some(language.number(value.parse::<Decimal>().ok()?)),
            Kind::Feminine => Some(language.feminine(value.parse::<Decimal>().ok()?)),
            Kind::Ordinal => Some(language.ordinal(value.parse().ok()?)),
            Kind::FeminineOrdinal => Some(language.feminine_ordinal(value.parse().ok()?)),
            Kind::Amount => amount(language, value),
            Kind::Date => date(value).and_then(|(year, month, day)| language.date(year, month, day)),
            Kind::Day => date(value).and_then(|(year, month, day)| language.day(year, month, day)),
            Kind::Time => time(value).and_then(|(hour, minute)| language.time(hour, minute)),
            Kind::Digits => value.bytes().any(|b| b.is_ascii_digit()).then(|| language.digits(value)),
            Kind::Phone => value.bytes().any(|b| b.is_ascii_digit()).then(|| language.phone(value)),
        }
    }
}

/// `12.50 EUR`, `€12.50`, `12,50`
fn amount(language: Language, value: &str) -> Option<String> {
    let is_code = |c: char| c.is_alphabetic() || "€$£".contains(c);
    let code: String = value.chars().filter(|c| is_code(*c)).collect();
    let number: String = value.chars().filter(|c| !is_code(*c)).collect();
    let currency = if code.is_empty() { Currency::Euro } else { Currency::of(&code)? };
    Some(language.amount(number.parse().ok()?, currency))
}

/// `2026-03-01`, `01/03/2026`, `1.3.2026`, each perhaps with a time behind it.
fn date(value: &str) -> Option<(i32, u8, u8)> {
    let date = value.split([' ', 'T']).next()?;
    let parts: Vec<&str> = date.split(['-', '/', '.']).collect();
    let [a, b, c] = parts[..] else { return None };
    let (year, month, day) = if a.len() == 4 { (a, b, c) } else { (c, b, a) };
    Some((year.parse().ok()?, month.parse().ok()?, day.parse().ok()?))
}

/// `14:05`, `14h05`, `14:05:00`, each perhaps with a date before it.
fn time(value: &str) -> Option<(u8, u8)> {
    let time = value.rsplit([' ', 'T']).next()?;
    let mut parts = time.split([':', 'h']);
    let hour = parts.next()?.parse().ok()?;
    let minute = parts.next().filter(|minute| !minute.is_empty()).map_or(Ok(0), str::parse).ok()?;
    Some((hour, minute))
}
