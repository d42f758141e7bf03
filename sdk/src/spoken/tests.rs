use super::*;

fn language(tag: &str) -> Language {
    Language::of(tag).unwrap()
}

#[track_caller]
fn assert_said(tag: &str, table: &[(&str, &str)], say: impl Fn(Language, &str) -> String) {
    for (written, words) in table {
        assert_eq!(say(language(tag), written), *words, "{written} in {tag}");
    }
}

fn number(language: Language, text: &str) -> String {
    language.number(text.parse::<Decimal>().unwrap())
}

#[test]
fn french_numbers() {
    let table = [
        ("0", "zéro"),
        ("1", "un"),
        ("16", "seize"),
        ("17", "dix-sept"),
        ("20", "vingt"),
        ("21", "vingt et un"),
        ("22", "vingt-deux"),
        ("31", "trente et un"),
        ("41", "quarante et un"),
        ("51", "cinquante et un"),
        ("60", "soixante"),
        ("61", "soixante et un"),
        ("69", "soixante-neuf"),
        ("70", "soixante-dix"),
        ("71", "soixante et onze"),
        ("72", "soixante-douze"),
        ("77", "soixante-dix-sept"),
        ("79", "soixante-dix-neuf"),
        ("80", "quatre-vingts"),
        ("81", "quatre-vingt-un"),
        ("89", "quatre-vingt-neuf"),
        ("90", "quatre-vingt-dix"),
        ("91", "quatre-vingt-onze"),
        ("99", "quatre-vingt-dix-neuf"),
        ("100", "cent"),
        ("101", "cent un"),
        ("180", "cent quatre-vingts"),
        ("200", "deux cents"),
        ("201", "deux cent un"),
        ("999", "neuf cent quatre-vingt-dix-neuf"),
        ("1000", "mille"),
        ("1001", "mille un"),
        ("1999", "mille neuf cent quatre-vingt-dix-neuf"),
        ("2000", "deux mille"),
        ("21000", "vingt et un mille"),
        ("80 000", "quatre-vingt mille"),
        ("200 000", "deux cent mille"),
        ("1 000 000", "un million"),
        ("80 000 000", "quatre-vingts millions"),
        ("200 000 000", "deux cents millions"),
        ("1 000 200 080", "un milliard deux cent mille quatre-vingts"),
        (
            "18446744073709551615",
            "dix-huit trillions quatre cent quarante-six billiards sept cent quarante-quatre billions \
          soixante-treize milliards sept cent neuf millions cinq cent cinquante et un mille six cent quinze",
        ),
        ("-5", "moins cinq"),
        ("12,5", "douze virgule cinq"),
        ("12,05", "douze virgule zéro cinq"),
        ("3.14", "trois virgule quatorze"),
        ("0,001", "zéro virgule zéro zéro un"),
        ("3,1416", "trois virgule un quatre un six"),
        ("-0,80", "moins zéro virgule quatre-vingts"),
    ];
    assert_said("fr", &table, number);
}

/// Each number below a hundred has words of its own.
#[test]
fn french_numbers_below_a_hundred_are_all_different() {
    for tag in ["fr", "fr-BE", "fr-CH"] {
        let words: std::collections::BTreeSet<String> = (0..100u8).map(|n| language(tag).number(n)).collect();
        assert_eq!(words.len(), 100, "{tag}");
    }
}

#[test]
fn belgian_and_swiss_numbers() {
    let belgian = [
        ("70", "septante"),
        ("71", "septante et un"),
        ("80", "quatre-vingts"),
        ("81", "quatre-vingt-un"),
        ("90", "nonante"),
        ("91", "nonante et un"),
        ("99", "nonante-neuf"),
        ("1975", "mille neuf cent septante-cinq"),
    ];
    assert_said("fr-BE", &belgian, number);
    let swiss = [
        ("70", "septante"),
        ("72", "septante-deux"),
        ("80", "huitante"),
        ("81", "huitante et un"),
        ("88", "huitante-huit"),
        ("91", "nonante et un"),
        ("80000", "huitante mille"),
    ];
    assert_said("fr-CH", &swiss, number);
    assert_said("fr_ch", &swiss, number);
    assert_said("fr-Latn-CH", &swiss, number);
    assert_eq!(language("fr-CA").number(71), "soixante et onze");
}

