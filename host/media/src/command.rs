//! What the switch asks of a media worker, and what the worker tells it.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use crate::{prompt::Clip, srtp::MasterKey};

/// One leg of a call; given by the switch, unique in the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct LegId(pub u64);

/// A media worker (one thread, one [`Session`](crate::session::Session)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub u16);

/// The sockets of one RTP port, for it and its RTCP; an index that the driver gives, unique in the process. They stay
/// the same when their leg moves to another worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(pub u32);

/// Legs that hear each other; given by the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MixId(pub u64);

/// A prompt playing on a leg; given by the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlayId(pub u64);

/// A recording of a leg; given by the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub u64);

/// Bound sockets that a worker has lent to the switch; they come back as free
/// when the leg that uses them is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The worker that has them; legs that are bridged have the same.
    pub worker: WorkerId,
    /// Which sockets.
    pub port: PortId,
    /// The UDP port number, for SDP.
    pub number: u16,
}

/// Audio codecs that the media path terminates (mono).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 mu-law, static payload type 0 (RFC 3551).
    Pcmu,
    /// G.711 A-law, static payload type 8 (RFC 3551).
    Pcma,
    /// G.722 at 64 kbit/s: wide-band, static payload type 9 (RFC 3551).
    G722,
    /// Opus (RFC 6716), dynamic payload type (RFC 7587).
    Opus,
}

/// What a peer wants of the Opus that it receives (RFC 7587 6.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct OpusFormat {
    /// `maxaveragebitrate`, in bits a second.
    pub max_bitrate: Option<u32>,
    /// `useinbandfec=1`: packets may carry redundancy for the one before.
    pub fec: bool,
    /// `cbr=1`: all packets of one size.
    pub constant: bool,
}

/// How packets on a leg are protected; DTLS-SRTP would be one more variant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Security {
    /// Not at all: RTP/AVP.
    #[default]
    Plain,
    /// SRTP with keys from the signalling (SDES, RFC 4568).
    Srtp {
        /// Ours; a key is for one leg and never comes back with another one between.
        send: MasterKey,
        /// The peer's.
        receive: MasterKey,
    },
}

/// Which port a peer's RTCP uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rtcp {
    /// One of its own: that of its SDP (RFC 3605), or the one behind its RTP port.
    Apart(Option<SocketAddr>),
    /// That of RTP (RFC 5761).
    Mux,
}

/// How digits travel as tones on a leg.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tones {
    /// DTMF tones of the peer are digits.
    pub heard: bool,
    /// Digits reach the peer as tones, so tones on their way to it are left as they are.
    pub wanted: bool,
}

/// What an offer/answer exchange agreed for one leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Params {
    /// The codec in both directions.
    pub codec: Codec,
    /// Payload type of `codec` in both directions.
    pub payload_type: u8,
    /// What the peer wants of Opus; nothing for other codecs.
    pub opus: OpusFormat,
    /// Payload type of RFC 4733 telephone-event, when agreed.
    pub dtmf: Option<u8>,
    /// Hz in which telephone events count their duration: the clock of the codec (RFC 4733 2.1), or 8000 for a phone
    /// that offers nothing else beside Opus.
    pub dtmf_clock: u32,
    /// How in-band DTMF is treated.
    pub tones: Tones,
    /// Where the peer's RTCP goes.
    pub rtcp: Rtcp,
    /// The peer's address from its SDP; until a packet is latched, we send there, unless a NAT hides it.
    pub remote: Option<SocketAddr>,
    /// The host that the peer's signalling comes from: behind a NAT, its media comes from there too.
    pub peer: Option<IpAddr>,
    /// Our address that the peer's signalling comes to: the one that its packets come to and ours leave from, on a
    /// host that has several. `None` leaves it to the host.
    pub local: Option<IpAddr>,
    /// We may send (the peer's direction is sendrecv or recvonly).
    pub send: bool,
    /// The peer may send.
    pub receive: bool,
    /// How packets are protected.
    pub security: Security,
}

