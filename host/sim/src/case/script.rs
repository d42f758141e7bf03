//! What a case file says, once it was understood.

use std::{path::PathBuf, time::Duration};

use jackfield_switch::Cause;

use super::mistake::Place;

/// A case file: what is given for all its cases, and the cases.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) path: PathBuf,
    pub(crate) given: Vec<Given>,
    pub(crate) cases: Vec<Case>,
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) title: String,
    pub(crate) place: Place,
    pub(crate) given: Vec<Given>,
    pub(crate) steps: Vec<Step>,
}

/// What is so before a case begins. What a case is given stands over what all are given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Given {
    User {
        name: String,
        number: String,
    },
    /// A phone somewhere else.
    Outside {
        name: String,
        number: String,
    },
    Route(Route),
    Settings(toml::Table),
    /// Unix time.
    Time(Duration),
    Value {
        key: String,
        value: String,
    },
    Web(Web),
    /// The folder of one more plugin.
    Plugin(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) pattern: String,
    pub(crate) to: Target,
    pub(crate) ring: Option<Duration>,
    pub(crate) fallback: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Plugin(String),
    Users(Vec<String>),
}

/// What requests get whose address begins like that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Web {
    pub(crate) address: String,
    /// None: nobody answers.
    pub(crate) answer: Option<(u16, String)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) place: Place,
    /// As it is written, with who does it.
    pub(crate) text: String,
    pub(crate) act: Act,
    /// How long to wait for it at most.
    pub(crate) within: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Act {
    Phone(String, Does),
    Then(Then),
    Operator(Operator),
}

/// What a phone does, what it is like, and what is expected of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Does {
    /// None: the plugin that is tested.
    Call(Option<String>),
    Answer(Option<Duration>),
    /// A SIP status: 486 busy, 603 declined.
    Reject(u16),
    LetRing,
    Unregister,
    Press(String),
    Say(String),
    HangUp(Option<Duration>),
    Wait(Duration),
    Rings,
    StopsRinging,
    IsAnswered,
    IsRefused(Option<u16>),
    IsHungUpOn(Option<Cause>),
    Hears(Hears),
    HearsNothing(Duration),
    HearsNothingElse,
    HasNotHeard(String),
    TalksWith(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hears {
    pub(crate) what: What,
    /// All of it, to its end.
    pub(crate) exactly: bool,
    /// Nothing is heard before.
    pub(crate) next: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Words(String),
    /// A prompt of the plugin.
    File(String),
    /// In Hz; empty: any.
    Tone(Vec<u16>),
    Keys(String),
}

/// What is expected of the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Rings(Vec<String>),
    RingsNobody,
    Wait(Duration),
    Result {
        name: String,
        value: String,
    },
    /// None: it is not there.
    Value {
        key: String,
        value: Option<String>,
    },
    Logs(String),
    Reports(String),
    Records(String),
    Contact {
        number: String,
        is: ContactIs,
    },
    AllCallsEnd,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ContactIs {
    Open,
    Finished(String),
    Called(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    /// Contacts by number and name.
    Starts {
        campaign: String,
        contacts: Vec<(String, String)>,
    },
    Pauses(String),
    Resumes(String),
    /// To the service that is tested.
    Sends {
        topic: String,
        body: String,
    },
    Wait(Duration),
}
