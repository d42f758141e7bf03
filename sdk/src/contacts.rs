//! The contacts of the campaigns. The host owns the list; the plugin decides who is called
//! when, and when to stop.

use crate::{Result, bindings::jackfield::plugin::contacts as raw};

/// Somebody to be called.
///
/// ```
/// # use jackfield_sdk::contacts::Contact;
/// fn name(contact: &Contact) -> Option<&str> {
///     contact.field("NAME")
/// }
/// ```
pub use raw::Contact;

impl Contact {
    /// A column of the imported file.
    ///
    /// ```
    /// # use jackfield_sdk::contacts::Contact;
    /// # fn f(contact: &Contact) {
    /// let name = contact.field("NAME").unwrap_or("cher client");
    /// # }
    /// ```
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Neither finished nor being called, due at `now` (Unix milliseconds) or before, oldest first.
///
/// ```no_run
/// use jackfield_sdk::{contacts, time};
///
/// for contact in contacts::due("spring", time::now(), 10)? {
///     jackfield_sdk::info!("{} is due", contact.number);
/// }
/// # Ok::<(), jackfield_sdk::Error>(())
/// ```
pub fn due(campaign: &str, now: u64, limit: u32) -> Result<Vec<Contact>> {
    Ok(raw::due(campaign, now, limit)?)
}

/// When the next one is due (Unix milliseconds). None: nobody is left.
///
/// ```no_run
/// let done = jackfield_sdk::contacts::next_due("spring")?.is_none();
/// # Ok::<(), jackfield_sdk::Error>(())
/// ```
pub fn next_due(campaign: &str) -> Result<Option<u64>> {
    Ok(raw::next_due(campaign)?)
}

/// Not before then (Unix milliseconds).
///
/// ```no_run
/// # let contact = jackfield_sdk::contacts::due("spring", 0, 1)?.remove(0);
/// jackfield_sdk::contacts::postpone(contact.id, jackfield_sdk::time::now() + 60_000)?;
/// # Ok::<(), jackfield_sdk::Error>(())
/// ```
pub fn postpone(contact: u64, until: u64) -> Result<()> {
    Ok(raw::postpone(contact, until)?)
}

/// Never again; the outcome goes to the export.
///
/// ```no_run
/// # let contact = jackfield_sdk::contacts::due("spring", 0, 1)?.remove(0);
/// jackfield_sdk::contacts::finish(contact.id, "answered")?;
/// # Ok::<(), jackfield_sdk::Error>(())
/// ```
pub fn finish(contact: u64, outcome: &str) -> Result<()> {
    Ok(raw::finish(contact, outcome)?)
}
