//! Foul weather in a network namespace of the test's own (see [`crate::netns`]): SIP that is lost, media that
//! is lost, late and out of order. It falls between the exchange and all telephones, each way.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    io,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use nfq::{Message, Queue, Verdict};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{Exchange, process::run};

const QUEUE: u16 = 1;

/// Every fifth packet of the exchange's SIP over UDP does not arrive.
#[track_caller]
pub fn lose_sip(exchange: &Exchange) {
    let port = exchange.site().udp().port().to_string();
    for side in ["--dport", "--sport"] {
        let every_fifth = ["-m", "statistic", "--mode", "nth", "--every", "5", "--packet", "4"];
        rule(&[["-p", "udp", side, port.as_str()].as_slice(), &every_fifth, &["-j", "DROP"]].concat());
    }
}

/// Of what each telephone sends to the exchange as media, every so manieth packet does not arrive.
#[track_caller]
pub fn lose_media(exchange: &Exchange, every: u32) {
    let ports = exchange.site().media_ports();
    let (first, last) = ports.split_once('-').expect("FIRST-LAST");
    let [first, last] = [first, last].map(|port| port.parse::<u16>().expect("a port"));
    // One rule, and so one count, for each port of RTP: two streams at one count would share it unevenly.
    let rules: String = (first..last)
        .step_by(2)
        .map(|port| {
            format!(
                "-A INPUT -p udp --dport {port} -m statistic --mode nth --every {every} --packet 9 -j DROP\n"
            )
        })
        .collect();
    let table = format!("*filter\n{rules}COMMIT\n");
    run(network_program("iptables-restore").arg("--noflush"), table.as_bytes()).expect_good();
}

/// Of the exchange's media, this share is lost, and each packet is late by up to `jitter` of its own: packets
/// overtake each other. The same seed loses the same packets.
#[track_caller]
pub fn disturb_media(exchange: &Exchange, loss: f64, jitter: Duration, seed: u64) {
    let ports = exchange.site().media_ports().replace('-', ":");
    let queue = QUEUE.to_string();
    for side in ["--dport", "--sport"] {
        rule(&["-p", "udp", side, &ports, "-j", "NFQUEUE", "--queue-num", &queue]);
    }
    let mut packets = Queue::open().expect("the kernel's queue of packets");
    packets.bind(QUEUE).expect("a queue of packets");
    packets.set_nonblocking(true);
    let mut disturbance = Disturbance {
        packets,
        waiting: BinaryHeap::new(),
        loss,
        jitter,
        random: StdRng::seed_from_u64(seed),
    };
    thread::spawn(move || {
        while disturbance.turn().is_ok() {
            thread::sleep(Duration::from_millis(1));
        }
    });
}

#[track_caller]
fn rule(words: &[&str]) {
    // The packets cross the loopback device, where each is seen once on its way in.
    run(network_program("iptables").args(["-A", "INPUT"]).args(words), b"").expect_good();
}

fn network_program(name: &str) -> Command {
    let mut command = Command::new(name);
    // Where users look for programs is not always where those of the network are.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command
}

struct Disturbance {
    packets: Queue,
    waiting: BinaryHeap<Reverse<Late>>,
    loss: f64,
    jitter: Duration,
    random: StdRng,
}

impl Disturbance {
    /// Takes what has come, and lets go what was late enough.
    fn turn(&mut self) -> io::Result<()> {
        loop {
            match self.packets.recv() {
                Ok(message) => self.take(message)?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        let now = Instant::now();
        while self.waiting.peek().is_some_and(|Reverse(late)| late.until <= now) {
            let Some(Reverse(mut late)) = self.waiting.pop() else { break };
            late.message.set_verdict(Verdict::Accept);
            self.packets.verdict(late.message)?;
        }
        Ok(())
    }

    fn take(&mut self, mut message: Message) -> io::Result<()> {
        if self.random.random_bool(self.loss) {
            message.set_verdict(Verdict::Drop);
            return self.packets.verdict(message);
        }
        let until = Instant::now() + self.jitter.mul_f64(self.random.random());
        self.waiting.push(Reverse(Late { until, message }));
        Ok(())
    }
}

struct Late {
    until: Instant,
    message: Message,
}

impl Ord for Late {
    fn cmp(&self, other: &Late) -> std::cmp::Ordering {
        self.until.cmp(&other.until)
    }
}

impl PartialOrd for Late {
    fn partial_cmp(&self, other: &Late) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Late {
    fn eq(&self, other: &Late) -> bool {
        self.until == other.until
    }
}

impl Eq for Late {}
