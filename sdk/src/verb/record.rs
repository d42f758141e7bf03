use std::time::Duration;

use super::Operation;
use crate::{Call, Result, bindings::jackfield::plugin::call_control as raw, types::millis};

/// What was recorded.
///
/// ```no_run
/// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
/// let message = call.record().beep().run()?;
/// jackfield_sdk::info!("{}: {} ms", message.name, message.length);
/// # Ok(()) }
/// ```
pub use raw::Recording;

/// Recording, in the making. It begins with [`Call::record`] and ends with the call, after
/// a minute, or with any digit, unless said otherwise.
///
/// ```no_run
/// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
/// use std::time::Duration;
///
/// let message = call.record().beep().silence(Duration::from_secs(4)).finish("#").run()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "nothing is recorded before `run()` or `start()`"]
pub struct Record<'a> {
    call: &'a Call,
    options: raw::RecordOptions,
}

impl<'a> Record<'a> {
    pub(crate) fn new(call: &'a Call) -> Self {
        let options = raw::RecordOptions {
            name: String::new(),
            max: 60_000,
            silence: 0,
            finish: crate::ANY_DIGIT.into(),
            beep: false,
            both: false,
        };
        Self { call, options }
    }

    /// The name below the plugin's recordings; the host chooses one unless said.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.record().name("greeting").run()?;
    /// # Ok(()) }
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = name.into();
        self
    }

    /// The longest that it may be; a minute unless said.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.record().max(std::time::Duration::from_secs(120)).run()?;
    /// # Ok(()) }
    /// ```
    pub fn max(mut self, time: Duration) -> Self {
        self.options.max = millis(time);
        self
    }

    /// Ends after so much silence; never unless said.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.record().silence(std::time::Duration::from_secs(4)).run()?;
    /// # Ok(()) }
    /// ```
    pub fn silence(mut self, time: Duration) -> Self {
        self.options.silence = millis(time);
        self
    }

    /// Digits that end it; any digit unless said.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.record().finish("#").run()?;
    /// # Ok(()) }
    /// ```
    pub fn finish(mut self, digits: impl Into<String>) -> Self {
        self.options.finish = digits.into();
        self
    }

    /// A beep first.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.record().beep().run()?;
    /// # Ok(()) }
    /// ```
    pub fn beep(mut self) -> Self {
        self.options.beep = true;
        self
    }

    /// What the leg hears as well as what it says.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// let recording = call.record().both().start()?;
    /// # Ok(()) }
    /// ```
    pub fn both(mut self) -> Self {
        self.options.both = true;
        self
    }

    /// Records, and returns at the end.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// let message = call.record().run()?;
    /// # Ok(()) }
    /// ```
    pub fn run(self) -> Result<Recording> {
        Ok(self.call.0.record(&self.options)?)
    }

    /// Begins to record, and returns at once.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// let recording = call.record().both().start()?;
    /// # Ok(()) }
    /// ```
    pub fn start(self) -> Result<Operation<'a>> {
        let number = self.call.0.start_record(&self.options)?;
        Ok(Operation { call: self.call, number })
    }
}
