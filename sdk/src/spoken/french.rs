//! French, in the spelling of before 1990: voices know it.

use super::{Currency, Decimal};

/// Which tens have a word of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct French {
    /// `septante` and `nonante`.
    seventy: bool,
    /// `huitante`.
    eighty: bool,
    /// `francs` alone are those of the country.
    swiss: bool,
}

const UNITS: [&str; 17] = [
    "zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze",
    "treize", "quatorze", "quinze", "seize",
];
const TENS: [&str; 10] =
    ["", "dix", "vingt", "trente", "quarante", "cinquante", "soixante", "septante", "huitante", "nonante"];
/// Of a thousand to the power of two and more.
const POWERS: [&str; 5] = ["million", "milliard", "billion", "billiard", "trillion"];
const MONTHS: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];
const DAYS: [&str; 7] = ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"];

/// How the end of a number is written.
#[derive(Clone, Copy)]
struct End {
    feminine: bool,
    /// `cents` and `quatre-vingts`, where nothing follows them.
    plural: bool,
}

impl French {
    pub(super) fn of(region: Option<&str>) -> Self {
        let swiss = region == Some("ch");
        French { seventy: swiss || region == Some("be"), eighty: swiss, swiss }
    }

    pub(super) fn number(self, number: &Decimal, feminine: bool) -> String {
        let mut words = if number.negative { "moins ".to_owned() } else { String::new() };
        words += &self.whole(number.whole, End { feminine, plural: true });
        if !number.decimals.is_empty() {
            words += " virgule ";
            words += &self.decimals(&number.decimals);
        }
        words
    }

    /// `virgule zéro cinq`, `virgule quatorze`; many are said one by one.
    fn decimals(self, decimals: &str) -> String {
        let zeros = decimals.len() - decimals.trim_start_matches('0').len();
        let mut words = vec![UNITS[0].to_owned(); zeros];
        let rest = &decimals[zeros..];
        match rest.parse() {
            Ok(rest) if decimals.len() <= 3 => words.push(self.masculine(rest)),
            _ => words.extend(rest.bytes().map(|digit| UNITS[usize::from(digit - b'0')].to_owned())),
        }
        words.join(" ")
    }

    pub(super) fn ordinal(self, number: u64, feminine: bool) -> String {
        if number == 1 {
            return if feminine { "première" } else { "premier" }.to_owned();
        }
        let words = self.whole(number, End { feminine: false, plural: false });
        let has_power = POWERS.iter().any(|power| words.ends_with(&format!("{power}s")));
        let stem = words.strip_suffix('s').filter(|_| has_power).unwrap_or(&words);
        match stem {
            stem if stem.ends_with("cinq") => format!("{stem}uième"),
            stem if stem.ends_with("neuf") => format!("{}vième", &stem[..stem.len() - 1]),
            stem => format!("{}ième", stem.strip_suffix('e').unwrap_or(stem)),
        }
    }

    pub(super) fn amount(self, amount: &Decimal, currency: Currency) -> String {
        let (whole, hundredths) = amount.hundredths();
        let (one, several, feminine) = match currency {
            Currency::Euro => ("euro", "euros", false),
            Currency::SwissFranc if self.swiss => ("franc", "francs", false),
            Currency::SwissFranc => ("franc suisse", "francs suisses", false),
            Currency::Dollar => ("dollar", "dollars", false),
            Currency::Pound => ("livre", "livres", true),
        };
        let (part, parts) = match currency {
            Currency::Euro | Currency::SwissFranc => ("centime", "centimes"),
            Currency::Dollar => ("cent", "cents"),
            Currency::Pound => ("penny", "pence"),
        };
        let mut said = Vec::new();
        if whole > 0 || hundredths == 0 {
            let unit = if whole < 2 { one } else { several };
            let of = match whole > 0 && whole.is_multiple_of(1_000_000) {
                true if unit.starts_with('e') => " d'",
                true => " de ",
                false => " ",
            };
            said.push(self.whole(whole, End { feminine, plural: true }) + of + unit);
        }
        if hundredths > 0 {
            said.push(format!(
                "{} {}",
                self.masculine(hundredths),
                if hundredths < 2 { part } else { parts }
            ));
        }
        let sign = if amount.negative { "moins " } else { "" };
        format!("{sign}{}", said.join(" et "))
    }

    pub(super) fn date(self, year: i32, month: u8, day: u8) -> String {
        format!("{} {}", self.day_of_month(month, day), self.masculine(year.unsigned_abs().into()))
    }

    pub(super) fn day(self, weekday: usize, month: u8, day: u8) -> String {
        format!("{} {}", DAYS[weekday], self.day_of_month(month, day))
    }

    fn day_of_month(self, month: u8, day: u8) -> String {
        let day = if day == 1 { "premier".to_owned() } else { self.masculine(day.into()) };
        format!("{day} {}", MONTHS[usize::from(month) - 1])
    }

