//! Plugins that misbehave once they have the call: each way is a setting.

use std::{hint::black_box, time::Duration};

use jackfield_sdk::{Call, Result, time};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    fault: Fault,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Fault {
    /// Panics, which is a trap in wasm.
    Trap,
    /// Never comes back from its own code.
    Loop,
    /// Takes memory until there is none.
    Memory,
    /// Reads none of its events.
    Deaf,
}

#[jackfield_sdk::app]
fn handle(call: Call, settings: Settings) -> Result<()> {
    call.answer()?;
    // Long enough that other calls are up beside it.
    time::sleep(Duration::from_millis(300));
    match settings.fault {
        Fault::Trap => panic!("misfit traps, as it should"),
        Fault::Loop => spin(),
        Fault::Memory => eat(),
        Fault::Deaf => {
            time::sleep(Duration::from_secs(600));
            Ok(())
        }
    }
}

fn spin() -> ! {
    loop {
        black_box(0);
    }
}

fn eat() -> ! {
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    loop {
        eaten.push(black_box(vec![1; 1 << 20]));
    }
}
