//! Random numbers from the host, so that a run can be repeated.

use crate::bindings::jackfield::plugin::random as raw;

/// Any number.
///
/// ```no_run
/// let number = jackfield_sdk::random::number();
/// ```
pub fn number() -> u64 {
    raw::next()
}

/// A number below `end`, which is not 0.
///
/// ```no_run
/// let greetings = ["Bonjour !", "Bienvenue !"];
/// let greeting = greetings[jackfield_sdk::random::below(2) as usize];
/// ```
pub fn below(end: u64) -> u64 {
    number() % end
}
