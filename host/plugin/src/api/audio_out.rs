//! `audio-out`: where a tts plugin puts its audio.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jackfield_switch::Error;
use wasmtime::component::Resource;

use super::{
    Failure,
    bindings::jackfield::plugin::audio_out::{Host, HostSink},
};
use crate::{instance::State, version::SpeechAudio};

/// Of one piece of speech.
const MAX_SECONDS: usize = 600;

/// Takes 16-bit little-endian mono samples.
#[derive(Clone, Default)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Sink(Arc<Mutex<Pcm>>);

#[derive(Default)]
struct Pcm {
    rate: Option<u32>,
    bytes: Vec<u8>,
}

impl Sink {
    /// What the guest has written.
    pub(crate) fn finish(&self) -> Result<SpeechAudio, Error> {
        let pcm = std::mem::take(&mut *self.pcm());
        let Some(rate) = pcm.rate else {
            return Err(Error::Unavailable("the speech plugin returned without any audio".into()));
        };
        let samples = pcm.bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        Ok(SpeechAudio { rate, samples })
    }

    fn pcm(&self) -> MutexGuard<'_, Pcm> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host for State {}

impl HostSink for State {
    fn format(&mut self, sink: Resource<Sink>, rate: u32) -> Result<(), Failure> {
        let mut pcm = self.table.get(&sink)?.pcm();
        if !(8000..=48_000).contains(&rate) {
            return Err(Error::Invalid(format!("a rate of {rate}: from 8000 to 48000")).into());
        }
        if pcm.rate.replace(rate).is_some_and(|former| former != rate) {
            return Err(Error::Invalid("the format is set once".into()).into());
        }
        Ok(())
    }

    fn write(&mut self, sink: Resource<Sink>, bytes: Vec<u8>) -> Result<(), Failure> {
        let mut pcm = self.table.get(&sink)?.pcm();
        let Some(rate) = pcm.rate else {
            return Err(Error::Invalid("set the format before the first write".into()).into());
        };
        if pcm.bytes.len() + bytes.len() > rate as usize * 2 * MAX_SECONDS {
            return Err(Error::Limit(format!("speech longer than {MAX_SECONDS} s")).into());
        }
        pcm.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    fn drop(&mut self, sink: Resource<Sink>) -> wasmtime::Result<()> {
        self.table.delete(sink)?;
        Ok(())
    }
}
