//! A plugin that means harm, each way a setting; and one that stands, which must not notice.

use std::{hint::black_box, time::Duration};

use jackfield_sdk::{Call, Clip, Error, PlayEnd, Result, bus, debug, http::Request, info, kv, time};
use serde::Deserialize;

const LONG: Duration = Duration::from_secs(600);
/// Long for a name, a key, a number, a text.
const HUGE: usize = 128 << 10;
/// More than a host call may hand over.
const TOO_HUGE: usize = 6 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    way: Way,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Way {
    /// Means no harm: a tone, and another one for each key.
    Stand,
    Loop,
    LoopOfHostCalls,
    Memory,
    Handles,
    Recursion,
    TrapInDial,
    LogFlood,
    ValueFlood,
    Dials,
    DialsAtOnce,
    AfterHangup,
    HugeStrings,
    TooHugeString,
    NotGranted,
    Timers,
}

#[jackfield_sdk::app]
fn handle(call: Call, settings: Settings) -> Result<()> {
    call.answer()?;
    match settings.way {
        Way::Stand => stand(&call),
        Way::Loop => spin(),
        Way::LoopOfHostCalls => loop {
            black_box(call.state());
        },
        Way::Memory => eat(),
        Way::Handles => hoard(),
        Way::Recursion => {
            black_box(deeper(0));
            Ok(())
        }
        Way::TrapInDial => {
            let _ringing = call.dial("102").timeout(LONG).start()?;
            time::sleep(Duration::from_millis(500));
            panic!("it traps in the middle of a dial, as it should");
        }
        Way::LogFlood => loop {
            info!("a line of a flood, and a long one at that, which says nothing at all");
        },
        Way::ValueFlood => flood(),
        Way::Dials => dial(&call),
        Way::DialsAtOnce => dial_at_once(&call),
        Way::AfterHangup => go_on(&call),
        Way::HugeStrings => {
            hand_over_huge_strings(&call);
            Err(Error::Other("every huge string was refused".to_owned()))
        }
        Way::TooHugeString => {
            kv::set("k", vec![7; TOO_HUGE])?;
            Ok(())
        }
        Way::NotGranted => call.dial("101").run().map(drop),
        Way::Timers => {
            for _ in 0..1000 {
                time::Timer::every(Duration::ZERO);
            }
            Ok(())
        }
    }
}

fn stand(call: &Call) -> Result<()> {
    loop {
        let tone = call.play().tone("440/1000").repeat(0).interrupt("0123456789").run()?;
        if let PlayEnd::Interrupted(_) = tone {
            call.play().tone("880/1000").run()?;
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

/// Ten thousand handles, none of them given back.
fn hoard() -> Result<()> {
    let mut hoard = Vec::new();
    for _ in 0..10_000 {
        hoard.push(Clip::open("beep.wav")?);
    }
    Ok(())
}

#[expect(unconditional_recursion, reason = "the stack has to end, not the function")]
fn deeper(depth: u64) -> u64 {
    let here = black_box([depth; 64]);
    deeper(depth + 1) + here[63]
}

fn flood() -> Result<()> {
    for number in 0_u64.. {
        kv::set(&format!("flood-{number}"), [7; 1000])?;
    }
    Ok(())
}

/// One after the other, each of which fails at once.
fn dial(call: &Call) -> Result<()> {
    for _ in 0..1000 {
        if let Err(error @ Error::Limit(_)) = call.dial("109").run() {
            return Err(error);
        }
    }
    Ok(())
}

fn dial_at_once(call: &Call) -> Result<()> {
    let mut ringing = Vec::new();
    for _ in 0..1000 {
        ringing.push(call.dial("102").timeout(LONG).start()?);
    }
    Ok(())
}

/// Whatever is said to it, it does not end.
fn go_on(call: &Call) -> ! {
    loop {
        if let Err(error) = call.play().tone("440/1000").run() {
            debug!("and on it goes: {error}");
            time::sleep(Duration::from_millis(20));
        }
    }
}

/// To every import that takes a text or bytes: none may end the guest.
fn hand_over_huge_strings(call: &Call) {
    let huge = "7".repeat(HUGE);
    let text = huge.as_str();
    let refused = |what: &str, result: Result<()>| match result {
        Err(
            Error::Invalid(_)
            | Error::Limit(_)
            | Error::Denied(_)
            | Error::Unavailable(_)
            | Error::NotFound(_),
        ) => {}
        other => panic!("a huge string to {what}: {other:?}"),
    };
    refused("hangup", call.hangup(text));
    refused("say", call.say(text));
    refused("file", call.play().file(text).run().map(drop));
    refused("tone", call.play().tone(text).run().map(drop));
    refused("dtmf", call.send_digits(text));
    refused("interrupt", call.play().tone("beep").interrupt(format!("{text}!")).run().map(drop));
    refused("finish", call.gather().finish(format!("{text}!")).run().map(drop));
    refused("record", call.record().name(text).run().map(drop));
    refused("dial", call.dial(text).run().map(drop));
    refused("caller", call.dial("101").caller(text).run().map(drop));
    refused("caller-name", call.dial("101").caller_name(text).run().map(drop));
    refused("header", call.dial("101").header("X-Huge", text).run().map(drop));
    refused("header name", call.dial("101").header(text, "x").run().map(drop));
    refused("ringback", call.dial("101").ringback(text).run().map(drop));
    refused("hold", call.hold(text));
    refused("transfer", call.transfer(text));
    refused("result", call.set_result("key", text));
    refused("result's key", call.set_result(text, "value"));
    refused("clip", Clip::open(text).map(drop));
    refused("clip of speech", Clip::say(text).map(drop));
    refused("kv get", kv::get(text).map(drop));
    refused("kv set", kv::set(text, "value"));
    refused("kv value", kv::set("key", [7; 2 << 20].as_slice()));
    refused("kv delete", kv::delete(text).map(drop));
    refused("kv add", kv::add(text, 1).map(drop));
    refused("kv swap", kv::swap(text, None, "value").map(drop));
    refused("kv keys", kv::keys(text, "", 10).map(drop));
    refused("kv keys after", kv::keys("", text, 10).map(drop));
    refused("http", Request::get(format!("https://{text}/")).send().map(drop));
    refused("http method", Request::new(text, "https://example.org/").send().map(drop));
    refused("bus", bus::send(&bus::Address::Plugin(text.to_owned()), "topic", "body"));
    refused("bus topic", bus::send(&bus::Address::Call(call.id()), text, "body"));
    refused("bus body", bus::send(&bus::Address::Call(call.id()), "topic", text));
    refused("bus ask", bus::ask(&bus::Address::Call(text.to_owned()), "topic", "body", LONG).map(drop));
    refused("bus reply", bus::reply(1, Err(text)));
    assert!(time::local(0, text).is_none(), "a zone of a huge name");
    debug!("{text}");
}
