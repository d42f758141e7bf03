//! Phones and guests that follow no story: whatever they do is answered or ignored.

use std::time::Duration;

use bytes::Bytes;
use jackfield_media::{Digits, LegId};
use jackfield_switch::{
    Address, BridgeOptions, Command, DialEnd, DialOptions, InstanceId, PlayOptions, Token, Value,
};
use rsip::{Method, prelude::*};

use super::{
    App, Line, Phone, SECOND, World, gathering, launch, net::set_session, prompt, recording, sdp::Sdp, to,
};

impl World {
    /// From now on, what rsip cannot read, or no phone expects, is ignored by the phones.
    pub(crate) fn go_wild(&mut self) {
        self.is_wild = true;
    }

    /// All instances that were started since the last look.
    pub(crate) fn all_started(&mut self) -> Vec<App> {
        self.started.drain(..).collect()
    }

    pub(crate) fn is_living(&self, instance: InstanceId) -> bool {
        !self.ended.contains(&instance)
    }

    /// Commands of living instances that have had no answer, but for those that were given up.
    pub(crate) fn unanswered(&self, given_up: &[Token]) -> Vec<(Token, InstanceId)> {
        let open = self.asked.iter().filter(|(_, (_, replies))| replies.is_empty());
        let open = open.map(|(token, (instance, _))| (*token, *instance));
        open.filter(|(token, instance)| self.is_living(*instance) && !given_up.contains(token)).collect()
    }

    /// Everything that waits for the driver is answered.
    pub(crate) fn driver_catches_up(&mut self) {
        while !self.unopened.is_empty() {
            self.way_fails();
        }
        self.store_answers(super::Store::Commits);
    }

    /// The legs that dials have brought, to this instance or to all.
    pub(crate) fn dialled_legs(&self, to: Option<InstanceId>) -> Vec<LegId> {
        let asked = self.asked.values().filter(|(of, _)| to.is_none_or(|to| to == *of));
        let values = asked.flat_map(|(_, replies)| replies.iter().flatten());
        let legs = values.filter_map(|value| match value {
            Value::Dialled(DialEnd::Answered(leg, _)) | Value::Leg(leg, _) => Some(*leg),
            _ => None,
        });
        legs.collect()
    }

    pub(crate) fn wild_register(&mut self, phone: Phone, seconds: u32) {
        let mut request = self.outside(phone, Method::Register);
        request.headers.push(rsip::headers::Expires::from(seconds).into());
        self.phones[phone.0].asked = Some(request.clone());
        self.say(phone.0, request);
        self.settle();
    }

    /// One of the newest lines.
    pub(crate) fn any_line(&self, number: usize) -> Option<Line> {
        let last = self.lines.len().checked_sub(1)?;
        Some(Line(last - number % self.lines.len().min(6)))
    }

    /// What a phone has said before, to be said again or spoiled.
    pub(crate) fn any_message(&self, number: usize) -> Option<(Phone, Bytes)> {
        let (phone, bytes) = self.said.get(number % self.said.len().max(1))?;
        Some((Phone(*phone), bytes.clone()))
    }

    pub(crate) fn says(&mut self, phone: Phone, bytes: Bytes) {
        self.say_bytes(phone.0, bytes);
        self.settle();
    }

    /// A key or a voice on a line, if the exchange has said where it listens.
    pub(crate) fn wild_sound(&mut self, line: Line, digit: Option<char>) {
        let listens = |sdp: &Sdp| sdp.rtp.port() >= super::FIRST_PORT;
        if !self.lines[line.0].theirs.as_ref().is_some_and(listens) {
            return;
        }
        match digit {
            Some(digit) => self.press(line, digit),
            None => self.speak(line, 0x55),
        }
    }

