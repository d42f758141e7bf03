//! The line of a real call.

use std::time::Duration;

use jackfield_sdk::{Call, Clip, DialEnd, Error, HangupCause, Prompt, Result, warn};

use crate::{
    flow::Flow,
    walk::{Line, RingEnd},
};

/// Clips of an instance; more prompts than these are made when they are played.
const MOST_CLIPS: usize = 32;

/// Makes the first menu ready to be heard.
pub(crate) fn prepare(flow: &mut Flow) -> Result<()> {
    let menu = &mut flow.menus[flow.start];
    for prompt in menu.greeting.iter_mut().chain(&mut menu.prompts).take(MOST_CLIPS) {
        match prompt {
            Prompt::Say(speech) => *prompt = Clip::say(speech.clone())?.into(),
            Prompt::File(name) => *prompt = Clip::open(name)?.into(),
            _ => {}
        }
    }
    Ok(())
}

pub(crate) struct Phone<'a> {
    call: &'a Call,
}

impl<'a> Phone<'a> {
    pub(crate) fn new(call: &'a Call) -> Self {
        Self { call }
    }
}

impl Line for Phone<'_> {
    fn play(&mut self, prompts: &[Prompt], barge_in: bool) -> Result<()> {
        self.call.play().prompts(prompts.iter().cloned()).barge_in(barge_in).run().map(drop)
    }

    fn key(&mut self, prompts: &[Prompt], barge_in: bool, timeout: Duration) -> Result<Option<char>> {
        let gather = self.call.gather().prompts(prompts.iter().cloned());
        Ok(gather.barge_in(barge_in).first_timeout(timeout).run()?.digit())
    }

    fn chosen(&mut self, menu: &str, key: char) -> Result<()> {
        self.call.set_result(menu, key.encode_utf8(&mut [0; 4]))
    }

    fn ring(&mut self, targets: &[String], time: Duration) -> Result<RingEnd> {
        let Some((first, others)) = targets.split_first() else { return Ok(RingEnd::Unavailable) };
        let dial = others.iter().fold(self.call.dial(first), |dial, target| dial.or(target));
        match dial.timeout(time).run() {
            Ok(DialEnd::Answered(leg)) => {
                self.call.bridge(&leg).run()?;
                Ok(RingEnd::Talked)
            }
            Ok(DialEnd::Failed(end)) => Ok(outcome(end.cause)),
            Err(gone @ Error::HungUp(_)) => Err(gone),
            Err(error) => {
                warn!("cannot ring {}: {error}", targets.join(", "));
                Ok(RingEnd::Unavailable)
            }
        }
    }
}

fn outcome(cause: HangupCause) -> RingEnd {
    match cause {
        HangupCause::Busy | HangupCause::Rejected => RingEnd::Busy,
        HangupCause::NotFound | HangupCause::Unavailable | HangupCause::Network => RingEnd::Unavailable,
        _ => RingEnd::NoAnswer,
    }
}
