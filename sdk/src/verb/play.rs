use super::{Operation, prompts};
use crate::{
    ANY_DIGIT, Call, Prompt, Result, bindings::jackfield::plugin::call_control as raw, types::digit,
};

/// Playing, in the making. It begins with [`Call::play`].
///
/// ```no_run
/// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
/// call.play().file("jingle.wav").say("Bonjour !").barge_in(true).run()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "nothing is heard before `run()` or `start()`"]
pub struct Play<'a> {
    call: &'a Call,
    prompts: Vec<Prompt>,
    options: raw::PlayOptions,
}

/// How playing ended.
///
/// ```no_run
/// # use jackfield_sdk::PlayEnd;
/// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
/// if let PlayEnd::Interrupted(digit) = call.play().file("news.wav").barge_in(true).run()? {
///     jackfield_sdk::info!("enough with {digit}");
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlayEnd {
    /// Everything was heard.
    Finished,
    /// This digit stopped it, and waits for the next gather.
    Interrupted(char),
    /// [`Operation::stop`] stopped it.
    Stopped,
    /// What this series of the contract has no name for.
    Other(String),
}

impl<'a> Play<'a> {
    pub(crate) fn new(call: &'a Call) -> Self {
        let options = raw::PlayOptions { interrupt: String::new(), repeat: 1, early: false };
        Self { call, prompts: Vec::new(), options }
    }

    prompts!();

    /// Digits that stop it; none unless said. The digit waits for the next gather.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.play().file("news.wav").interrupt("#*").run()?;
    /// # Ok(()) }
    /// ```
    pub fn interrupt(mut self, digits: impl Into<String>) -> Self {
        self.options.interrupt = digits.into();
        self
    }

    /// Whether any digit stops it; no unless said.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.play().file("news.wav").barge_in(true).run()?;
    /// # Ok(()) }
    /// ```
    pub fn barge_in(self, yes: bool) -> Self {
        self.interrupt(if yes { ANY_DIGIT } else { "" })
    }

    /// How often; 0: until something stops it. Once unless said.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// let music = call.play().file("waiting.wav").repeat(0).start()?;
    /// # Ok(()) }
    /// ```
    pub fn repeat(mut self, times: u32) -> Self {
        self.options.repeat = times;
        self
    }

    /// To be heard before the call is answered (183 with media).
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.play().say("Nous sommes fermés.").early().run()?;
    /// call.reject(480)?;
    /// # Ok(()) }
    /// ```
    pub fn early(mut self) -> Self {
        self.options.early = true;
        self
    }

    /// Plays, and returns at the end.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.play().file("jingle.wav").run()?;
    /// # Ok(()) }
    /// ```
    pub fn run(self) -> Result<PlayEnd> {
        let end = self.call.0.play(&Prompt::raw_list(&self.prompts), &self.options)?;
        Ok(match end {
            raw::PlayEnd::Finished => PlayEnd::Finished,
            raw::PlayEnd::Interrupted(digits) => PlayEnd::Interrupted(digit(&digits)),
            raw::PlayEnd::Stopped => PlayEnd::Stopped,
            raw::PlayEnd::Other(text) => PlayEnd::Other(text),
        })
    }

    /// Begins to play, and returns at once.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// let music = call.play().file("waiting.wav").start()?;
    /// # Ok(()) }
    /// ```
    pub fn start(self) -> Result<Operation<'a>> {
        let number = self.call.0.start_play(&Prompt::raw_list(&self.prompts), &self.options)?;
        Ok(Operation { call: self.call, number })
    }
}
