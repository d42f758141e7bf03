//! One host call of a guest: what it asked, and what it got.

use std::{borrow::Cow, sync::Arc, time::Duration};

use jackfield_switch::{Command, Error, Reply, written};
use serde::{Deserialize, Serialize};

use crate::services::{Contact, HttpRequest, HttpResponse, LocalTime, Speech};

/// The order of all variants and fields is that of the file: changed, they need another
/// [`FORMAT`](super::record::FORMAT).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Step<'a> {
    /// A host call, so many milliseconds after the guest began.
    #[expect(missing_docs, reason = "said above")]
    Asked { at: u32, asked: Asked<'a> },
    /// Its answer; `of` counts the calls from 0. There is none to a call in which the guest was dropped.
    #[expect(missing_docs, reason = "said above")]
    Got { at: u32, of: u32, got: Got },
}

/// What a guest asks of its host. Log lines are not among it: they decide nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "as in `Services` and in the contract")]
pub enum Asked<'a> {
    /// A verb, and in words what it lets be heard, since audio is not written down.
    Verb {
        command: Cow<'a, Command>,
        said: Vec<String>,
    },
    Now,
    UtcOffset,
    Local {
        at: u64,
        zone: Cow<'a, str>,
    },
    Random,
    KvGet {
        key: Cow<'a, str>,
    },
    KvSet {
        key: Cow<'a, str>,
        #[serde(with = "written::bytes")]
        value: Vec<u8>,
        ttl: Option<Duration>,
    },
    KvDelete {
        key: Cow<'a, str>,
    },
    KvAdd {
        key: Cow<'a, str>,
        delta: i64,
    },
    KvSwap {
        key: Cow<'a, str>,
        old: Option<Blob>,
        new: Blob,
    },
    KvKeys {
        prefix: Cow<'a, str>,
        after: Cow<'a, str>,
        limit: u32,
    },
    ContactsDue {
        campaign: Cow<'a, str>,
        now: u64,
        limit: u32,
    },
    ContactsNextDue {
        campaign: Cow<'a, str>,
    },
    ContactsPostpone {
        contact: u64,
        until: u64,
    },
    ContactsFinish {
        contact: u64,
        outcome: Cow<'a, str>,
    },
    Http(HttpRequest),
    Helper {
        name: Cow<'a, str>,
        args: Vec<String>,
        input: Blob,
        timeout: Duration,
    },
    Speech(Speech),
    Recording {
        name: Cow<'a, str>,
    },
}

/// What a guest is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the answers to `Asked`")]
pub enum Got {
    Reply(Reply),
    /// Unix milliseconds.
    Time(u64),
    /// Minutes.
    Offset(i32),
    Local(Option<LocalTime>),
    Random(u64),
    Value(Result<Option<Blob>, Error>),
    Done(Result<(), Error>),
    Flag(Result<bool, Error>),
    Sum(Result<i64, Error>),
    Keys(Result<Vec<String>, Error>),
    Contacts(Result<Vec<Contact>, Error>),
    Due(Result<Option<u64>, Error>),
    Http(Result<HttpResponse, Error>),
    Output(Result<Blob, Error>),
    /// The audio's length in samples at 8 kHz.
    Clip(Result<u64, Error>),
}

/// Bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob(#[serde(with = "written::bytes")] pub Vec<u8>);

impl Asked<'_> {
    /// It decides nothing, and another version may ask it more or less often: the time, a random number, how long a
    /// sentence is.
    pub fn is_question(&self) -> bool {
        use Asked::{Local, Now, Random, Speech, UtcOffset};
        matches!(self, Now | UtcOffset | Local { .. } | Random | Speech(_))
    }

    /// The same without what is only words: prompts, the reason of a hang-up, a name to be shown.
    pub(super) fn without_words(&self) -> Asked<'_> {
        let Asked::Verb { command, .. } = self else { return self.clone() };
        let mut command = command.clone();
        match &*command {
            Command::Hangup { .. } | Command::Dial { .. } | Command::StartDial { .. } => {
                match command.to_mut() {
                    Command::Hangup { reason, .. } => reason.clear(),
                    Command::Dial { options, .. } | Command::StartDial { options, .. } => {
                        options.caller_name = None;
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        Asked::Verb { command, said: Vec::new() }
    }
}

/// A service's answer, written down and read back.
pub(super) trait Answered: Sized {
    fn into_got(answer: Result<Self, Error>) -> Got;
    /// None: it is the answer to something else.
    fn of(got: Got) -> Option<Result<Self, Error>>;
}

macro_rules! answered {
    ($($of:ty => $got:ident, $into:expr, $from:expr;)+) => {$(
        impl Answered for $of {
            fn into_got(answer: Result<Self, Error>) -> Got {
                Got::$got(answer.map($into))
            }

            fn of(got: Got) -> Option<Result<Self, Error>> {
                match got {
                    Got::$got(answer) => Some(answer.map($from)),
                    _ => None,
                }
            }
        }
    )+};
}

answered! {
    Option<Vec<u8>> => Value, |value| value.map(Blob), |value| value.map(|Blob(bytes)| bytes);
    () => Done, |()| (), |()| ();
    bool => Flag, |flag| flag, |flag| flag;
    i64 => Sum, |sum| sum, |sum| sum;
    Vec<String> => Keys, |keys| keys, |keys| keys;
    Vec<Contact> => Contacts, |contacts| contacts, |contacts| contacts;
    Option<u64> => Due, |due| due, |due| due;
    HttpResponse => Http, |response| response, |response| response;
    Vec<u8> => Output, Blob, |Blob(bytes)| bytes;
}

impl Answered for Arc<jackfield_media::Clip> {
    fn into_got(answer: Result<Self, Error>) -> Got {
        Got::Clip(answer.map(|clip| clip.samples().len() as u64))
    }

    /// Silent, and as long.
    fn of(got: Got) -> Option<Result<Self, Error>> {
        match got {
            Got::Clip(answer) => Some(answer.map(super::snapshot::silence)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
