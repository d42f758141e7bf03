//! Phones behind NATs call each other with nothing configured, and who sprays their media ports wins nothing.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    process::Command,
    time::Duration,
};

use jackfield_tests::{
    Exchange, Site,
    audio::{level, seconds_of},
    await_within,
    baresip::{Baresip, Over},
    exchange::USERS,
    netns::{self, Home},
    process::{Running, run},
};

const TONES: [f32; 2] = [1000.0, 1300.0];
const ANYBODY: &str = "[routes]\n\"10X\" = { user = \"*\" }\n";

/// What passes a link, as tshark sees it.
pub struct Capture {
    file: PathBuf,
    running: Running,
}

impl Capture {
    pub fn start(exchange: &Exchange, link: &str) -> Capture {
        let file = exchange.site().beside(&format!("{link}.pcapng"));
        let log = exchange.site().beside(&format!("{link}.log"));
        let mut command = Command::new("tshark");
        command.args(["-q", "-i", link, "-w"]).arg(&file);
        let running = Running::start(&mut command, &log);
        await_within(Duration::from_secs(30), "tshark to listen", || {
            fs::read_to_string(&log).unwrap_or_default().contains("File:").then_some(())
        });
        Capture { file, running }
    }

    /// Ends it; what tshark says of the file with these arguments.
    pub fn read(&mut self, arguments: &[&str]) -> String {
        self.running.signal("INT");
        await_within(Duration::from_secs(30), "tshark to end", || self.running.ended());
        self.again(arguments)
    }

    /// What tshark says of the file, once it is ended.
    pub fn again(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("tshark");
        command.arg("-r").arg(&self.file).args(arguments);
        run(&mut command, b"").expect_good()
    }
}

/// RTP of one SSRC from one port to another.
#[derive(Debug)]
pub struct Stream {
    pub from: SocketAddr,
    pub to: SocketAddr,
    /// Percent of its packets that are missing.
    pub lost: String,
}

/// The RTP streams of a link.
pub fn streams(table: &str) -> Vec<Stream> {
    table
        .lines()
        .filter(|line| line.contains("0x"))
        .map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let ssrc = columns.iter().position(|column| column.starts_with("0x")).unwrap();
            let address =
                |at: usize| SocketAddr::new(columns[at].parse().unwrap(), columns[at + 1].parse().unwrap());
            let lost = line.split_once('%').and_then(|(before, _)| before.rsplit_once('(')).unwrap().1;
            Stream { from: address(ssrc - 4), to: address(ssrc - 2), lost: lost.trim().to_owned() }
        })
        .collect()
}

#[test]
fn two_phones_behind_two_nats_call_each_other_with_nothing_configured() {
    if !netns::inside("nat::two_phones_behind_two_nats_call_each_other_with_nothing_configured") {
        return;
    }
    let homes = [Home::behind_nat(1), Home::behind_nat(2)];
    let links = [homes[0].link(), homes[1].link()];
    let exchange = Site::at(netns::PUBLIC.parse().unwrap(), ANYBODY).start();
    let mut captures = links.map(|link| Capture::start(&exchange, &link));
    let phones: Vec<Baresip> = homes
        .into_iter()
        .enumerate()
        .map(|(index, home)| Baresip::start_in(home, &exchange, USERS[index].0, Over::Udp, TONES[index]))
        .collect();
    for (call, (caller, callee)) in [(0, 1), (1, 0)].into_iter().enumerate() {
        phones[caller].dial(USERS[callee].1);
        phones[caller].await_tone(call, TONES[callee], 2.0);
        phones[callee].await_tone(call, TONES[caller], 2.0);
        // Within the call the way back is known too: it is the callee's BYE that ends it, then the caller's.
        phones[1].hang_up();
        exchange.await_calls(0);
    }
    for capture in &mut captures {
        let table = capture.read(&["-q", "--enable-heuristic", "rtp_udp", "-z", "rtp,streams"]);
        let streams = streams(&table);
        assert_eq!(streams.len(), 4, "two calls, both ways:\n{table}");
        assert!(streams.iter().all(|stream| stream.lost == "0.0"), "{table}");
        let public: IpAddr = netns::PUBLIC.parse().unwrap();
        let to_exchange = streams.iter().filter(|stream| stream.to.ip() == public).count();
        assert_eq!(to_exchange, 2, "{table}");
    }
}

/// Sends RTP with a tone of its own, and RTCP, to every port of the calls, 50 times a second.
const ATTACK: &str = "
import socket, struct, sys, time
host, first = sys.argv[1], int(sys.argv[2])
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
tone = bytes(0x2a if n // 10 % 2 else 0xaa for n in range(160))
report = struct.pack('!BBHIIIIII', 0x80, 200, 6, 7, 0, 0, 0, 0, 0)
for n in range(1000000):
    packet = struct.pack('!BBHII', 0x80, 8, n % 65536, n * 160 % 2**32, 0x66666666) + tone
    for port in range(first, first + 40):
        sender.sendto(report if port % 2 else packet, (host, port))
    time.sleep(0.02)
";

#[test]
fn who_sprays_the_media_ports_gets_not_one_packet_and_is_not_heard() {
    if !netns::inside("nat::who_sprays_the_media_ports_gets_not_one_packet_and_is_not_heard") {
        return;
    }
    let (hidden, public, attacker) = (Home::behind_nat(1), Home::public(2), Home::public(3));
    let link = attacker.link();
    let exchange = Site::at(netns::PUBLIC.parse().unwrap(), ANYBODY).start();
    let mut capture = Capture::start(&exchange, &link);
    let first = exchange.site().media_port().to_string();
    let mut attack = attacker.command("python3");
    attack.args(["-c", ATTACK, netns::PUBLIC, &first]);
    let mut attack = Running::start(&mut attack, &exchange.site().beside("attack.log"));
    let phones = [(hidden, 0), (public, 1)]
        .map(|(home, index)| Baresip::start_in(home, &exchange, USERS[index].0, Over::Udp, TONES[index]));
    for (call, (caller, callee)) in [(0, 1), (1, 0)].into_iter().enumerate() {
        phones[caller].dial(USERS[callee].1);
        phones[caller].await_tone(call, TONES[callee], 3.0);
        phones[callee].await_tone(call, TONES[caller], 3.0);
        phones[caller].hang_up();
        exchange.await_calls(0);
    }
    assert!(attack.ended().is_none(), "the attack goes on");
    for (phone, other) in [(&phones[0], TONES[1]), (&phones[1], TONES[0])] {
        for sound in phone.heard() {
            // From its first sound to its last, the phone heard the other one and nobody else.
            let loud: Vec<i16> =
                sound.chunks_exact(800).filter(|window| level(window) > -40.0).flatten().copied().collect();
            assert_eq!(seconds_of(&loud, 400.0), 0.0);
            let (own, all) = (seconds_of(&loud, other), loud.len() as f32 / 8000.0);
            assert!(own >= all - 0.35, "{own} s of {all} s are the other phone's");
        }
    }
    let sprayed = capture.read(&["-Y", "udp && ip.src == 198.51.100.3"]);
    assert!(sprayed.lines().count() > 1000, "the attack was one");
    assert_eq!(capture.again(&["-Y", "udp && !icmp && ip.dst == 198.51.100.3"]), "");
}
