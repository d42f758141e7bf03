use std::time::Duration;

use super::prompts;
use crate::{
    Call, Gathered, Prompt, Result, bindings::jackfield::plugin::call_control as raw, types::millis,
};

/// Collecting digits, in the making. It begins with [`Call::gather`]: one digit, which
/// stops the prompts, within 5 seconds of their end, unless said otherwise.
///
/// ```no_run
/// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
/// use std::time::Duration;
///
/// let got = call
///     .gather()
///     .say("Pour joindre Alice, taper 1.")
///     .first_timeout(Duration::from_secs(10))
///     .run()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "nothing is collected before `run()`"]
pub struct Gather<'a> {
    call: &'a Call,
    prompts: Vec<Prompt>,
    barge_in: bool,
    min: u32,
    max: u32,
    finish: String,
    first_timeout: Duration,
    inter_timeout: Duration,
    flush: bool,
}

impl<'a> Gather<'a> {
    pub(crate) fn new(call: &'a Call) -> Self {
        Self {
            call,
            prompts: Vec::new(),
            barge_in: true,
            min: 1,
            max: 1,
            finish: String::new(),
            first_timeout: Duration::from_secs(5),
            inter_timeout: Duration::from_secs(3),
            flush: false,
        }
    }

    prompts!();

    /// Whether the first digit stops the prompts; it counts in any case. Yes unless said.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.gather().file("must-be-heard.wav").barge_in(false).run()?;
    /// # Ok(()) }
    /// ```
    pub fn barge_in(mut self, yes: bool) -> Self {
        self.barge_in = yes;
        self
    }

    /// The least number of digits; 1 unless said.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.gather().say("Votre code.").min(4).max(8).finish("#").run()?;
    /// # Ok(()) }
    /// ```
    pub fn min(mut self, digits: u32) -> Self {
        self.min = digits;
        self
    }

    /// Ends with so many digits; 1 unless said.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.gather().say("Votre numéro de client.").max(6).run()?;
    /// # Ok(()) }
    /// ```
    pub fn max(mut self, digits: u32) -> Self {
        self.max = digits;
        self
    }

    /// Digits that end the input and are not part of it; none unless said.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.gather().say("Votre code, puis dièse.").max(8).finish("#").run()?;
    /// # Ok(()) }
    /// ```
    pub fn finish(mut self, digits: impl Into<String>) -> Self {
        self.finish = digits.into();
        self
    }

    /// From the prompts' end to the first digit; 5 seconds unless said.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.gather().say("Tapez 1.").first_timeout(std::time::Duration::from_secs(10)).run()?;
    /// # Ok(()) }
    /// ```
    pub fn first_timeout(mut self, time: Duration) -> Self {
        self.first_timeout = time;
        self
    }

    /// From one digit to the next; 3 seconds unless said.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.gather().max(6).inter_timeout(std::time::Duration::from_secs(2)).run()?;
    /// # Ok(()) }
    /// ```
    pub fn inter_timeout(mut self, time: Duration) -> Self {
        self.inter_timeout = time;
        self
    }

    /// Forgets what was typed before.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.gather().say("Confirmez avec 1.").flush().run()?;
    /// # Ok(()) }
    /// ```
    pub fn flush(mut self) -> Self {
        self.flush = true;
        self
    }

    /// Plays and collects. No digit at all is an outcome, not an error.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// let digit = call.gather().say("Tapez 1.").run()?.digit();
    /// # Ok(()) }
    /// ```
    pub fn run(self) -> Result<Gathered> {
        let options = raw::GatherOptions {
            prompts: Prompt::raw_list(&self.prompts),
            barge_in: self.barge_in,
            min: self.min,
            max: self.max,
            finish: self.finish,
            first_timeout: millis(self.first_timeout),
            inter_timeout: millis(self.inter_timeout),
            flush: self.flush,
        };
        Ok(self.call.0.gather(&options)?)
    }
}
