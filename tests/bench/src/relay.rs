//! A relayed RTP packet, beside the bare system calls.
//!
//! Both sides run in one thread with mio over the same number of sockets and relay
//! the same packets in the same pace; the measure is the thread's own CPU time as the
//! kernel counts it. The bare loop knows where to send and does nothing else.

use std::{
    collections::BTreeSet,
    fs,
    net::{SocketAddr, UdpSocket as Plain},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use jackfield::{
    config::PortRange,
    rtp,
    shard::{Clock, Gate},
};
use jackfield_media::{Codec, Command, Lease, LegId, OpusFormat, Params, Rtcp, Security, Tones};
use jackfield_switch::Input;
use mio::{Events, Interest, Poll, Token, Waker, net::UdpSocket};

use crate::{cpu, report::Figure};

/// Calls at once, each with two legs and packets one way on both.
const CALLS: usize = 100;
const PACKETS_PER_SECOND: u32 = 10_000;
const MEASURED: Duration = Duration::from_secs(4);
const ROUNDS: usize = 3;

pub(crate) fn figures() -> Vec<Figure> {
    let (mut ours, mut bare) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        bare = bare.min(measure_bare());
        ours = ours.min(measure_worker());
    }
    vec![Figure::new("relay_packet", ours, "us").beside("bare mio loop", bare).target(bare * 1.3)]
}

/// The phones of all calls: sockets that send and receive.
struct Phones(Vec<Plain>);

impl Phones {
    #[expect(clippy::disallowed_methods, reason = "the phones of this benchmark")]
    fn new() -> Phones {
        let bind = |_| Plain::bind("127.0.0.1:0").expect("a loopback port is free");
        Phones((0..CALLS * 2).map(bind).collect())
    }

    fn address(&self, index: usize) -> SocketAddr {
        self.0[index].local_addr().expect("a bound socket has an address")
    }

    /// Sends for the measured time to `ports` (one for each phone) while `meter`
    /// counts; returns CPU microseconds per packet.
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures and paces time")]
    fn run(&self, ports: &[SocketAddr], tid: u64, relayed: &AtomicU64) -> f64 {
        for (phone, port) in self.0.iter().zip(ports) {
            phone.connect(port).expect("loopback can be reached");
        }
        let mut packet = [0x55_u8; 172];
        packet[..2].copy_from_slice(&[0x80, 8]);
        packet[8..12].copy_from_slice(&7_u32.to_be_bytes());
        let mut sequence = 0_u16;
        let mut send_all = |from: Instant, total: u32| {
            let mut sent = 0;
            while sent < total {
                let due = (from.elapsed().as_secs_f64() * f64::from(PACKETS_PER_SECOND)) as u32;
                while sent < due.min(total) {
                    let index = sent as usize % self.0.len();
                    if index == 0 {
                        sequence = sequence.wrapping_add(1);
                    }
                    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
                    packet[4..8].copy_from_slice(&(u32::from(sequence) * 160).to_be_bytes());
                    let _ = self.0[index].send(&packet);
                    sent += 1;
                }
                thread::sleep(Duration::from_micros(500));
            }
        };
        // The first packets latch.
        send_all(Instant::now(), PACKETS_PER_SECOND / 4);
        thread::sleep(Duration::from_millis(100));
        self.drain();
        let (cpu, count) = (cpu::of_thread(tid), self.received(relayed));
        send_all(Instant::now(), PACKETS_PER_SECOND * MEASURED.as_secs() as u32);
        thread::sleep(Duration::from_millis(200));
        let packets = self.received(relayed) - count;
        let expected = u64::from(PACKETS_PER_SECOND) * MEASURED.as_secs();
        assert!(packets > expected * 9 / 10, "only {packets} of {expected} packets were relayed");
        (cpu::of_thread(tid) - cpu).as_secs_f64() * 1e6 / packets as f64
    }

    fn received(&self, counter: &AtomicU64) -> u64 {
        counter.fetch_add(self.drain(), Ordering::Relaxed);
        counter.load(Ordering::Relaxed)
    }

    fn drain(&self) -> u64 {
        let mut buffer = [0; 2048];
        let mut count = 0;
        for phone in &self.0 {
            phone.set_nonblocking(true).expect("a socket can be made non-blocking");
            while phone.recv(&mut buffer).is_ok() {
                count += 1;
            }
        }
        count
    }
}

