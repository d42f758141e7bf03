//! A voice of one tone: 440 Hz, 50 ms for each character.

use crate::{
    Frozen,
    exports::jackfield::plugin::tts::{Guest, Voice},
    jackfield::plugin::{
        audio_out::Sink,
        helper,
        types::{Error, Speech},
    },
};

const RATE: usize = 8000;

impl Guest for Frozen {
    fn voices() -> Result<Vec<Voice>, Error> {
        Ok(vec![Voice { id: "tone".into(), lang: "fr".into(), name: "A tone".into() }])
    }

    fn synthesize(speech: Speech, out: Sink) -> Result<(), Error> {
        // It asks a helper that it was not granted, and speaks itself.
        let helped = helper::run("espeak-ng", &["--stdout".into()], speech.text.as_bytes(), 1000);
        if !matches!(helped, Err(Error::Denied(_))) {
            return Err(Error::Other("broken: a right that was not granted".into()));
        }
        out.format(RATE as u32)?;
        let samples = speech.text.chars().count() * RATE / 20;
        // 440 Hz is 22 periods in 400 samples: a triangle will do.
        let triangle = |n: usize| ((n * 22 % 400) as i32 - 200).abs() * 80 - 8000;
        let pcm: Vec<u8> = (0..samples).flat_map(|n| (triangle(n) as i16).to_le_bytes()).collect();
        out.write(&pcm)
    }
}
