//! Instances of plugins: what they ask, and what they are told.

use jackfield_media::{Digits, LegId};
use jackfield_switch::{
    CallInfo, Command, DialEnd, DialOptions, Error, Event, GatherOptions, Input, InstanceEnd, InstanceId,
    LaunchOptions, PlayOptions, RecordOptions, Reply, Token, Value,
};

use super::{SECOND, World};

/// An instance that serves a call.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) instance: InstanceId,
    /// The leg that it was started for.
    pub(crate) leg: LegId,
    pub(crate) plugin: String,
    pub(crate) call: CallInfo,
}

/// A long-lived instance.
pub(crate) type Service = InstanceId;

impl World {
    /// The one instance that was started since the last look.
    #[track_caller]
    pub(crate) fn started(&mut self) -> App {
        assert_eq!(self.started.len(), 1, "one plugin is started: {:?}", self.started);
        self.started.pop_front().unwrap()
    }

    #[track_caller]
    pub(crate) fn assert_none_started(&self) {
        assert!(self.started.is_empty(), "{:?}", self.started);
    }

    pub(crate) fn service(&mut self, number: u64, plugin: &str) -> Service {
        self.service_with_room(number, plugin, 256)
    }

    /// A long-lived instance for which so many events may wait.
    pub(crate) fn service_with_room(&mut self, number: u64, plugin: &str, max_events: usize) -> Service {
        let instance = InstanceId(2 * number + 1);
        self.input(Input::ServiceStarted { instance, plugin: plugin.to_owned(), max_events });
        instance
    }

    /// Posts a verb.
    pub(crate) fn post(&mut self, instance: InstanceId, command: Command) -> Token {
        let token = Token(self.asked.len() as u64);
        self.asked.insert(token, (instance, Vec::new()));
        self.input(Input::Command { instance, token, command });
        token
    }

    /// What was answered, if it was.
    pub(crate) fn reply(&self, token: Token) -> Option<Reply> {
        self.asked[&token].1.first().cloned()
    }

    #[track_caller]
    pub(crate) fn assert_waiting(&self, token: Token) {
        assert_eq!(self.reply(token), None);
    }

    /// The value of a verb that has ended well.
    #[track_caller]
    pub(crate) fn value(&self, token: Token) -> Value {
        self.reply(token).expect("an answer").expect("no error")
    }

    #[track_caller]
    pub(crate) fn error(&self, token: Token) -> Error {
        self.reply(token).expect("an answer").expect_err("an error")
    }

    /// A verb that is answered at once.
    #[track_caller]
    pub(crate) fn does(&mut self, instance: InstanceId, command: Command) -> Reply {
        let token = self.post(instance, command);
        self.reply(token).expect("an answer at once")
    }

    #[track_caller]
    pub(crate) fn succeeds(&mut self, instance: InstanceId, command: Command) -> Value {
        self.does(instance, command).expect("no error")
    }

    #[track_caller]
    pub(crate) fn fails(&mut self, instance: InstanceId, command: Command) -> Error {
        self.does(instance, command).expect_err("an error")
    }

    /// The guest does not wait for it any more.
    pub(crate) fn abandon(&mut self, instance: InstanceId, token: Token) {
        self.asked.get_mut(&token).unwrap().1.push(Err(Error::Other("abandoned".to_owned())));
        self.input(Input::Abandoned { instance, token });
    }

    /// The same, but the verb may still be answered: its end is not in the guest's hands.
    pub(crate) fn abandon_quietly(&mut self, instance: InstanceId, token: Token) {
        self.input(Input::Abandoned { instance, token });
    }

    pub(crate) fn ends(&mut self, instance: InstanceId, end: InstanceEnd) {
        self.ended.push(instance);
        self.input(Input::InstanceEnded { instance, end });
    }

    pub(crate) fn returns(&mut self, instance: InstanceId) {
        self.ends(instance, InstanceEnd::Returned);
    }

    /// The next event, which is there already.
    #[track_caller]
    pub(crate) fn event(&mut self, instance: InstanceId) -> Event {
        self.maybe_event(instance).expect("an event")
    }

    pub(crate) fn maybe_event(&mut self, instance: InstanceId) -> Option<Event> {
        match self.succeeds(instance, Command::Next { timeout: Some(std::time::Duration::ZERO) }) {
            Value::Event(event) => event,
            other => panic!("{other:?} is no event"),
        }
    }

    pub(crate) fn events(&mut self, instance: InstanceId) -> Vec<Event> {
        std::iter::from_fn(|| self.maybe_event(instance)).collect()
    }

    /// The leg that a dial has brought.
    #[track_caller]
    pub(crate) fn dialled(&self, token: Token) -> LegId {
        match self.value(token) {
            Value::Dialled(DialEnd::Answered(leg, _)) => leg,
            other => panic!("{other:?} is no answered dial"),
        }
    }

    /// Alice calls 100, whose plugin answers: its instance, and her line.
    #[track_caller]
    pub(crate) fn in_the_menu(&mut self) -> (App, super::Line) {
        let alice = self.phone("alice");
        let call = self.dial(alice, "100");
        let app = self.started();
        self.succeeds(app.instance, Command::Answer { leg: app.leg });
        (app, call)
    }
}

/// The route of [`World::in_the_menu`].
pub(crate) fn with_menu(settings: &mut jackfield_switch::Settings) {
    settings.routes.push(super::route("100", super::to_plugin("menu")));
}

// ---- options that a verb needs

pub(crate) fn to(targets: &[&str]) -> DialOptions {
    let targets = targets.iter().map(|target| (*target).to_owned()).collect();
    DialOptions { targets, timeout: SECOND * 20, ..DialOptions::default() }
}

pub(crate) fn interrupted_by(digits: &str) -> PlayOptions {
    PlayOptions { interrupt: Digits::parse(digits).unwrap(), repeat: 1, early: false }
}

pub(crate) fn gathering(min: u32, max: u32, finish: &str) -> GatherOptions {
    GatherOptions {
        barge_in: true,
        min,
        max,
        finish: Digits::parse(finish).unwrap(),
        first_timeout: SECOND * 10,
        inter_timeout: SECOND * 3,
        flush: false,
    }
}

pub(crate) fn recording(name: &str) -> RecordOptions {
    RecordOptions {
        name: name.to_owned(),
        max: SECOND * 60,
        silence: None,
        finish: Digits::parse("#").unwrap(),
        beep: false,
    }
}

pub(crate) fn launch(target: &str) -> LaunchOptions {
    LaunchOptions {
        target: target.to_owned(),
        app: "message".to_owned(),
        args: vec![("name".to_owned(), "Durand".to_owned())],
        caller: Some("9000".to_owned()),
        caller_name: Some("Prospection".to_owned()),
        ring_timeout: SECOND * 30,
        contact: Some(7),
    }
}

/// Speech, or what passes for it: silence is as long.
pub(crate) fn prompt(time: std::time::Duration) -> Vec<jackfield_media::Source> {
    vec![jackfield_media::Source::Silence(time)]
}
