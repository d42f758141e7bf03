//! Two telephones, the exchange between them, and a third one to transfer to.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{Deed, Kind, Meeting, Verdict, Way};
use crate::{
    Exchange, Site,
    audio::seconds_of,
    baresip::{Baresip, Over},
    exchange::USERS,
    handset::{Ability, Asterisk, Digits, Handset, Line, Linphone, SippPhone, Step, in_band},
    netns,
};

const TONES: [f32; 3] = [1000.0, 1300.0, 1700.0];
const KEYS: &str = "159#0";
/// How long is waited for a sound; telephones and machine may be slow.
const PATIENCE: Duration = Duration::from_secs(15);
/// Recordings grow in blocks of two seconds.
const LAG: Duration = Duration::from_secs(3);

const fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

/// What both telephones are told: each in a network namespace, see [`netns`].
pub struct Pair {
    meeting: Meeting,
    exchange: Exchange,
    caller: Box<dyn Handset>,
    callee: Box<dyn Handset>,
    third: Baresip,
    caller_line: Line,
}

/// Starts them, does all deeds, and says after each one how it went. Their files go to `folder`.
pub fn run(meeting: Meeting, folder: &Path, deeds: &[Deed], mut said: impl FnMut(Deed, &Verdict)) {
    let mut pair = Pair::start(meeting, folder);
    let (mut failed, mut refused) = (false, None);
    for deed in deeds {
        // Who cannot call cannot do anything in a call; it would only take its time.
        let verdict = pair.cannot(*deed).map_or_else(
            || refused.clone().unwrap_or_else(|| pair.judge(*deed)),
            |reason| Verdict::Cannot(reason.to_owned()),
        );
        if matches!(verdict, Verdict::Fail(_)) {
            failed = true;
            refused = refused.or((*deed == Deed::Call).then(|| verdict.clone()));
        }
        said(*deed, &verdict);
    }
    if failed {
        pair.write_logs(folder);
    }
}

