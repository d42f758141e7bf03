//! A call with every verb in it. Whoever calls hears tones and words, presses 7, and talks with 101 twice.

use crate::{
    Frozen, expect,
    exports::jackfield::plugin::app::Guest,
    jackfield::plugin::{
        bus, call_control,
        call_control::{
            BridgeEnd, BridgeOptions, Call, Clip, DialEnd, DialOptions, GatherEnd, GatherOptions, PlayEnd,
            PlayOptions, Prompt, RecordOptions,
        },
        config,
        events::{self, Event, OperationEnd},
        http, kv, timers,
        types::{CallState, Direction, Error, Header, Speech},
    },
};

impl Guest for Frozen {
    fn handle(call: Call) -> Result<(), Error> {
        begin(&call)?;
        sounds(&call)?;
        at_once(&call)?;
        others(&call)?;
        store()?;
        call.set_result("frozen", "runs")?;
        match call.transfer("102") {
            // A phone that does not know REFER.
            Ok(()) | Err(Error::Unavailable(_) | Error::Invalid(_) | Error::Other(_) | Error::Timeout) => {}
            Err(error) => return Err(error),
        }
        let _ = call.reject(486);
        call.hangup("all was tried")
    }
}

fn begin(call: &Call) -> Result<(), Error> {
    let info = call.info();
    expect(info.id == call.id() && info.direction == Direction::Inbound, "who calls")?;
    expect(info.started_at > 0 && info.headers.is_empty() && info.args.is_empty(), "what is told of a call")?;
    expect(call.state() == CallState::Ringing, "it rings")?;
    call.ring()?;
    call.answer()?;
    expect(call.state() == CallState::Up, "it is answered")
}

fn once() -> PlayOptions {
    PlayOptions { interrupt: String::new(), repeat: 1, early: false }
}

fn words(text: &str) -> Speech {
    Speech { text: text.into(), lang: "fr".into(), voice: String::new(), ssml: false }
}

fn sounds(call: &Call) -> Result<(), Error> {
    let greeting = Clip::say(&words(&config::get("greeting").unwrap_or_default()))?;
    expect(greeting.length() > 0, "speech has a length")?;
    expect(matches!(Clip::open("no.wav"), Err(Error::NotFound(_))), "a file that is missing")?;
    let prompts =
        [Prompt::Clip(&greeting), Prompt::Tone("beep".into()), Prompt::Dtmf("1".into()), Prompt::Silence(50)];
    expect(matches!(call.play(&prompts, &once())?, PlayEnd::Finished), "a prompt ends")?;
    let missing = call.play(&[Prompt::File("no.wav".into())], &once());
    expect(matches!(missing, Err(Error::NotFound(_))), "a file that is missing is not played")?;
    let gathered = call.gather(&GatherOptions {
        prompts: vec![Prompt::Say(words("Taper 7."))],
        barge_in: true,
        min: 1,
        max: 1,
        finish: "#".into(),
        first_timeout: 30_000,
        inter_timeout: 3000,
        flush: false,
    })?;
    expect(gathered.digits == "7" && gathered.ended_by == GatherEnd::MaxReached, "a digit is gathered")?;
    let recording = call.record(&RecordOptions { name: "message".into(), ..recording(300) })?;
    expect(recording.name.contains("message") && recording.length > 0, "a recording has a name")?;
    expect(recording.digit.is_none(), "nothing was pressed")?;
    call.send_digits("12")?;
    // A daemon may have come before these.
    let later = |end: Result<(), Error>| matches!(end, Ok(()) | Err(Error::Unavailable(_)));
    expect(later(call.hold("")) && later(call.unhold()), "to hold, and to end that")
}

fn recording(max: u32) -> RecordOptions {
    let (name, finish) = (String::new(), String::new());
    RecordOptions { name, max, silence: 0, finish, beep: false, both: false }
}

/// What is started goes on until it is stopped, and says so in an event.
fn at_once(call: &Call) -> Result<(), Error> {
    let endless = PlayOptions { repeat: 0, ..once() };
    let play = call.start_play(&[Prompt::Tone("ringback".into())], &endless)?;
    let record = call.start_record(&recording(60_000))?;
    timers::sleep(200);
    for operation in [play, record] {
        call.stop(operation)?;
        let ended = await_done(operation)?;
        expect(matches!(ended, OperationEnd::Stopped | OperationEnd::Finished), "it was stopped")?;
    }
    let (late, soon) = (timers::start(3_600_000, false), timers::start(20, true));
    expect(
        matches!(events::next(Some(30_000)), Some(Event::Timer(timer)) if timer == soon),
        "a timer fires",
    )?;
    timers::cancel(late);
    timers::cancel(soon);
    expect((-720..=840).contains(&timers::utc_offset()), "an offset in minutes")
}

fn await_done(operation: u32) -> Result<OperationEnd, Error> {
    loop {
        match events::next(Some(30_000)) {
            Some(Event::Done((_, number, end))) if number == operation => return Ok(end),
            Some(_) => {}
            None => return Err(Error::Other(format!("broken: operation {operation} never ended"))),
        }
    }
}

fn to(target: &str) -> DialOptions {
    DialOptions {
        targets: vec![target.into()],
        timeout: 30_000,
        caller: Some("100".into()),
        caller_name: Some("Frozen".into()),
        headers: vec![Header { name: "X-Frozen".into(), value: "0.1.0".into() }],
        ringback: Some("ringback".into()),
    }
}

const BRIEFLY: BridgeOptions = BridgeOptions { max: 300, break_digit: String::new() };

/// 101 answers each time; 199 is nobody.
fn others(call: &Call) -> Result<(), Error> {
    let DialEnd::Answered(other) = call.dial(&to("101"))? else { return expect(false, "101 answers") };
    expect(matches!(call.bridge(&other, &BRIEFLY)?, BridgeEnd::Timeout), "a bridge ends in its time")?;
    other.hangup("enough")?;

    let other = call.start_dial(&to("101"))?;
    loop {
        match events::next(Some(30_000)) {
            Some(Event::Answered(id)) if id == other.id() => break,
            Some(Event::HungUp((id, _))) if id == other.id() => return expect(false, "101 answers again"),
            Some(_) => {}
            None => return expect(false, "101 answers or not"),
        }
    }
    let bridge = call.start_bridge(&other, &BRIEFLY)?;
    await_done(bridge)?;
    other.hangup("enough")?;

    match call_control::originate(&to("199")) {
        Ok(DialEnd::Failed(_)) | Err(Error::NotFound(_) | Error::Denied(_)) => Ok(()),
        other => expect(false, &format!("199 is nobody: {other:?}")),
    }
}

fn store() -> Result<(), Error> {
    kv::set("a", b"1", Some(60_000))?;
    expect(kv::get("a")?.as_deref() == Some(b"1"), "a value is kept")?;
    expect(kv::swap("a", Some(b"1"), b"2")?, "a value is swapped")?;
    expect(kv::add("calls", 1)? > 0, "a count")?;
    expect(kv::keys("", "", 10)?.len() >= 2, "keys are listed")?;
    expect(kv::delete("a")?, "a value is deleted")?;
    let request = http::Request {
        method: "GET".into(),
        url: "https://example.com/".into(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout: 1000,
    };
    expect(matches!(http::fetch(&request), Err(Error::Denied(_))), "a right that was not granted")?;
    let service = bus::Address::Plugin("frozen".into());
    bus::send(&service, "hint", b"")?;
    let answer = bus::ask(&service, "echo", b"0.1.0", 30_000)?;
    expect(answer == b"0.1.0", "its own service answers")
}
