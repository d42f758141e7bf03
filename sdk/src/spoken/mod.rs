//! Numbers, amounts, dates and times in words, as a voice has to say them.
//!
//! Voices read "12,50 €" or "01/03/2026" each in its own way, and few in the right one. These are the
//! words:
//!
//! ```
//! use jackfield_sdk::spoken::{Currency, Language};
//!
//! let fr = Language::of("fr-FR").unwrap();
//! assert_eq!(fr.number(71), "soixante et onze");
//! assert_eq!(Language::of("fr-CH").unwrap().number(71), "septante et un");
//! assert_eq!(fr.amount("12,50".parse().unwrap(), Currency::Euro), "douze euros et cinquante centimes");
//! assert_eq!(fr.date(2026, 3, 1).unwrap(), "premier mars deux mille vingt-six");
//! assert_eq!(fr.time(21, 0).unwrap(), "vingt et une heures");
//! assert_eq!(fr.phone("01 23 45 67 89"), "zéro un, vingt-trois, quarante-cinq, soixante-sept, quatre-vingt-neuf");
//! ```
//!
//! [`Text`] is a sentence with gaps for them, as settings have it: `"Il est {now:time}."`

mod decimal;
mod english;
mod french;
mod template;

pub use decimal::Decimal;
pub use template::Text;

use english::English;
use french::French;

/// A language whose numbers are known: French, of France, Belgium or Switzerland, and English.
///
/// ```
/// use jackfield_sdk::spoken::Language;
///
/// assert_eq!(Language::of("fr-BE").unwrap().number(95), "nonante-cinq");
/// assert!(Language::of("de").is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Language(Tongue);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tongue {
    French(French),
    English(English),
}

/// What an amount is of.
///
/// ```
/// use jackfield_sdk::spoken::Currency;
///
/// assert_eq!(Currency::of("CHF"), Some(Currency::SwissFranc));
/// assert_eq!(Currency::of("€"), Some(Currency::Euro));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Currency {
    /// EUR
    Euro,
    /// CHF
    SwissFranc,
    /// USD
    Dollar,
    /// GBP
    Pound,
}

impl Currency {
    /// By its code or sign: `EUR`, `€`, `CHF`, `USD`, `$`, `GBP`, `£`.
    ///
    /// ```
    /// assert!(jackfield_sdk::spoken::Currency::of("£").is_some());
    /// ```
    pub fn of(code: &str) -> Option<Self> {
        match code.to_ascii_uppercase().as_str() {
            "EUR" | "€" => Some(Currency::Euro),
            "CHF" => Some(Currency::SwissFranc),
            "USD" | "$" => Some(Currency::Dollar),
            "GBP" | "£" => Some(Currency::Pound),
            _ => None,
        }
    }
}

macro_rules! say {
    ($self:ident, $language:ident => $words:expr) => {
        match $self.0 {
            Tongue::French($language) => $words,
            Tongue::English($language) => $words,
        }
    };
}

impl Language {
    /// By its tag as in BCP 47: `fr`, `fr-CH`, `en-US`.
    ///
    /// ```
    /// let belgian = jackfield_sdk::spoken::Language::of("fr-BE");
    /// ```
    pub fn of(tag: &str) -> Option<Self> {
        let tag = tag.to_ascii_lowercase().replace('_', "-");
        let mut parts = tag.split('-');
        let (language, region) = (parts.next()?, parts.next_back());
        match language {
            "fr" => Some(Language(Tongue::French(French::of(region)))),
            "en" => Some(Language(Tongue::English(English::of(region)))),
            _ => None,
        }
    }

    /// A number: `quatre-vingts`, `moins douze virgule cinq`.
    ///
    /// ```
    /// # use jackfield_sdk::spoken::Language;
    /// assert_eq!(Language::of("fr").unwrap().number(80_000_000), "quatre-vingts millions");
    /// ```
    pub fn number(self, number: impl Into<Decimal>) -> String {
        let number = number.into();
        say!(self, language => language.number(&number, false))
    }

    /// A number of what is feminine, where that makes a difference: `vingt et une`.
    ///
    /// ```
    /// # use jackfield_sdk::spoken::Language;
    /// assert_eq!(Language::of("fr").unwrap().feminine(21), "vingt et une");
    /// ```
    pub fn feminine(self, number: impl Into<Decimal>) -> String {
        let number = number.into();
        say!(self, language => language.number(&number, true))
    }

