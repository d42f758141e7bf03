//! The phones of all calls: sockets that send and receive in real time.

use std::{
    net::{SocketAddr, UdpSocket},
    thread,
    time::{Duration, Instant},
};

use super::scene::{LATCHING, MEASURED, PER_PHONE, Scene};
use crate::cpu;

/// Packets of different phones that are sent at once: how many wait when the relay wakes up is part of the price.
const AT_ONCE: u32 = 5;

pub(super) struct Phones<'a> {
    scene: &'a Scene,
    sockets: Vec<UdpSocket>,
    /// Those who speak, and how many of its packets each has sent.
    speakers: Vec<(usize, usize)>,
    turn: usize,
    heard: Vec<Vec<Vec<u8>>>,
}

impl Phones<'_> {
    #[expect(clippy::disallowed_methods, reason = "the phones of this benchmark")]
    pub(super) fn new(scene: &Scene) -> Phones<'_> {
        let bind = |_| UdpSocket::bind("127.0.0.1:0").expect("a loopback port is free");
        Phones {
            scene,
            sockets: (0..scene.legs()).map(bind).collect(),
            speakers: scene.speakers().map(|speaker| (speaker, 0)).collect(),
            turn: 0,
            heard: vec![Vec::new(); scene.legs()],
        }
    }

    pub(super) fn address(&self, index: usize) -> SocketAddr {
        self.sockets[index].local_addr().expect("a bound socket has an address")
    }

    /// What each of them has heard.
    pub(super) fn heard(&self) -> &[Vec<Vec<u8>>] {
        &self.heard
    }

    /// Sends for the measured time to `ports`, one for each phone, while the thread `tid` relays; its CPU
    /// microseconds for a packet.
    #[expect(clippy::disallowed_methods, reason = "a benchmark waits in real time")]
    pub(super) fn run(&mut self, ports: &[SocketAddr], tid: u64) -> f64 {
        for (phone, port) in self.sockets.iter().zip(ports) {
            phone.connect(port).expect("loopback can be reached");
            phone.set_nonblocking(true).expect("a socket can be made non-blocking");
        }
        self.send_for(LATCHING);
        thread::sleep(Duration::from_millis(100));
        self.drain();
        let (cpu, before) = (cpu::of_thread(tid), self.count());
        let sent = self.send_for(MEASURED);
        thread::sleep(Duration::from_millis(200));
        let cpu = cpu::of_thread(tid) - cpu;
        self.drain();
        let packets = self.count() - before;
        assert!(packets > sent * 9 / 10, "only {packets} of {sent} packets were relayed");
        cpu.as_secs_f64() * 1e6 / packets as f64
    }

    /// Each speaker sends its packets in their pace, in turns with the others; how many they were.
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures and paces time")]
    fn send_for(&mut self, time: Duration) -> usize {
        let per_second = self.speakers.len() as u32 * PER_PHONE;
        let total = (time.as_secs_f64() * f64::from(per_second)) as u32;
        let start = Instant::now();
        let mut sent = 0;
        while sent < total {
            let due = (start.elapsed().as_secs_f64() * f64::from(per_second)) as u32;
            while sent < due.min(total) {
                self.send_next();
                sent += 1;
            }
            thread::sleep(Duration::from_secs(1) * AT_ONCE / per_second);
        }
        total as usize
    }

    fn send_next(&mut self) {
        let (phone, number) = &mut self.speakers[self.turn];
        let _ = self.sockets[*phone].send(&self.scene.packets(*phone)[*number]);
        *number += 1;
        self.turn = (self.turn + 1) % self.speakers.len();
    }

    fn count(&self) -> usize {
        self.heard.iter().map(Vec::len).sum()
    }

    fn drain(&mut self) {
        let mut buffer = [0; 2048];
        for (phone, heard) in self.sockets.iter().zip(&mut self.heard) {
            while let Ok(length) = phone.recv(&mut buffer) {
                heard.push(buffer[..length].to_vec());
            }
        }
    }
}
