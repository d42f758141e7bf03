//! A click in a web page rings your own telephone, and when you take it, the customer's.
//!
//! The page's server sends the message `call` with two words: who clicked, and whom to call.

use std::time::Duration;

use jackfield_sdk::{
    Call, DialEnd, Error, Result, bus, dialer,
    events::{self, Event, Message},
    info, warn,
};

#[jackfield_sdk::service]
fn run(_: Option<Vec<u8>>) -> Result<Option<Vec<u8>>> {
    loop {
        match events::next() {
            Event::Message(message) if message.topic == "call" => {
                let launched = launch(&message);
                if let Err(error) = &launched {
                    warn!("{}: {error}", message.sender);
                }
                // Who waits for an answer is told how it went.
                if let Some(question) = message.reply {
                    let told = launched.map(|launch| launch.to_string()).map_err(|error| error.to_string());
                    bus::reply(question, told.as_deref().map(str::as_bytes).map_err(String::as_str))?;
                }
            }
            Event::LaunchEnded(end) if end.answered_at.is_none() => {
                info!("call {}: {}", end.launch, end.info.cause);
            }
            Event::Stop(_) => return Ok(None),
            _ => {}
        }
    }
}

fn launch(message: &Message) -> Result<u64> {
    let body = String::from_utf8_lossy(&message.body);
    let mut words = body.split_whitespace();
    let (Some(who), Some(number), None) = (words.next(), words.next(), words.next()) else {
        return Err(Error::Invalid(format!("\"{body}\": write `alice 0612345678`")));
    };
    dialer::launch(who, "click-to-call")
        .arg("number", number)
        .caller(number)
        .caller_name("Votre appel")
        .ring(Duration::from_secs(20))
        .run()
}

/// Whoever clicked has taken the call.
#[jackfield_sdk::app(beside)]
fn handle(call: Call) -> Result<()> {
    let Some(number) = call.info().arg("number").map(str::to_owned) else {
        return call.reject(404);
    };
    call.say("Un instant, nous appelons.")?;
    match call.dial(&number).timeout(Duration::from_secs(30)).run()? {
        DialEnd::Answered(customer) => call.bridge(&customer).run().map(drop),
        DialEnd::Failed(end) => call.say(match end.cause {
            jackfield_sdk::HangupCause::Busy => "Votre correspondant est occupé.",
            _ => "Votre correspondant ne répond pas.",
        }),
    }
}
