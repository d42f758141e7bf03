//! A leg's part in a mix.

use crate::{
    Codec, Time,
    codec::{Decoder, Doubler, Halver, MAX_SAMPLES},
    jitter::{Jitter, Pulled},
    listener::Listener,
    rtp::Stamp,
    tick,
};

/// What a leg says in a mix, and what turns the mix into its rate.
#[derive(Debug)]
pub(crate) struct Voice {
    source: Source,
    halver: Halver,
}

#[derive(Debug)]
enum Source {
    /// Nothing came yet.
    Nobody,
    Narrow(Box<Listener>, Codec, Box<Doubler>),
    Wide(Box<Wide>),
}

impl Voice {
    pub(crate) fn new() -> Voice {
        Voice { source: Source::Nobody, halver: Halver::default() }
    }

    /// A packet came at `now`.
    pub(crate) fn push(&mut self, now: Time, stamp: Stamp, codec: Codec, payload: &[u8]) {
        let fits = match &self.source {
            Source::Nobody => false,
            Source::Narrow(_, own, _) => *own == codec,
            Source::Wide(wide) => wide.decoder.codec() == codec,
        };
        if !fits {
            self.source = match codec.is_wide() {
                true => Source::Wide(Box::new(Wide::new(codec))),
                false => Source::Narrow(Box::new(Listener::new(codec)), codec, Box::default()),
            };
        }
        match &mut self.source {
            Source::Nobody => {}
            Source::Narrow(listener, ..) => listener.push(now, stamp, codec, payload),
            Source::Wide(wide) => wide.jitter.push(now, stamp, codec.span(payload), payload),
        }
    }

    /// The next 20 ms, at 8 or at 16 kHz as `sound` is long. Of a wide-band voice there is no narrow-band sound.
    pub(crate) fn frame(&mut self, now: Time, sound: &mut [i16]) {
        sound.fill(0);
        match &mut self.source {
            Source::Nobody => {}
            Source::Narrow(listener, _, doubler) => {
                let narrow = listener.frame(now);
                if sound.len() == tick::WIDE_FRAME {
                    doubler.double(&narrow, sound);
                } else {
                    sound.copy_from_slice(&narrow);
                }
            }
            Source::Wide(wide) if sound.len() == tick::WIDE_FRAME => wide.frame(now, sound),
            Source::Wide(_) => {}
        }
    }

    /// Sound of 16 kHz for a leg that has 8 kHz.
    pub(crate) fn halve(&mut self, wide: &[i16]) -> [i16; tick::FRAME] {
        let mut narrow = [0; tick::FRAME];
        self.halver.halve(wide, &mut narrow);
        narrow
    }
}

/// A wide-band stream, evenly.
#[derive(Debug)]
struct Wide {
    decoder: Decoder,
    jitter: Jitter,
    /// Decoded, and not heard yet: a packet on top of less than a frame.
    waiting: [i16; MAX_SAMPLES + tick::WIDE_FRAME],
    count: usize,
    /// For a codec that cannot make up what is lost: the last frame goes on, ever softer.
    last: [i16; tick::WIDE_FRAME],
}

impl Wide {
    fn new(codec: Codec) -> Wide {
        Wide {
            decoder: Decoder::new(codec),
            jitter: Jitter::new(codec.clock()),
            waiting: [0; MAX_SAMPLES + tick::WIDE_FRAME],
            count: 0,
            last: [0; tick::WIDE_FRAME],
        }
    }

    fn frame(&mut self, now: Time, sound: &mut [i16]) {
        let codec = self.decoder.codec();
        while self.count < tick::WIDE_FRAME {
            let ahead = self.count as u32 / 2 * (codec.clock() / 8000);
            let mut decoded = [0; MAX_SAMPLES];
            let count = match self.jitter.pull(now, ahead) {
                Pulled::Audio(payload) => self.decoder.decode(payload, &mut decoded),
                Pulled::Conceal => match self.decoder.recover(&[], &mut decoded[..tick::WIDE_FRAME]) {
                    0 => {
                        self.last.iter_mut().for_each(|sample| *sample /= 2);
                        decoded[..tick::WIDE_FRAME].copy_from_slice(&self.last);
                        tick::WIDE_FRAME
                    }
                    count => count,
                },
                Pulled::Silence => 0,
            };
            if count == 0 {
                break;
            }
            self.waiting[self.count..self.count + count].copy_from_slice(&decoded[..count]);
            self.count += count;
        }
        let heard = self.count.min(tick::WIDE_FRAME);
        sound[..heard].copy_from_slice(&self.waiting[..heard]);
        self.waiting.copy_within(heard..self.count, 0);
        self.count -= heard;
        self.last.copy_from_slice(sound);
    }
}