    pub(super) fn time(self, hour: u8, minute: u8) -> String {
        let feminine = |number: u8| self.whole(number.into(), End { feminine: true, plural: true });
        let hour = match hour {
            0 => "minuit".to_owned(),
            12 => "midi".to_owned(),
            1 => "une heure".to_owned(),
            hour => format!("{} heures", feminine(hour)),
        };
        if minute == 0 { hour } else { format!("{hour} {}", feminine(minute)) }
    }

    /// Pairs from the right, after the country; `112` is a number like others.
    pub(super) fn phone(self, digits: &str, international: bool) -> String {
        let (country, digits) = digits.split_at(if international { country_code(digits) } else { 0 });
        let mut said = Vec::new();
        if international {
            said.push(format!("plus {}", self.group(country)));
        }
        match digits.len() {
            1..=3 if !international => said.push(self.group(digits)),
            length => {
                let (odd, pairs) = digits.split_at(length % 2);
                said.extend((!odd.is_empty()).then(|| self.group(odd)));
                said.extend((0..pairs.len()).step_by(2).map(|at| self.group(&pairs[at..at + 2])));
            }
        }
        said.join(", ")
    }

    /// With each zero that it begins with.
    fn group(self, digits: &str) -> String {
        let rest = digits.trim_start_matches('0');
        let mut words = vec![UNITS[0].to_owned(); digits.len() - rest.len()];
        words.extend(rest.parse().ok().map(|number| self.masculine(number)));
        words.join(" ")
    }

    fn masculine(self, number: u64) -> String {
        self.whole(number, End { feminine: false, plural: true })
    }

    fn whole(self, number: u64, end: End) -> String {
        if number == 0 {
            return UNITS[0].to_owned();
        }
        let before = End { feminine: false, plural: true };
        let mut words = Vec::new();
        for power in (0..=6).rev() {
            let group = number / 1000u64.pow(power) % 1000;
            match (power, group) {
                (_, 0) => {}
                (0, group) => words.push(self.below_thousand(group, end)),
                (1, 1) => words.push("mille".to_owned()),
                // `mille` is a number, so that what stands before it has no plural.
                (1, group) => {
                    words.push(self.below_thousand(group, End { plural: false, ..before }) + " mille");
                }
                (power, group) => {
                    let name = POWERS[power as usize - 2];
                    let plural = if group > 1 { "s" } else { "" };
                    words.push(format!("{} {name}{plural}", self.below_thousand(group, before)));
                }
            }
        }
        words.join(" ")
    }

    fn below_thousand(self, number: u64, end: End) -> String {
        let (hundreds, rest) = (number / 100, number % 100);
        let hundred = match (hundreds, rest) {
            (0, _) => return self.below_hundred(rest, end),
            (1, _) => "cent".to_owned(),
            (_, 0) if end.plural => format!("{} cents", UNITS[hundreds as usize]),
            _ => format!("{} cent", UNITS[hundreds as usize]),
        };
        if rest == 0 { hundred } else { format!("{hundred} {}", self.below_hundred(rest, end)) }
    }

    fn below_hundred(self, number: u64, end: End) -> String {
        let (tens, units) = (number / 10, number % 10);
        match (tens, units) {
            (0, 1) if end.feminine => "une".to_owned(),
            _ if number < 17 => UNITS[number as usize].to_owned(),
            (1, _) => format!("dix-{}", UNITS[units as usize]),
            (8, 0) if !self.eighty => if end.plural { "quatre-vingts" } else { "quatre-vingt" }.to_owned(),
            (8, _) if !self.eighty => format!("quatre-vingt-{}", self.below_hundred(units, end)),
            (9, _) if !self.seventy => format!("quatre-vingt-{}", self.below_hundred(10 + units, end)),
            (7, 1) if !self.seventy => "soixante et onze".to_owned(),
            (7, _) if !self.seventy => format!("soixante-{}", self.below_hundred(10 + units, end)),
            (_, 0) => TENS[tens as usize].to_owned(),
            (_, 1) => format!("{} et {}", TENS[tens as usize], self.below_hundred(1, end)),
            _ => format!("{}-{}", TENS[tens as usize], UNITS[units as usize]),
        }
    }
}

/// How many digits of a number are the country's (ITU-T E.164): those that begin with 1 and 7 have one, most of the
/// others two, the rest three.
fn country_code(digits: &str) -> usize {
    const TWO: [&str; 43] = [
        "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48",
        "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81",
        "82", "84", "86", "90", "91", "92", "93", "94", "98",
    ];
    let length = match digits.as_bytes().first() {
        Some(b'1' | b'7') => 1,
        _ if TWO.iter().any(|code| digits.starts_with(code)) => 2,
        _ => 3,
    };
    length.min(digits.len())
}
