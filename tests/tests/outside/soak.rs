//! Wave after wave of calls, registrations and reloads: what the daemon holds does not grow.
//! `make soak` runs the long version.

use std::{
    fs,
    time::{Duration, Instant},
};

use jackfield_tests::{
    Exchange, Site,
    audio::{Law, sine},
    exchange::{USERS, password},
    files::other_wasm,
    sipp::Sipp,
};

/// Memory that the allocator may keep of the first waves.
const ROOM_KIB: u64 = 32 << 10;
/// Media ports lie ready, and TCP connections close a little later.
const ROOM_FILES: usize = 64;

#[test]
fn a_few_waves_leave_nothing_behind() {
    soak(Duration::from_secs(20));
}

#[test]
#[ignore = "ten minutes; `make soak` runs it"]
fn soak_for_ten_minutes() {
    soak(Duration::from_secs(600));
}

fn soak(time: Duration) {
    let mut exchange = Site::example_with("la-plateforme", |config| {
        config["peers"]["load"]["addresses"] = toml_edit::value(toml_edit::Array::from_iter(["127.0.0.2"]));
    })
    .start();
    let wasm = exchange.site().beside("plugins/menu/ivr.wasm");
    let first = fs::read(&wasm).unwrap();
    // The first wave fills caches and pools.
    wave(&exchange);
    let before = Held::by(&mut exchange);
    let (start, mut waves) = (Instant::now(), 0);
    while start.elapsed() < time {
        waves += 1;
        let new = wasm.with_extension("new");
        fs::write(&new, other_wasm(&first, waves)).unwrap();
        fs::rename(&new, &wasm).unwrap();
        wave(&exchange);
    }
    let after = Held::by(&mut exchange);
    eprintln!("{waves} waves: before {before:?}, after {after:?}");
    assert!(after.kib <= before.kib + ROOM_KIB, "memory grew: {before:?}, {after:?}");
    assert!(after.files <= before.files + ROOM_FILES, "open files grew: {before:?}, {after:?}");
    assert!(!exchange.log().contains("panicked"));
    exchange.stop();
}

/// 40 calls into the menu with RTP, then 100 registrations.
fn wave(exchange: &Exchange) {
    let target = exchange.site().udp();
    let local = |ip: &str, index: u16| format!("{ip}:{}", exchange.site().spare_port(index)).parse().unwrap();
    let menu = crate::menu::number_of(exchange.site(), "menu");
    let calls = Sipp::new("caller.xml", local("127.0.0.2", 0), 40).calling(target, 20, 40).service(&menu);
    let voice: Vec<u8> = sine(1000.0, 0, 8000).into_iter().map(|sample| Law::A.encode(sample)).collect();
    calls.file("voice.al", voice);
    calls.expect_all_good(40);
    let user = |(name, _): (&str, &str)| {
        format!("{name};[authentication username={name} password={}];\n", password(name))
    };
    let users = USERS.map(user).concat();
    let register = Sipp::new("register.xml", local("127.0.0.1", 1), 100).calling(target, 50, 50).data(&users);
    register.expect_all_good(100);
    exchange.await_calls(0);
}

/// What the daemon holds.
#[derive(Debug)]
struct Held {
    /// Resident memory.
    kib: u64,
    files: usize,
}

impl Held {
    fn by(exchange: &mut Exchange) -> Held {
        let process = format!("/proc/{}", exchange.process().id());
        let status = fs::read_to_string(format!("{process}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kib = line.trim().trim_end_matches(" kB").parse().unwrap();
        Held { kib, files: fs::read_dir(format!("{process}/fd")).unwrap().count() }
    }
}
