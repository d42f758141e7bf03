//! The handle by which a script holds a phone.

use std::{cell::RefCell, rc::Rc, time::Duration};

use jackfield_media::Codec;
use jackfield_sip::LocalCodec;

use super::{
    call::{Call, CallEnd, CallLog, State},
    ear::Heard,
    telephone::{Manner, Telephone},
};
use crate::{house::House, voice};

/// How long the waits of a phone last at most.
const PATIENCE: Duration = Duration::from_secs(120);

/// A phone of a [`World`](crate::World). Handles are cheap to clone.
///
/// What it *does* takes no time: [`dial`](Phone::dial), [`press`](Phone::press), [`say`](Phone::say) begin
/// it. What it *waits for* lets time pass in the world: [`hear`](Phone::hear),
/// [`await_answer`](Phone::await_answer) and the like, for two minutes at most. Everything is about its
/// latest call.
#[derive(Clone)]
pub struct Phone {
    house: Rc<RefCell<House>>,
    pub(crate) index: usize,
}

impl Phone {
    pub(crate) fn new(house: Rc<RefCell<House>>, index: usize) -> Phone {
        Phone { house, index }
    }

    // ---- how it is

    /// It rings when called, until it is told what to do, as it is at first.
    pub fn rings(&self) -> &Phone {
        self.set(|phone| phone.manner = Manner::Rings)
    }

    /// It rings for so long, then answers.
    pub fn answers_after(&self, time: Duration) -> &Phone {
        self.set(|phone| phone.manner = Manner::Answers(time))
    }

    /// It refuses calls with a SIP status, 300 to 699: 486 when it is busy.
    pub fn rejects(&self, status: u16) -> &Phone {
        self.set(|phone| phone.manner = Manner::Rejects(status))
    }

    /// It hangs up so long after each answer.
    pub fn hangs_up_after(&self, time: Duration) -> &Phone {
        self.set(|phone| phone.hangs_up_after = Some(time))
    }

    /// It says this after each answer.
    pub fn greets_with(&self, text: &str) -> &Phone {
        self.set(|phone| phone.greeting = Some(text.to_owned()))
    }

    /// Its codecs, best first; it is deaf and dumb in others than G.711.
    pub fn speaks(&self, codecs: &[Codec]) -> &Phone {
        let local = |codec: &Codec| match codec {
            Codec::Pcma => LocalCodec::Pcma,
            Codec::Pcmu => LocalCodec::Pcmu,
            Codec::G722 => LocalCodec::G722,
            Codec::Opus => LocalCodec::Opus,
        };
        self.set(|phone| phone.codecs = codecs.iter().map(local).collect())
    }

    // ---- what it does

    /// Calls a number.
    pub fn dial(&self, number: &str) -> &Phone {
        self.act(|phone, now| phone.dial(now, number))
    }

    /// Answers the call that rings.
    pub fn answer(&self) -> &Phone {
        self.act(|phone, now| phone.answer(now, phone.calls.len().saturating_sub(1)))
    }

    /// Refuses the call that rings, with a SIP status.
    pub fn reject(&self, status: u16) -> &Phone {
        self.act(|phone, now| phone.reject(now, phone.calls.len().saturating_sub(1), status))
    }

    /// Hangs up, or gives up before the answer.
    pub fn hang_up(&self) -> &Phone {
        self.act(|phone, now| phone.hang_up(now, phone.calls.len().saturating_sub(1)))
    }

    /// Presses keys one after another, 100 ms each with 100 ms between, as RFC 4733 telephone events.
    ///
    /// # Panics
    /// When there is no call to press keys in, or it was agreed without telephone events.
    #[track_caller]
    pub fn press(&self, keys: &str) -> &Phone {
        let pressed = self.with(|call| call.mouth.as_mut().is_some_and(|mouth| mouth.press(keys)));
        assert!(pressed == Some(true), "nobody hears the keys {keys}: {}", self.story());
        self
    }

    /// Says a sentence, behind what it is saying already.
    ///
    /// # Panics
    /// When nobody listens.
    #[track_caller]
    pub fn say(&self, text: &str) -> &Phone {
        let said = self.with(|call| call.mouth.as_mut().map(|mouth| mouth.say(&voice::speak(text))));
        assert!(said.flatten().is_some(), "nobody hears \"{text}\": {}", self.story());
        self
    }

