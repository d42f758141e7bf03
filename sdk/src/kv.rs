//! What a plugin remembers: bytes by name, on the exchange's disk, shared by all instances
//! and versions of the plugin.
//!
//! ```no_run
//! use jackfield_sdk::kv;
//!
//! let calls = kv::add("calls", 1)?;
//! kv::set("last-caller", "alice")?;
//! # Ok::<(), jackfield_sdk::Error>(())
//! ```

use std::time::Duration;

use crate::{Result, bindings::jackfield::plugin::kv as raw, types::millis};

/// The value, if there is one.
///
/// ```no_run
/// let greeting = jackfield_sdk::kv::get("greeting")?.unwrap_or_default();
/// # Ok::<(), jackfield_sdk::Error>(())
/// ```
pub fn get(key: &str) -> Result<Option<Vec<u8>>> {
    Ok(raw::get(key)?)
}

/// Writes a value.
///
/// ```no_run
/// jackfield_sdk::kv::set("greeting", "Bonjour")?;
/// # Ok::<(), jackfield_sdk::Error>(())
/// ```
pub fn set(key: &str, value: impl AsRef<[u8]>) -> Result<()> {
    Ok(raw::set(key, value.as_ref(), None)?)
}

/// Writes a value that is forgotten after a while.
///
/// ```no_run
/// jackfield_sdk::kv::set_for(std::time::Duration::from_secs(3600), "code", "4711")?;
/// # Ok::<(), jackfield_sdk::Error>(())
/// ```
pub fn set_for(time: Duration, key: &str, value: impl AsRef<[u8]>) -> Result<()> {
    Ok(raw::set(key, value.as_ref(), Some(millis(time)))?)
}

/// Forgets a value; false: there was none.
///
/// ```no_run
/// jackfield_sdk::kv::delete("greeting")?;
/// # Ok::<(), jackfield_sdk::Error>(())
/// ```
pub fn delete(key: &str) -> Result<bool> {
    Ok(raw::delete(key)?)
}

/// Adds to a number, at once for all; a missing one counts as 0. Returns the sum.
///
/// ```no_run
/// let visitors = jackfield_sdk::kv::add("visitors", 1)?;
/// # Ok::<(), jackfield_sdk::Error>(())
/// ```
pub fn add(key: &str, delta: i64) -> Result<i64> {
    Ok(raw::add(key, delta)?)
}

/// Writes `new` only where `old` stands (none: nothing); false: something else stood there.
///
/// ```no_run
/// let mine = jackfield_sdk::kv::swap("owner", None, "me")?;
/// # Ok::<(), jackfield_sdk::Error>(())
/// ```
pub fn swap(key: &str, old: Option<&[u8]>, new: impl AsRef<[u8]>) -> Result<bool> {
    Ok(raw::swap(key, old, new.as_ref())?)
}

/// Keys in order, after `after` (empty: from the first), at most `limit`.
///
/// ```no_run
/// let first = jackfield_sdk::kv::keys("caller/", "", 100)?;
/// # Ok::<(), jackfield_sdk::Error>(())
/// ```
pub fn keys(prefix: &str, after: &str, limit: u32) -> Result<Vec<String>> {
    Ok(raw::keys(prefix, after, limit)?)
}