/// A set of DTMF digits: `0`-`9`, `*`, `#`, `A`-`D`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Digits(u16);

impl Digits {
    /// No digit.
    pub const NONE: Digits = Digits(0);
    /// All sixteen.
    pub const ALL: Digits = Digits(0xffff);

    /// Reads a set from text; the first character that is no digit is the error.
    pub fn parse(text: &str) -> Result<Digits, char> {
        text.chars().try_fold(Digits::NONE, |set, c| {
            let event = crate::dtmf::event_of(c).ok_or(c)?;
            Ok(Digits(set.0 | 1 << event))
        })
    }

    /// Whether `digit` is in the set.
    pub fn contains(self, digit: char) -> bool {
        crate::dtmf::event_of(digit).is_some_and(|event| self.0 & 1 << event != 0)
    }

    /// Whether no digit is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// One piece of audio in a prompt.
#[derive(Clone, Debug)]
pub enum Source {
    /// Audio that was loaded.
    Clip(Arc<Clip>),
    /// Cadence of up to two frequencies in Hz; a step of zero Hz is silence.
    Tone(Arc<[ToneStep]>),
    /// Nothing, for so long.
    Silence(Duration),
    /// In-band DTMF tones, 100 ms on and 100 ms off each.
    Dtmf(Arc<str>),
}

/// Part of a tone's cadence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ToneStep {
    /// Frequencies in Hz; 0 for none.
    pub hz: [u16; 2],
    /// How long it sounds.
    pub length: Duration,
}

/// What the switch asks. A leg that is not open is not an error: the command crossed the leg's end.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // the fields are described with their variants, or by their types
pub enum Command {
    /// Puts a leg on a leased port. Above the session's limit of legs it is closed at once; a leg or port that
    /// is open already stays as it is.
    Open { leg: LegId, port: PortId, params: Option<Params> },
    /// New or first parameters (an answer, a re-INVITE). Counts as a sign of life for the media time-out.
    /// When `remote` or `peer` is another than before, the peer's packets latch anew.
    Update { leg: LegId, params: Params },
    /// Ends whatever the leg does, and frees its port.
    Close { leg: LegId },
    /// Joins the media of two legs of this worker, both ways. Ends what each
    /// of them plays. Ignored unless both are open.
    Bridge { a: LegId, b: LegId },
    /// Parts a leg and the one that it is bridged to.
    Unbridge { leg: LegId },
    /// Takes a leg into a mix, which begins with its first leg: each hears the sum of the others. Whatever the leg was
    /// joined to is parted. Ignored unless it is open and the mix has less than 64 legs.
    Mix { mix: MixId, leg: LegId },
    /// Takes a leg out of its mix, which ends with its last leg.
    Unmix { leg: LegId },
    /// Plays the sources one after another, the whole list `repeat` times (0: until it is stopped). A digit of
    /// `interrupt` stops the prompt at once. A new `Play` on the leg replaces the former one, which
    /// ends as stopped. On a bridged leg it covers what the other leg says.
    Play { leg: LegId, play: PlayId, sources: Vec<Source>, repeat: u32, interrupt: Digits },
    /// Stops that play; another one goes on.
    StopPlay { leg: LegId, play: PlayId },
    /// Sends RFC 4733 events, 100 ms each with 100 ms between; in-band tones to a peer that did not agree to
    /// events. A prompt waits meanwhile. Further digits queue up, 256 at most.
    SendDigits { leg: LegId, digits: Arc<str> },
    /// Records what the leg sends to us: until `max` (an hour at most), until nothing was spoken for `silence`,
    /// or until a digit of `finish`. The time counts from the end of the `beep`, which replaces what plays. A new
    /// `Record` on the leg replaces the former one, which ends as stopped.
    Record {
        leg: LegId,
        record: RecordId,
        max: Duration,
        silence: Option<Duration>,
        finish: Digits,
        beep: bool,
    },
    /// Stops that recording; another one goes on.
    StopRecord { leg: LegId, record: RecordId },
    /// Records both sides of the leg, as long as it lasts, under this name: what the peer says on the left, what it
    /// is told on the right; the other way round when the peer is the `called` one. The [`Piece`](crate::Piece)s
    /// come out of [`Session::poll_piece`](crate::Session::poll_piece). A leg has one recording at once.
    Tape { leg: LegId, name: Arc<str>, called: bool },
    /// The recording of one leg goes on with the one that was on the other side: each voice stays on its side.
    MoveTape { from: LegId, to: LegId },
    /// Writes silence from now on, or what is said again.
    PauseTape { leg: LegId, paused: bool },
    /// Ends that recording.
    StopTape { leg: LegId },
}

