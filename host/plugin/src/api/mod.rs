//! The host's side of the contract: one file per interface of `wit/`.

mod audio_out;
mod bus;
mod call_control;
mod config;
mod contacts;
mod dialer;
mod events;
mod helper;
mod http;
mod kv;
mod log;
mod prompt;
mod random;
mod timers;
pub(crate) mod types;

use std::time::Duration;

use jackfield_switch::{Error, Value};
use wasmtime::component::{HasData, Linker, ResourceTableError};

use crate::instance::State;

pub(crate) use audio_out::Sink;
pub(crate) use bindings::exports::jackfield::plugin as exports;
pub(crate) use call_control::Call;

/// Strings that a guest passes, unless a function says less; in bytes.
const MAX_TEXT: usize = 64 << 10;
/// Names, keys, topics.
const MAX_NAME: usize = 512;
/// Values of the key-value store, messages, bodies.
const MAX_BODY: usize = 1 << 20;
/// Elements of a list.
const MAX_LIST: usize = 64;

mod bindings {
    #![allow(missing_docs, unreachable_pub, clippy::all)]

    // One world with all that is imported and exported anywhere: a plugin has the part that it needs.
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package jackfield:host;
            world everything {
                include jackfield:plugin/call-app@0.1.0;
                include jackfield:plugin/tts-provider@0.1.0;
                include jackfield:plugin/background-service@0.1.0;
            }
        ",
        imports: {
            // These never wait.
            "jackfield:plugin/log": trappable,
            "jackfield:plugin/config": trappable,
            "jackfield:plugin/random": trappable,
            "jackfield:plugin/audio-out": trappable,
            "jackfield:plugin/timers.now": trappable,
            "jackfield:plugin/timers.utc-offset": trappable,
            "jackfield:plugin/timers.local": trappable,
            "jackfield:plugin/call-control.[method]clip.length": trappable,
            "jackfield:plugin/call-control.[drop]clip": trappable,
            "jackfield:plugin/call-control.[method]call.id": trappable,
            "jackfield:plugin/call-control.[method]call.info": trappable,
            "jackfield:plugin/call-control.[drop]call": trappable,
            default: async | trappable,
        },
        exports: { default: async },
        with: {
            "jackfield:plugin/call-control.call": super::call_control::Call,
            "jackfield:plugin/call-control.clip": super::call_control::Clip,
            "jackfield:plugin/audio-out.sink": super::audio_out::Sink,
        },
        trappable_error_type: {
            "jackfield:plugin/types.error" => super::Failure,
        },
    });
}

/// Why a host function did not succeed.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub enum Failure {
    /// Goes back to the guest.
    Error(Error),
    /// Ends the instance.
    Trap(wasmtime::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Error(error)
    }
}

impl From<wasmtime::Error> for Failure {
    fn from(error: wasmtime::Error) -> Self {
        Failure::Trap(error)
    }
}

impl From<ResourceTableError> for Failure {
    fn from(error: ResourceTableError) -> Self {
        match error {
            ResourceTableError::Full => Error::Limit("too many handles are open".into()).into(),
            error => Failure::Trap(error.into()),
        }
    }
}

impl Failure {
    /// For functions without an error in the contract: they trap.
    pub(crate) fn into_trap(self) -> wasmtime::Error {
        match self {
            Failure::Error(error) => wasmtime::Error::msg(error.to_string()),
            Failure::Trap(error) => error,
        }
    }
}

struct Api;

impl HasData for Api {
    type Data<'a> = &'a mut State;
}

pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    bindings::Everything::add_to_linker::<State, Api>(linker, |state| state)
}

/// Lengths are the guest's to choose, and the host's to bound.
fn at_most(what: &str, length: usize, limit: usize) -> Result<(), Error> {
    if length <= limit { Ok(()) } else { Err(Error::Invalid(format!("{what}: {length}, more than {limit}"))) }
}

/// Short text that may end up in a header.
fn name(what: &str, text: String) -> Result<String, Error> {
    at_most(what, text.len(), MAX_NAME)?;
    if text.chars().any(char::is_control) {
        return Err(Error::Invalid(format!("{what}: a control character")));
    }
    Ok(text)
}

fn millis(millis: u32) -> Duration {
    Duration::from_millis(millis.into())
}

/// The switch answered with what the command does not have.
fn unexpected(value: Value) -> Failure {
    Error::Other(format!("the exchange gave an answer of another verb: {value:?}")).into()
}
