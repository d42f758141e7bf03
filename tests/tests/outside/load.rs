//! Line 8: SIPp's scenarios run without a failed call; the CPU of each is printed.

use std::{fs, net::SocketAddr, time::Instant};

use jackfield_tests::{
    Exchange, Site,
    audio::{Law, sine},
    exchange::{USERS, password},
    sipp::Sipp,
};

/// Runs it between two looks at the exchange's CPU time.
fn measured(exchange: &mut Exchange, what: &str, calls: u32, sipp: Sipp) {
    let (cpu, start) = (cpu_seconds(exchange), Instant::now());
    sipp.expect_all_good(calls);
    let per_call = (cpu_seconds(exchange) - cpu) / f64::from(calls) * 1e6;
    eprintln!(
        "{what}: {calls} without a fault in {:.1} s, {per_call:.0} us CPU each",
        start.elapsed().as_secs_f32()
    );
}

/// User and system time so far, from /proc, in ticks of 10 ms.
fn cpu_seconds(exchange: &mut Exchange) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", exchange.process().id())).unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let field = |index: usize| after_name.split_whitespace().nth(index).unwrap().parse::<f64>().unwrap();
    (field(11) + field(12)) / 100.0
}

fn voice() -> Vec<u8> {
    sine(1000.0, 0, 8000).into_iter().map(|sample| Law::A.encode(sample)).collect()
}

fn users() -> String {
    let line = |(name, _): (&str, &str)| {
        format!("{name};[authentication username={name} password={}];\n", password(name))
    };
    USERS.map(line).concat()
}

#[test]
fn options_and_registrations_without_a_fault() {
    let mut exchange = Exchange::start("[routes]\n\"10X\" = { user = \"*\" }\n");
    let (target, local) = (exchange.site().udp(), local(&exchange, "127.0.0.1", 0));
    let options = Sipp::new("options.xml", local, 400).calling(target, 200, 50);
    measured(&mut exchange, "OPTIONS", 400, options);
    let register = Sipp::new("register.xml", local, 200).calling(target, 100, 50).data(&users());
    measured(&mut exchange, "REGISTER with digest", 200, register);
}

#[test]
fn calls_into_the_menu_without_a_fault() {
    let mut exchange = Site::example_with("la-plateforme", |config| {
        config["peers"]["load"]["addresses"] = toml_edit::value(toml_edit::Array::from_iter(["127.0.0.2"]));
    })
    .start();
    let menu = crate::menu::number_of(exchange.site(), "menu");
    let local = local(&exchange, "127.0.0.2", 0);
    let calls = Sipp::new("caller.xml", local, 50).calling(exchange.site().udp(), 10, 50).service(&menu);
    calls.file("voice.al", voice());
    measured(&mut exchange, "menu, 2 s with RTP", 50, calls);
    exchange.await_calls(0);
}

#[test]
fn calls_of_two_legs_with_rtp_without_a_fault() {
    let site = Site::new("[peers.load]\naddresses = [\"127.0.0.2\"]\n\n[routes]\n");
    let callee: SocketAddr = format!("127.0.0.3:{}", site.spare_port(1)).parse().unwrap();
    site.edit(|config| config["routes"]["4*"] = toml_edit::value(format!("sip:{{number}}@{callee}")));
    let mut exchange = site.start();
    let local = local(&exchange, "127.0.0.2", 0);
    let answering = Sipp::new("answer.xml", callee, 50).media_port(callee.port() + 2).start();
    let calls = Sipp::new("caller.xml", local, 50).calling(exchange.site().udp(), 10, 50).service("400");
    calls.file("voice.al", voice());
    measured(&mut exchange, "two legs, 2 s with RTP", 50, calls);
    let counts = answering.finish(std::time::Duration::from_secs(20));
    assert_eq!((counts.good, counts.failed), (50, 0), "{}", counts.errors);
    exchange.await_calls(0);
}

fn local(exchange: &Exchange, ip: &str, index: u16) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), exchange.site().spare_port(index))
}
