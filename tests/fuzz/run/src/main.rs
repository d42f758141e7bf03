//! libFuzzer over the target that the environment variable TARGET names.
#![no_main]

use std::sync::OnceLock;

use jackfield_fuzz::{Target, target};
use libfuzzer_sys::fuzz_target;

static CHOSEN: OnceLock<Target> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    let chosen = CHOSEN.get_or_init(|| {
        let name = std::env::var("TARGET").unwrap_or_default();
        target(&name).unwrap_or_else(|| panic!("TARGET names no target: {name:?}"))
    });
    (chosen.run)(data);
});
