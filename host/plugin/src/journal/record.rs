//! What one instance asked and got, from its start to its end, as it is kept.

use jackfield_media::LegId;
use jackfield_switch::CallInfo;
use serde::{Deserialize, Serialize};

use super::{mask::Secrets, step::Step};

/// Of the encoding. It is another one when a variant or field of what is written changes its place: then raise it,
/// and older records are told to be unreadable instead of being misread.
pub(super) const FORMAT: u8 = 1;

/// One instance of an app, and its call.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What is known of it as a whole.
    pub head: Head,
    /// Encoded, one after another.
    steps: Vec<u8>,
}

/// What is known of a record without its steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Key of the plugin in `jackfield.toml`.
    pub plugin: String,
    /// The manifest's, for people.
    pub version: String,
    /// Of the load: "ivr v3".
    pub number: u64,
    /// The [id](super::Snapshot::id) of the version's snapshot.
    pub snapshot: String,
    /// Unix milliseconds.
    pub began: u64,
    /// The call that it handled.
    pub call: CallInfo,
    /// Of that call.
    pub leg: LegId,
    /// Its number.
    pub instance: u64,
    /// Milliseconds after it began.
    pub ended: u32,
    /// How it ended.
    pub end: Ended,
    /// Host calls that were written down.
    pub asked: u32,
    /// There were more, and no room for them.
    pub cut: bool,
}

/// How an instance ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    /// `handle` returned ok, or the error of a hang-up.
    Returned,
    /// `handle` returned another error.
    Failed(String),
    /// It trapped.
    Trapped(String),
    /// A limit ended it that depends on time: CPU, or host calls in a second.
    Spent(String),
    /// The host ended it: its time after the hang-up or to drain was over.
    Dropped,
}

/// Bytes that are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each says itself in its message")]
pub enum Damaged {
    #[error("it was written by another version of this program")]
    Format,
    #[error("its head cannot be read")]
    Head,
    #[error("its steps cannot be read")]
    Steps,
}

impl Record {
    pub(super) fn new(head: Head, steps: Vec<u8>) -> Record {
        Record { head, steps }
    }

    /// To be read by [`Record::decode`].
    pub(super) fn encode(&self, secrets: &Secrets) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        secrets.write(&self.head, &mut bytes);
        bytes.extend_from_slice(&self.steps);
        bytes
    }

    /// Reads what [`Kept::encode`](super::Kept::encode) wrote. The steps are checked by [`Record::steps`].
    pub fn decode(bytes: &[u8]) -> Result<Record, Damaged> {
        let (head, steps) = Record::head(bytes)?;
        Ok(Record { head, steps: steps.to_owned() })
    }

    /// The head alone, and what follows it.
    pub fn head(bytes: &[u8]) -> Result<(Head, &[u8]), Damaged> {
        let (format, rest) = bytes.split_first().ok_or(Damaged::Head)?;
        if *format != FORMAT {
            return Err(Damaged::Format);
        }
        postcard::take_from_bytes(rest).map_err(|_| Damaged::Head)
    }

    /// In their order.
    pub fn steps(&self) -> Result<Vec<Step<'static>>, Damaged> {
        let mut steps = Vec::new();
        let mut rest = &self.steps[..];
        while !rest.is_empty() {
            let (step, after) = postcard::take_from_bytes(rest).map_err(|_| Damaged::Steps)?;
            steps.push(step);
            rest = after;
        }
        Ok(steps)
    }

    /// Bytes in memory, about.
    pub fn size(&self) -> usize {
        size_of::<Record>() + self.steps.len()
    }
}
