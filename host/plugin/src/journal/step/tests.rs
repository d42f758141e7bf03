//! One of everything, written and read.

use jackfield_media::LegId;
use jackfield_switch::{
    Address, BridgeEnd, BridgeOptions, CallInfo, CallState, Cause, DialEnd, DialOptions, Direction, Event,
    GatherEnd, GatherOptions, HangupInfo, LaunchEnd, LaunchOptions, OperationEnd, PlayEnd, PlayOptions,
    RecordOptions, StopReason, Value,
};

use super::*;
use crate::component::sha256;

const LEG: LegId = LegId(7);
/// The hash of all that is written below. A variant that is added at the end of its enum changes it, and nothing else.
const WRITTEN: &str = "f40c00e8d7a201356e227b6622114d743b42b184aff35d55697fd9e274c05b7b";
const TIME: Duration = Duration::from_millis(1500);

fn text() -> String {
    "t".to_owned()
}

fn commands() -> Vec<Command> {
    let (leg, topic, body) = (LEG, text(), vec![1]);
    let play = || PlayOptions::default();
    let record =
        || RecordOptions { name: text(), max: TIME, silence: None, finish: Default::default(), beep: true };
    let launch = LaunchOptions {
        target: text(),
        app: text(),
        args: Vec::new(),
        caller: None,
        caller_name: None,
        ring_timeout: TIME,
        contact: Some(1),
    };
    let gather = GatherOptions {
        barge_in: true,
        min: 1,
        max: 2,
        finish: Default::default(),
        first_timeout: TIME,
        inter_timeout: TIME,
        flush: false,
    };
    vec![
        Command::Answer { leg },
        Command::Ring { leg },
        Command::Reject { leg, code: 486 },
        Command::Hangup { leg, reason: text() },
        Command::State { leg },
        Command::Play { leg, sources: Vec::new(), options: play() },
        Command::StartPlay { leg, sources: Vec::new(), options: play() },
        Command::Gather { leg, sources: Vec::new(), options: gather },
        Command::Record { leg, options: record() },
        Command::StartRecord { leg, options: record() },
        Command::Stop { leg, operation: 3 },
        Command::SendDigits { leg, digits: "1".into() },
        Command::Dial { leg: None, options: DialOptions::default() },
        Command::StartDial { leg, options: DialOptions::default() },
        Command::Bridge { leg, other: leg, options: BridgeOptions::default() },
        Command::StartBridge { leg, other: leg, options: BridgeOptions::default() },
        Command::SetResult { leg, key: text(), value: text() },
        Command::Next { timeout: Some(TIME) },
        Command::Sleep { time: TIME },
        Command::StartTimer { after: TIME, repeat: true },
        Command::CancelTimer { timer: 4 },
        Command::Launch(launch),
        Command::CancelLaunch { launch: 5 },
        Command::Slots,
        Command::Send { to: Address::Plugin(text()), topic: topic.clone(), body: body.clone() },
        Command::Ask { to: Address::Call(text()), topic, body, timeout: TIME },
        Command::Answered { question: 6, answer: Ok(vec![1]) },
    ]
}

fn errors(info: HangupInfo) -> Vec<Error> {
    vec![
        Error::HungUp(info),
        Error::Denied(text()),
        Error::Invalid(text()),
        Error::NotFound(text()),
        Error::Busy(text()),
        Error::Limit(text()),
        Error::Timeout,
        Error::Unavailable(text()),
        Error::Other(text()),
    ]
}

fn events(info: HangupInfo) -> Vec<Event> {
    let leg = LEG;
    let launch =
        LaunchEnd { launch: 1, contact: None, answered_at: Some(2), info, results: vec![(text(), text())] };
    vec![
        Event::Digit { leg, digit: '1' },
        Event::Done { leg, operation: 1, end: OperationEnd::Interrupted('#') },
        Event::Answered { leg },
        Event::HungUp { leg, info },
        Event::Timer(1),
        Event::Message { sender: text(), topic: text(), body: vec![1], question: Some(2) },
        Event::LaunchEnded(launch),
        Event::LaunchReady,
        Event::Stop(StopReason::Shutdown),
    ]
}

fn values(info: HangupInfo) -> Vec<Value> {
    let call = CallInfo {
        id: text(),
        direction: Direction::Outbound,
        caller: text(),
        caller_name: text(),
        callee: text(),
        trunk: text(),
        started_at: 1,
        headers: Vec::new(),
        args: Vec::new(),
    };
    let mut values = vec![
        Value::Done,
        Value::State(CallState::Ended),
        Value::Played(PlayEnd::Stopped),
        Value::Operation(1),
        Value::Gathered { digits: text(), ended_by: GatherEnd::InterTimeout },
        Value::Recorded { name: text(), length: TIME, digit: Some('1') },
        Value::Dialled(DialEnd::Failed(info)),
        Value::Leg(LEG, call),
        Value::Bridged(BridgeEnd::Unbridged),
        Value::Event(None),
        Value::Number(1),
        Value::Slots(1, 2),
        Value::Answer(vec![1]),
    ];
    values.extend(events(info).into_iter().map(|event| Value::Event(Some(event))));
    values
}

