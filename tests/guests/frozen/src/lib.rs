//! Built against the contract 0.1.0 as it was released, without the SDK: every function of every interface, in all
//! three worlds. It has to run for as long as the series 0.1 is served.

mod app;
mod service;
mod voice;

wit_bindgen::generate!({
    path: "../../../wit/released/0.1.0",
    inline: "
        package frozen:guest;
        world all {
            include jackfield:plugin/call-app@0.1.0;
            include jackfield:plugin/tts-provider@0.1.0;
            include jackfield:plugin/background-service@0.1.0;
        }
    ",
    world: "frozen:guest/all",
    generate_all,
});

use exports::jackfield::plugin::plugin_info::{self, Info};
use jackfield::plugin::{
    config, log, random, timers,
    types::{Error, Finding},
};

struct Frozen;

export!(Frozen);

impl plugin_info::Guest for Frozen {
    fn validate() -> Result<Info, Vec<Finding>> {
        let finding = |text: &str| {
            vec![Finding { path: vec!["greeting".into()], text: text.into(), help: String::new() }]
        };
        if config::get("greeting").is_none() || !config::all().contains("greeting") {
            return Err(finding("is missing"));
        }
        if timers::now() == 0 || timers::local(timers::now(), "Europe/Paris").is_none() {
            return Err(finding("there is no time"));
        }
        log::log(log::Level::Info, "the settings are good", &[("random".into(), random::next().to_string())]);
        Ok(Info { name: "frozen".into(), version: "0.1.0".into() })
    }
}

/// What should have been is told in the error that ends the instance.
fn expect(holds: bool, what: &str) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::Other(format!("broken: {what}"))) }
}
