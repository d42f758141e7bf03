//! What was asked and got, in words for people.

use std::{fmt, time::Duration};

use jackfield_switch::{
    Address, BridgeEnd, BridgeOptions, Command, DialEnd, DialOptions, Error, Event, GatherEnd, HangupInfo,
    OperationEnd, PlayEnd, Value,
};

use super::{
    record::Ended,
    step::{Asked, Blob, Got},
};
use crate::units::Span;

/// Of a text or of bytes.
const SHOWN: usize = 60;

impl fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Asked::Verb { command, said } => verb(f, command, said),
            Asked::Now => f.write_str("now"),
            Asked::UtcOffset => f.write_str("utc-offset"),
            Asked::Local { at, zone } => write!(f, "local({at}, {zone})"),
            Asked::Random => f.write_str("random"),
            Asked::KvGet { key } => write!(f, "kv.get({key})"),
            Asked::KvSet { key, value, ttl } => {
                write!(f, "kv.set({key}, {}{})", text(value), ttl.map(within).unwrap_or_default())
            }
            Asked::KvDelete { key } => write!(f, "kv.delete({key})"),
            Asked::KvAdd { key, delta } => write!(f, "kv.add({key}, {delta})"),
            Asked::KvSwap { key, old, new } => {
                let old = old.as_ref().map_or("nothing".to_owned(), |Blob(old)| text(old));
                write!(f, "kv.swap({key}, {old}, {})", text(&new.0))
            }
            Asked::KvKeys { prefix, after, limit } => write!(f, "kv.keys({prefix:?}, {after:?}, {limit})"),
            Asked::ContactsDue { campaign, now, limit } => {
                write!(f, "contacts.due({campaign}, {now}, {limit})")
            }
            Asked::ContactsNextDue { campaign } => write!(f, "contacts.next-due({campaign})"),
            Asked::ContactsPostpone { contact, until } => write!(f, "contacts.postpone({contact}, {until})"),
            Asked::ContactsFinish { contact, outcome } => write!(f, "contacts.finish({contact}, {outcome})"),
            Asked::Http(request) => {
                write!(f, "http({} {}", request.method, short(&request.url))?;
                if !request.body.is_empty() {
                    write!(f, ", {}", text(&request.body))?;
                }
                f.write_str(")")
            }
            Asked::Helper { name, args, input, .. } => {
                write!(f, "helper({name} {}, {})", short(&args.join(" ")), text(&input.0))
            }
            Asked::Recording { name } => write!(f, "recording({name})"),
            Asked::Speech(speech) => write!(f, "speech({})", quoted(&speech.text)),
        }
    }
}