    /// Takes itself out of the registrar: it cannot be called any more.
    pub fn unregister(&self) -> &Phone {
        self.act(|phone, now| phone.register(now, 0))
    }

    // ---- what it waits for

    /// Waits until a whole sentence was heard that it has not asked for yet, and stays to its end. What is
    /// heard before is passed over.
    ///
    /// # Panics
    /// When the call ends or two minutes pass without it; the message says what was heard.
    #[track_caller]
    pub fn hear(&self, text: &str) -> Heard {
        let mut found = None;
        let mut seen = usize::MAX;
        self.wait(|call| {
            if std::mem::replace(&mut seen, call.ear.packets) == call.ear.packets && call.state != State::Over
            {
                return false;
            }
            found = call.ear.sentence(call.listened, text);
            found.is_some() || call.state == State::Over
        });
        let Some((place, heard)) = found else { panic!("\"{text}\" was not heard: {}", self.story()) };
        self.with(|call| call.listened = place + 1);
        let left = heard.until.saturating_sub(self.house.borrow().now());
        self.house.borrow_mut().run_until(left, |_| false);
        heard
    }

    /// Waits until it rings: here when it is called, there when it has dialled.
    ///
    /// # Panics
    /// When it does not ring within two minutes.
    #[track_caller]
    pub fn await_ring(&self) -> &Phone {
        let rings = self.wait(|call| call.state == State::Ringing);
        assert!(rings, "it does not ring: {}", self.story());
        self
    }

    /// Waits until its call is answered.
    ///
    /// # Panics
    /// When it is not answered within two minutes.
    #[track_caller]
    pub fn await_answer(&self) -> &Phone {
        let answered = self.wait(|call| call.state == State::Up);
        assert!(answered, "it is not answered: {}", self.story());
        self
    }

    /// Waits until its call has ended.
    ///
    /// # Panics
    /// When it does not end within two minutes.
    #[track_caller]
    pub fn await_end(&self) -> CallEnd {
        self.wait(|call| call.state == State::Over);
        let end = self.calls().last().and_then(|call| call.ended);
        end.unwrap_or_else(|| panic!("the call does not end: {}", self.story())).1
    }

    // ---- what happened to it

    /// All that it heard in its latest call.
    pub fn heard(&self) -> Vec<Heard> {
        self.with(|call| call.ear.heard()).unwrap_or_default()
    }

    /// The sentences that it heard in its latest call, those that were cut off up to there.
    pub fn sentences(&self) -> Vec<String> {
        let heard = self.heard().into_iter();
        heard.map(|heard| heard.text().to_owned()).filter(|text| !text.is_empty()).collect()
    }

    /// All its calls, the latest last.
    pub fn calls(&self) -> Vec<CallLog> {
        self.house.borrow().phones[self.index].calls.iter().map(Call::log).collect()
    }

    /// How far its latest call has come; none: there was none.
    pub fn state(&self) -> Option<State> {
        self.with(|call| call.state)
    }

    fn story(&self) -> String {
        let heard = self.heard().iter().map(|heard| format!("\n  {heard}")).collect::<String>();
        let calls = self.calls();
        let trace = self.house.borrow().trace();
        let last =
            trace.lines().iter().rev().take(20).rev().map(|line| format!("\n  {line}")).collect::<String>();
        format!("{:?}\nit heard:{heard}\nthe last that happened:{last}", calls.last())
    }

    fn set(&self, set: impl FnOnce(&mut Telephone)) -> &Phone {
        set(&mut self.house.borrow_mut().phones[self.index]);
        self
    }

    fn act(&self, act: impl FnOnce(&mut Telephone, Duration)) -> &Phone {
        let mut house = self.house.borrow_mut();
        let now = house.now();
        act(&mut house.phones[self.index], now);
        house.settle();
        drop(house);
        self
    }

    fn with<T>(&self, with: impl FnOnce(&mut Call) -> T) -> Option<T> {
        self.house.borrow_mut().phones[self.index].calls.last_mut().map(with)
    }

    fn wait(&self, mut done: impl FnMut(&Call) -> bool) -> bool {
        let index = self.index;
        self.house
            .borrow_mut()
            .run_until(PATIENCE, |house| house.phones[index].calls.last().is_some_and(&mut done))
    }
}
