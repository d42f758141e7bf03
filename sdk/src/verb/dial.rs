use std::time::Duration;

use crate::{
    Call, Error, HangupInfo, Header, Result, bindings::jackfield::plugin::call_control as raw, types::millis,
};

/// A dial, in the making. It begins with [`Call::dial`] or [`originate`](crate::originate)
/// and rings for 30 seconds unless said otherwise.
///
/// ```no_run
/// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
/// use std::time::Duration;
///
/// let end = call.dial("alice").or("bob").timeout(Duration::from_secs(10)).run()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "nothing rings before `run()` or `start()`"]
pub struct Dial<'a> {
    call: Option<&'a Call>,
    options: raw::DialOptions,
}

/// How a dial ended. That nobody answered is an outcome, not an error.
///
/// ```no_run
/// # use jackfield_sdk::DialEnd;
/// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
/// match call.dial("alice").run()? {
///     DialEnd::Answered(alice) => drop(call.bridge(&alice).run()?),
///     DialEnd::Failed(end) => call.say(format!("{}", end.cause))?,
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub enum DialEnd {
    /// The new leg belongs to this plugin.
    Answered(Call),
    /// Busy, no answer, rejected, ...: of the target that says most.
    Failed(HangupInfo),
}

impl<'a> Dial<'a> {
    pub(crate) fn new(call: Option<&'a Call>, target: String) -> Self {
        let options = raw::DialOptions {
            targets: vec![target],
            timeout: 30_000,
            caller: None,
            caller_name: None,
            headers: Vec::new(),
            ringback: None,
        };
        Self { call, options }
    }

    /// One more target: all ring, the first answer wins.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.dial("alice").or("bob").run()?;
    /// # Ok(()) }
    /// ```
    pub fn or(mut self, target: impl Into<String>) -> Self {
        self.options.targets.push(target.into());
        self
    }

    /// How long it rings; 30 seconds unless said.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.dial("alice").timeout(std::time::Duration::from_secs(10)).run()?;
    /// # Ok(()) }
    /// ```
    pub fn timeout(mut self, time: Duration) -> Self {
        self.options.timeout = millis(time);
        self
    }

    /// The number that the callee sees; the caller's own unless said.
    ///
    /// ```no_run
    /// # fn f() -> jackfield_sdk::Result<()> {
    /// jackfield_sdk::originate("alice").caller("9000").run()?;
    /// # Ok(()) }
    /// ```
    pub fn caller(mut self, number: impl Into<String>) -> Self {
        self.options.caller = Some(number.into());
        self
    }

    /// The name that the callee sees.
    ///
    /// ```no_run
    /// # fn f() -> jackfield_sdk::Result<()> {
    /// jackfield_sdk::originate("alice").caller("9000").caller_name("Prospection").run()?;
    /// # Ok(()) }
    /// ```
    pub fn caller_name(mut self, name: impl Into<String>) -> Self {
        self.options.caller_name = Some(name.into());
        self
    }

    /// A SIP header of the invitation.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.dial("alice").header("Alert-Info", "internal").run()?;
    /// # Ok(()) }
    /// ```
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.headers.push(Header { name: name.into(), value: value.into() });
        self
    }

    /// What the caller hears meanwhile (a tone or a prompt file); the far end's own unless said.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.dial("alice").ringback("ringback").run()?;
    /// # Ok(()) }
    /// ```
    pub fn ringback(mut self, tone: impl Into<String>) -> Self {
        self.options.ringback = Some(tone.into());
        self
    }

    /// Rings until one answers or all have failed.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// let end = call.dial("alice").run()?;
    /// # Ok(()) }
    /// ```
    pub fn run(self) -> Result<DialEnd> {
        let end = match self.call {
            Some(call) => call.0.dial(&self.options)?,
            None => raw::originate(&self.options)?,
        };
        Ok(match end {
            raw::DialEnd::Answered(call) => DialEnd::Answered(Call(call)),
            raw::DialEnd::Failed(info) => DialEnd::Failed(info),
        })
    }

    /// Begins to ring, and returns at once with the leg;
    /// [`Event::Answered`](crate::events::Event::Answered) or
    /// [`Event::HungUp`](crate::events::Event::HungUp) follows. Only for [`Call::dial`].
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// let alice = call.dial("alice").start()?;
    /// # Ok(()) }
    /// ```
    pub fn start(self) -> Result<Call> {
        let Some(call) = self.call else {
            return Err(Error::Invalid("originate has no caller to ring for: use run()".into()));
        };
        Ok(Call(call.0.start_dial(&self.options)?))
    }
}