#[test]
fn french_gender_and_order() {
    let feminine = [
        ("1", "une"),
        ("21", "vingt et une"),
        ("71", "soixante et onze"),
        ("81", "quatre-vingt-une"),
        ("101", "cent une"),
        ("21001", "vingt et un mille une"),
        ("1000001", "un million une"),
    ];
    assert_said("fr", &feminine, |language, text| language.feminine(text.parse::<Decimal>().unwrap()));
    let ordinal = [
        ("1", "premier"),
        ("2", "deuxième"),
        ("3", "troisième"),
        ("4", "quatrième"),
        ("5", "cinquième"),
        ("9", "neuvième"),
        ("11", "onzième"),
        ("21", "vingt et unième"),
        ("71", "soixante et onzième"),
        ("80", "quatre-vingtième"),
        ("99", "quatre-vingt-dix-neuvième"),
        ("100", "centième"),
        ("200", "deux centième"),
        ("1000", "millième"),
        ("2000000", "deux millionième"),
    ];
    assert_said("fr", &ordinal, |language, text| language.ordinal(text.parse().unwrap()));
    assert_eq!(language("fr").feminine_ordinal(1), "première");
    assert_eq!(language("fr").feminine_ordinal(2), "deuxième");
}

fn filled(language: Language, text: &str) -> String {
    let (kind, value) = text.split_once(' ').unwrap();
    Text::parse(&format!("{{x:{kind}}}")).unwrap().fill(Some(language), |_| Some(value.to_owned()))
}

#[test]
fn french_amounts() {
    let table = [
        ("amount 0", "zéro euro"),
        ("amount 1 EUR", "un euro"),
        ("amount 1,01", "un euro et un centime"),
        ("amount 2 €", "deux euros"),
        ("amount 12.50 EUR", "douze euros et cinquante centimes"),
        ("amount 0,80 €", "quatre-vingts centimes"),
        ("amount €21", "vingt et un euros"),
        ("amount 80", "quatre-vingts euros"),
        ("amount 1000", "mille euros"),
        ("amount 1 000 000", "un million d'euros"),
        ("amount 80 000 000 €", "quatre-vingts millions d'euros"),
        ("amount 1 000 001", "un million un euros"),
        ("amount -12,5", "moins douze euros et cinquante centimes"),
        ("amount 0,999", "un euro"),
        ("amount 1 000 000 USD", "un million de dollars"),
        ("amount 21 GBP", "vingt et une livres"),
        ("amount 1,01 GBP", "une livre et un penny"),
        ("amount 5.20 CHF", "cinq francs suisses et vingt centimes"),
        ("amount 12 XYZ", "12 XYZ"),
        ("amount bientôt", "bientôt"),
    ];
    assert_said("fr", &table, filled);
    assert_said("fr-CH", &[("amount 95,20 CHF", "nonante-cinq francs et vingt centimes")], filled);
}

#[test]
fn french_dates_times_and_digits() {
    let table = [
        ("date 2026-03-01", "premier mars deux mille vingt-six"),
        ("date 31/12/1999", "trente et un décembre mille neuf cent quatre-vingt-dix-neuf"),
        ("date 1.8.2000", "premier août deux mille"),
        ("date 2026-02-29", "2026-02-29"),
        ("date 2024-02-29T10:00", "vingt-neuf février deux mille vingt-quatre"),
        ("day 2026-03-01", "dimanche premier mars"),
        ("day 2026-11-25", "mercredi vingt-cinq novembre"),
        ("day 2000-01-01", "samedi premier janvier"),
        ("time 00:00", "minuit"),
        ("time 00:05", "minuit cinq"),
        ("time 01:01", "une heure une"),
        ("time 12:00", "midi"),
        ("time 12:30", "midi trente"),
        ("time 14:05", "quatorze heures cinq"),
        ("time 21h00", "vingt et une heures"),
        ("time 21h", "vingt et une heures"),
        ("time 2026-03-01 23:51:07", "vingt-trois heures cinquante et une"),
        ("time 24:00", "24:00"),
        ("digits 4071", "quatre, zéro, sept, un"),
        ("phone 01 23 45 67 89", "zéro un, vingt-trois, quarante-cinq, soixante-sept, quatre-vingt-neuf"),
        ("phone 0600800071", "zéro six, zéro zéro, quatre-vingts, zéro zéro, soixante et onze"),
        (
            "phone +33 6 12 34 56 78",
            "plus trente-trois, six, douze, trente-quatre, cinquante-six, soixante-dix-huit",
        ),
        (
            "phone +352 621 123 456",
            "plus trois cent cinquante-deux, six, vingt et un, douze, trente-quatre, cinquante-six",
        ),
        ("phone 112", "cent douze"),
        ("phone 3631", "trente-six, trente et un"),
        ("phone inconnu", "inconnu"),
        ("ordinal 1", "premier"),
        ("feminine-ordinal 1", "première"),
        ("feminine 21", "vingt et une"),
        ("number 12,50", "douze virgule cinquante"),
    ];
    assert_said("fr", &table, filled);
}