/// Our media worker: every call is two legs, bridged.
fn measure_worker() -> f64 {
    let phones = Phones::new();
    let gate = Gate::new().expect("a poll can be made");
    let options = rtp::Options {
        address: [127, 0, 0, 1].into(),
        ports: PortRange { first: 30_000, last: 39_999 },
        workers: 1,
        media_timeout: Duration::ZERO,
        max_legs: CALLS * 2,
        tapes: None,
    };
    let before = threads("media-0");
    let workers = rtp::start(&options, Clock::start(), &gate.inbox(), 1).expect("media ports are free");
    let tid = new_thread("media-0", &before);

    let mut ports = Vec::new();
    let mut leases: Vec<Lease> = Vec::new();
    for index in 0..CALLS * 2 {
        while leases.is_empty() {
            if let Some(Input::Leases(more)) = gate.next_input(Duration::from_secs(5)) {
                leases = more;
            }
        }
        let lease = leases.remove(0);
        let params = Params {
            codec: Codec::Pcma,
            payload_type: 8,
            opus: OpusFormat::default(),
            dtmf: Some(101),
            dtmf_clock: 8000,
            tones: Tones::default(),
            rtcp: Rtcp::Apart(None),
            remote: Some(phones.address(index)),
            peer: None,
            send: true,
            receive: true,
            security: Security::Plain,
        };
        workers[0].send(Command::Open { leg: LegId(index as u64), port: lease.port, params: Some(params) });
        if index % 2 == 1 {
            workers[0].send(Command::Bridge { a: LegId(index as u64 - 1), b: LegId(index as u64) });
        }
        ports.push(SocketAddr::from(([127, 0, 0, 1], lease.number)));
    }
    phones.run(&ports, tid, &AtomicU64::new(0))
}

/// The same poll call over the same number of sockets, `recv` and `send`.
fn measure_bare() -> f64 {
    let phones = Phones::new();
    let any = || "127.0.0.1:0".parse().expect("an address");
    let mut sockets: Vec<UdpSocket> =
        (0..CALLS * 2).map(|_| UdpSocket::bind(any()).expect("a loopback port is free")).collect();
    let ports: Vec<SocketAddr> =
        sockets.iter().map(|socket| socket.local_addr().expect("a bound socket has an address")).collect();
    let mut poll = Poll::new().expect("a poll can be made");
    for (index, socket) in sockets.iter_mut().enumerate() {
        socket.connect(phones.address(index)).expect("loopback can be reached");
        poll.registry().register(socket, Token(index), Interest::READABLE).expect("a socket can be polled");
    }
    let waker = Waker::new(poll.registry(), Token(usize::MAX)).expect("a waker can be made");
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let bare = move || {
        let mut events = Events::with_capacity(1024);
        let mut buffer = [0; 2048];
        while !stopped.load(Ordering::Relaxed) {
            let _ = poll.poll(&mut events, None);
            for event in events.iter().filter(|event| event.token() != Token(usize::MAX)) {
                let index = event.token().0;
                while let Ok(length) = sockets[index].recv(&mut buffer) {
                    let _ = sockets[index ^ 1].send(&buffer[..length]);
                }
            }
        }
    };
    let before = threads("bare");
    let thread = thread::Builder::new().name("bare".to_owned()).spawn(bare).expect("a thread can be started");
    let tid = new_thread("bare", &before);
    let cpu = phones.run(&ports, tid, &AtomicU64::new(0));
    stop.store(true, Ordering::Relaxed);
    waker.wake().expect("a waker can wake");
    thread.join().expect("the bare loop has no bug to panic of");
    cpu
}

/// The thread of that name that was not among those `before`. It gives itself the name when it begins.
#[expect(clippy::disallowed_methods, reason = "a thread begins in real time")]
fn new_thread(name: &str, before: &BTreeSet<u64>) -> u64 {
    for _ in 0..1000 {
        if let Some(tid) = threads(name).difference(before).next() {
            return *tid;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("the thread {name} has not begun in a second");
}

/// The threads of this process with that name; those of former rounds may still be ending.
fn threads(name: &str) -> BTreeSet<u64> {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux lists the threads of a process");
    tasks
        .filter_map(Result::ok)
        .filter(|task| fs::read_to_string(task.path().join("comm")).is_ok_and(|comm| comm.trim() == name))
        .filter_map(|task| task.file_name().to_str()?.parse().ok())
        .collect()
}
