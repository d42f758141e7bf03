use std::str::FromStr;

/// A number as it was written: its decimals are kept.
///
/// ```
/// use jackfield_sdk::spoken::Decimal;
///
/// let written = ["80 000 000", "-12,50", "1.234,5", "1'000.00"];
/// assert!(written.iter().all(|text| text.parse::<Decimal>().is_ok()));
/// assert_eq!("12,50".parse::<Decimal>(), "12.50".parse());
/// assert_eq!("12".parse::<Decimal>(), Ok(12.into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    pub(super) negative: bool,
    pub(super) whole: u64,
    /// After the mark, as they stand there.
    pub(super) decimals: String,
}

impl Decimal {
    /// Whole units and hundredths, rounded.
    pub(super) fn hundredths(&self) -> (u64, u64) {
        let digit = |at: usize| self.decimals.as_bytes().get(at).map_or(0, |digit| u64::from(digit - b'0'));
        let hundredths = digit(0) * 10 + digit(1) + u64::from(digit(2) >= 5);
        (self.whole.saturating_add(hundredths / 100), hundredths % 100)
    }
}

macro_rules! from {
    ($($unsigned:ty)*; $($signed:ty)*) => {
        $(impl From<$unsigned> for Decimal {
            fn from(number: $unsigned) -> Self {
                Self { negative: false, whole: number.into(), decimals: String::new() }
            }
        })*
        $(impl From<$signed> for Decimal {
            fn from(number: $signed) -> Self {
                Self { negative: number < 0, whole: number.unsigned_abs().into(), decimals: String::new() }
            }
        })*
    };
}

from!(u8 u16 u32 u64; i8 i16 i32 i64);

/// A text that is no number, or one too large.
///
/// ```
/// # use jackfield_sdk::spoken::Decimal;
/// assert!("douze".parse::<Decimal>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoNumber;

/// A comma or a point that stands there once is the decimal mark; of several, or of both, the others
/// group digits, as spaces and apostrophes do.
impl FromStr for Decimal {
    type Err = NoNumber;

    fn from_str(text: &str) -> Result<Self, NoNumber> {
        let text: String = text.chars().filter(|c| !c.is_whitespace() && !['\'', '’'].contains(c)).collect();
        let (negative, text) = match text.strip_prefix(['-', '−']) {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(&text)),
        };
        let marks: Vec<(usize, char)> = text.char_indices().filter(|(_, c)| [',', '.'].contains(c)).collect();
        let mark = match marks.as_slice() {
            [.., (at, last)] if marks.iter().filter(|(_, mark)| mark == last).count() == 1 => Some(*at),
            [(_, first), rest @ ..] if rest.iter().any(|(_, mark)| mark != first) => return Err(NoNumber),
            _ => None,
        };
        let (whole, decimals) = mark.map_or((text, ""), |at| (&text[..at], &text[at + 1..]));
        let whole = whole.replace([',', '.'], "");
        if whole.is_empty() || !whole.bytes().chain(decimals.bytes()).all(|b| b.is_ascii_digit()) {
            return Err(NoNumber);
        }
        let whole = whole.parse().map_err(|_| NoNumber)?;
        Ok(Self { negative, whole, decimals: decimals.to_owned() })
    }
}