#[test]
fn english() {
    let table = [
        ("number 0", "zero"),
        ("number 21", "twenty-one"),
        ("number 101", "one hundred and one"),
        ("number 1001", "one thousand and one"),
        ("number 80 000 000", "eighty million"),
        ("number 1,234,567", "one million two hundred and thirty-four thousand five hundred and sixty-seven"),
        ("number -3.05", "minus three point zero five"),
        ("ordinal 1", "first"),
        ("ordinal 12", "twelfth"),
        ("ordinal 22", "twenty-second"),
        ("ordinal 30", "thirtieth"),
        ("ordinal 100", "one hundredth"),
        ("amount 1 EUR", "one euro"),
        ("amount 12.50 GBP", "twelve pounds and fifty pence"),
        ("amount 0.01 GBP", "one penny"),
        ("amount 1000000 USD", "one million dollars"),
        ("date 2026-03-01", "March first, twenty twenty-six"),
        ("date 1905-07-02", "July second, nineteen oh five"),
        ("date 1900-07-02", "July second, nineteen hundred"),
        ("date 2000-07-02", "July second, two thousand"),
        ("day 2026-03-01", "Sunday, March first"),
        ("time 00:00", "midnight"),
        ("time 00:30", "twelve thirty a.m."),
        ("time 12:05", "twelve oh five p.m."),
        ("time 21:00", "nine p.m."),
        ("phone 0123456789", "zero one two, three four five, six seven eight nine"),
    ];
    assert_said("en-GB", &table, filled);
    assert_said("en-US", &[("number 101", "one hundred one"), ("number 1001", "one thousand one")], filled);
}

#[test]
fn decimals_are_read_as_people_write_them() {
    for text in ["1234,5", "1 234,5", "1\u{202f}234,5", "1'234.5", "1,234.5", "1.234,5", "+1234.5"] {
        let number: Decimal = text.parse().unwrap();
        assert_eq!((number.negative, number.whole, number.decimals.as_str()), (false, 1234, "5"), "{text}");
    }
    assert_eq!("1.234.567".parse::<Decimal>(), Ok(1_234_567u32.into()));
    assert_eq!(Decimal::from(i64::MIN).whole, 1 << 63);
    for text in ["", "-", ",5", "1,2,3.4.5", "1e5", "12a", "99999999999999999999", "--1"] {
        assert!(text.parse::<Decimal>().is_err(), "{text}");
    }
}

#[test]
fn a_sentence_has_gaps() {
    let text = Text::parse("{{a}} {name} : {sum:amount}, {x}").unwrap();
    let field = |name: &str| (name != "x").then(|| if name == "sum" { "2" } else { "Zoé" }.to_owned());
    assert_eq!(text.fill(Language::of("fr"), field), "{a}} Zoé : deux euros, ");
    assert_eq!(text.fill(None, field), "{a}} Zoé : 2, ");
    assert!(!text.is_fixed());
    assert!(Text::parse("Tapez {{1}.").unwrap().is_fixed());
    for (wrong, part) in [
        ("{", "has no end"),
        ("a {b", "`{b` has no end"),
        ("{}", "names no field"),
        ("{:date}", "names no field"),
        ("{a:tme}", "nothing is said as `tme`; one of number"),
    ] {
        let told = Text::parse(wrong).unwrap_err();
        assert!(told.contains(part), "{told}");
    }
}
