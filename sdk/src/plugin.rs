//! What the attribute macros expand to. Not for use by hand.

use serde::de::DeserializeOwned;

pub use crate::bindings::{
    app::exports::jackfield::plugin::app::Guest as App,
    info::exports::jackfield::plugin::plugin_info::{Guest as PluginInfo, Info},
    jackfield::plugin::{
        audio_out::Sink as RawSink,
        call_control::Call as RawCall,
        types::{Error as RawError, Finding as RawFinding, Speech as RawSpeech},
    },
    service::exports::jackfield::plugin::service::Guest as Service,
    tts::exports::jackfield::plugin::tts::{Guest as Tts, Voice},
};
use crate::{Call, Error, settings, settings::Finding, tts::Sink};

pub type Checked = Result<Info, Vec<RawFinding>>;

/// Runs the plugin's function; a panic leaves its message in the log.
pub fn run<T>(function: impl FnOnce() -> Result<T, Error>) -> Result<T, RawError> {
    log_panics();
    function().map_err(RawError::from)
}

pub fn call(raw: RawCall) -> Call {
    Call(raw)
}

pub fn sink(raw: RawSink) -> Sink {
    Sink(raw)
}

/// Reads the settings, as far as the plugin has any, and lets it check them.
pub fn validate<S: DeserializeOwned>(info: Info, check: impl FnOnce(&S) -> Vec<Finding>) -> Checked {
    log_panics();
    let findings = match settings::read::<S>() {
        Ok(settings) => check(&settings),
        Err(finding) => vec![finding],
    };
    verdict(info, findings)
}

/// As [`validate`], for a plugin without settings.
pub fn validate_bare(info: Info, check: impl FnOnce() -> Vec<Finding>) -> Checked {
    log_panics();
    verdict(info, check())
}

fn verdict(info: Info, findings: Vec<Finding>) -> Checked {
    if findings.is_empty() { Ok(info) } else { Err(findings.into_iter().map(RawFinding::from).collect()) }
}

fn log_panics() {
    #[cfg(target_family = "wasm")]
    std::panic::set_hook(Box::new(|panic| {
        crate::log::record(crate::log::Level::Error, &panic.to_string(), &[]);
    }));
}
