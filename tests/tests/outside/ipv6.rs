//! A call between the families: one phone has IPv6 only, the other IPv4 only.

use jackfield_tests::{
    Site,
    baresip::{Baresip, Over},
    exchange::USERS,
    netns::{self, Home},
};
use toml_edit::{Array, value};

const TONES: [f32; 2] = [1000.0, 1300.0];

#[test]
fn a_phone_with_ipv6_only_and_one_with_ipv4_only_call_each_other() {
    if !netns::inside("ipv6::a_phone_with_ipv6_only_and_one_with_ipv4_only_call_each_other") {
        return;
    }
    let homes = [Home::public_v6(1), Home::public(2)];
    let site = Site::at(netns::PUBLIC.parse().unwrap(), "[routes]\n\"10X\" = { user = \"*\" }\n");
    let port = site.udp().port();
    let both = [format!("{}:{port}", netns::PUBLIC), format!("[{}]:{port}", netns::PUBLIC_V6)];
    site.edit(|document| document["listen"]["udp"] = value(Array::from_iter(both)));
    let exchange = site.start();
    let mut phones = Vec::new();
    for (index, home) in homes.into_iter().enumerate() {
        phones.push(Baresip::start_in(home, &exchange, USERS[index].0, Over::Udp, TONES[index]));
    }
    for (call, (caller, callee)) in [(0, 1), (1, 0)].into_iter().enumerate() {
        phones[caller].dial(USERS[callee].1);
        phones[caller].await_tone(call, TONES[callee], 2.0);
        phones[callee].await_tone(call, TONES[caller], 2.0);
        // The callee ends the first call, the caller the second.
        phones[1].hang_up();
        exchange.await_calls(0);
    }
}
