//! An exchange with several addresses: a phone hears from the one that it knows, and from no other.

use std::net::IpAddr;

use jackfield_tests::{
    Site,
    baresip::{Baresip, Over},
    exchange::USERS,
    netns::{self, Home},
};
use toml_edit::{Array, value};

use crate::nat::{Capture, streams};

const TONES: [f32; 2] = [1000.0, 1300.0];
/// Addresses that the kernel does not choose by itself.
const SECOND: [&str; 2] = ["203.0.113.2", "2001:db8:ffff::3"];

#[test]
fn all_media_leaves_from_the_address_that_the_phone_calls() {
    if !netns::inside("addresses::all_media_leaves_from_the_address_that_the_phone_calls") {
        return;
    }
    let homes = [Home::public(1).knowing(SECOND[0]), Home::public_v6(2).knowing(SECOND[1])];
    let links = [homes[0].link(), homes[1].link()];
    let site = Site::at(netns::PUBLIC.parse().unwrap(), "[routes]\n\"10X\" = { user = \"*\" }\n");
    let port = site.udp().port();
    let all = [format!("0.0.0.0:{port}"), format!("[::]:{port}")];
    site.edit(|document| document["listen"]["udp"] = value(Array::from_iter(all)));
    let exchange = site.start();
    let captures = links.map(|link| Capture::start(&exchange, &link));
    let mut phones = Vec::new();
    for (index, home) in homes.into_iter().enumerate() {
        phones.push(Baresip::start_in(home, &exchange, USERS[index].0, Over::Udp, TONES[index]));
    }
    for (call, (caller, callee)) in [(0, 1), (1, 0)].into_iter().enumerate() {
        phones[caller].dial(USERS[callee].1);
        // A leg's first report comes within 3.1 s.
        phones[caller].await_tone(call, TONES[callee], 3.5);
        phones[callee].await_tone(call, TONES[caller], 3.5);
        phones[caller].hang_up();
        exchange.await_calls(0);
    }
    for ((mut capture, known), unknown) in
        captures.into_iter().zip(SECOND).zip([netns::PUBLIC, netns::PUBLIC_V6])
    {
        let table = capture.read(&["-q", "--enable-heuristic", "rtp_udp", "-z", "rtp,streams"]);
        let streams = streams(&table);
        assert_eq!(streams.len(), 4, "two calls, both ways:\n{table}");
        let address: IpAddr = known.parse().unwrap();
        assert!(streams.iter().all(|stream| {
            [stream.from, stream.to].iter().any(|end| end.ip() == address) && stream.lost == "0.0"
        }));
        let sources = ["-Y", "udp && !icmp && !icmpv6", "-T", "fields", "-e", "ip.src", "-e", "ipv6.src"];
        let said = capture.again(&[&sources[..], &["-e", "udp.srcport"]].concat());
        let sent: Vec<(&str, u16)> = said.lines().filter_map(source).collect();
        assert!(sent.iter().all(|(from, _)| *from != unknown), "{unknown} is not what it calls");
        let first = exchange.site().media_port();
        let is_rtcp = |(from, port): &(&str, u16)| {
            *from == known && port % 2 == 1 && (first..first + 400).contains(port)
        };
        assert!(sent.iter().any(is_rtcp), "RTCP comes from {known}");
    }
}

/// Address and port of a datagram.
fn source(line: &str) -> Option<(&str, u16)> {
    let (address, port) = line.trim_start().split_once('\t')?;
    Some((address.trim(), port.trim().parse().ok()?))
}