    /// `premier`, `deuxième`.
    ///
    /// ```
    /// # use jackfield_sdk::spoken::Language;
    /// assert_eq!(Language::of("fr").unwrap().ordinal(21), "vingt et unième");
    /// ```
    pub fn ordinal(self, number: u64) -> String {
        say!(self, language => language.ordinal(number, false))
    }

    /// `première`, `deuxième`.
    ///
    /// ```
    /// # use jackfield_sdk::spoken::Language;
    /// assert_eq!(Language::of("fr").unwrap().feminine_ordinal(1), "première");
    /// ```
    pub fn feminine_ordinal(self, number: u64) -> String {
        say!(self, language => language.ordinal(number, true))
    }

    /// Money, to the cent: `un million d'euros`, `un euro et un centime`.
    ///
    /// ```
    /// use jackfield_sdk::spoken::{Currency, Language};
    ///
    /// assert_eq!(Language::of("en").unwrap().amount(1.into(), Currency::Pound), "one pound");
    /// ```
    pub fn amount(self, amount: Decimal, currency: Currency) -> String {
        say!(self, language => language.amount(&amount, currency))
    }

    /// A date with its year, without an article: `premier mars deux mille vingt-six`. None: there is no such day.
    ///
    /// ```
    /// # use jackfield_sdk::spoken::Language;
    /// assert_eq!(Language::of("fr").unwrap().date(2026, 2, 29), None);
    /// ```
    pub fn date(self, year: i32, month: u8, day: u8) -> Option<String> {
        weekday(year, month, day)?;
        Some(say!(self, language => language.date(year, month, day)))
    }

    /// A day of this year: `dimanche premier mars`. None: there is no such day.
    ///
    /// ```
    /// # use jackfield_sdk::spoken::Language;
    /// assert_eq!(Language::of("fr").unwrap().day(2026, 3, 1).unwrap(), "dimanche premier mars");
    /// ```
    pub fn day(self, year: i32, month: u8, day: u8) -> Option<String> {
        let weekday = weekday(year, month, day)?;
        Some(say!(self, language => language.day(weekday, month, day)))
    }

    /// A time of the day: `quatorze heures cinq`. None: there is no such time.
    ///
    /// ```
    /// # use jackfield_sdk::spoken::Language;
    /// assert_eq!(Language::of("fr").unwrap().time(14, 5).unwrap(), "quatorze heures cinq");
    /// ```
    pub fn time(self, hour: u8, minute: u8) -> Option<String> {
        (hour < 24 && minute < 60).then(|| say!(self, language => language.time(hour, minute)))
    }

    /// Each digit by itself, for codes: `un, zéro, un`. What is no digit is left out.
    ///
    /// ```
    /// # use jackfield_sdk::spoken::Language;
    /// assert_eq!(Language::of("en").unwrap().digits("4-07"), "four, zero, seven");
    /// ```
    pub fn digits(self, text: &str) -> String {
        let digits = text.bytes().filter(u8::is_ascii_digit).map(|digit| u64::from(digit - b'0'));
        let words: Vec<String> = digits.map(|digit| self.number(digit)).collect();
        words.join(", ")
    }

    /// A telephone number, in pairs where the language has them so.
    ///
    /// ```
    /// # use jackfield_sdk::spoken::Language;
    /// assert_eq!(Language::of("fr").unwrap().phone("3631"), "trente-six, trente et un");
    /// ```
    pub fn phone(self, number: &str) -> String {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let international = number.trim_start().starts_with('+');
        say!(self, language => language.phone(&digits, international))
    }
}

/// 0 is Monday. None: there is no such day.
fn weekday(year: i32, month: u8, day: u8) -> Option<usize> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) || !(1..=9999).contains(&year) {
        return None;
    }
    // Sakamoto's, with Sunday as 0.
    const SHIFT: [i32; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let year = if month < 3 { year - 1 } else { year };
    let sunday = year + year / 4 - year / 100 + year / 400 + SHIFT[usize::from(month) - 1] + i32::from(day);
    Some((sunday + 6).rem_euclid(7) as usize)
}

#[cfg(test)]
mod tests;