    /// The phone of a line does something, whether or not it makes sense.
    pub(crate) fn wild_act(&mut self, line: Line, act: u8, status: u16) {
        let state = &self.lines[line.0];
        let (phone, is_caller) = (state.phone, state.is_caller);
        let sdp =
            Sdp::new(state.voice.rtp).payloads([&[8, 101][..], &[0], &[9], &[]][usize::from(status % 4)]);
        match act {
            3 if is_caller => self.cancel(line),
            0..=2 | 9.. if is_caller => {}
            0 => self.respond(line.0, 180, None),
            1 => self.respond(line.0, 183, Some(sdp)),
            2 | 9 | 10 | 11 => self.respond(line.0, 200, (status < 600).then_some(sdp)),
            3 => self.respond(line.0, status.clamp(100, 699), None),
            4 => self.hang_up(line),
            5 => self.lines[line.0].acknowledges ^= true,
            6 => {
                if let Some(response) = self.lines[line.0].response.clone().filter(|_| is_caller) {
                    self.acknowledge(line.0, &response);
                }
            }
            _ => {
                let methods = [Method::Invite, Method::Update, Method::Info, Method::Options, Method::Refer];
                let mut request = self.within(line, methods[usize::from(status % 5)]);
                if status < 500 {
                    let direction = ["sendrecv", "sendonly", "inactive", "recvonly"][usize::from(status % 4)];
                    set_session(&mut request.headers, &mut request.body, &sdp.direction(direction));
                }
                self.say(phone, request);
            }
        }
        self.settle();
    }
}

/// A verb with whatever comes to mind. None waits for longer than a minute for its own end.
pub(crate) fn command(verb: u8, leg: LegId, other: LegId, number: u32, apps: &[App]) -> Command {
    let time = Duration::from_millis(u64::from(number % 60_000));
    let few = number % 4;
    let sources = if few == 0 { vec![] } else { prompt(time) };
    let play = PlayOptions { interrupt: Digits::ALL, repeat: few, early: number.is_multiple_of(2) };
    let targets = [&["bob"][..], &["102", "carol"], &["sip:1@198.51.100.1", "alice"], &["nobody"], &["sip:"]];
    let options = to(targets[number as usize % targets.len()]);
    let ringback = (few == 1).then(|| prompt(time));
    let options = DialOptions { timeout: time, ringback, ..options };
    let bridge = BridgeOptions { max: (few > 1).then_some(time), break_digit: Digits::ALL };
    let address = match (few, apps.last()) {
        (0, _) => Address::Plugin("queue".to_owned()),
        (_, Some(app)) => Address::Call(app.call.id.clone()),
        _ => Address::Plugin("menu".to_owned()),
    };
    let (topic, body) = (String::new(), vec![0; few as usize]);
    match verb {
        0 | 1 => Command::Answer { leg },
        2 => Command::Ring { leg },
        3 => Command::Reject { leg, code: (number % 800) as u16 },
        4 => Command::Hangup { leg, reason: String::new() },
        5 => Command::State { leg },
        6 => Command::Play { leg, sources, options: play },
        7 => Command::StartPlay { leg, sources, options: play },
        8 | 9 => {
            let mut options = gathering(few, 1 + number % 5, "#");
            (options.flush, options.barge_in) = (few == 1, few > 1);
            Command::Gather { leg, sources, options }
        }
        10 => Command::Record { leg, options: recording("r") },
        11 => Command::StartRecord { leg, options: recording("") },
        12 => Command::Stop { leg, operation: number % 20 },
        13 => Command::SendDigits { leg, digits: "12".into() },
        14 | 15 => Command::Dial { leg: Some(leg), options },
        16 => Command::Dial { leg: None, options },
        17 => Command::StartDial { leg, options },
        18 | 19 => Command::Bridge { leg, other, options: bridge },
        20 => Command::StartBridge { leg, other, options: bridge },
        21 => Command::SetResult { leg, key: few.to_string(), value: String::new() },
        22 => Command::Next { timeout: Some(time) },
        23 => Command::Sleep { time },
        24 if few < 2 => Command::StartTimer { after: time.max(SECOND), repeat: few == 0 },
        24 => Command::CancelTimer { timer: u64::from(number % 300) },
        25 if few < 2 => Command::Launch(launch(["bob", "nobody"][few as usize])),
        25 if few == 2 => Command::Slots,
        25 => Command::CancelLaunch { launch: 1_700_000_000_000 * 4096 + u64::from(number % 9) },
        26 => Command::Send { to: address, topic, body },
        _ if few == 0 => Command::Answered { question: u64::from(number % 300), answer: Ok(vec![]) },
        _ => Command::Ask { to: address, topic, body, timeout: time },
    }
}

/// A phone can make something of it: the headers that it needs are there, and can be read.
pub(super) fn is_readable(message: &rsip::SipMessage) -> bool {
    let known = message.call_id_header().is_ok() && message.via_header().is_ok();
    let named = message.to_header().is_ok() && message.from_header().is_ok();
    known && named && message.cseq_header().is_ok_and(|cseq| cseq.typed().is_ok())
}
