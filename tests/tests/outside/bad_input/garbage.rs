//! Garbage on every transport, while phones talk.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream, UdpSocket},
    process::Command,
    thread,
    time::Duration,
};

use jackfield_tests::{Exchange, Phone, phone::Call, process::run};

use super::{CONFIG, LIMIT, assert_calm};
use crate::calls::assert_talk;

/// What an exchange may hold on to after all of it.
const ROOM_KIB: u64 = 64 << 10;
const SECOND: Duration = Duration::from_secs(1);

/// Bytes that look random and are the same in each run (xorshift).
struct Noise(u64);

impl Noise {
    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let byte = |_| {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 32) as u8
        };
        (0..length).map(byte).collect()
    }
}

fn request(method: &str, more: &str, body: &str) -> String {
    format!(
        "{method} sip:101@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKgarbage{method}\r\n\
         From: <sip:nobody@127.0.0.1>;tag=1\r\nTo: <sip:101@127.0.0.1>\r\nCall-ID: garbage\r\nCSeq: 1 {method}\r\n\
         Max-Forwards: 70\r\n{more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Whole messages in which something is wrong.
fn crooked() -> Vec<Vec<u8>> {
    let many = "X-Much: more\r\n".repeat(500);
    let long = format!("X-Long: {}\r\n", "a".repeat(60_000));
    let folded = format!("X-Fold: a{}\r\n", "\r\n b".repeat(10_000));
    let commas = format!("Contact: {}\r\n", "<sip:a@b>,".repeat(5000));
    let mut messages: Vec<Vec<u8>> = [&many, &long, &folded, &commas, "Content-Length: 4294967296\r\n"]
        .iter()
        .flat_map(|more| {
            ["INVITE", "REGISTER", "OPTIONS", "ACK", "BYE"].map(|method| request(method, more, ""))
        })
        .map(String::into_bytes)
        .collect();
    let texts = [
        "INVITE".to_owned(),
        "INVITE sip:101@127.0.0.1 SIP/2.0\r\n\r\n".to_owned(),
        "INVITE sip: SIP/2.0\r\nVia: ;;;,,,\r\nCSeq: 99999999999999999999 INVITE\r\n\r\n".to_owned(),
        "SIP/2.0 200 OK\r\n\r\n".to_owned(),
        "SIP/2.0 999999999999 \r\nVia: SIP/2.0/UDP x\r\n\r\n".to_owned(),
        "\r\n\r\n\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        request("INVITE", "Content-Type: application/sdp\r\n", "v=0\r\nm=audio 99999999 RTP/AVP 8\r\n"),
        request("INVITE", "Content-Type: application/sdp\r\n", &"a".repeat(60_000)),
        request("REGISTER", "Authorization: Digest ,,,username=\"\r\nContact: *\r\nExpires: -1\r\n", ""),
        request("\0\0\0", "", ""),
    ];
    messages.extend(texts.map(String::into_bytes));
    messages
}

/// Noise, crooked messages, and beginnings of a good one.
fn garbage() -> Vec<Vec<u8>> {
    let mut noise = Noise(0x7ac4_f1e1d);
    let mut all: Vec<Vec<u8>> = (1..200).map(|n| noise.bytes(n * 7)).collect();
    all.extend([1400, 8000, 65_000].map(|length| noise.bytes(length)));
    all.extend([vec![0; 5000], vec![0xff; 5000], vec![b'\n'; 5000], vec![b':'; 5000]]);
    let whole = request("OPTIONS", "", "").into_bytes();
    all.extend((1..whole.len()).step_by(5).map(|length| whole[..length].to_vec()));
    // A byte of each good message is another one.
    all.extend((0..whole.len()).map(|at| {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x80;
        flipped
    }));
    all.extend(crooked());
    all
}

/// Two phones that talk over the exchange while something happens to it.
struct Talk {
    exchange: Exchange,
    phones: [Phone; 2],
    calls: [Call; 2],
    kib: u64,
}

impl Talk {
    fn start() -> Talk {
        let mut exchange = Exchange::start(CONFIG);
        let alice = Phone::registered(&exchange, "alice");
        let mut bob = Phone::tcp(&exchange, "bob");
        bob.register();
        let dialing = alice.dial("102");
        let there = bob.incoming().answer();
        let here = dialing.outcome(LIMIT).unwrap();
        assert_talk(&here, &there);
        let kib = resident_kib(&mut exchange);
        Talk { exchange, phones: [alice, bob], calls: [here, there], kib }
    }

    /// They still talk, nothing was lost meanwhile, and others can call.
    #[track_caller]
    fn assert_unharmed(mut self) {
        let [here, there] = &mut self.calls;
        assert_talk(here, there);
        let mut malcom = Phone::udp(&self.exchange, "malcom");
        malcom.register();
        assert_eq!(malcom.options(), 200);
        let dialing = malcom.dial("101");
        self.phones[0].incoming().answer().hang_up();
        dialing.outcome(LIMIT).unwrap().await_end(LIMIT);
        here.hang_up();
        self.exchange.await_calls(0);
        assert_calm(&self.exchange.log());
        let kib = resident_kib(&mut self.exchange);
        assert!(kib < self.kib + ROOM_KIB, "{} KiB before, {kib} KiB after", self.kib);
        self.exchange.stop();
    }
}

fn resident_kib(exchange: &mut Exchange) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", exchange.process().id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Writes to a TCP port until all is written or the other side has enough; then what it answered
/// before it closed, or None where it left the connection open.
fn pour(to: SocketAddr, pieces: impl IntoIterator<Item = Vec<u8>>) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(SECOND)).unwrap();
    for piece in pieces {
        if stream.write_all(&piece).is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
        // A reset: it closed while we were still writing.
        _ => Some(answer),
    }
}

