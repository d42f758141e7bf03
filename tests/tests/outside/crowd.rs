//! Many users, and many calls with RTP both ways at once: nothing fails, and nothing is left afterwards.
//! `make soak` runs the large crowd, and prints what a registration and a call cost.

use std::{fs, net::SocketAddr, ops::RangeInclusive, thread, time::Duration};

use jackfield_tests::{
    Exchange, Site,
    audio::{Law, sine},
    await_within, netns,
    sipp::{Load, Sipp},
};

/// What the allocator may keep, and what a thread that slept needs anew.
const ROOM_KIB: u64 = 16 << 10;
/// The exchange's media ports; no other test has this namespace.
const MEDIA: RangeInclusive<u16> = 61_000..=64_999;
/// One socket of SIPp echoes for all who answer.
const ECHO: u16 = 40_000;
/// Media ports lie ready.
const ROOM_FILES: usize = 1024;
const SECOND: Duration = Duration::from_secs(1);

struct Crowd {
    users: u32,
    /// At once.
    calls: u32,
    /// REGISTERs and calls in a second.
    rates: [u32; 2],
    /// From the last call's beginning to the first one's end.
    together: Duration,
}

#[test]
fn a_small_crowd() {
    if netns::inside("crowd::a_small_crowd") {
        Crowd { users: 500, calls: 100, rates: [200, 50], together: SECOND * 5 }.meet();
    }
}

#[test]
#[ignore = "two minutes of both cores; `make soak` runs it"]
fn soak_ten_thousand_users_and_five_hundred_calls() {
    if netns::inside("crowd::soak_ten_thousand_users_and_five_hundred_calls") {
        Crowd { users: 10_000, calls: 500, rates: [400, 50], together: SECOND * 15 }.meet();
    }
}

impl Crowd {
    fn meet(&self) {
        let site = self.site();
        let phones: SocketAddr = format!("127.0.0.3:{}", site.spare_port(0)).parse().unwrap();
        site.edit(|config| config["routes"]["9*"] = toml_edit::value(format!("sip:{{rest}}@{phones}")));
        let mut exchange = site.start();
        let process = exchange.process().id();
        let idle = Held::by(process);
        // To an address first: what is new then belongs to the calls.
        let (calling, echoes) = self.talk(&mut exchange, phones, "9");
        let quiet = Held::by(process);
        let credentials =
            |name: &str| format!("{name};[authentication username={name} password={name}-secret];");
        let register = Sipp::new("register.xml", phones, self.users)
            .calling(exchange.site().udp(), self.rates[0], 500)
            .data(&lines(self.users, |name, _| credentials(name)));
        assert_all_good(register.start(), self.users);
        let registered = Held::by(process);
        let (calling_users, echoes_of_users) = self.talk(&mut exchange, phones, "");
        let after = Held::by(process);
        println!("idle {idle:?}, calling {calling:?}, quiet {quiet:?}, registered {registered:?}");
        println!("calling users {calling_users:?}, after {after:?}");
        let each = |more: Held, less: Held, of: u32| more.kib.saturating_sub(less.kib) as f64 / f64::from(of);
        println!("{:.1} KiB for a call of two legs", each(calling, idle, self.calls));
        println!("{:.2} KiB for a registration", each(registered, quiet, self.users));
        self.assert_heard(&exchange.operator(&["records"]), echoes + echoes_of_users);
        assert!(after.kib <= registered.kib + ROOM_KIB, "memory grew: {registered:?}, {after:?}");
        assert!(after.files <= quiet.files + ROOM_FILES, "open files grew: {quiet:?}, {after:?}");
        exchange.stop();
    }

    /// Every call was answered, and what each of its legs sent arrived: to the ear, all of it. What SIPp's one
    /// socket was too slow to take is missing in its echo, and not laid to the exchange.
    fn assert_heard(&self, records: &str, at_sipp: u64) {
        let mut lines = records.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let columns = lines.next().expect("the names of the columns");
        let column = |name: &str| columns.iter().position(|column| *column == name).expect("a column");
        let [cause, codecs, loss] = ["cause", "codecs", "loss"].map(column);
        let mut worst: f32 = 0.0;
        let mut calls = 0;
        for record in lines {
            assert_eq!((record[cause], record[codecs]), ("normal", "PCMA PCMA"), "{record:?}");
            worst = worst.max(record[loss].parse().expect("loss in percent"));
            calls += 1;
        }
        let at_us = dropped(MEDIA);
        println!(
            "{worst} % of the packets of the worst leg were lost; {at_us} in all at the exchange, {at_sipp} at SIPp"
        );
        assert_eq!(calls, 2 * self.calls);
        assert!(at_us == 0, "the kernel dropped {at_us} packets that the exchange was too slow to take");
        assert!(worst < 1.0 || at_sipp > 0, "{worst} % lost, and not at SIPp");
    }

