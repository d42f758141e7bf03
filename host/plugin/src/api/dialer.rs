//! `dialer`: calls that an app of another plugin handles. The switch keeps the pace.

use jackfield_switch::{self as switch, Command, Value};

use super::{
    Failure, MAX_LIST, MAX_NAME, MAX_TEXT, at_most,
    bindings::jackfield::plugin::dialer::{Host, LaunchOptions},
    millis, name, unexpected,
};
use crate::instance::State;

impl Host for State {
    async fn launch(&mut self, options: LaunchOptions) -> Result<u64, Failure> {
        at_most("target", options.target.len(), MAX_NAME)?;
        at_most("app", options.app.len(), MAX_NAME)?;
        at_most("args", options.args.len(), MAX_LIST)?;
        at_most("args", options.args.iter().map(|(key, value)| key.len() + value.len()).sum(), MAX_TEXT)?;
        self.rights().launch(&options.target, &options.app)?;
        let options = switch::LaunchOptions {
            target: options.target,
            app: options.app,
            args: options.args,
            caller: options.caller.map(|caller| name("caller", caller)).transpose()?,
            caller_name: options.caller_name.map(|caller| name("caller-name", caller)).transpose()?,
            ring_timeout: millis(options.ring_timeout),
            contact: options.contact,
        };
        match self.ask(Command::Launch(options)).await? {
            Value::Number(launch) => Ok(launch),
            other => Err(unexpected(other)),
        }
    }

    async fn cancel(&mut self, launch: u64) -> Result<(), Failure> {
        match self.ask(Command::CancelLaunch { launch }).await? {
            Value::Done => Ok(()),
            other => Err(unexpected(other)),
        }
    }

    /// Nothing and nothing, where no launch is granted.
    async fn slots(&mut self) -> wasmtime::Result<(u32, u32)> {
        match self.ask(Command::Slots).await {
            Ok(Value::Slots(under_way, free)) => Ok((under_way, free)),
            Ok(other) => Err(unexpected(other).into_trap()),
            Err(Failure::Error(_)) => Ok((0, 0)),
            Err(failure) => Err(failure.into_trap()),
        }
    }
}
