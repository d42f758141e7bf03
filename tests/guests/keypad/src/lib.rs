//! Asks for twelve keys, and tells which ones were pressed.

use std::time::Duration;

use jackfield_sdk::{Call, Result, info};

const PATIENCE: Duration = Duration::from_secs(20);

#[jackfield_sdk::app]
fn handle(call: Call) -> Result<()> {
    call.answer()?;
    let gathered = call.gather().max(12).first_timeout(PATIENCE).inter_timeout(PATIENCE).run()?;
    info!("pressed {}", gathered.digits);
    // Who hangs up is the caller.
    call.play().silence(PATIENCE).run().map(drop)
}
