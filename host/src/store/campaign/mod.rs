//! Campaigns: the list of contacts and every attempt to reach them. The host owns these
//! rows; the campaign's plugin decides who is called when.
//!
//! An attempt is committed before its INVITE leaves. A daemon that is killed leaves open
//! attempts behind; [`Store::close_open_attempts`] ends them as `interrupted` at the next
//! start, and they count.

mod attempts;
mod contacts;
mod import;
mod report;

pub(super) use attempts::{ended, started};
pub use import::{Import, Imported, NewContact};
pub use report::{Attempt, History, Status};

/// Of a row whose number the campaign has already; it is never called.
pub const DUPLICATE: &str = "duplicate";

/// Of an attempt that was under way when the daemon ended.
pub const INTERRUPTED: &str = "interrupted";

/// `[[key, value], ...]`
type Pairs = Vec<(String, String)>;

fn to_json(pairs: &Pairs) -> Result<String, sqlx::Error> {
    serde_json::to_string(pairs).map_err(|error| sqlx::Error::Encode(error.into()))
}

fn from_json(text: &str) -> Pairs {
    serde_json::from_str(text).unwrap_or_default()
}

/// Milliseconds of a column; none is negative.
fn millis(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests;
