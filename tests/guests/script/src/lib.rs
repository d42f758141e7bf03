//! The scripted call of the benchmarks: seven verbs, or parked in the first one that waits.

use std::time::Duration;

use jackfield_sdk::{Call, DialEnd, Result};

#[jackfield_sdk::app]
fn handle(call: Call) -> Result<()> {
    call.answer()?;
    call.play().silence(Duration::from_millis(100)).run()?;
    let choice = call.gather().max(1).run()?;
    call.set_result("choice", &choice.digits)?;
    if let DialEnd::Answered(other) = call.dial("101").run()? {
        call.bridge(&other).run()?;
    }
    call.hangup("the script is over")
}
