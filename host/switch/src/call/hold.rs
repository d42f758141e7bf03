//! Hold: a party that takes the other one off its ear, and what that one hears meanwhile.

use jackfield_media::{Digits, LegId};

use super::leg::Phase;
use crate::{switch::Switch, trace::Happened};

impl Switch {
    /// The peer has described its audio anew: it may have held the call, or taken it back.
    pub(crate) fn note_hold(&mut self, id: LegId) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let holds = leg.audio.is_held();
        if std::mem::replace(&mut leg.holds, holds) != holds {
            self.trace(id, if holds { Happened::Held } else { Happened::Resumed });
            self.tune_both(id);
        }
    }

    /// Whether a leg and the one that it is bridged to have music to hear.
    pub(crate) fn tune_both(&mut self, id: LegId) {
        self.tune(id);
        let other = self.legs.get(&id).and_then(|leg| leg.joined.as_ref()).map(|joined| joined.other());
        if let Some(other) = other {
            self.tune(other);
        }
    }

    /// Starts or stops the music of a leg: it is for a party that is held, or waits for its transfer.
    pub(crate) fn tune(&mut self, id: LegId) {
        let Some(leg) = self.legs.get(&id) else { return };
        let held_by = leg.joined.as_ref().filter(|joined| !joined.is_early()).map(|joined| joined.other());
        let is_held = held_by.and_then(|other| self.legs.get(&other)).is_some_and(|other| other.holds);
        let waits = leg.transfer.as_ref().is_some_and(|_| leg.ringback.is_none());
        let wanted = (is_held || waits) && leg.phase == Phase::Up && !leg.holds;
        match (wanted, leg.music) {
            (true, None) => {
                let sources = self.settings.music.to_vec();
                let play = self.start_playing(id, sources, 0, Digits::NONE);
                self.set_music(id, Some(play));
            }
            (false, Some(play)) => {
                self.set_music(id, None);
                self.stop_playing(id, play);
            }
            _ => {}
        }
    }

    fn set_music(&mut self, id: LegId, music: Option<jackfield_media::PlayId>) {
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.music = music;
        }
    }
}