impl Pair {
    /// An exchange as it is without a setting, and three registered telephones: the third is a
    /// baresip over UDP without SRTP, whatever the other two are.
    #[track_caller]
    pub fn start(meeting: Meeting, folder: &Path) -> Pair {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).expect("a folder");
        let folder = folder.canonicalize().expect("a folder");
        let address = netns::ADDRESS.parse().expect("an address");
        let exchange = Site::at(address, "[routes]\n\"10X\" = { user = \"*\" }\n").start();
        let line = |index: u16, way: Way| {
            let user = USERS[usize::from(index)].0;
            Line {
                user,
                over: way.over,
                secured: way.secured,
                tone: TONES[usize::from(index)],
                index,
                folder: folder.join(user),
            }
        };
        let (caller_line, plain) = (line(0, meeting.way), Way { over: Over::Udp, secured: false });
        for line in [&caller_line, &line(1, meeting.way), &line(2, plain)] {
            fs::create_dir_all(&line.folder).expect("a folder");
        }
        let caller = start(meeting.caller, &exchange, caller_line.clone(), false);
        let callee = start(meeting.callee, &exchange, line(1, meeting.way), false);
        let third = Baresip::start_on(&exchange, &line(2, plain));
        Pair { meeting, exchange, caller, callee, third, caller_line }
    }

    /// Does what both telephones are able to do, and leaves no call behind.
    pub fn judge(&mut self, deed: Deed) -> Verdict {
        let done = match deed {
            Deed::Call => self.call(),
            Deed::Talk => self.talk(),
            Deed::Hold => self.hold(false),
            Deed::Resume => self.hold(true),
            Deed::Transfer => self.transfer(Step::Transfer(USERS[2].1), None),
            Deed::Consult => self.transfer(Step::Join, Some(Step::Consult(USERS[2].1))),
            Deed::Event => self.press(Digits::Event),
            Deed::Info => self.press(Digits::Info),
            Deed::InBand => self.press(Digits::InBand),
        };
        let gone = self.await_no_call();
        Verdict::from(done.and(gone))
    }

    fn cannot(&self, deed: Deed) -> Option<&'static str> {
        if self.meeting.way.secured {
            let lacks = [&self.caller, &self.callee].into_iter().find_map(|phone| phone.lacks(Ability::Srtp));
            if lacks.is_some() {
                return lacks;
            }
        }
        self.caller.lacks(deed.needs()?)
    }

    fn call(&self) -> Result<(), String> {
        let script = [Step::Dial(USERS[1].1), Step::Stay(seconds(1)), Step::HangUp];
        self.caller.perform(&script)
    }

    fn talk(&self) -> Result<(), String> {
        let script = [Step::Dial(USERS[1].1), Step::Stay(seconds(5)), Step::HangUp];
        let (caller, callee) = (self.caller_hears(TONES[1]), self.callee_hears(TONES[0]));
        self.while_caller(&script, || {
            caller.more(1.0)?;
            callee.more(1.0)
        })
    }

    /// Who is on hold hears the other's tone for about as long as they talked.
    fn hold(&self, resume: bool) -> Result<(), String> {
        let mut script =
            vec![Step::Dial(USERS[1].1), Step::Stay(seconds(4)), Step::Hold, Step::Stay(seconds(7))];
        if resume {
            script.extend([Step::Resume, Step::Stay(seconds(8))]);
        }
        script.push(Step::HangUp);
        let (caller, callee) = (self.caller_hears(TONES[1]), self.callee_hears(TONES[0]));
        self.caller.perform(&script)?;
        // Of a telephone with music of its own, only what it hears itself tells that it holds.
        let quiet = if self.caller.plays_on_hold() { &caller } else { &callee };
        if !resume {
            quiet.more(1.0)?;
            return quiet.at_most(8.5);
        }
        if !self.caller.is_deaf_after_hold() {
            caller.more(8.5)?;
        }
        callee.more(8.5)?;
        quiet.at_most(16.0)
    }

    /// The callee and the third talk, also when the caller is gone.
    fn transfer(&self, step: Step, before: Option<Step>) -> Result<(), String> {
        let mut script = vec![Step::Dial(USERS[1].1), Step::Stay(seconds(3))];
        if let Some(before) = before {
            script.extend([before, Step::Stay(seconds(3))]);
        }
        // Before the exchange hangs up by itself: SIPp knows no BYE that crosses its own.
        script.extend([step, Step::Stay(seconds(3)), Step::HangUp]);
        let (callee, third) = (self.callee_hears(TONES[2]), self.third_hears(TONES[1]));
        self.while_caller(&script, || {
            callee.more(1.0)?;
            third.more(1.0)
        })?;
        let (callee, third) = (callee.anew(), third.anew());
        callee.more(1.0).and(third.more(1.0)).map_err(|reason| format!("after the transfer: {reason}"))?;
        self.third.hang_up();
        Ok(())
    }

    /// Told by RFC 4733 or INFO, or heard: exactly these keys.
    fn press(&mut self, digits: Digits) -> Result<(), String> {
        if digits == Digits::Info && self.meeting.caller == Kind::Linphone {
            // Its way of sending keys is a setting that it reads when it starts.
            let other =
                Line { index: 7, folder: self.caller_line.folder.join("info"), ..self.caller_line.clone() };
            self.caller = start(Kind::Linphone, &self.exchange, other, true);
        }
        let script = [
            Step::Dial(USERS[1].1),
            Step::Stay(seconds(3)),
            Step::Press(digits, KEYS),
            Step::Stay(seconds(4)),
            Step::HangUp,
        ];
        let (keys, sound) = (self.callee.keys().len(), self.callee.heard().len());
        self.caller.perform(&script)?;
        let told = || self.callee.keys().get(keys..).unwrap_or_default().to_owned();
        // A key that is heard with an interruption is still one; none of these comes twice.
        let heard = || {
            let mut keys: Vec<char> =
                in_band(self.callee.heard().get(sound..).unwrap_or_default()).chars().collect();
            keys.dedup();
            String::from_iter(keys)
        };
        let arrived = || told() == KEYS || told().is_empty() && heard() == KEYS;
        let end = Instant::now() + seconds(6);
        while !arrived() {
            if Instant::now() > end {
                return Err(format!("pressed {KEYS}, was told {:?} and heard {:?}", told(), heard()));
            }
            thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    /// Looks on while the caller does these things.
    fn while_caller(&self, script: &[Step], look: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
        thread::scope(|scope| {
            let acting = scope.spawn(|| self.caller.perform(script));
            let seen = look();
            let done = acting.join().unwrap_or_else(|_| Err("the caller's harness failed".into()));
            done.and(seen)
        })
    }

    fn await_no_call(&self) -> Result<(), String> {
        let end = Instant::now() + PATIENCE;
        while self.exchange.calls() > 0 {
            if Instant::now() > end {
                let table = self.exchange.operator(&["calls"]);
                for id in table.lines().skip(1).filter_map(|line| line.split_whitespace().next()) {
                    let _ = self.exchange.site().jackfield(&["hangup", id]);
                }
                self.exchange.await_calls(0);
                return Err("a call was left behind".into());
            }
            thread::sleep(Duration::from_millis(200));
        }
        // The telephones need a moment to be idle again.
        thread::sleep(Duration::from_millis(700));
        Ok(())
    }

    fn caller_hears(&self, tone: f32) -> Ear<'_> {
        Ear::of(self.caller.as_ref(), "the caller", tone)
    }

    fn callee_hears(&self, tone: f32) -> Ear<'_> {
        Ear::of(self.callee.as_ref(), "the callee", tone)
    }

    fn third_hears(&self, tone: f32) -> Ear<'_> {
        Ear::of(&self.third, "the third", tone)
    }

    fn write_logs(&self, folder: &Path) {
        let logs = [
            ("exchange", self.exchange.log()),
            ("caller", self.caller.log()),
            ("callee", self.callee.log()),
            ("third", Handset::log(&self.third)),
        ];
        for (name, log) in logs {
            let _ = fs::write(folder.join(format!("{name}.log")), log);
        }
    }
}

