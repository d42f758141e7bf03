//! `config`: the plugin's own settings, and a runner's script.

use super::bindings::jackfield::plugin::config::Host;
use crate::{instance::State, runtime::Script};

impl Host for State {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        match (&*key, &self.version().script) {
            (Script::TEXT, Some(script)) => return Ok(Some(script.text.clone())),
            (Script::NAME, Some(script)) => return Ok(Some(script.name.clone())),
            _ => {}
        }
        let value = self.version().settings().get(&key);
        Ok(value.map(|value| value.as_str().map_or_else(|| value.to_string(), String::from)))
    }

    fn all(&mut self) -> wasmtime::Result<String> {
        Ok(self.version().settings_text.clone())
    }
}