    /// Five digits reach the user of that number; calls come from a peer.
    fn site(&self) -> Site {
        let routes = "[peers.load]\naddresses = [\"127.0.0.2\"]\n\n[routes]\nXXXXX = { user = \"*\" }\n";
        let site = Site::new(routes);
        let ports = format!("{}-{}", MEDIA.start(), MEDIA.end());
        site.edit(|config| config["media"]["ports"] = toml_edit::value(ports));
        let rows = lines(self.users, |name, number| format!("{name},{number},,{name}-secret"));
        let csv = site.write("crowd.csv", format!("name,number,display,password\n{rows}"));
        site.jackfield(&["user", "import", &csv.display().to_string()]).expect_good();
        site
    }

    /// All of them talk at once: what the exchange holds while they do, and the packets that SIPp did not take.
    fn talk(&self, exchange: &mut Exchange, phones: SocketAddr, prefix: &str) -> (Held, u64) {
        let process = exchange.process().id();
        let local: SocketAddr = format!("127.0.0.2:{}", exchange.site().spare_port(1)).parse().unwrap();
        let answering = Sipp::new("answer.xml", phones, self.calls).media_port(ECHO).echoing().start();
        let everybody = SECOND * (self.calls / self.rates[1]);
        let calling = Sipp::new("caller.xml", local, self.calls)
            .calling(exchange.site().udp(), self.rates[1], self.calls)
            .data(&lines(self.calls, |_, number| format!("{prefix}{number};")))
            .talking(everybody + self.together);
        calling.file("voice.al", voice());
        let calling = calling.start();
        thread::sleep(everybody + SECOND);
        await_within(self.together, "all to talk", || {
            (exchange.calls() == self.calls as usize).then_some(())
        });
        let held = Held::by(process);
        thread::sleep(self.together);
        let echoes = dropped(ECHO..=ECHO);
        for sipp in [calling, answering] {
            assert_all_good(sipp, self.calls);
        }
        exchange.await_calls(0);
        (held, echoes)
    }
}

/// One line for each of `number` users, by name and number.
fn lines(number: u32, line: impl Fn(&str, &str) -> String) -> String {
    (0..number).map(|n| format!("{}\n", line(&format!("u{n:05}"), &format!("{n:05}")))).collect()
}

#[track_caller]
fn assert_all_good(sipp: Load, calls: u32) {
    let counts = sipp.finish(SECOND * 120);
    assert_eq!((counts.good, counts.failed), (calls, 0), "{}", counts.errors);
}

/// Packets that the kernel has dropped since the sockets of these ports were opened: nobody read them in time.
fn dropped(ports: RangeInclusive<u16>) -> u64 {
    let tables = ["udp", "udp6"].map(|table| fs::read_to_string(format!("/proc/self/net/{table}")).unwrap());
    let of_socket = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let port = u16::from_str_radix(fields.get(1)?.rsplit(':').next()?, 16).ok()?;
        ports.contains(&port).then(|| fields.last()?.parse::<u64>().ok())?
    };
    tables.iter().flat_map(|table| table.lines().skip(1)).filter_map(of_socket).sum()
}

fn voice() -> Vec<u8> {
    sine(1000.0, 0, 8000).into_iter().map(|sample| Law::A.encode(sample)).collect()
}

/// What the daemon holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    /// Resident memory.
    kib: u64,
    files: usize,
}

impl Held {
    fn by(process: u32) -> Held {
        let process = format!("/proc/{process}");
        let status = fs::read_to_string(format!("{process}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kib = line.trim().trim_end_matches(" kB").parse().unwrap();
        Held { kib, files: fs::read_dir(format!("{process}/fd")).unwrap().count() }
    }
}
