//! Line 1: phones of other people over UDP, TCP and TLS call each other in every
//! combination; the tone of each is measured at the other.

use std::time::Duration;

use jackfield_tests::{
    Exchange, Site,
    audio::seconds_of,
    await_until, await_within,
    baresip::{Baresip, Over},
    exchange::USERS,
    netns,
};

/// Each phone says its own tone.
const TONES: [f32; 3] = [1000.0, 1300.0, 1700.0];
const OVER: [Over; 3] = [Over::Udp, Over::Tcp, Over::Tls];

#[test]
fn three_baresips_over_udp_tcp_and_tls_call_each_other_in_every_combination() {
    if !netns::inside("phones::three_baresips_over_udp_tcp_and_tls_call_each_other_in_every_combination") {
        return;
    }
    let address = netns::ADDRESS.parse().unwrap();
    let exchange = Site::at(address, "[routes]\n\"10X\" = { user = \"*\" }\n").start();
    let phones: Vec<Baresip> = (0..3)
        .map(|index| Baresip::start(&exchange, USERS[index].0, OVER[index], TONES[index], index as u16))
        .collect();
    for caller in 0..3 {
        for callee in (0..3).filter(|callee| *callee != caller) {
            call(&exchange, &phones, caller, callee);
        }
    }
}

fn call(exchange: &Exchange, phones: &[Baresip], caller: usize, callee: usize) {
    let names = format!("{:?} calls {:?}", OVER[caller], OVER[callee]);
    let before = [phones[caller].heard().len(), phones[callee].heard().len()];
    phones[caller].dial(USERS[callee].1);
    for (own, other, calls) in [(caller, callee, before[0]), (callee, caller, before[1])] {
        await_within(Duration::from_secs(15), &format!("{names}: the tone of {}", USERS[other].0), || {
            let heard = phones[own].heard();
            heard.get(calls).is_some_and(|sound| seconds_of(sound, TONES[other]) >= 1.0).then_some(())
        });
    }
    // Both ends take their turn at hanging up.
    phones[if caller < callee { caller } else { callee }].hang_up();
    exchange.await_calls(0);
    for phone in [caller, callee] {
        let calls = phones[phone].heard().len();
        await_until(&format!("{names}: both to have hung up"), || {
            (phones[phone].ended() == calls).then_some(())
        });
    }
}
