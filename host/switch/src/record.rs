//! Call records (one per call, when it has ended) and what they say of each leg.

use crate::command::{Direction, HangupInfo};

/// What became of a call.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CallRecord {
    pub id: String,
    /// The same for all calls that transfers have joined: the id of the oldest of them.
    #[serde(default)]
    pub linked: String,
    pub direction: Direction,
    pub caller: String,
    pub caller_name: String,
    pub callee: String,
    /// Who was connected last: a user, a `sip:` URI, or `plugin:NAME`.
    pub connected: Option<String>,
    /// Unix milliseconds.
    pub started_at: u64,
    pub answered_at: Option<u64>,
    pub ended_at: u64,
    pub end: HangupInfo,
    /// What plugins said with `set-result`.
    pub results: Vec<(String, String)>,
    /// Every leg that there was, in the order of their beginnings.
    #[serde(default)]
    pub legs: Vec<LegRecord>,
    /// The file of the recording of the whole call, below the folder of the recordings.
    #[serde(default)]
    pub recording: Option<String>,
}

/// What became of a leg: one party of a call.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LegRecord {
    /// As in events and logs.
    pub id: String,
    /// A user, a peer, a `sip:` URI, or several with commas between for a leg that nobody answered.
    pub label: String,
    pub direction: Direction,
    /// Where its SIP came from or went to last, `address:port`; empty when nothing was sent.
    pub address: String,
    /// Of its SIP: `UDP`, `TCP`, `TLS`; empty when nothing was sent.
    pub transport: String,
    /// By its SDP name; none when no media was agreed.
    pub codec: Option<String>,
    /// `RTP` in the clear, or the suite of SRTP; none when no media was agreed.
    pub security: Option<String>,
    pub media: MediaRecord,
    /// Unix milliseconds.
    pub started_at: u64,
    pub answered_at: Option<u64>,
    pub ended_at: u64,
    pub end: HangupInfo,
}

/// How the media of a leg was.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct MediaRecord {
    pub packets_sent: u64,
    pub packets_received: u64,
    /// Percent of what the peer sent that did not arrive; none when nothing was to come.
    pub loss: Option<f32>,
    /// Milliseconds (RFC 3550 6.4.1).
    pub jitter: Option<f32>,
    /// An estimate from loss, delay and codec: 1 to 4.5.
    pub mos: Option<f32>,
}

impl CallRecord {
    /// Milliseconds from the first INVITE to the end.
    pub fn duration(&self) -> u64 {
        self.ended_at.saturating_sub(self.started_at)
    }

    /// Milliseconds from the answer to the end; 0 for a call that was not answered.
    pub fn billed(&self) -> u64 {
        self.answered_at.map_or(0, |at| self.ended_at.saturating_sub(at))
    }
}
