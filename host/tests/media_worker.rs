//! Media workers with real sockets on loopback, driven as the switch drives them.

#![expect(clippy::disallowed_methods, reason = "the phones of this test are sockets, and wait in real time")]

use std::{
    net::{SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use jackfield::{
    config::PortRange,
    rtp::{self, Handle},
    shard::{Clock, Gate},
};
use jackfield_media::{Codec, Command, Event, Lease, LegId, OpusFormat, Params, Rtcp, Security, Tones};
use jackfield_switch::Input;

const WAIT: Duration = Duration::from_secs(10);

struct Workers {
    gate: Gate,
    handles: Vec<Handle>,
    /// By their numbers.
    leases: Vec<Lease>,
}

impl Workers {
    /// With as many sockets as the ports have room for.
    fn start(workers: u16, ports: PortRange) -> Workers {
        let gate = Gate::new().expect("a poll can be made");
        let options = rtp::Options {
            address: [127, 0, 0, 1].into(),
            ports,
            workers,
            media_timeout: Duration::ZERO,
            max_legs: 10,
            tapes: None,
        };
        let handles = rtp::start(&options, Clock::start(), &gate.inbox(), 1).expect("the ports are free");
        let mut leases: Vec<Lease> = (0..workers)
            .flat_map(|_| match gate.next_input(WAIT) {
                Some(Input::Leases(leases)) => leases,
                other => panic!("sockets are lent at the start, not {other:?}"),
            })
            .collect();
        leases.sort_by_key(|lease| lease.number);
        assert_eq!(leases.len(), usize::from(ports.last - ports.first).div_ceil(2));
        Workers { gate, handles, leases }
    }

    fn open(&self, leg: u64, lease: usize, phone: &UdpSocket) -> SocketAddr {
        let params = Params {
            codec: Codec::Pcma,
            payload_type: 8,
            opus: OpusFormat::default(),
            dtmf: None,
            dtmf_clock: 8000,
            tones: Tones::default(),
            rtcp: Rtcp::Apart(None),
            remote: Some(phone.local_addr().expect("it is bound")),
            peer: None,
            local: None,
            send: true,
            receive: true,
            security: Security::Plain,
        };
        let Lease { worker, port, number } = self.leases[lease];
        self.handles[usize::from(worker.0)].send(Command::Open {
            leg: LegId(leg),
            port,
            params: Some(params),
        });
        ([127, 0, 0, 1], number).into()
    }

    fn bridge(&self, worker: usize, a: u64, b: u64) {
        self.handles[worker].send(Command::Bridge { a: LegId(a), b: LegId(b) });
    }

    /// What the leg has received; the worker must be the one that has it.
    fn close(&self, worker: usize, leg: u64) -> u64 {
        self.handles[worker].send(Command::Close { leg: LegId(leg) });
        loop {
            match self.gate.next_input(WAIT) {
                Some(Input::Media { worker: by, event: Event::Closed { leg: closed, stats, .. } })
                    if closed == LegId(leg) =>
                {
                    assert_eq!(usize::from(by.0), worker);
                    return stats.packets_received;
                }
                Some(Input::Media { .. }) => {}
                other => panic!("an event of the session, not {other:?}"),
            }
        }
    }
}

fn phone() -> UdpSocket {
    let phone = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    phone.set_read_timeout(Some(Duration::from_millis(20))).expect("it is not zero");
    phone
}

/// One 20 ms packet of A-law.
fn packet(sequence: u8, payload: u8) -> [u8; 172] {
    let mut packet = [payload; 172];
    packet[..12].copy_from_slice(&[0x80, 8, 0, sequence, 0, 0, sequence, 0, 0, 0, 0, 7]);
    packet
}

/// Speaks every 20 ms until the other one hears something, and returns that.
fn speak(from: &UdpSocket, to: SocketAddr, payload: u8, listener: &UdpSocket) -> u8 {
    let mut heard = [0; 200];
    for sequence in 0..250 {
        from.send_to(&packet(sequence, payload), to).expect("loopback takes it");
        if let Ok(length) = listener.recv(&mut heard) {
            assert_eq!(length, 172);
            return heard[171];
        }
    }
    panic!("nothing was heard for 5 s");
}

#[test]
fn a_socket_serves_the_next_call_as_it_served_the_former_one() {
    let worker = Workers::start(1, PortRange { first: 19_300, last: 19_303 });
    for call in 0..3 {
        let (alice, bob) = (phone(), phone());
        let (a, b) = (2 * call, 2 * call + 1);
        let to_alice = worker.open(a, 0, &alice);
        worker.open(b, 1, &bob);
        worker.bridge(0, a, b);
        assert_eq!(speak(&alice, to_alice, call as u8, &bob), call as u8);
        worker.close(0, a);
        worker.close(0, b);
        // The former caller does not stop: the next one does not hear it.
        alice.send_to(&packet(251, 99), to_alice).unwrap();
    }
}

#[test]
fn a_leg_that_moves_keeps_its_port_and_not_one_packet_is_lost() {
    let workers = Workers::start(2, PortRange { first: 19_320, last: 19_327 });
    let (alice, bob) = (phone(), phone());
    let (to_alice, to_bob) = (workers.open(1, 0, &alice), workers.open(2, 1, &bob));
    // What comes before a leg is open is not for it: once a later leg of the worker is gone, this one is open.
    assert_eq!(workers.leases[0].worker, workers.leases[2].worker);
    workers.open(3, 2, &bob);
    workers.close(0, 3);
    for round in 0..50 {
        // What is sent before, while and after the leg goes back and forth.
        let (from, to) = (round % 2, 1 - round % 2);
        alice.send_to(&packet(3 * round as u8, 1), to_alice).unwrap();
        workers.handles[from].hand_over(LegId(1), &workers.handles[to]);
        alice.send_to(&packet(3 * round as u8 + 1, 1), to_alice).unwrap();
        if round % 2 == 0 {
            workers.bridge(1, 1, 2);
            assert_eq!(speak(&bob, to_bob, 7, &alice), 7);
            while alice.recv(&mut [0; 200]).is_ok() {}
        }
        alice.send_to(&packet(3 * round as u8 + 2, 1), to_alice).unwrap();
    }
    // All that was sent has been read when a later packet is.
    workers.handles[0].hand_over(LegId(1), &workers.handles[1]);
    workers.bridge(1, 1, 2);
    while bob.recv(&mut [0; 200]).is_ok() {}
    alice.send_to(&packet(150, 99), to_alice).unwrap();
    let mut heard = [0; 200];
    while bob.recv(&mut heard).expect("it is heard") == 172 && heard[171] != 99 {}
    assert_eq!(workers.close(1, 1), 151);
    workers.close(1, 2);
}

#[test]
fn two_workers_hand_legs_to_each_other_at_once() {
    let workers = Workers::start(2, PortRange { first: 19_330, last: 19_337 });
    let phones = [(); 4].map(|()| phone());
    for (index, phone) in phones.iter().enumerate() {
        workers.open(index as u64, index, phone);
    }
    let mut place: Vec<usize> = workers.leases.iter().map(|lease| usize::from(lease.worker.0)).collect();
    for round in 0..2_000 {
        let leg = round * 7 % 4;
        let (from, to) = (place[leg], 1 - place[leg]);
        workers.handles[from].hand_over(LegId(leg as u64), &workers.handles[to]);
        place[leg] = to;
    }
    // One that there is not does not hold anybody up.
    workers.handles[0].hand_over(LegId(77), &workers.handles[1]);
    for (leg, worker) in place.into_iter().enumerate() {
        workers.close(worker, leg as u64);
    }
}

#[test]
fn a_worker_that_is_let_go_of_frees_its_ports() {
    let ports = PortRange { first: 19_310, last: 19_313 };
    for _ in 0..20 {
        drop(Workers::start(1, ports));
        let deadline = Instant::now() + WAIT;
        while UdpSocket::bind(("127.0.0.1", ports.first)).is_err() {
            assert!(Instant::now() < deadline, "the worker has not ended");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
