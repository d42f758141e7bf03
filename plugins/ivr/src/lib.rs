//! A menu for callers, described in its settings: prompts, and what each key does.
//!
//! [`settings`] is what is written, [`flow`] the same after it was found to make sense, and
//! [`walk`] a call's way through it.

pub mod check;
pub mod flow;
mod phone;
pub mod settings;
pub mod walk;

use jackfield_sdk::{Call, Clip, Error, Result, settings::Finding, warn};

use phone::Phone;
use settings::Settings;

#[jackfield_sdk::app(validate = validate)]
fn handle(call: Call, settings: Settings) -> Result<()> {
    let info = call.info();
    let field = |name: &str| match name {
        "caller" => Some(info.caller.clone()),
        "callee" => Some(info.callee.clone()),
        _ => {
            let arg = info.args.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
            if arg.is_none() {
                warn!("the call has no {name}: nothing is said for it");
            }
            arg
        }
    };
    let mut flow = check::flow_of(&settings, &field).map_err(refused)?;
    // A menu that cannot speak does not answer: the call gets the route's fallback.
    phone::prepare(&mut flow)?;
    call.answer()?;
    walk::walk(&flow, &mut Phone::new(&call))
}

/// What is wrong with the settings; if nothing is, the sentences of the flow are announced.
fn validate(settings: &Settings) -> Result<(), Vec<Finding>> {
    for speech in check::fixed(settings)? {
        // One that is not made ahead is made when it is asked for.
        let _ = Clip::say(speech);
    }
    Ok(())
}

/// Settings were checked when the plugin was loaded; these are not those.
fn refused(findings: Vec<Finding>) -> Error {
    Error::Invalid(findings.first().map(ToString::to_string).unwrap_or_default())
}