/// The leg is not named: a call has one, mostly, and a dial brings the other.
fn verb(f: &mut fmt::Formatter<'_>, command: &Command, said: &[String]) -> fmt::Result {
    let said = said.join(", ");
    match command {
        Command::Answer { .. } => f.write_str("answer"),
        Command::Ring { .. } => f.write_str("ring"),
        Command::Reject { code, .. } => write!(f, "reject({code})"),
        Command::Hangup { reason, .. } => write!(f, "hangup({reason})"),
        Command::State { .. } => f.write_str("state"),
        Command::Play { options, .. } => write!(f, "play({said}{})", interrupt(options)),
        Command::StartPlay { options, .. } => write!(f, "start-play({said}{})", interrupt(options)),
        Command::Gather { options, .. } => {
            write!(f, "gather({said}; ")?;
            match (options.min, options.max) {
                (0 | 1, 1) => write!(f, "1 key")?,
                (0, max) => write!(f, "{max} keys")?,
                (min, max) => write!(f, "{min} to {max} keys")?,
            }
            if !options.barge_in {
                f.write_str(", no barge-in")?;
            }
            write!(f, "{})", within(options.first_timeout))
        }
        Command::Record { options, .. } => write!(f, "record({}{})", options.name, within(options.max)),
        Command::StartRecord { options, .. } => {
            write!(f, "start-record({}{})", options.name, within(options.max))
        }
        Command::Stop { operation, .. } => write!(f, "stop({operation})"),
        Command::SendDigits { digits, .. } => write!(f, "send-digits({digits})"),
        Command::Dial { leg: None, options } => dial(f, "originate", options, &said),
        Command::Dial { options, .. } => dial(f, "dial", options, &said),
        Command::StartDial { options, .. } => dial(f, "start-dial", options, &said),
        Command::Bridge { options, .. } => write!(f, "bridge{}", bridge(options)),
        Command::StartBridge { options, .. } => write!(f, "start-bridge{}", bridge(options)),
        Command::SetResult { key, value, .. } => write!(f, "set-result({key}, {})", short(value)),
        Command::Next { timeout: None } => f.write_str("next"),
        Command::Next { timeout: Some(timeout) } => write!(f, "next({})", Span(*timeout)),
        Command::Sleep { time } => write!(f, "sleep({})", Span(*time)),
        Command::StartTimer { after, repeat } => {
            write!(f, "timer({}{})", Span(*after), if *repeat { ", again and again" } else { "" })
        }
        Command::CancelTimer { timer } => write!(f, "cancel-timer({timer})"),
        Command::Launch(options) => write!(f, "launch({} for {})", options.target, options.app),
        Command::CancelLaunch { launch } => write!(f, "cancel-launch({launch})"),
        Command::Slots => f.write_str("slots"),
        Command::Send { to, topic, body } => write!(f, "send({}, {topic}, {})", address(to), text(body)),
        Command::Ask { to, topic, body, .. } => write!(f, "ask({}, {topic}, {})", address(to), text(body)),
        Command::Answered { question, answer } => match answer {
            Ok(body) => write!(f, "reply({question}, {})", text(body)),
            Err(error) => write!(f, "reply({question}, error {})", short(error)),
        },
    }
}

fn dial(f: &mut fmt::Formatter<'_>, verb: &str, options: &DialOptions, said: &str) -> fmt::Result {
    write!(f, "{verb}({}", options.targets.join(" or "))?;
    if let Some(caller) = &options.caller {
        write!(f, ", as {caller}")?;
    }
    if !said.is_empty() {
        write!(f, ", ringback {said}")?;
    }
    write!(f, "{})", within(options.timeout))
}

fn interrupt(options: &jackfield_switch::PlayOptions) -> String {
    let mut text = String::new();
    if options.interrupt != Default::default() {
        text += ", until a key";
    }
    if options.repeat != 1 {
        text += &format!(", {} times", options.repeat);
    }
    text
}

fn bridge(options: &BridgeOptions) -> String {
    options.max.map(|max| format!("({})", Span(max))).unwrap_or_default()
}

fn address(to: &Address) -> String {
    match to {
        Address::Plugin(name) => name.clone(),
        Address::Call(id) => format!("call {id}"),
    }
}

fn within(time: Duration) -> String {
    if time.is_zero() { String::new() } else { format!(", {}", Span(time)) }
}

impl fmt::Display for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Got::Reply(Ok(value)) => f.write_str(&told(value)),
            Got::Time(at) => write!(f, "{at}"),
            Got::Offset(offset) => write!(f, "{offset} min"),
            Got::Local(Some(time)) => write!(
                f,
                "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
                time.year, time.month, time.day, time.hour, time.minute, time.second
            ),
            Got::Local(None) => f.write_str("no such zone"),
            Got::Random(number) => write!(f, "{number:#x}"),
            Got::Value(Ok(Some(Blob(value)))) | Got::Output(Ok(Blob(value))) => f.write_str(&text(value)),
            Got::Value(Ok(None)) => f.write_str("no such key"),
            Got::Done(Ok(())) => f.write_str("done"),
            Got::Flag(Ok(flag)) => write!(f, "{flag}"),
            Got::Sum(Ok(sum)) => write!(f, "{sum}"),
            Got::Keys(Ok(keys)) => write!(f, "{} keys", keys.len()),
            Got::Contacts(Ok(contacts)) => write!(f, "{} contacts", contacts.len()),
            Got::Due(Ok(Some(due))) => write!(f, "{due}"),
            Got::Due(Ok(None)) => f.write_str("nobody"),
            Got::Http(Ok(response)) => write!(f, "{} {}", response.status, text(&response.body)),
            Got::Clip(Ok(samples)) => write!(f, "{:.2} s of audio", *samples as f64 / 8000.0),
            Got::Reply(Err(error))
            | Got::Value(Err(error))
            | Got::Done(Err(error))
            | Got::Flag(Err(error))
            | Got::Sum(Err(error))
            | Got::Keys(Err(error))
            | Got::Contacts(Err(error))
            | Got::Due(Err(error))
            | Got::Http(Err(error))
            | Got::Output(Err(error))
            | Got::Clip(Err(error)) => f.write_str(&wrong(error)),
        }
    }
}

