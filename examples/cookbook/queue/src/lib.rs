//! Callers wait in turn for agents. Each caller's instance waits for the word of one service, which keeps the order.

mod order;

use std::time::Duration;

use jackfield_sdk::{
    Call, DialEnd, Result,
    bus::{self, Address},
    events::{self, Event},
};
use order::Order;
use serde::Deserialize;

/// A soft tone each two seconds.
const MUSIC: &str = "425/150,0/1850";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    agents: Vec<String>,
    welcome: String,
}

#[jackfield_sdk::app]
fn handle(call: Call, settings: Settings) -> Result<()> {
    call.answer()?;
    call.say(settings.welcome)?;
    let id = call.id();
    tell("join", &id)?;
    let end = wait(&call);
    // However it ended, also by a hang-up in the middle of a word.
    tell("leave", &id)?;
    end
}

fn wait(call: &Call) -> Result<()> {
    let play = || call.play().tone(MUSIC).repeat(0).start();
    let mut music = play()?;
    loop {
        let message = match events::next() {
            Event::Message(message) => message,
            Event::HungUp { .. } => return Ok(()),
            _ => continue,
        };
        let word = String::from_utf8_lossy(&message.body);
        music.stop()?;
        match message.topic.as_str() {
            "position" => call.say(format!("Vous êtes en position {word}."))?,
            "agent" => match call.dial(&*word).timeout(Duration::from_secs(15)).run()? {
                DialEnd::Answered(agent) => {
                    call.set_result("agent", &word)?;
                    return call.bridge(&agent).run().map(drop);
                }
                DialEnd::Failed(_) => tell("missed", &call.id())?,
            },
            _ => {}
        }
        music = play()?;
    }
}

fn tell(topic: &str, body: &str) -> Result<()> {
    bus::send(&Address::Plugin("queue".into()), topic, body)
}

#[jackfield_sdk::service(beside)]
fn run(saved: Option<Vec<u8>>, settings: Settings) -> Result<Option<Vec<u8>>> {
    // The next version goes on with the order of this one.
    let mut order: Order = saved.and_then(|saved| serde_json::from_slice(&saved).ok()).unwrap_or_default();
    loop {
        match events::next_within(Duration::from_secs(5)) {
            Some(Event::Message(message)) => {
                let call = String::from_utf8_lossy(&message.body).into_owned();
                match message.topic.as_str() {
                    "join" => order.join(call),
                    "leave" => order.leave(&call),
                    "missed" => order.missed(call),
                    _ => {}
                }
            }
            Some(Event::Stop(_)) => return Ok(Some(serde_json::to_vec(&order)?)),
            _ => order.look_after(),
        }
        order.hand_out(&settings.agents);
    }
}
