//! Line 4: a campaign over a CSV file, with phones that answer, are busy, ring in vain and refuse.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use jackfield_tests::{
    Exchange, Phone, Site, await_until, await_within,
    sipp::{Load, Sipp},
    speech::assert_spoken,
};
use jiff::Timestamp;
use toml_edit::value;

/// The seed's text, word for word, where it was cut off.
const MESSAGE: &str = "Bonjour, ceci est un appel automatique. Nous vous présentons l'école de la plateforme, un \
                       établissement innovant où vous pouvez développer vos compétences et acquérir de nouvelles";
/// Numbers of each kind of phone, and its scenario.
const KINDS: [(&str, &str); 4] = [("41", "answer"), ("42", "busy"), ("43", "ring"), ("44", "reject")];
/// SIPp notes a message when it gets to it.
const JITTER: f64 = 0.5;

/// How the campaign is configured.
#[derive(Clone, Copy)]
struct Policy {
    at_once: i64,
    per_second: i64,
    /// Seconds from start to start.
    retry_time: i64,
    /// Seconds that it rings.
    wait_time: i64,
}

impl Policy {
    /// la-plateforme with these limits, and numbers that lead to SIPp.
    fn site(self) -> Site {
        let site = Site::example("la-plateforme");
        let phones: Vec<SocketAddr> = (0..KINDS.len()).map(|kind| phone_address(&site, kind)).collect();
        site.edit(|config| {
            for ((prefix, _), phone) in KINDS.iter().zip(phones) {
                config["routes"][&format!("{prefix}X")] = value(format!("sip:{{number}}@{phone}"));
            }
            let plugin = &mut config["plugins"]["campaign"];
            let launch = &mut plugin["grant"]["launch"];
            launch["to"] = value(toml_edit::Array::from_iter(["10X", "4*"]));
            launch["at-once"] = value(self.at_once);
            launch["per-second"] = value(self.per_second);
            let campaign = &mut plugin["config"]["campaigns"]["prospection"];
            campaign["retry-time"] = value(format!("{}s", self.retry_time));
            campaign["wait-time"] = value(format!("{}s", self.wait_time));
        });
        site
    }
}

/// Each kind has an address of its own.
fn phone_address(site: &Site, kind: usize) -> SocketAddr {
    SocketAddr::new([127, 0, 0, 4 + kind as u8].into(), site.spare_port(0))
}

/// The phones of that kind, for so many calls.
fn phones(exchange: &Exchange, kind: usize, calls: u32) -> Load {
    let (site, scenario) = (exchange.site(), format!("{}.xml", KINDS[kind].1));
    let sipp = Sipp::new(&scenario, phone_address(site, kind), calls);
    sipp.media_port(site.spare_port(2)).start()
}

fn start(exchange: &Exchange, csv: &str) -> String {
    let file = exchange.site().write("contacts.csv", csv);
    exchange.operator(&["campaign", "start", "prospection", &file.display().to_string()])
}

/// A line of the status table, by its headings.
fn status(exchange: &Exchange) -> BTreeMap<String, String> {
    let text = exchange.operator(&["campaign", "status", "prospection"]);
    let mut lines = text.lines();
    let head = lines.next().unwrap().split_whitespace().map(str::to_owned);
    head.zip(lines.next().unwrap().split_whitespace().map(str::to_owned)).collect()
}

/// The export, row by row.
fn export(exchange: &Exchange) -> Vec<BTreeMap<String, String>> {
    let text = exchange.operator(&["campaign", "export", "prospection"]);
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
}

/// Waits until nobody is left to be called; returns the most calls at once that were seen.
#[track_caller]
fn await_done(exchange: &Exchange, limit: Duration) -> u32 {
    let mut most = 0;
    await_within(limit, "the end of the campaign", || {
        let status = status(exchange);
        most = most.max(status["calling"].parse().unwrap());
        (status["state"] == "done").then_some(())
    });
    most
}

/// Number and Unix time of each call that came, in order; retransmissions are none.
fn invites(phones: &[&Load]) -> Vec<(String, f64)> {
    let mut first: BTreeMap<String, (String, f64)> = BTreeMap::new();
    let messages = phones.iter().flat_map(|load| load.messages());
    for message in messages.filter(|message| !message.sent && message.text.contains("INVITE sip:")) {
        let uri = message.text.split("INVITE sip:").nth(1).unwrap();
        let number = uri.split('@').next().unwrap().to_owned();
        first.entry(message.call).or_insert((number, message.at));
    }
    let mut invites: Vec<_> = first.into_values().collect();
    invites.sort_by(|one, two| one.1.total_cmp(&two.1));
    invites
}

