//! For services: calls that another plugin handles in its own instance.

use std::time::Duration;

use crate::{Result, bindings::jackfield::plugin::dialer as raw, types::millis};

/// A call to be placed; [`Launch::run`] places it.
///
/// ```no_run
/// use std::time::Duration;
/// use jackfield_sdk::dialer::launch;
///
/// let number = launch("0600000001", "message").caller("9000").ring(Duration::from_secs(30)).run()?;
/// # Ok::<(), jackfield_sdk::Error>(())
/// ```
pub fn launch(target: impl Into<String>, app: impl Into<String>) -> Launch {
    Launch(raw::LaunchOptions {
        target: target.into(),
        app: app.into(),
        args: Vec::new(),
        caller: None,
        caller_name: None,
        ring_timeout: 30_000,
        contact: None,
    })
}

/// Ends a launched call.
///
/// ```no_run
/// # use jackfield_sdk::dialer::{cancel, launch};
/// let number = launch("alice", "message").run()?;
/// cancel(number)?;
/// # Ok::<(), jackfield_sdk::Error>(())
/// ```
pub fn cancel(launch: u64) -> Result<()> {
    Ok(raw::cancel(launch)?)
}

/// What the operator's limits leave.
///
/// ```no_run
/// let free = jackfield_sdk::dialer::slots().free;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// Launched calls under way.
    pub used: u32,
    /// How many more may be launched now.
    pub free: u32,
}

/// Launched calls under way, and how many more may be.
///
/// ```no_run
/// let slots = jackfield_sdk::dialer::slots();
/// jackfield_sdk::info!("{} calls under way", slots.used);
/// ```
pub fn slots() -> Slots {
    let (used, free) = raw::slots();
    Slots { used, free }
}

/// A call in the making. It begins with [`launch`] and rings for 30 seconds unless said otherwise.
///
/// ```no_run
/// # use jackfield_sdk::dialer::launch;
/// launch("alice", "message").caller("9000").caller_name("Prospection").run()?;
/// # Ok::<(), jackfield_sdk::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is launched before `run()`"]
pub struct Launch(raw::LaunchOptions);

impl Launch {
    /// The number that the callee sees.
    ///
    /// ```no_run
    /// # use jackfield_sdk::dialer::launch;
    /// launch("alice", "message").caller("9000").run()?;
    /// # Ok::<(), jackfield_sdk::Error>(())
    /// ```
    pub fn caller(mut self, number: impl Into<String>) -> Self {
        self.0.caller = Some(number.into());
        self
    }

    /// The name that the callee sees.
    ///
    /// ```no_run
    /// # use jackfield_sdk::dialer::launch;
    /// launch("alice", "message").caller("9000").caller_name("Prospection").run()?;
    /// # Ok::<(), jackfield_sdk::Error>(())
    /// ```
    pub fn caller_name(mut self, name: impl Into<String>) -> Self {
        self.0.caller_name = Some(name.into());
        self
    }

    /// How long it rings; 30 seconds unless said.
    ///
    /// ```no_run
    /// # use jackfield_sdk::dialer::launch;
    /// launch("alice", "message").ring(std::time::Duration::from_secs(20)).run()?;
    /// # Ok::<(), jackfield_sdk::Error>(())
    /// ```
    pub fn ring(mut self, time: Duration) -> Self {
        self.0.ring_timeout = millis(time);
        self
    }

    /// The contact whose attempt this is.
    ///
    /// ```no_run
    /// # use jackfield_sdk::dialer::launch;
    /// # let contact = jackfield_sdk::contacts::due("spring", 0, 1)?.remove(0);
    /// launch(&contact.number, "message").contact(contact.id).run()?;
    /// # Ok::<(), jackfield_sdk::Error>(())
    /// ```
    pub fn contact(mut self, id: u64) -> Self {
        self.0.contact = Some(id);
        self
    }

    /// Something for the app, which finds it with [`CallInfo::arg`](crate::CallInfo::arg).
    ///
    /// ```no_run
    /// # use jackfield_sdk::dialer::launch;
    /// launch("alice", "message").arg("NAME", "Alice").run()?;
    /// # Ok::<(), jackfield_sdk::Error>(())
    /// ```
    pub fn arg(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.args.push((name.into(), value.into()));
        self
    }

    /// Places the call: returns its number once the attempt is written down. Its end is
    /// [`Event::LaunchEnded`](crate::events::Event::LaunchEnded). After
    /// [`Error::Limit`](crate::Error::Limit), wait for
    /// [`Event::LaunchReady`](crate::events::Event::LaunchReady).
    ///
    /// ```no_run
    /// # use jackfield_sdk::dialer::launch;
    /// let number = launch("alice", "message").run()?;
    /// # Ok::<(), jackfield_sdk::Error>(())
    /// ```
    pub fn run(&self) -> Result<u64> {
        Ok(raw::launch(&self.0)?)
    }
}
