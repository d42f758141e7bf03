//! Messages between plugins. What arrives is [`Event::Message`](crate::events::Event::Message).

use std::time::Duration;

use crate::{Result, bindings::jackfield::plugin::bus as raw, types::millis};

/// Who gets a message.
///
/// ```
/// use jackfield_sdk::bus::Address;
///
/// let address = Address::Plugin("campaign".into());
/// ```
pub use raw::Address;

/// Sends, and goes on.
///
/// ```no_run
/// use jackfield_sdk::bus::{Address, send};
///
/// send(&Address::Plugin("queue".into()), "joined", "alice")?;
/// # Ok::<(), jackfield_sdk::Error>(())
/// ```
pub fn send(to: &Address, topic: &str, body: impl AsRef<[u8]>) -> Result<()> {
    Ok(raw::send(to, topic, body.as_ref())?)
}

/// Sends, and waits for the answer.
///
/// ```no_run
/// use std::time::Duration;
/// use jackfield_sdk::bus::{Address, ask};
///
/// let position = ask(&Address::Plugin("queue".into()), "position", "alice", Duration::from_secs(1))?;
/// # Ok::<(), jackfield_sdk::Error>(())
/// ```
pub fn ask(to: &Address, topic: &str, body: impl AsRef<[u8]>, timeout: Duration) -> Result<Vec<u8>> {
    Ok(raw::ask(to, topic, body.as_ref(), millis(timeout))?)
}

/// Answers [`Message::reply`](crate::events::Message::reply).
///
/// ```no_run
/// # use jackfield_sdk::{bus, events::Message};
/// # fn f(message: Message) -> jackfield_sdk::Result<()> {
/// if let Some(question) = message.reply {
///     bus::reply(question, Err("unknown topic"))?;
/// }
/// # Ok(()) }
/// ```
pub fn reply(question: u64, answer: Result<&[u8], &str>) -> Result<()> {
    Ok(raw::reply(question, answer)?)
}