/// The gaps from start to start of each number, in seconds.
fn gaps<'a>(invites: &'a [(String, f64)]) -> Vec<(&'a str, f64)> {
    let mut last: BTreeMap<&str, f64> = BTreeMap::new();
    let gap = |(number, at): &'a (String, f64)| Some((number.as_str(), at - last.insert(number, *at)?));
    invites.iter().filter_map(gap).collect()
}

fn seconds_between(row: &BTreeMap<String, String>, from: &str, to: &str) -> f64 {
    let time =
        |column: &str| row[column].parse::<Timestamp>().unwrap_or_else(|error| panic!("{row:?}: {error}"));
    time(to).duration_since(time(from)).as_secs_f64()
}

#[test]
fn twenty_contacts_are_called_as_configured_and_each_has_its_result() {
    let policy = Policy { at_once: 6, per_second: 2, retry_time: 6, wait_time: 3 };
    let exchange = policy.site().start();
    let listeners = ["alice", "bob"].map(|user| Phone::registered(&exchange, user));
    let quitter = Phone::registered(&exchange, "malcom");
    let loads = [
        phones(&exchange, 0, 5),
        phones(&exchange, 1, 12),
        phones(&exchange, 2, 12),
        phones(&exchange, 3, 12),
    ];

    let mut csv = "\u{feff}Nom;Numéro;Ville\r\n".to_owned();
    for number in (420..424).chain(430..434).chain(440..444).chain(410..415) {
        csv += &format!("\"Contact; {number}\";{} {};Marseille\r\n", number / 100, number % 100);
    }
    csv += "Alice;101;Aix\r\nBob;102;Aix\r\n\r\nEncore Alice;1.0.1;Aix\r\nMalcom;103;Aix";
    let said = start(&exchange, &csv);
    assert!(said.contains("contacts.csv:21: skipped: it is blank"), "{said}");
    assert!(said.contains("contacts.csv:22: duplicate") && said.contains("line 19 has it already"), "{said}");
    assert!(said.contains("20 contacts to call"), "{said}");

    let most = thread::scope(|scope| {
        let hear = |phone: &Phone| {
            let ringing = phone.incoming_within(Duration::from_secs(60)).expect("the campaign to call");
            assert!(ringing.from().contains("\"Prospection Automatique\" <sip:9000@"), "{}", ringing.from());
            let mut call = ringing.answer();
            call.await_end(Duration::from_secs(60));
            let heard = call.audio.heard();
            assert_eq!(heard.faults(), [""; 0], "20 ms spacing, no packet missing");
            heard.samples()
        };
        let hearing = listeners.each_ref().map(|phone| scope.spawn(move || hear(phone)));
        let quitting = scope.spawn(|| {
            let mut call =
                quitter.incoming_within(Duration::from_secs(60)).expect("the campaign to call").answer();
            call.audio.await_sound(Duration::from_secs(3));
            call.hang_up();
        });
        let most = await_done(&exchange, Duration::from_secs(240));
        for heard in hearing {
            assert_spoken(&heard.join().unwrap(), &[MESSAGE], "fr");
        }
        quitting.join().unwrap();
        most
    });
    assert_eq!(most, policy.at_once as u32, "the limit is used, and never passed");
    exchange.await_calls(0);

    // The phones were called as often as they had to be.
    let invites = invites(&loads.each_ref());
    for (load, calls) in loads.into_iter().zip([5, 12, 12, 12]) {
        let counts = load.finish(Duration::from_secs(20));
        assert_eq!((counts.good, counts.failed), (calls, 0), "SIPp's calls:\n{}", counts.errors);
    }
    assert_eq!(invites.len(), 5 + 3 * 12);
    let per_second = policy.per_second as usize;
    for window in invites.windows(per_second + 1) {
        let taken = window[per_second].1 - window[0].1;
        assert!(taken > 1.0 - JITTER, "{} calls in {taken:.3} s: {window:?}", per_second + 1);
    }
    for (number, gap) in gaps(&invites) {
        assert!(gap > policy.retry_time as f64 - JITTER, "{number} is called again after {gap:.3} s");
    }

    // Every row has its result.
    let rows = export(&exchange);
    assert_eq!(rows.len(), 21);
    for row in &rows {
        let expected = match (row["Nom"].as_str(), &row["dialled"][..2]) {
            ("Encore Alice", _) => ("duplicate", "0", "", ""),
            (_, "10" | "41") => ("answered", "1", "normal", ""),
            (_, "42") => ("busy", "3", "busy", "486"),
            (_, "43") => ("no-answer", "3", "no-answer", "480"),
            (_, "44") => ("rejected", "3", "rejected", "603"),
            _ => panic!("a row of nobody: {row:?}"),
        };
        let got = ["outcome", "attempts", "cause", "code"].map(|column| row[column].as_str());
        assert_eq!(got, [expected.0, expected.1, expected.2, expected.3], "{row:?}");
        match expected.1 {
            "3" => {
                let gap = seconds_between(row, "first_attempt", "last_attempt");
                assert!(gap >= 2.0 * policy.retry_time as f64, "{gap} s for three attempts: {row:?}");
                assert_eq!((row["answered"].as_str(), row["talk_seconds"].as_str()), ("", ""));
            }
            "1" => {
                assert!(seconds_between(row, "first_attempt", "answered") >= 0.0);
                let talked: u32 = row["talk_seconds"].parse().unwrap();
                let whole = 10..30;
                let expected = if row["Nom"] == "Malcom" { 3..10 } else { whole };
                assert!(expected.contains(&talked), "{row:?}");
            }
            _ => {}
        }
    }
    let quoted = rows.iter().find(|row| row["dialled"] == "410").unwrap();
    assert_eq!(
        (quoted["Nom"].as_str(), quoted["Numéro"].as_str()),
        ("Contact; 410", "4 10"),
        "as it was written"
    );
}

