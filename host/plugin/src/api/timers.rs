//! `timers`: waiting is the switch's, wall time the services'.

use jackfield_switch::{Command, Value};

use super::{
    MAX_NAME,
    bindings::jackfield::plugin::timers::{Host, LocalTime},
    millis, unexpected,
};
use crate::instance::State;

impl Host for State {
    async fn sleep(&mut self, time: u32) -> wasmtime::Result<()> {
        match self.ask(Command::Sleep { time: millis(time) }).await {
            Ok(Value::Done) => Ok(()),
            Ok(other) => Err(unexpected(other).into_trap()),
            Err(failure) => Err(failure.into_trap()),
        }
    }

    async fn start(&mut self, after: u32, repeat: bool) -> wasmtime::Result<u64> {
        match self.ask(Command::StartTimer { after: millis(after), repeat }).await {
            Ok(Value::Number(timer)) => Ok(timer),
            Ok(other) => Err(unexpected(other).into_trap()),
            Err(failure) => Err(failure.into_trap()),
        }
    }

    async fn cancel(&mut self, timer: u64) -> wasmtime::Result<()> {
        match self.ask(Command::CancelTimer { timer }).await {
            // A timer that has fired is gone; that is what was wanted.
            Ok(_) | Err(super::Failure::Error(_)) => Ok(()),
            Err(failure) => Err(failure.into_trap()),
        }
    }

    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.host.services.now())
    }

    fn utc_offset(&mut self) -> wasmtime::Result<i32> {
        Ok(self.host.services.utc_offset())
    }

    fn local(&mut self, at: u64, zone: String) -> wasmtime::Result<Option<LocalTime>> {
        self.count()?;
        if zone.len() > MAX_NAME {
            return Ok(None);
        }
        let time = self.host.services.local(at, &zone);
        Ok(time.map(|t| LocalTime {
            year: t.year,
            month: t.month,
            day: t.day,
            hour: t.hour,
            minute: t.minute,
            second: t.second,
            weekday: t.weekday,
        }))
    }
}
