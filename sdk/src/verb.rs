//! The verbs that take options: each is begun on a [`Call`](crate::Call), told what it
//! needs, and ended with `run()`, which waits, or `start()`, which does not.

mod bridge;
mod dial;
mod gather;
mod play;
mod record;

pub use bridge::{Bridge, BridgeEnd};
pub use dial::{Dial, DialEnd};
pub use gather::Gather;
pub use play::{Play, PlayEnd};
pub use record::{Record, Recording};

use crate::{Call, Result};

/// A verb that was started and goes on by itself; its end is
/// [`Event::Done`](crate::events::Event::Done).
///
/// ```no_run
/// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
/// let music = call.play().file("waiting.wav").repeat(0).start()?;
/// jackfield_sdk::time::sleep(std::time::Duration::from_secs(5));
/// music.stop()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Operation<'a> {
    call: &'a Call,
    number: u32,
}

impl Operation<'_> {
    /// As in [`Event::Done`](crate::events::Event::Done).
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// let number = call.play().file("waiting.wav").start()?.number();
    /// # Ok(()) }
    /// ```
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Ends it now.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.record().start()?.stop()?;
    /// # Ok(()) }
    /// ```
    pub fn stop(&self) -> Result<()> {
        Ok(self.call.0.stop(self.number)?)
    }
}

/// What `Play` and `Gather` let hear; both have the field `prompts`.
macro_rules! prompts {
    () => {
        /// A text.
        ///
        /// ```no_run
        /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
        /// call.gather().say("Tapez 1.").run()?;
        /// # Ok(()) }
        /// ```
        pub fn say(self, speech: impl Into<crate::Speech>) -> Self {
            self.prompt(speech.into())
        }

        /// A file below the plugin's prompts directory, or `shared:NAME`.
        ///
        /// ```no_run
        /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
        /// call.play().file("jingle.wav").run()?;
        /// # Ok(()) }
        /// ```
        pub fn file(self, name: impl Into<String>) -> Self {
            self.prompt(crate::Prompt::File(name.into()))
        }

        /// What [`Call::record`](crate::Call::record) kept under that name, of this plugin.
        ///
        /// ```no_run
        /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
        /// let message = call.record().beep().run()?;
        /// call.play().recording(&message.name).run()?;
        /// # Ok(()) }
        /// ```
        pub fn recording(self, name: &str) -> Self {
            self.file(format!("recording:{name}"))
        }

        /// Audio made ready before.
        ///
        /// ```no_run
        /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
        /// let clip = jackfield_sdk::Clip::say("Bonjour !")?;
        /// call.play().clip(&clip).run()?;
        /// # Ok(()) }
        /// ```
        pub fn clip(self, clip: &crate::Clip) -> Self {
            self.prompt(clip.clone())
        }

        /// A tone: `beep`, `busy`, or pairs like `425/400,0/200`.
        ///
        /// ```no_run
        /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
        /// call.play().tone("beep").run()?;
        /// # Ok(()) }
        /// ```
        pub fn tone(self, tone: impl Into<String>) -> Self {
            self.prompt(crate::Prompt::Tone(tone.into()))
        }

        /// A pause.
        ///
        /// ```no_run
        /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
        /// call.play().silence(std::time::Duration::from_secs(1)).say("Bonjour !").run()?;
        /// # Ok(()) }
        /// ```
        pub fn silence(self, time: std::time::Duration) -> Self {
            self.prompt(crate::Prompt::Silence(time))
        }

        /// One more of any kind.
        ///
        /// ```no_run
        /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
        /// call.play().prompt(jackfield_sdk::Prompt::Digits("123".into())).run()?;
        /// # Ok(()) }
        /// ```
        pub fn prompt(mut self, prompt: impl Into<crate::Prompt>) -> Self {
            self.prompts.push(prompt.into());
            self
        }

        /// Several, in order.
        ///
        /// ```no_run
        /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
        /// use jackfield_sdk::Speech;
        ///
        /// call.gather().prompts(["Bonjour !", "Tapez 1."].map(Speech::new)).run()?;
        /// # Ok(()) }
        /// ```
        pub fn prompts<P: Into<crate::Prompt>>(mut self, prompts: impl IntoIterator<Item = P>) -> Self {
            self.prompts.extend(prompts.into_iter().map(Into::into));
            self
        }
    };
}
use prompts;
