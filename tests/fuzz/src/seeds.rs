//! Good input of each target, for fuzzers to spoil.

use std::{env, fs, path::PathBuf};

use jackfield_sip::stun;

/// What a target begins with. The torture messages of RFC 4475 and RFC 5118 are among the messages where there is
/// a copy: in `SIP_CORPORA`, or beside the project.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "message" => [files("message"), corpora()].concat(),
        "stun" => {
            vec![stun::request([7; 12]), stun::answer(&stun::request([7; 12]), source()).unwrap_or_default()]
        }
        "rtp" => (0..16).map(|choice| [vec![choice], voice(choice)].concat()).collect(),
        "rtcp" => vec![framed(&[report(), goodbye()]), framed(&[report(), report(), vec![0x80, 200]])],
        "srtp" => (0..5)
            .flat_map(|suite| [voice_packet(8, 1), report()].map(|packet| [vec![suite], packet].concat()))
            .collect(),
        written => files(written),
    }
}

fn source() -> std::net::SocketAddr {
    std::net::SocketAddr::from(([203, 0, 113, 9], 40_000))
}

/// Those that lie in `seeds/`.
fn files(target: &str) -> Vec<Vec<u8>> {
    all_in(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/seeds")).join(target))
}

fn corpora() -> Vec<Vec<u8>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/qa/corpora");
    let folder = env::var_os("SIP_CORPORA").map_or(PathBuf::from(beside), PathBuf::from);
    ["rfc4475", "rfc5118"].into_iter().flat_map(|corpus| all_in(folder.join(corpus))).collect()
}

fn all_in(folder: PathBuf) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().filter_map(|path| fs::read(path).ok()).collect()
}

/// Packets, each behind the two bytes of its length.
fn framed(packets: &[Vec<u8>]) -> Vec<u8> {
    packets.iter().flat_map(|packet| [&(packet.len() as u16).to_be_bytes()[..], packet].concat()).collect()
}

/// A word of each phone of a bridge, and a digit.
fn voice(choice: u8) -> Vec<u8> {
    let types = [8, 0, 9, 111];
    let [first, second] = [choice & 3, choice >> 2 & 3].map(|codec| types[usize::from(codec)]);
    let digit = [voice_header(101, 3), vec![5, 0x8a, 3, 0x20]].concat();
    framed(&[voice_packet(first, 1), voice_packet(second, 1), voice_packet(first, 2), digit.clone(), digit])
}

fn voice_packet(payload_type: u8, sequence: u8) -> Vec<u8> {
    [voice_header(payload_type, sequence), vec![0xd5; 160]].concat()
}

fn voice_header(payload_type: u8, sequence: u8) -> Vec<u8> {
    vec![0x80, payload_type, 0, sequence, 0, 0, 0, 160, 0, 0, 0, 7]
}

/// A sender report with a block about us, and SDES with a CNAME (RFC 3550 6.4.1, 6.5).
fn report() -> Vec<u8> {
    let mut report = vec![0x81, 200, 0, 12];
    report.extend((0..48).map(|n| n * 5));
    report.extend([0x81, 202, 0, 3, 0, 0, 0, 7, 1, 3, b'a', b'@', b'b', 0, 0, 0]);
    report
}

/// RFC 3550 6.6.
fn goodbye() -> Vec<u8> {
    vec![0x81, 203, 0, 1, 0, 0, 0, 7]
}
