//! `log`: what a plugin says goes to the operator's log, with its name and its call.

use jackfield_switch as switch;

use super::{
    MAX_LIST, MAX_NAME,
    bindings::jackfield::plugin::log::{Host, Level},
};
use crate::instance::State;

/// Of one line.
const MAX_LINE: usize = 8 << 10;

impl Host for State {
    /// Cuts what is too long; a flood stops at its limit, and the guest goes on.
    fn log(
        &mut self,
        level: Level,
        mut message: String,
        mut fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        self.count()?;
        cut(&mut message, MAX_LINE);
        fields.truncate(MAX_LIST);
        for (key, value) in &mut fields {
            cut(key, MAX_NAME);
            cut(value, MAX_LINE);
        }
        self.write_log(level.into(), &message, &fields);
        Ok(())
    }
}

impl State {
    /// Drops what is more than its limit.
    pub(crate) fn write_log(&mut self, level: switch::Level, message: &str, fields: &[(String, String)]) {
        self.host.services.log(&self.origin(), level, message, fields);
    }
}

impl From<Level> for switch::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Trace | Level::Debug => switch::Level::Debug,
            Level::Info => switch::Level::Info,
            Level::Warn => switch::Level::Warn,
            Level::Error => switch::Level::Error,
        }
    }
}

/// At a character's border.
fn cut(text: &mut String, limit: usize) {
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit));
    }
}