/// What a worker tells the switch.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // as for `Command`
pub enum Event {
    /// A digit was pressed (RFC 4733; reported once per press, at its first packet).
    Digit { leg: LegId, digit: char },
    /// A digit was pressed, and came as tones (once per press). Of a peer of whom tones are heard only.
    ToneDigit { leg: LegId, digit: char },
    /// Comes once for every `Play`, even where there is no such leg (then as stopped).
    PlayEnded { leg: LegId, play: PlayId, end: PlayEnd },
    /// Comes once for every `SendDigits`, even where there is no such leg.
    DigitsSent { leg: LegId },
    /// Comes once for every `Record`, even where there is no such leg (then as stopped and empty). The samples
    /// are 16 bits at 8 kHz, up to the last packet; gaps are silence.
    RecordEnded { leg: LegId, record: RecordId, end: RecordEnd, samples: Arc<[i16]> },
    /// The address that the peer really sends from, and from now on only this one is heard. `for_good`: until an
    /// `Update` with another `remote` or `peer`, so that the driver may bind the socket to it; else the peer's
    /// announced address may still take its place.
    Latched { leg: LegId, source: SocketAddr, for_good: bool },
    /// Nothing came for the media time-out though the peer may send. Comes once, and again only after a packet or
    /// an `Update`.
    TimedOut { leg: LegId },
    /// The leg is gone; its port is free again and may be leased anew.
    Closed { leg: LegId, port: PortId, stats: Stats },
}

/// Why a prompt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlayEnd {
    /// All of it was sent.
    Finished,
    /// By a digit.
    Interrupted(char),
    /// By a command: stopped, replaced, bridged or closed.
    Stopped,
}

/// Why a recording ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordEnd {
    /// It was as long as it may be.
    Max,
    /// Nobody spoke any more.
    Silence,
    /// By a digit.
    Digit(char),
    /// By a command: stopped, replaced or closed.
    Stopped,
}

/// What a leg sent and received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// From the latched source, of an agreed payload type.
    pub packets_received: u64,
    /// Relayed to the peer, and made for it.
    pub packets_sent: u64,
    /// From another source than the latched one, not RTP, or not what was agreed.
    pub packets_refused: u64,
    /// SRTP that was not made with the agreed key, or had come before.
    pub packets_forged: u64,
    /// Expected and never received (RFC 3550 A.3).
    pub packets_lost: u64,
    /// Mean interarrival jitter of what was received (RFC 3550 A.8).
    pub jitter: Duration,
    /// Estimated mean opinion score of what was received, in hundredths (ITU-T G.107); `None` when nothing was.
    pub mos: Option<u16>,
    /// From us to the peer and back, as its last report has it.
    pub round_trip: Option<Duration>,
    /// What the peer says of our stream; `None` when it sent no report.
    pub remote: Option<RemoteStats>,
}

/// What a peer received of our stream, by its last report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemoteStats {
    /// Packets lost on their way to it.
    pub lost: u64,
    /// Interarrival jitter, as it was at the last report.
    pub jitter: Duration,
    /// Estimated mean opinion score, in hundredths.
    pub mos: u16,
}
