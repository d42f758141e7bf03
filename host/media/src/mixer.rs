//! Three legs and more that hear each other: each the sum of the others, and nothing of itself.

use slab::Slab;

use crate::{MixId, leg::Leg, output::Output, tick};

/// Most legs of one mix; one more is not taken in.
pub(crate) const MAX_MEMBERS: usize = 64;

/// The legs of one mix.
#[derive(Debug)]
pub(crate) struct Mix {
    pub(crate) id: MixId,
    /// Slab keys.
    members: Vec<usize>,
    /// What each of them says at this tick.
    sounds: Vec<[i16; tick::WIDE_FRAME]>,
}

impl Mix {
    pub(crate) fn new(id: MixId) -> Mix {
        Mix { id, members: Vec::new(), sounds: Vec::new() }
    }

    /// False when it is full.
    pub(crate) fn add(&mut self, key: usize) -> bool {
        let room = self.members.len() < MAX_MEMBERS;
        if room && !self.members.contains(&key) {
            self.members.push(key);
            self.sounds.push([0; tick::WIDE_FRAME]);
        }
        room
    }

    pub(crate) fn remove(&mut self, key: usize) {
        self.members.retain(|member| *member != key);
        self.sounds.truncate(self.members.len());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// 20 ms are over, and everybody has been heard: tells everybody of the others. At 16 kHz when one of them has that.
    pub(crate) fn tick(&mut self, tick: u64, legs: &mut Slab<Leg>, output: &mut Output) {
        let wide = self.members.iter().any(|key| legs[*key].is_wide());
        let length = if wide { tick::WIDE_FRAME } else { tick::FRAME };
        let mut sum = [0_i32; tick::WIDE_FRAME];
        for (key, sound) in self.members.iter().zip(&mut self.sounds) {
            legs[*key].said(&mut sound[..length]);
            sum.iter_mut().zip(&sound[..length]).for_each(|(sum, sample)| *sum += i32::from(*sample));
        }
        for (key, own) in self.members.iter().zip(&self.sounds) {
            let mut others = [0; tick::WIDE_FRAME];
            for ((other, sum), own) in others.iter_mut().zip(&sum).zip(&own[..length]) {
                *other = (sum - i32::from(*own)).clamp(i16::MIN.into(), i16::MAX.into()) as i16;
            }
            legs[*key].tell(tick, &others[..length], output);
        }
    }
}