#[test]
fn attempts_begin_when_they_are_due() {
    let exchange = Policy { at_once: 2, per_second: 2, retry_time: 2, wait_time: 1 }.site().start();
    let busy = phones(&exchange, 1, 3);
    start(&exchange, "NUMBER\n420\n");
    await_done(&exchange, Duration::from_secs(60));
    let invites = invites(&[&busy]);
    let gaps = gaps(&invites);
    assert_eq!(gaps.len(), 2);
    for (_, gap) in gaps {
        // A service that misses the end of a call looks again after five seconds only.
        assert!(gap > 2.0 - JITTER && gap < 4.5, "called again after {gap:.3} s");
    }
}

#[test]
fn kill_9_loses_no_contact_and_calls_none_too_soon() {
    let policy = Policy { at_once: 4, per_second: 4, retry_time: 6, wait_time: 4 };
    let mut exchange = policy.site().start();
    let (answering, ringing) = (phones(&exchange, 0, 1000), phones(&exchange, 2, 1000));
    start(&exchange, "NAME,NUMBER\na,430\nb,410\nc,431\nd,411\ne,432\nf,412\ng,433\nh,413\n");
    // Two ring, two talk, and four wait.
    let calls = || invites(&[&answering, &ringing]).len();
    await_until("four calls", || (calls() >= 4).then_some(()));
    thread::sleep(Duration::from_secs(1));
    exchange.process().kill();
    let before = calls();
    exchange.restart();
    exchange.await_log(&["calls of campaigns were under way at the last end"]);
    await_done(&exchange, Duration::from_secs(180));

    let invites = invites(&[&answering, &ringing]);
    assert!(invites.len() > before, "it went on after the restart");
    for (number, gap) in gaps(&invites) {
        assert!(gap > policy.retry_time as f64 - JITTER, "{number} is called again after {gap:.3} s");
    }
    let rows = export(&exchange);
    assert_eq!(rows.len(), 8, "nobody is lost");
    let mut interrupted = 0;
    for row in rows {
        let attempts: usize = row["attempts"].parse().unwrap();
        let came = invites.iter().filter(|(number, _)| *number == row["dialled"]).count();
        // An attempt is written down before its INVITE leaves, and counts even if that never left.
        assert!((came..=came + 1).contains(&attempts), "{came} calls came: {row:?}");
        match &row["dialled"][..2] {
            "43" => assert_eq!((row["outcome"].as_str(), attempts), ("no-answer", 3), "{row:?}"),
            _ => {
                assert_eq!(row["outcome"], "answered", "{row:?}");
                interrupted += attempts - 1;
            }
        }
    }
    assert_eq!(interrupted, 2, "who talked when it was killed is called once more");
}

