//! `random`: numbers from the host, so that a run can be repeated.

use super::bindings::jackfield::plugin::random::Host;
use crate::instance::State;

impl Host for State {
    fn next(&mut self) -> wasmtime::Result<u64> {
        Ok(self.host.services.random())
    }
}