fn told(value: &Value) -> String {
    match value {
        Value::Done => "done".to_owned(),
        Value::State(state) => format!("{state:?}").to_lowercase(),
        Value::Played(PlayEnd::Finished) => "heard to its end".to_owned(),
        Value::Played(PlayEnd::Interrupted(digit)) => format!("stopped by {digit}"),
        Value::Played(PlayEnd::Stopped) => "stopped".to_owned(),
        Value::Operation(number) => format!("operation {number}"),
        Value::Gathered { digits, ended_by } => {
            let end = match ended_by {
                GatherEnd::MaxReached => "",
                GatherEnd::FinishDigit => ", then the last key",
                GatherEnd::FirstTimeout | GatherEnd::InterTimeout => ", then nothing",
            };
            match digits.is_empty() {
                true => "nothing pressed".to_owned(),
                false => format!("{digits} pressed{end}"),
            }
        }
        Value::Recorded { name, length, .. } => format!("{name}, {}", Span(*length)),
        Value::Dialled(DialEnd::Answered(_, info)) => format!("{} answered", info.callee),
        Value::Dialled(DialEnd::Failed(info)) => cause(info),
        Value::Leg(_, info) => format!("rings {}", info.callee),
        Value::Bridged(BridgeEnd::OtherHungUp(_)) => "the other hung up".to_owned(),
        Value::Bridged(BridgeEnd::Digit(digit)) => format!("ended by {digit}"),
        Value::Bridged(BridgeEnd::Timeout) => "its time was over".to_owned(),
        Value::Bridged(BridgeEnd::Unbridged) => "parted".to_owned(),
        Value::Event(None) => "nothing in that time".to_owned(),
        Value::Event(Some(event)) => happened(event),
        Value::Number(number) => number.to_string(),
        Value::Slots(used, free) => format!("{used} under way, {free} more"),
        Value::Answer(body) => text(body),
    }
}

fn happened(event: &Event) -> String {
    match event {
        Event::Digit { digit, .. } => format!("key {digit}"),
        Event::Done { operation, end, .. } => match end {
            OperationEnd::Failed(error) => format!("operation {operation} failed: {error}"),
            _ => format!("operation {operation} ended"),
        },
        Event::Answered { .. } => "answered".to_owned(),
        Event::HungUp { info, .. } => format!("hung up ({})", cause(info)),
        Event::Timer(timer) => format!("timer {timer}"),
        Event::Message { sender, topic, .. } => format!("message {topic} of {sender}"),
        Event::LaunchEnded(end) => format!("launch {} ended ({})", end.launch, cause(&end.info)),
        Event::LaunchReady => "a launch is possible again".to_owned(),
        Event::Stop(reason) => format!("stop ({reason:?})").to_lowercase(),
    }
}

fn wrong(error: &Error) -> String {
    match error {
        Error::HungUp(info) => format!("hung up ({})", cause(info)),
        error => error.to_string(),
    }
}

fn cause(info: &HangupInfo) -> String {
    let mut words = String::new();
    for letter in format!("{:?}", info.cause).chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Returned => f.write_str("it returned"),
            Ended::Failed(error) => write!(f, "it returned an error: {error}"),
            Ended::Trapped(reason) | Ended::Spent(reason) => write!(f, "it was ended: {reason}"),
            Ended::Dropped => f.write_str("the exchange ended it"),
        }
    }
}

/// Bytes as text, if they are one.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.chars().all(|c| !c.is_control()) => quoted(text),
        _ => format!("{} bytes", bytes.len()),
    }
}

pub(crate) fn quoted(text: &str) -> String {
    format!("{:?}", short(text))
}

fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
