//! A media worker with real sockets on loopback, driven as the switch drives it.

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

struct Worker {
    gate: Gate,
    handle: Handle,
    leases: Vec<Lease>,
}

impl Worker {
    /// With two sockets and no more.
    fn start(ports: PortRange) -> Worker {
        let gate = Gate::new().expect("a poll can be made");
        let options = rtp::Options {
            address: [127, 0, 0, 1].into(),
            ports,
            workers: 1,
            media_timeout: Duration::ZERO,
            max_legs: 10,
            tapes: None,
        };
        let handles = rtp::start(&options, Clock::start(), &gate.inbox(), 1);
        let handle = handles.expect("the ports are free").remove(0);
        let Some(Input::Leases(leases)) = gate.next_input(WAIT) else {
            panic!("sockets are lent at the start")
        };
        assert_eq!(leases.len(), 2);
        Worker { gate, handle, leases }
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
        let Lease { port, number, .. } = self.leases[lease];
        self.handle.send(Command::Open { leg: LegId(leg), port, params: Some(params) });
        ([127, 0, 0, 1], number).into()
    }

    fn close(&self, leg: u64) {
        self.handle.send(Command::Close { leg: LegId(leg) });
        self.await_event(|event| matches!(event, Event::Closed { leg: LegId(closed), .. } if *closed == leg));
    }

    fn await_event(&self, wanted: impl Fn(&Event) -> bool) {
        loop {
            match self.gate.next_input(WAIT) {
                Some(Input::Media { event, .. }) if wanted(&event) => return,
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
    let worker = Worker::start(PortRange { first: 19_300, last: 19_303 });
    for call in 0..3 {
        let (alice, bob) = (phone(), phone());
        let (a, b) = (2 * call, 2 * call + 1);
        let to_alice = worker.open(a, 0, &alice);
        worker.open(b, 1, &bob);
        worker.handle.send(Command::Bridge { a: LegId(a), b: LegId(b) });
        assert_eq!(speak(&alice, to_alice, call as u8, &bob), call as u8);
        worker.close(a);
        worker.close(b);
        // The former caller does not stop: the next one does not hear it.
        alice.send_to(&packet(251, 99), to_alice).unwrap();
    }
}

#[test]
fn a_worker_that_is_let_go_of_frees_its_ports() {
    let ports = PortRange { first: 19_310, last: 19_313 };
    for _ in 0..20 {
        drop(Worker::start(ports));
        let deadline = Instant::now() + WAIT;
        while UdpSocket::bind(("127.0.0.1", ports.first)).is_err() {
            assert!(Instant::now() < deadline, "the worker has not ended");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
