//! Programs beside the exchange, named and defined by the operator's configuration. For
//! plugins that make speech.

use std::time::Duration;

use crate::{Result, bindings::jackfield::plugin::helper as raw, types::millis};

/// A run of a helper, in the making; it may take 10 seconds unless said otherwise.
///
/// ```no_run
/// use jackfield_sdk::helper::Command;
///
/// let wav = Command::new("espeak-ng").args(["-v", "fr"]).input("Bonjour").run()?;
/// # Ok::<(), jackfield_sdk::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing runs before `run()`"]
pub struct Command {
    name: String,
    args: Vec<String>,
    input: Vec<u8>,
    timeout: Duration,
}

impl Command {
    /// The helper's name in the operator's configuration; never a path.
    ///
    /// ```no_run
    /// jackfield_sdk::helper::Command::new("espeak-ng").run()?;
    /// # Ok::<(), jackfield_sdk::Error>(())
    /// ```
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), args: Vec::new(), input: Vec::new(), timeout: Duration::from_secs(10) }
    }

    /// Arguments after those of the operator's configuration.
    ///
    /// ```no_run
    /// jackfield_sdk::helper::Command::new("espeak-ng").args(["-v", "fr"]).run()?;
    /// # Ok::<(), jackfield_sdk::Error>(())
    /// ```
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// What it reads from its standard input.
    ///
    /// ```no_run
    /// jackfield_sdk::helper::Command::new("espeak-ng").input("Bonjour").run()?;
    /// # Ok::<(), jackfield_sdk::Error>(())
    /// ```
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// How long it may take; 10 seconds unless said.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// jackfield_sdk::helper::Command::new("espeak-ng").timeout(Duration::from_secs(2)).run()?;
    /// # Ok::<(), jackfield_sdk::Error>(())
    /// ```
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout = time;
        self
    }

    /// Runs it, and returns what it wrote to its standard output.
    ///
    /// ```no_run
    /// let wav: Vec<u8> = jackfield_sdk::helper::Command::new("espeak-ng").input("Bonjour").run()?;
    /// # Ok::<(), jackfield_sdk::Error>(())
    /// ```
    pub fn run(&self) -> Result<Vec<u8>> {
        Ok(raw::run(&self.name, &self.args, &self.input, millis(self.timeout))?)
    }
}
