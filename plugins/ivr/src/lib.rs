//! A menu for callers, described in its settings: prompts, and what each key does.
//!
//! [`settings`] is what is written, [`flow`] the same after it was found to make sense, and
//! [`walk`] a call's way through it.

pub mod check;
pub mod flow;
mod phone;
pub mod settings;
pub mod walk;

use jackfield_sdk::{Call, Error, Result};

use phone::Phone;
use settings::Settings;

#[jackfield_sdk::app(validate = check::flow)]
fn handle(call: Call, settings: Settings) -> Result<()> {
    let mut flow = check::flow(&settings).map_err(refused)?;
    // A menu that cannot speak does not answer: the call gets the route's fallback.
    phone::prepare(&mut flow)?;
    call.answer()?;
    walk::walk(&flow, &mut Phone::new(&call))
}

/// Settings were checked when the plugin was loaded; these are not those.
fn refused(findings: Vec<jackfield_sdk::settings::Finding>) -> Error {
    Error::Invalid(findings.first().map(ToString::to_string).unwrap_or_default())
}
