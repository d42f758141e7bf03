//! baresip as a [`Handset`].

use std::time::Duration;

use super::{Ability, Digits, Handset, Step, await_step, dtmf, write_wav};
use crate::baresip::Baresip;

const ANSWER: Duration = Duration::from_secs(15);

impl Baresip {
    fn step(&self, step: &Step) -> Result<(), String> {
        match step {
            Step::Dial(number) => {
                let established = self.established();
                self.dial(number);
                return await_step("for an answer", ANSWER, || self.established() > established);
            }
            Step::Stay(time) => std::thread::sleep(*time),
            Step::Hold => self.command("hold", ""),
            Step::Resume => self.command("resume", ""),
            Step::Press(Digits::InBand, keys) => self.press_in_band(keys),
            Step::Press(_, keys) => {
                for key in keys.chars() {
                    self.command("sndcode", &key.to_string());
                    std::thread::sleep(Duration::from_millis(300));
                }
            }
            Step::Transfer(number) => self.command("transfer", number),
            Step::Consult(_) | Step::Join => return Err("baresip transfers blindly only".into()),
            Step::HangUp => self.hang_up(),
        }
        Ok(())
    }

    /// Its microphone hears them, and then the tone again.
    fn press_in_band(&self, keys: &str) {
        let (sound, mic) = (self.folder().join("keys.wav"), self.folder().join("mic.wav"));
        let samples = dtmf::sound(keys);
        let time = Duration::from_millis(samples.len() as u64 / 8 + 500);
        write_wav(&sound, &samples);
        self.command("ausrc", &format!("aufile,{}", sound.display()));
        std::thread::sleep(time);
        self.command("ausrc", &format!("aufile,{}", mic.display()));
    }

    fn established(&self) -> usize {
        self.log().matches("Call established").count()
    }
}

impl Handset for Baresip {
    fn perform(&self, script: &[Step]) -> Result<(), String> {
        script.iter().try_for_each(|step| self.step(step))
    }

    fn heard(&self) -> Vec<i16> {
        Baresip::heard(self).concat()
    }

    fn keys(&self) -> String {
        let log = self.log();
        let key = |line: &str| {
            let event = line.split("received event: '").nth(1).filter(|_| line.contains("(end=1)"));
            event.or_else(|| line.split("received DTMF: '").nth(1))?.chars().next()
        };
        log.lines().filter_map(key).collect()
    }

    fn lacks(&self, ability: Ability) -> Option<&'static str> {
        match ability {
            Ability::Consult => Some("baresip 1.0 transfers blindly only"),
            Ability::Press(Digits::Info) => Some("baresip 1.0 sends keys by RFC 4733 only"),
            _ => None,
        }
    }

    fn is_deaf_after_hold(&self) -> bool {
        true
    }

    fn log(&self) -> String {
        Baresip::log(self)
    }
}