fn start(kind: Kind, exchange: &Exchange, line: Line, info: bool) -> Box<dyn Handset> {
    match kind {
        Kind::Baresip => Box::new(Baresip::start_on(exchange, &line)),
        Kind::Linphone => Box::new(Linphone::start(exchange, line, info)),
        Kind::Sipp => Box::new(SippPhone::start(exchange, line)),
        Kind::Asterisk => Box::new(Asterisk::start(exchange, line)),
    }
}

/// Who hears a tone, from a moment on.
struct Ear<'a> {
    phone: &'a dyn Handset,
    whose: &'static str,
    tone: f32,
    mark: usize,
}

impl<'a> Ear<'a> {
    fn of(phone: &'a dyn Handset, whose: &'static str, tone: f32) -> Ear<'a> {
        Ear { phone, whose, tone, mark: phone.heard().len() }
    }

    fn anew(&self) -> Ear<'a> {
        Ear::of(self.phone, self.whose, self.tone)
    }

    fn seconds(&self) -> f32 {
        let heard = self.phone.heard();
        seconds_of(heard.get(self.mark..).unwrap_or_default(), self.tone)
    }

    /// The tone is heard for so long.
    fn more(&self, length: f32) -> Result<(), String> {
        let end = Instant::now() + PATIENCE;
        loop {
            let seconds = self.seconds();
            if seconds >= length {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(format!("{} heard {} Hz for {seconds} s only", self.whose, self.tone));
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// The tone was heard for no longer, however late a recording is written.
    fn at_most(&self, length: f32) -> Result<(), String> {
        thread::sleep(LAG);
        let seconds = self.seconds();
        if seconds <= length {
            return Ok(());
        }
        Err(format!("{} heard {} Hz for {seconds} s, also on hold", self.whose, self.tone))
    }
}
