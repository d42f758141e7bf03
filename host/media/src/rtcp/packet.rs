//! Compound packets, over the crate `rtcp_types`.

use std::time::Duration;

use rtcp_types::{
    Bye, Compound, Packet, ReceiverReport, ReportBlock, ReportBlockBuilder, Sdes, SdesChunk, SdesItem,
    SenderReport, prelude::*,
};

use super::{Sent, reception::Heard};
use crate::Time;

/// Room for a report with one block, a name and a BYE.
const REPORT: usize = 160;
/// The loss counter has 24 bits with a sign (RFC 3550 6.4.1).
const MAX_LOST: u64 = 0x7f_ffff;

/// Tells RTCP from RTP on one port (RFC 5761 4).
pub(crate) fn is_rtcp(bytes: &[u8]) -> bool {
    bytes.get(1).is_some_and(|kind| (192..=223).contains(kind))
}

/// What a compound packet says to us.
#[derive(Debug, Default)]
pub(super) struct FromPeer {
    /// The middle 32 bits of the time of its sender report.
    pub(super) sent_at: Option<u32>,
    pub(super) about_us: Option<AboutUs>,
}

/// A peer's report on the stream that we send.
#[derive(Debug)]
pub(super) struct AboutUs {
    pub(super) lost: u32,
    /// In units of the stream's clock.
    pub(super) jitter: u32,
    /// LSR and DLSR, in 1/65536 s.
    pub(super) last_report: u32,
    pub(super) delay: u32,
}

/// Reads a compound packet up to its first fault; `None` when it is none.
pub(super) fn read(bytes: &[u8], our_ssrc: u32) -> Option<FromPeer> {
    let compound = Compound::parse(bytes).ok()?;
    let mut heard = FromPeer::default();
    for packet in compound.map_while(Result::ok) {
        match packet {
            Packet::Sr(report) => {
                heard.sent_at = Some((report.ntp_timestamp() >> 16) as u32);
                heard.about_us = about_us(report.report_blocks(), our_ssrc).or(heard.about_us);
            }
            Packet::Rr(report) => {
                heard.about_us = about_us(report.report_blocks(), our_ssrc).or(heard.about_us);
            }
            _ => {}
        }
    }
    Some(heard)
}

fn about_us<'a>(mut blocks: impl Iterator<Item = ReportBlock<'a>>, our_ssrc: u32) -> Option<AboutUs> {
    let block = blocks.find(|block| block.ssrc() == our_ssrc)?;
    let lost = block.cumulative_lost();
    Some(AboutUs {
        // Negative when packets came twice.
        lost: if u64::from(lost) > MAX_LOST { 0 } else { lost },
        jitter: block.interarrival_jitter(),
        last_report: block.last_sender_report_timestamp(),
        delay: block.delay_since_last_sender_report_timestamp(),
    })
}

/// What we have to report.
pub(super) struct Ours<'a> {
    pub(super) now: Time,
    pub(super) sent: &'a Sent,
    pub(super) block: Option<Block>,
    pub(super) cname: &'a str,
}

/// Our report on the stream that we receive.
pub(super) struct Block {
    pub(super) heard: Heard,
    pub(super) last_report: u32,
    pub(super) delay: u32,
}

impl Block {
    fn builder(&self) -> ReportBlockBuilder {
        ReportBlock::builder(self.heard.ssrc)
            .fraction_lost(self.heard.fraction_lost)
            .cumulative_lost(self.heard.lost.min(MAX_LOST) as u32)
            .extended_sequence_number(self.heard.highest)
            .interarrival_jitter(self.heard.jitter)
            .last_sender_report_timestamp(self.last_report)
            .delay_since_last_sender_report_timestamp(self.delay)
    }
}

/// A sender or receiver report with our name, and our BYE at the end.
pub(super) fn report(ours: &Ours<'_>, bye: bool) -> Option<Vec<u8>> {
    let ssrc = ours.sent.ssrc;
    let name = SdesChunk::builder(ssrc).add_item(SdesItem::builder(SdesItem::CNAME, ours.cname));
    let blocks = ours.block.as_ref().map(Block::builder);
    let compound = match ours.sent.packets {
        0 => {
            let report = blocks.into_iter().fold(ReceiverReport::builder(ssrc), |r, b| r.add_report_block(b));
            Compound::builder().add_packet(report)
        }
        packets => {
            let report = SenderReport::builder(ssrc)
                .ntp_timestamp(ntp(ours.now))
                .rtp_timestamp(ours.sent.timestamp_at(ours.now))
                .packet_count(packets as u32)
                .octet_count(ours.sent.octets as u32);
            let report = blocks.into_iter().fold(report, |r, b| r.add_report_block(b));
            Compound::builder().add_packet(report)
        }
    };
    let compound = compound.add_packet(Sdes::builder().add_chunk(name));
    let compound = if bye { compound.add_packet(Bye::builder().add_source(ssrc)) } else { compound };
    let mut bytes = vec![0; REPORT];
    let length = compound.write_into(&mut bytes).ok()?;
    bytes.truncate(length);
    Some(bytes)
}

/// A time in the format of NTP. Ours counts from the start of the process, as RFC 3550 6.4.1 allows.
fn ntp(time: Time) -> u64 {
    let fraction = (u64::from(time.subsec_nanos()) << 32) / 1_000_000_000;
    time.as_secs() << 32 | fraction
}

/// The middle of the NTP format: 1/65536 s, modulo 65536 s.
pub(super) fn short_time(time: Duration) -> u32 {
    (ntp(time) >> 16) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rtcp_is_told_from_rtp() {
        assert!([200, 201, 202, 203, 204, 205, 207].iter().all(|kind| is_rtcp(&[0x80, *kind])));
        assert!(![0, 8, 96, 127, 0x80, 0x80 + 8, 0x80 + 101].iter().any(|kind| is_rtcp(&[0x80, *kind])));
        assert!(!is_rtcp(&[0x80]));
    }

    #[test]
    fn what_is_reported_is_read() {
        let mut sent = Sent::new(77);
        sent.count(160);
        let heard = Heard { ssrc: 88, fraction_lost: 12, lost: 7, highest: 0x1_0005, jitter: 40 };
        let now = Duration::from_millis(70_000_500);
        let block = Some(Block { heard, last_report: 0x1234_5678, delay: 65_536 });
        let bytes = report(&Ours { now, sent: &sent, block, cname: "0123456789abcdef" }, true).unwrap();
        let read = read(&bytes, 88).unwrap();
        assert_eq!(read.sent_at, Some(short_time(now)));
        let about = read.about_us.unwrap();
        assert_eq!((about.lost, about.jitter, about.last_report, about.delay), (7, 40, 0x1234_5678, 65_536));
        assert!(super::read(&bytes, 99).unwrap().about_us.is_none(), "about somebody else");
        let kinds: Vec<u8> = Compound::parse(&bytes).unwrap().map(|p| p.unwrap().type_()).collect();
        assert_eq!(kinds, [200, 202, 203]);
    }

    #[test]
    fn who_sends_nothing_reports_as_receiver() {
        let sent = Sent::new(77);
        let bytes = report(&Ours { now: Time::ZERO, sent: &sent, block: None, cname: "x" }, false).unwrap();
        let kinds: Vec<u8> = Compound::parse(&bytes).unwrap().map(|p| p.unwrap().type_()).collect();
        assert_eq!(kinds, [201, 202]);
    }
}
