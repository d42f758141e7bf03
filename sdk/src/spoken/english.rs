//! English.

use super::{Currency, Decimal};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct English {
    /// No `and` in `one hundred one`.
    american: bool,
}

const UNITS: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] =
    ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const POWERS: [&str; 7] =
    ["", " thousand", " million", " billion", " trillion", " quadrillion", " quintillion"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

impl English {
    pub(super) fn of(region: Option<&str>) -> Self {
        English { american: matches!(region, Some("us" | "ca")) }
    }

    pub(super) fn number(self, number: &Decimal, _: bool) -> String {
        let mut words = if number.negative { "minus ".to_owned() } else { String::new() };
        words += &self.whole(number.whole);
        if !number.decimals.is_empty() {
            words += " point";
            for digit in number.decimals.bytes() {
                words += " ";
                words += UNITS[usize::from(digit - b'0')];
            }
        }
        words
    }

    pub(super) fn ordinal(self, number: u64, _: bool) -> String {
        let words = self.whole(number);
        let at = words.rfind([' ', '-']).map_or(0, |at| at + 1);
        let (before, last) = words.split_at(at);
        let last = match last {
            "one" => "first".to_owned(),
            "two" => "second".to_owned(),
            "three" => "third".to_owned(),
            "five" => "fifth".to_owned(),
            "eight" => "eighth".to_owned(),
            "nine" => "ninth".to_owned(),
            "twelve" => "twelfth".to_owned(),
            last => match last.strip_suffix('y') {
                Some(stem) => format!("{stem}ieth"),
                None => format!("{last}th"),
            },
        };
        format!("{before}{last}")
    }

    pub(super) fn amount(self, amount: &Decimal, currency: Currency) -> String {
        let (whole, hundredths) = amount.hundredths();
        let (one, several) = match currency {
            Currency::Euro => ("euro", "euros"),
            Currency::SwissFranc => ("Swiss franc", "Swiss francs"),
            Currency::Dollar => ("dollar", "dollars"),
            Currency::Pound => ("pound", "pounds"),
        };
        let (part, parts) = match currency {
            Currency::Euro | Currency::Dollar => ("cent", "cents"),
            Currency::SwissFranc => ("centime", "centimes"),
            Currency::Pound => ("penny", "pence"),
        };
        let say = |number: u64, one: &str, several: &str| {
            format!("{} {}", self.whole(number), if number == 1 { one } else { several })
        };
        let units = (whole > 0 || hundredths == 0).then(|| say(whole, one, several));
        let rest = (hundredths > 0).then(|| say(hundredths, part, parts));
        let said: Vec<String> = units.into_iter().chain(rest).collect();
        let sign = if amount.negative { "minus " } else { "" };
        format!("{sign}{}", said.join(" and "))
    }

    pub(super) fn date(self, year: i32, month: u8, day: u8) -> String {
        format!("{}, {}", self.day_of_month(month, day), self.year(year.unsigned_abs().into()))
    }

    pub(super) fn day(self, weekday: usize, month: u8, day: u8) -> String {
        format!("{}, {}", DAYS[weekday], self.day_of_month(month, day))
    }

    fn day_of_month(self, month: u8, day: u8) -> String {
        format!("{} {}", MONTHS[usize::from(month) - 1], self.ordinal(day.into(), false))
    }

    fn year(self, year: u64) -> String {
        match (year / 100, year % 100) {
            (0..=9, _) | (20, 0..=9) => self.whole(year),
            (century, 0) if century % 10 == 0 => self.whole(century * 100),
            (century, 0) => format!("{} hundred", self.whole(century)),
            (century, rest @ 1..=9) => format!("{} oh {}", self.whole(century), self.whole(rest)),
            (century, rest) => format!("{} {}", self.whole(century), self.whole(rest)),
        }
    }

    pub(super) fn time(self, hour: u8, minute: u8) -> String {
        match (hour, minute) {
            (0, 0) => return "midnight".to_owned(),
            (12, 0) => return "noon".to_owned(),
            _ => {}
        }
        let half = if hour < 12 { "a.m." } else { "p.m." };
        let hour = self.whole(((hour + 11) % 12 + 1).into());
        match minute {
            0 => format!("{hour} {half}"),
            1..=9 => format!("{hour} oh {} {half}", self.whole(minute.into())),
            _ => format!("{hour} {} {half}", self.whole(minute.into())),
        }
    }

    /// Digit by digit: three, three and the rest.
    pub(super) fn phone(self, digits: &str, international: bool) -> String {
        let mut rest = digits;
        let mut groups = Vec::new();
        while !rest.is_empty() {
            let (group, after) = rest.split_at(if rest.len() > 4 { 3 } else { rest.len() });
            let words: Vec<&str> = group.bytes().map(|digit| UNITS[usize::from(digit - b'0')]).collect();
            groups.push(words.join(" "));
            rest = after;
        }
        format!("{}{}", if international { "plus " } else { "" }, groups.join(", "))
    }

    fn whole(self, number: u64) -> String {
        if number == 0 {
            return UNITS[0].to_owned();
        }
        let mut words: Vec<String> = Vec::new();
        for power in (0..POWERS.len()).rev() {
            let group = number / 1000u64.pow(power as u32) % 1000;
            if group == 0 {
                continue;
            }
            // `one thousand and one`
            let and = power == 0 && group < 100 && !words.is_empty() && !self.american;
            words.push(format!(
                "{}{}{}",
                if and { "and " } else { "" },
                self.below_thousand(group),
                POWERS[power]
            ));
        }
        words.join(" ")
    }

    fn below_thousand(self, number: u64) -> String {
        let (hundreds, rest) = (number / 100, number % 100);
        let hundred = (hundreds > 0).then(|| format!("{} hundred", UNITS[hundreds as usize]));
        let rest = (rest > 0).then(|| match (rest / 10, rest % 10) {
            _ if rest < 20 => UNITS[rest as usize].to_owned(),
            (tens, 0) => TENS[tens as usize].to_owned(),
            (tens, units) => format!("{}-{}", TENS[tens as usize], UNITS[units as usize]),
        });
        let parts: Vec<String> = hundred.into_iter().chain(rest).collect();
        parts.join(if self.american { " " } else { " and " })
    }
}
