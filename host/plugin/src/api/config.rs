//! `config`: the plugin's own settings.

use super::bindings::jackfield::plugin::config::Host;
use crate::instance::State;

impl Host for State {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        let value = self.version().settings().get(&key);
        Ok(value.map(|value| value.as_str().map_or_else(|| value.to_string(), String::from)))
    }

    fn all(&mut self) -> wasmtime::Result<String> {
        Ok(self.version().settings_text.clone())
    }
}
