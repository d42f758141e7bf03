//! Call records (one per call, when it has ended).

use crate::command::{Direction, HangupInfo};

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CallRecord {
    pub id: String,
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
}
