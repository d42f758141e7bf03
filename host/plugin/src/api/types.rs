//! `types`: the contract's words and the switch's, turned into each other.

use jackfield_switch as switch;

use super::{Failure, bindings::jackfield::plugin::types as wit};
use crate::{instance::State, services};

pub(crate) use wit::{CallInfo, CallState, Error, Speech};

pub(super) type Headers = Vec<wit::Header>;

impl wit::Host for State {
    fn convert_error(&mut self, failure: Failure) -> wasmtime::Result<wit::Error> {
        match failure {
            Failure::Error(error) => Ok(error.into()),
            Failure::Trap(error) => Err(error),
        }
    }
}

impl From<switch::Error> for wit::Error {
    fn from(error: switch::Error) -> Self {
        match error {
            switch::Error::HungUp(info) => wit::Error::HungUp(info.into()),
            switch::Error::Denied(text) => wit::Error::Denied(text),
            switch::Error::Invalid(text) => wit::Error::Invalid(text),
            switch::Error::NotFound(text) => wit::Error::NotFound(text),
            switch::Error::Busy(text) => wit::Error::Busy(text),
            switch::Error::Limit(text) => wit::Error::Limit(text),
            switch::Error::Timeout => wit::Error::Timeout,
            switch::Error::Unavailable(text) => wit::Error::Unavailable(text),
            switch::Error::Other(text) => wit::Error::Other(text),
        }
    }
}

impl From<wit::Error> for switch::Error {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::HungUp(info) => switch::Error::HungUp(info.into()),
            wit::Error::Denied(text) => switch::Error::Denied(text),
            wit::Error::Invalid(text) => switch::Error::Invalid(text),
            wit::Error::NotFound(text) => switch::Error::NotFound(text),
            wit::Error::Busy(text) => switch::Error::Busy(text),
            wit::Error::Limit(text) => switch::Error::Limit(text),
            wit::Error::Timeout => switch::Error::Timeout,
            wit::Error::Unavailable(text) => switch::Error::Unavailable(text),
            wit::Error::Other(text) => switch::Error::Other(text),
        }
    }
}

impl From<switch::HangupInfo> for wit::HangupInfo {
    fn from(info: switch::HangupInfo) -> Self {
        wit::HangupInfo { cause: info.cause.into(), code: info.code, by_peer: info.by_peer }
    }
}

impl From<wit::HangupInfo> for switch::HangupInfo {
    fn from(info: wit::HangupInfo) -> Self {
        switch::HangupInfo { cause: info.cause.into(), code: info.code, by_peer: info.by_peer }
    }
}

/// Both ways, case by case.
macro_rules! same {
    ($a:path, $b:path: $($case:ident),+) => {
        impl From<$a> for $b {
            fn from(a: $a) -> $b {
                use $a as A;
                use $b as B;
                match a { $(A::$case => B::$case),+ }
            }
        }
        impl From<$b> for $a {
            fn from(b: $b) -> $a {
                use $a as A;
                use $b as B;
                match b { $(B::$case => A::$case),+ }
            }
        }
    };
}

impl From<switch::Cause> for wit::HangupCause {
    fn from(cause: switch::Cause) -> Self {
        use switch::Cause as A;
        match cause {
            A::Normal => Self::Normal,
            A::Busy => Self::Busy,
            A::NoAnswer => Self::NoAnswer,
            A::Rejected => Self::Rejected,
            A::Cancelled => Self::Cancelled,
            A::NotFound => Self::NotFound,
            A::Unavailable => Self::Unavailable,
            A::AnsweredElsewhere => Self::AnsweredElsewhere,
            A::Transferred => Self::Transferred,
            A::MediaTimeout => Self::MediaTimeout,
            A::Network => Self::Network,
            A::Shutdown => Self::Shutdown,
            // The contract has no word for what no plugin lives to see.
            A::Interrupted | A::Other => Self::Other,
        }
    }
}

impl From<wit::HangupCause> for switch::Cause {
    fn from(cause: wit::HangupCause) -> Self {
        use wit::HangupCause as B;
        match cause {
            B::Normal => Self::Normal,
            B::Busy => Self::Busy,
            B::NoAnswer => Self::NoAnswer,
            B::Rejected => Self::Rejected,
            B::Cancelled => Self::Cancelled,
            B::NotFound => Self::NotFound,
            B::Unavailable => Self::Unavailable,
            B::AnsweredElsewhere => Self::AnsweredElsewhere,
            B::Transferred => Self::Transferred,
            B::MediaTimeout => Self::MediaTimeout,
            B::Network => Self::Network,
            B::Shutdown => Self::Shutdown,
            B::Other => Self::Other,
        }
    }
}

same!(switch::Direction, wit::Direction: Inbound, Outbound);

impl From<switch::CallState> for wit::CallState {
    fn from(state: switch::CallState) -> Self {
        match state {
            switch::CallState::Ringing => wit::CallState::Ringing,
            switch::CallState::Early => wit::CallState::Early,
            switch::CallState::Up => wit::CallState::Up,
            switch::CallState::Held => wit::CallState::Held,
            switch::CallState::Bridged => wit::CallState::Bridged,
            switch::CallState::Ended => wit::CallState::Ended,
        }
    }
}

impl From<&switch::CallInfo> for wit::CallInfo {
    fn from(info: &switch::CallInfo) -> Self {
        wit::CallInfo {
            id: info.id.clone(),
            direction: info.direction.into(),
            caller: info.caller.clone(),
            caller_name: info.caller_name.clone(),
            callee: info.callee.clone(),
            trunk: info.trunk.clone(),
            started_at: info.started_at,
            headers: to_headers(info.headers.clone()),
            args: info.args.clone(),
        }
    }
}

impl From<wit::Speech> for services::Speech {
    fn from(speech: wit::Speech) -> Self {
        services::Speech { text: speech.text, lang: speech.lang, voice: speech.voice, ssml: speech.ssml }
    }
}

impl From<services::Speech> for wit::Speech {
    fn from(speech: services::Speech) -> Self {
        wit::Speech { text: speech.text, lang: speech.lang, voice: speech.voice, ssml: speech.ssml }
    }
}

pub(super) fn to_headers(headers: Vec<(String, String)>) -> Headers {
    headers.into_iter().map(|(name, value)| wit::Header { name, value }).collect()
}

/// Checked so that a value cannot begin a header of its own.
pub(super) fn from_headers(headers: Headers) -> Result<Vec<(String, String)>, switch::Error> {
    super::at_most("headers", headers.len(), super::MAX_LIST)?;
    let check = |header: wit::Header| {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&b);
        if header.name.is_empty() || header.name.len() > super::MAX_NAME || !header.name.bytes().all(token) {
            return Err(switch::Error::Invalid(format!("header name {:?}", header.name)));
        }
        super::at_most("header", header.value.len(), 4096)?;
        if header.value.chars().any(char::is_control) {
            return Err(switch::Error::Invalid(format!("header {}: a control character", header.name)));
        }
        Ok((header.name, header.value))
    };
    headers.into_iter().map(check).collect()
}
