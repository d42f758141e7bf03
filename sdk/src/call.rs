use std::fmt;

use crate::{
    CallInfo, CallState, Result,
    bindings::jackfield::plugin::call_control as raw,
    prompt::Speech,
    verb::{Bridge, Dial, Gather, Play, Record},
};

/// One leg of a call. Dropping it does not hang up: the legs of a plugin end when its
/// function returns.
///
/// ```
/// use jackfield_sdk::{Call, Result};
///
/// #[jackfield_sdk::app]
/// fn handle(call: Call) -> Result<()> {
///     call.answer()?;
///     call.say("Bonjour !")
/// }
/// ```
pub struct Call(pub(crate) raw::Call);

impl Call {
    /// Unique in this exchange; in its logs and call records too.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) {
    /// let id: String = call.id();
    /// # }
    /// ```
    pub fn id(&self) -> String {
        self.0.id()
    }

    /// Who calls whom.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) {
    /// let caller = call.info().caller;
    /// # }
    /// ```
    pub fn info(&self) -> CallInfo {
        self.0.info()
    }

    /// Where the leg stands.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) {
    /// let up = call.state() == jackfield_sdk::CallState::Up;
    /// # }
    /// ```
    pub fn state(&self) -> CallState {
        self.0.state()
    }

    /// Takes the call. Does nothing to a leg that is up.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.answer()?;
    /// # Ok(()) }
    /// ```
    pub fn answer(&self) -> Result<()> {
        Ok(self.0.answer()?)
    }

    /// Lets the caller hear ringing (180) before the answer.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.ring()?;
    /// jackfield_sdk::time::sleep(std::time::Duration::from_secs(2));
    /// call.answer()?;
    /// # Ok(()) }
    /// ```
    pub fn ring(&self) -> Result<()> {
        Ok(self.0.ring()?)
    }

    /// Refuses a call that was not answered, with a SIP status: 486 busy, 603 declined, ...
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.reject(486)?;
    /// # Ok(()) }
    /// ```
    pub fn reject(&self, code: u16) -> Result<()> {
        Ok(self.0.reject(code)?)
    }

    /// Ends the leg. The reason goes to the call record and may be empty.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.hangup("closed on Sundays")?;
    /// # Ok(()) }
    /// ```
    pub fn hangup(&self, reason: &str) -> Result<()> {
        Ok(self.0.hangup(reason)?)
    }

    /// Speaks, to the end.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// use jackfield_sdk::Speech;
    ///
    /// call.say("Bonjour !")?;
    /// call.say(Speech::new("Good morning!").lang("en"))?;
    /// # Ok(()) }
    /// ```
    pub fn say(&self, speech: impl Into<Speech>) -> Result<()> {
        self.play().say(speech).run().map(drop)
    }

    /// Plays files, texts, tones, one after another.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.play().file("jingle.wav").say("Bonjour !").run()?;
    /// # Ok(()) }
    /// ```
    pub fn play(&self) -> Play<'_> {
        Play::new(self)
    }

    /// Collects digits, with prompts that the first digit stops.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// use std::time::Duration;
    ///
    /// let got = call
    ///     .gather()
    ///     .say("Pour joindre Alice, taper 1.")
    ///     .file("or-wait.wav")
    ///     .first_timeout(Duration::from_secs(10))
    ///     .run()?;
    /// # Ok(()) }
    /// ```
    pub fn gather(&self) -> Gather<'_> {
        Gather::new(self)
    }

    /// Records what this leg says.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// let message = call.record().beep().finish("#").run()?;
    /// # Ok(()) }
    /// ```
    pub fn record(&self) -> Record<'_> {
        Record::new(self)
    }

    /// Rings a user, a number or a SIP address.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// use std::time::Duration;
    /// use jackfield_sdk::DialEnd;
    ///
    /// match call.dial("alice").timeout(Duration::from_secs(10)).run()? {
    ///     DialEnd::Answered(alice) => {
    ///         call.bridge(&alice).run()?;
    ///     }
    ///     DialEnd::Failed(end) => call.say(format!("Alice: {}", end.cause))?,
    /// }
    /// # Ok(()) }
    /// ```
    pub fn dial(&self, target: impl Into<String>) -> Dial<'_> {
        Dial::new(Some(self), target.into())
    }

    /// Joins this leg with another until one of them leaves.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call, alice: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.bridge(alice).run()?;
    /// # Ok(()) }
    /// ```
    pub fn bridge<'a>(&'a self, other: &'a Call) -> Bridge<'a> {
        Bridge::new(self, other)
    }

    /// Sends digits to this leg's far end.
    ///
    /// ```no_run
    /// # fn f(trunk: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// trunk.send_digits("1234#")?;
    /// # Ok(()) }
    /// ```
    pub fn send_digits(&self, digits: &str) -> Result<()> {
        Ok(self.0.send_digits(digits)?)
    }

    /// Lets the leg wait with music (a prompt file; empty: the host's).
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.hold("waiting.wav")?;
    /// call.unhold()?;
    /// # Ok(()) }
    /// ```
    pub fn hold(&self, music: &str) -> Result<()> {
        Ok(self.0.hold(music)?)
    }

    /// Ends [`Call::hold`].
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.unhold()?;
    /// # Ok(()) }
    /// ```
    pub fn unhold(&self) -> Result<()> {
        Ok(self.0.unhold()?)
    }

    /// Hands the leg to somebody else (SIP REFER); it leaves this exchange when that succeeds.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.transfer("sip:bob@example.com")?;
    /// # Ok(()) }
    /// ```
    pub fn transfer(&self, target: &str) -> Result<()> {
        Ok(self.0.transfer(target)?)
    }

    /// Notes something in the call record; who launched the call sees it too.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
    /// call.set_result("satisfied", "yes")?;
    /// # Ok(()) }
    /// ```
    pub fn set_result(&self, key: &str, value: &str) -> Result<()> {
        Ok(self.0.set_result(key, value)?)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({})", self.0.handle())
    }
}

/// A new outbound leg that this plugin drives itself.
///
/// ```no_run
/// # fn f() -> jackfield_sdk::Result<()> {
/// use jackfield_sdk::{DialEnd, originate};
///
/// if let DialEnd::Answered(bob) = originate("bob").caller("100").run()? {
///     bob.say("Votre café est prêt.")?;
/// }
/// # Ok(()) }
/// ```
pub fn originate(target: impl Into<String>) -> Dial<'static> {
    Dial::new(None, target.into())
}