#[test]
fn on_udp() {
    let talk = Talk::start();
    let to = talk.exchange.site().udp();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(SECOND)).unwrap();
    for bytes in garbage() {
        // What does not fit into a datagram cannot be sent.
        let _ = socket.send_to(&bytes, to);
        thread::sleep(Duration::from_micros(200));
    }
    // What can be answered is.
    let asks = UdpSocket::bind("127.0.0.1:0").unwrap();
    asks.set_read_timeout(Some(LIMIT)).unwrap();
    let without_from = request("INVITE", "", "").replace("From: ", "X-From: ");
    asks.send_to(without_from.as_bytes(), to).unwrap();
    let mut buffer = [0; 2048];
    let length = asks.recv(&mut buffer).unwrap();
    let answer = String::from_utf8_lossy(&buffer[..length]);
    assert!(answer.starts_with("SIP/2.0 400 "), "{answer}");
    talk.assert_unharmed();
}

#[test]
fn on_tcp() {
    let talk = Talk::start();
    let to = talk.exchange.site().tcp();
    // All of it in one stream: at the first that is no message it is closed.
    let one_after_another = pour(to, garbage());
    assert!(one_after_another.is_some(), "closed");
    for bytes in crooked() {
        pour(to, [bytes]);
    }

    // A head without an end, a body without an end, no length at all.
    let endless = |start: &str| {
        let more = std::iter::repeat_n(vec![b'a'; 1 << 20], 32);
        pour(to, std::iter::once(start.as_bytes().to_vec()).chain(more))
    };
    for (start, why) in [
        ("OPTIONS sip:a@b SIP/2.0\r\nX-Endless: ", "headers of a message are longer than 64 KiB"),
        (
            "OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 99999999\r\n\r\n",
            "body of a message is longer than 64 KiB",
        ),
        ("OPTIONS sip:a@b SIP/2.0\r\nContent-Length: -1\r\n\r\n", "has a bad Content-Length"),
        ("OPTIONS sip:a@b SIP/2.0\r\n\r\n", "has no Content-Length"),
    ] {
        assert!(endless(start).is_some(), "closed: {why}");
        talk.exchange.await_log(&["TCP", "closed", why]);
    }

    // Slow, but right: a byte at a time. And one that says no more half-way.
    let half = request("OPTIONS", "", "");
    let mut silent = TcpStream::connect(to).unwrap();
    silent.write_all(&half.as_bytes()[..half.len() / 2]).unwrap();
    let mut slow = TcpStream::connect(to).unwrap();
    slow.set_nodelay(true).unwrap();
    slow.set_read_timeout(Some(LIMIT)).unwrap();
    for byte in request("OPTIONS", "", "").replace("/UDP", "/TCP").bytes() {
        slow.write_all(&[byte]).unwrap();
        thread::sleep(Duration::from_millis(2));
    }
    let mut buffer = [0; 2048];
    let length = slow.read(&mut buffer).unwrap();
    let answer = String::from_utf8_lossy(&buffer[..length]);
    assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
    talk.assert_unharmed();
    drop(silent);
}

#[test]
fn on_tls() {
    let talk = Talk::start();
    let to = talk.exchange.site().tls();
    let mut noise = Noise(0x1d_ea5);
    // Before the handshake.
    for bytes in
        [noise.bytes(2000), b"GET / HTTP/1.1\r\n\r\n".to_vec(), request("OPTIONS", "", "").into_bytes()]
    {
        assert!(pour(to, [bytes]).is_some(), "closed");
    }
    talk.exchange.await_log(&["TLS handshake failed", "127.0.0.1"]);
    let silent = TcpStream::connect(to).unwrap();

    // Within it.
    for bytes in [
        noise.bytes(200_000),
        vec![0; 200_000],
        [request("OPTIONS", "", ""), "a".repeat(200_000)].concat().into(),
    ] {
        let mut client = Command::new("openssl");
        client.args(["s_client", "-quiet", "-no_ign_eof", "-connect", &to.to_string()]);
        let said = run(&mut client, &bytes);
        assert!(said.err.contains("Jackfield authority"), "the handshake was good: {}", said.err);
    }
    talk.exchange.await_log(&["TLS", "closed", "headers of a message are longer than 64 KiB"]);
    talk.assert_unharmed();
    drop(silent);
}