fn questions() -> Vec<Asked<'static>> {
    let (key, campaign) = (Cow::Borrowed("k"), Cow::Borrowed("c"));
    let request = HttpRequest {
        method: text(),
        url: text(),
        headers: vec![(text(), text())],
        body: vec![1],
        timeout: TIME,
    };
    let speech = Speech { text: text(), lang: text(), voice: text(), ssml: true };
    vec![
        Asked::Now,
        Asked::UtcOffset,
        Asked::Local { at: 1, zone: key.clone() },
        Asked::Random,
        Asked::KvGet { key: key.clone() },
        Asked::KvSet { key: key.clone(), value: vec![1], ttl: Some(TIME) },
        Asked::KvDelete { key: key.clone() },
        Asked::KvAdd { key: key.clone(), delta: -1 },
        Asked::KvSwap { key: key.clone(), old: None, new: Blob(vec![1]) },
        Asked::KvKeys { prefix: key.clone(), after: key.clone(), limit: 1 },
        Asked::ContactsDue { campaign: campaign.clone(), now: 1, limit: 2 },
        Asked::ContactsNextDue { campaign },
        Asked::ContactsPostpone { contact: 1, until: 2 },
        Asked::ContactsFinish { contact: 1, outcome: key.clone() },
        Asked::Http(request),
        Asked::Recording { name: key.clone() },
        Asked::Helper { name: key, args: vec![text()], input: Blob(vec![1]), timeout: TIME },
        Asked::Speech(speech),
    ]
}

fn answers() -> Vec<Got> {
    let info = HangupInfo { cause: Cause::Busy, code: 486, by_peer: true };
    let time = LocalTime { year: 2026, month: 1, day: 2, hour: 3, minute: 4, second: 5, weekday: 5 };
    let contact = Contact {
        id: 1,
        number: text(),
        fields: vec![(text(), text())],
        attempts: 2,
        last_start: Some(3),
        last: Some(info),
        due: 4,
    };
    let response = HttpResponse { status: 200, headers: vec![(text(), text())], body: vec![1] };
    let mut answers = vec![
        Got::Time(1),
        Got::Offset(-60),
        Got::Local(Some(time)),
        Got::Random(1),
        Got::Value(Ok(Some(Blob(vec![1])))),
        Got::Done(Ok(())),
        Got::Flag(Ok(true)),
        Got::Sum(Ok(-1)),
        Got::Keys(Ok(vec![text()])),
        Got::Contacts(Ok(vec![contact])),
        Got::Due(Ok(Some(1))),
        Got::Http(Ok(response)),
        Got::Output(Ok(Blob(vec![1]))),
        Got::Clip(Ok(8000)),
    ];
    answers.extend(values(info).into_iter().map(|value| Got::Reply(Ok(value))));
    answers.extend(errors(info).into_iter().map(|error| Got::Reply(Err(error))));
    answers
}

/// Records of last week are read by the program of today. If this fails, write the new hash above; and if anything
/// but the end of an enum was changed, raise `FORMAT`.
#[test]
fn what_is_written_is_what_was_written_by_this_format() {
    let verbs = commands()
        .into_iter()
        .map(|command| Asked::Verb { command: Cow::Owned(command), said: vec![text()] });
    let asked = questions().into_iter().chain(verbs).map(|asked| Step::Asked { at: 300, asked });
    let got = answers().into_iter().map(|got| Step::Got { at: 300, of: 2, got });
    let mut written = Vec::new();
    let mut told = String::new();
    for step in asked.chain(got) {
        let bytes = postcard::to_allocvec(&step).unwrap();
        let (read, rest): (Step<'_>, _) = postcard::take_from_bytes(&bytes).unwrap();
        assert!(rest.is_empty());
        assert_eq!(postcard::to_allocvec(&read).unwrap(), bytes);
        told += &match &read {
            Step::Asked { asked, .. } => asked.to_string(),
            Step::Got { got, .. } => got.to_string(),
        };
        written.extend(bytes);
    }
    assert_eq!((crate::journal::record::FORMAT, &*sha256(&written)), (1, WRITTEN));
    assert!(told.contains("record(t, 1500 ms)") && told.contains("t pressed, then nothing"), "{told}");
}
