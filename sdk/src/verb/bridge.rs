use std::time::Duration;

use super::Operation;
use crate::{
    Call, HangupInfo, Result,
    bindings::jackfield::plugin::call_control as raw,
    types::{digit, millis},
};

/// A bridge, in the making. It begins with [`Call::bridge`].
///
/// ```no_run
/// # fn f(call: &jackfield_sdk::Call, alice: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
/// call.bridge(alice).break_digit("*").run()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "nobody is joined before `run()` or `start()`"]
pub struct Bridge<'a> {
    call: &'a Call,
    other: &'a Call,
    options: raw::BridgeOptions,
}

/// How a bridge ended while the leg that called it still stands.
///
/// ```no_run
/// # use jackfield_sdk::BridgeEnd;
/// # fn f(call: &jackfield_sdk::Call, alice: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
/// if let BridgeEnd::OtherHungUp(_) = call.bridge(alice).run()? {
///     call.say("Merci de votre appel.")?;
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BridgeEnd {
    /// The other leg left.
    OtherHungUp(HangupInfo),
    /// The digit of [`Bridge::break_digit`]; both legs stand.
    Digit(char),
    /// [`Bridge::max`] is over; both legs stand.
    Timeout,
    /// It was stopped; both legs stand.
    Unbridged,
    /// What this series of the contract has no name for.
    Other(String),
}

impl<'a> Bridge<'a> {
    pub(crate) fn new(call: &'a Call, other: &'a Call) -> Self {
        Self { call, other, options: raw::BridgeOptions { max: 0, break_digit: String::new() } }
    }

    /// The longest that they may talk; as long as they like unless said.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call, alice: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.bridge(alice).max(std::time::Duration::from_secs(3600)).run()?;
    /// # Ok(()) }
    /// ```
    pub fn max(mut self, time: Duration) -> Self {
        self.options.max = millis(time);
        self
    }

    /// A digit of the first leg that ends the bridge and keeps both legs.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call, alice: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.bridge(alice).break_digit("*").run()?;
    /// # Ok(()) }
    /// ```
    pub fn break_digit(mut self, digit: impl Into<String>) -> Self {
        self.options.break_digit = digit.into();
        self
    }

    /// Joins both until one leaves.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call, alice: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.bridge(alice).run()?;
    /// # Ok(()) }
    /// ```
    pub fn run(self) -> Result<BridgeEnd> {
        Ok(match self.call.0.bridge(&self.other.0, &self.options)? {
            raw::BridgeEnd::OtherHungUp(info) => BridgeEnd::OtherHungUp(info),
            raw::BridgeEnd::Digit(digits) => BridgeEnd::Digit(digit(&digits)),
            raw::BridgeEnd::Timeout => BridgeEnd::Timeout,
            raw::BridgeEnd::Unbridged => BridgeEnd::Unbridged,
            raw::BridgeEnd::Other(text) => BridgeEnd::Other(text),
        })
    }

    /// Joins both, and returns at once.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call, alice: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// let talk = call.bridge(alice).start()?;
    /// # Ok(()) }
    /// ```
    pub fn start(self) -> Result<Operation<'a>> {
        let number = self.call.0.start_bridge(&self.other.0, &self.options)?;
        Ok(Operation { call: self.call, number })
    }
}
