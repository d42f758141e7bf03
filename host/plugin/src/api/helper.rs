//! `helper`: programs that the operator has named and granted.

use super::{
    Failure, MAX_BODY, MAX_LIST, MAX_NAME, MAX_TEXT, at_most, bindings::jackfield::plugin::helper::Host,
    millis,
};
use crate::instance::State;

impl Host for State {
    async fn run(
        &mut self,
        name: String,
        args: Vec<String>,
        input: Vec<u8>,
        timeout: u32,
    ) -> Result<Vec<u8>, Failure> {
        self.not_in_check("helper")?;
        at_most("helper", name.len(), MAX_NAME)?;
        at_most("args", args.len(), MAX_LIST)?;
        at_most("args", args.iter().map(String::len).sum(), MAX_TEXT)?;
        at_most("input", input.len(), MAX_BODY)?;
        self.rights().helper(&name)?;
        let answer = self.host.services.helper(&name, args, input, millis(timeout));
        self.wait(answer).await
    }
}
