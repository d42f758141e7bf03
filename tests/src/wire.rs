//! What is on the wire of a test's network namespace (see [`crate::netns`]): tshark writes it down, libsrtp opens it.

use std::{net::SocketAddr, process::Command, thread, time::Duration};

use tempfile::TempDir;

use crate::{
    audio::Law,
    await_until,
    handset::text,
    process::{Running, run},
    python,
};

/// tshark, which writes down every datagram.
pub struct Capture {
    folder: TempDir,
    process: Running,
}

/// One direction of an encrypted session, opened with the key that the SIP of its sender told.
#[derive(Clone, Debug)]
pub struct Stream {
    /// The Call-ID of its leg.
    pub call: String,
    /// Of its sender.
    pub port: u16,
    /// The name of the suite in SDP.
    pub suite: String,
    /// Key and salt as in SDP.
    pub key: String,
    /// Packets of RTP, and how many of them libsrtp opened.
    pub rtp: [u64; 2],
    /// Those of RTCP.
    pub rtcp: [u64; 2],
    /// What was in them, if it was A-law.
    pub sound: Vec<i16>,
}

/// A packet of RTP whose session was told by SIP.
#[derive(Clone, Debug)]
pub struct RtpPacket {
    /// When it passed, Unix seconds.
    pub at: f64,
    /// Its sender.
    pub from: SocketAddr,
    /// Who it went to.
    pub to: SocketAddr,
    /// What it is, by its number.
    pub payload_type: u8,
    /// Its number.
    pub sequence: u16,
    /// Of its first sample.
    pub timestamp: u32,
    /// Of the codec.
    pub payload: Vec<u8>,
}

impl Capture {
    /// Of all that goes over the loopback interface from now on.
    #[track_caller]
    pub fn start() -> Capture {
        let folder = tempfile::Builder::new().prefix("wire-").tempdir().expect("a temporary folder");
        let log = folder.path().join("log");
        let mut command = Command::new("tshark");
        command.args(["-i", "lo", "-f", "udp", "-w"]).arg(folder.path().join("pcap"));
        let process = Running::start(&mut command, &log);
        await_until("tshark to listen", || text(&log).contains("Capture started").then_some(()));
        Capture { folder, process }
    }

    /// All encrypted streams whose keys were told by SIP over UDP.
    #[track_caller]
    pub fn streams(mut self) -> Vec<Stream> {
        self.stop();
        let said = run(python::script("wire.py").arg(self.folder.path().join("pcap")), b"").expect_good();
        said.lines().map(Stream::read).collect()
    }

    /// All packets of RTP over IPv4.
    #[track_caller]
    pub fn rtp(mut self) -> Vec<RtpPacket> {
        self.stop();
        let mut tshark = Command::new("tshark");
        tshark.arg("-r").arg(self.folder.path().join("pcap")).args(["-Y", "rtp", "-T", "fields"]);
        for field in [
            "frame.time_epoch",
            "ip.src",
            "udp.srcport",
            "ip.dst",
            "udp.dstport",
            "rtp.p_type",
            "rtp.seq",
            "rtp.timestamp",
            "rtp.payload",
        ] {
            tshark.args(["-e", field]);
        }
        run(&mut tshark, b"").expect_good().lines().map(RtpPacket::read).collect()
    }

    fn stop(&mut self) {
        // What it has not read yet of the kernel's buffer would be lost.
        thread::sleep(Duration::from_secs(1));
        self.process.signal("INT");
        self.process.wait(Duration::from_secs(20));
    }
}

impl RtpPacket {
    fn read(line: &str) -> RtpPacket {
        let fields: Vec<&str> = line.split('\t').collect();
        let [at, source, source_port, target, target_port, payload_type, sequence, timestamp, payload] =
            fields[..]
        else {
            panic!("tshark says {line:?}")
        };
        let address = |host: &str, port: &str| format!("{host}:{port}").parse().expect("an address");
        let octet = |at: usize| u8::from_str_radix(&payload[at..at + 2], 16).expect("hexadecimal digits");
        RtpPacket {
            at: at.parse().expect("seconds"),
            from: address(source, source_port),
            to: address(target, target_port),
            payload_type: payload_type.parse().expect("a type"),
            sequence: sequence.parse().expect("a number"),
            timestamp: timestamp.parse().expect("a timestamp"),
            payload: (0..payload.len()).step_by(2).map(octet).collect(),
        }
    }
}

impl Stream {
    fn read(line: &str) -> Stream {
        let json: serde_json::Value = serde_json::from_str(line).expect("JSON of wire.py");
        let word = |name: &str| json[name].as_str().expect("a text").to_owned();
        let number = |name: &str| json[name].as_u64().expect("a number");
        let audio = word("audio");
        let octet = |at: usize| u8::from_str_radix(&audio[at..at + 2], 16).expect("hexadecimal digits");
        Stream {
            call: word("call"),
            port: number("port") as u16,
            suite: word("suite"),
            key: word("key"),
            rtp: [number("rtp"), number("rtp_opened")],
            rtcp: [number("rtcp"), number("rtcp_opened")],
            sound: (0..audio.len()).step_by(2).map(|at| Law::A.decode(octet(at))).collect(),
        }
    }
}