#[test]
fn a_paused_campaign_calls_nobody_and_goes_on_when_it_is_resumed() {
    let policy = Policy { at_once: 4, per_second: 1, retry_time: 60, wait_time: 3 };
    let exchange = policy.site().start();
    let alice = Phone::registered(&exchange, "alice");
    let rejecting = phones(&exchange, 3, 6);
    let csv = (440..446).fold("NUMBER\n101\n".to_owned(), |csv, number| csv + &format!("{number}\n"));
    start(&exchange, &csv);
    let mut call = alice.incoming().answer();
    await_until("a second call, and its end", || {
        let called = !invites(&[&rejecting]).is_empty();
        (called && status(&exchange)["calling"] == "1").then_some(())
    });
    let said = exchange.operator(&["campaign", "pause", "prospection"]);
    assert!(said.contains("prospection: paused; 1 call in progress"), "{said}");
    // A launch that was granted before is still placed.
    thread::sleep(Duration::from_secs(2));
    let called = invites(&[&rejecting]).len();
    thread::sleep(Duration::from_secs(4));
    assert_eq!(invites(&[&rejecting]).len(), called);
    assert!(called < 6, "there is somebody left");
    assert_eq!(status(&exchange)["state"], "paused");

    // The call in progress went on to its end.
    call.await_end(Duration::from_secs(60));
    assert_spoken(&call.audio.heard().samples(), &[MESSAGE], "fr");

    // A pause outlives the daemon.
    let mut exchange = exchange;
    exchange.stop();
    exchange.restart();
    assert_eq!(status(&exchange)["state"], "paused");
    let resumed = Instant::now();
    let said = exchange.operator(&["campaign", "resume", "prospection"]);
    assert!(said.contains("prospection: goes on"), "{said}");
    await_within(Duration::from_secs(30), "everybody to be called", || {
        (invites(&[&rejecting]).len() == 6).then_some(())
    });
    eprintln!("all were called {:.1} s after the resume", resumed.elapsed().as_secs_f32());
    let answered = export(&exchange).into_iter().find(|row| row["dialled"] == "101").unwrap();
    assert_eq!((answered["outcome"].as_str(), answered["attempts"].as_str()), ("answered", "1"));
}

#[test]
fn a_list_that_is_none_is_refused_and_changes_nothing() {
    let exchange = Policy { at_once: 1, per_second: 1, retry_time: 60, wait_time: 3 }.site().start();
    let site = exchange.site();
    let refused = |name: &str, content: &[u8]| {
        let file = site.write(name, content).display().to_string();
        site.jackfield(&["campaign", "start", "prospection", &file]).expect_bad()
    };
    let cases: [(&str, &[u8], &[&str]); 5] = [
        ("photo.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", &["photo.csv: this is no CSV: it is a PNG image"]),
        ("latin.csv", b"NAME,NUMBER\nZo\xe9,101\n", &["latin.csv:2: this line is not UTF-8", "iconv"]),
        ("naked.csv", b"Alice,101\nBob,102\n", &["naked.csv:1:", "write NAME,NUMBER above it"]),
        ("quote.csv", b"NAME,NUMBER\n\"Alice,101\nBob,102\n", &["quote.csv:2: a quote is opened here"]),
        (
            "abroad.csv",
            b"NUMBER\n0033612345678\n",
            &["no row can be called", "`launch.to = [\"0033612345678\"]`"],
        ),
    ];
    for (name, content, parts) in cases {
        let said = refused(name, content);
        assert!(parts.iter().all(|part| said.contains(part)), "{name}: {said}");
    }
    let said = site.jackfield(&["campaign", "start", "prospection", "nowhere.csv"]).expect_bad();
    assert!(said.contains("nowhere.csv: the file does not exist"), "{said}");
    let good = site.write("good.csv", "NUMBER\n101\n").display().to_string();
    let said = site.jackfield(&["campaign", "start", "prospektion", &good]).expect_bad();
    assert!(
        said.contains("no plugin has a campaign `prospektion`") && said.contains("`prospection`?"),
        "{said}"
    );
    for command in ["status", "pause", "resume", "export"] {
        let said = site.jackfield(&["campaign", command, "prospection"]).expect_bad();
        assert!(said.contains("no campaign `prospection` was started"), "{command}: {said}");
    }

    // Nothing of all that stayed behind; a good file is taken, once.
    exchange.operator(&["campaign", "start", "prospection", &good]);
    let said = site.jackfield(&["campaign", "start", "prospection", &good]).expect_bad();
    assert!(said.contains("--add"), "{said}");
    let said = exchange.operator(&["campaign", "start", "prospection", &good, "--add"]);
    assert!(said.contains("0 contacts to call") && said.contains("1 duplicate"), "{said}");
    let results = site.folder().join("results.csv");
    exchange.operator(&["campaign", "export", "prospection", &results.display().to_string()]);
    assert_eq!(std::fs::read_to_string(results).unwrap().lines().count(), 3, "a header and two rows");
}
