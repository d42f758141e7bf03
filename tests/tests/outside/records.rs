//! Calls as data: SIPp's calls leave as many records, with the right causes and times; a kill loses none.

use std::{collections::BTreeMap, net::SocketAddr, thread, time::Duration};

use jackfield_tests::{
    Exchange, Phone, Site,
    audio::{Law, sine},
    await_within,
    sipp::{Load, Sipp},
};

const SECOND: Duration = Duration::from_secs(1);

/// A row of `jackfield records`.
type Row = BTreeMap<String, String>;

pub(crate) fn records(exchange: &Exchange) -> Vec<Row> {
    let text = exchange.operator(&["records"]);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(|row| row.expect("a row of CSV")).collect()
}

#[track_caller]
pub(crate) fn await_records(exchange: &Exchange, number: usize) -> Vec<Row> {
    await_within(SECOND * 30, &format!("{number} records"), || {
        let rows = records(exchange);
        assert!(rows.len() <= number, "{} records of {number} calls", rows.len());
        (rows.len() == number).then_some(rows)
    })
}

fn milliseconds(time: &str) -> i64 {
    time.parse::<jiff::Timestamp>().expect("RFC 3339").as_millisecond()
}

/// Answered, busy, rejected and unknown: so many of each.
fn all_calls_are_recorded(answered: u32, refused: u32, rate: u32) {
    let site = Site::new("[peers.load]\naddresses = [\"127.0.0.2\"]\n\n[routes]\n");
    let callee =
        |index: u16| -> SocketAddr { format!("127.0.0.3:{}", site.spare_port(index)).parse().unwrap() };
    // SIPp's media is on the ports behind the first one.
    let callees = [callee(1), callee(6), callee(7)];
    site.edit(|config| {
        for (number, callee) in [("400", callees[0]), ("500", callees[1]), ("600", callees[2])] {
            config["routes"][number] = toml_edit::value(format!("sip:{number}@{callee}"));
        }
    });
    let exchange = site.start();
    let called: Vec<(Load, u32)> = [("answer.xml", answered), ("busy.xml", refused), ("reject.xml", refused)]
        .into_iter()
        .zip(callees)
        .map(|((scenario, calls), at)| {
            let callee = Sipp::new(scenario, at, calls);
            let callee = if scenario == "answer.xml" { callee.media_port(at.port() + 2) } else { callee };
            (callee.start(), calls)
        })
        .collect();
    let caller =
        |index: u16| SocketAddr::new("127.0.0.2".parse().unwrap(), exchange.site().spare_port(index));
    let calls = |scenario: &str, number: &str, index: u16, count: u32| {
        let calls = Sipp::new(scenario, caller(index), count).calling(exchange.site().udp(), rate, 100);
        calls.service(number)
    };
    let voice: Vec<u8> = sine(1000.0, 0, 8000).into_iter().map(|sample| Law::A.encode(sample)).collect();
    let talking = calls("caller.xml", "400", 4, answered);
    talking.file("voice.al", voice);
    let talking = talking.start();
    for (number, index) in [("500", 5), ("600", 6), ("999", 7)] {
        calls("refused.xml", number, index, refused).expect_all_good(refused);
    }
    let counts = talking.finish(SECOND * 120);
    assert_eq!((counts.good, counts.failed), (answered, 0), "{}", counts.errors);
    for (load, calls) in called {
        assert_eq!(load.finish(SECOND * 20).good, calls);
    }

    let rows = await_records(&exchange, (answered + 3 * refused) as usize);
    let mut causes: BTreeMap<(String, String), u32> = BTreeMap::new();
    for row in &rows {
        *causes.entry((row["callee"].clone(), row["cause"].clone())).or_default() += 1;
    }
    let expected = [
        ("400", "normal", answered),
        ("500", "busy", refused),
        ("600", "rejected", refused),
        ("999", "not-found", refused),
    ];
    let expected = expected.map(|(callee, cause, calls)| ((callee.to_owned(), cause.to_owned()), calls));
    assert_eq!(causes, expected.into());
    for row in &rows {
        let billed: i64 = row["billsec"].parse().unwrap();
        match row["callee"].as_str() {
            // SIPp talks for two seconds.
            "400" => {
                assert!((1..=3).contains(&billed), "{row:?}");
                let exact = milliseconds(&row["end"]) - milliseconds(&row["answer"]);
                assert!((exact - billed * 1000).abs() <= 500, "{row:?}");
                assert_eq!((row["codecs"].as_str(), row["connected"].is_empty()), ("PCMA PCMA", false));
            }
            _ => assert_eq!((billed, row["answer"].as_str()), (0, ""), "{row:?}"),
        }
        assert_eq!(row["linked"], row["id"]);
    }
    let ids: std::collections::BTreeSet<&String> = rows.iter().map(|row| &row["id"]).collect();
    assert_eq!(ids.len(), rows.len(), "every call has an id of its own");
}

#[test]
fn calls_of_sipp_leave_as_many_records_with_the_right_causes() {
    all_calls_are_recorded(60, 40, 30);
}

#[test]
#[ignore = "long: make soak"]
fn soak_a_thousand_calls_of_sipp_leave_a_thousand_records() {
    all_calls_are_recorded(700, 100, 40);
}

#[test]
fn calls_that_a_kill_interrupts_have_their_records_too() {
    let mut exchange = Exchange::start("[routes]\n\"10X\" = { user = \"*\" }\n");
    let alice = Phone::registered(&exchange, "alice");
    let bob = Phone::registered(&exchange, "bob");
    let malcom = Phone::registered(&exchange, "malcom");

    let dialing = alice.dial("102");
    let there = bob.incoming().answer();
    let mut here = dialing.outcome(SECOND * 10).unwrap();
    here.hang_up();
    drop(there);
    let ended = await_records(&exchange, 1).remove(0);
    assert_eq!(ended["cause"], "normal");

    let dialing = alice.dial("102");
    let up = bob.incoming().answer();
    let talks = dialing.outcome(SECOND * 10).unwrap();
    let mut rings = malcom.dial("102");
    let ringing = bob.incoming();
    ringing.ring();
    rings.await_status(180);
    // What was begun less than a moment ago may be lost.
    thread::sleep(SECOND);
    exchange.process().signal("KILL");
    exchange.process().wait(SECOND * 10);
    exchange.restart();

    let rows = await_records(&exchange, 3);
    let of = |caller: &str| rows.iter().rfind(|row| row["caller"] == caller).unwrap();
    assert_eq!(rows[0], ended);
    assert_eq!((of("101")["cause"].as_str(), of("101")["answer"].is_empty()), ("interrupted", false));
    assert_eq!((of("103")["cause"].as_str(), of("103")["answer"].is_empty()), ("interrupted", true));
    drop((up, talks, rings, ringing));
}
