//! The smallest plugin: answers, speaks, hangs up.

use jackfield_sdk::{Call, Result};

#[jackfield_sdk::app]
fn handle(call: Call) -> Result<()> {
    call.answer()?;
    call.say("Bonjour !")
}
