//! WAV files in memory.

use std::io::{Cursor, Read};

use super::Clip;

/// A WAV file that cannot be a prompt.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    /// Not a WAV file, or compressed.
    #[error("no WAV file that can be read: {0}")]
    Wav(#[from] hound::Error),
    /// Neither mono nor stereo.
    #[error("{0} channels; mono or stereo is wanted")]
    Channels(u16),
    /// Sampled slower than 8 kHz or faster than 48 kHz.
    #[error("{0} Hz; 8000 to 48000 Hz are wanted")]
    Rate(u32),
}

/// Reads the sampling rate and the samples, mixed to mono.
pub(super) fn read(bytes: &[u8]) -> Result<(u32, Vec<i16>), ClipError> {
    let (head, data) = tidy(bytes).unwrap_or((bytes.to_vec(), &[]));
    let reader = hound::WavReader::new(head.as_slice().chain(data))?;
    let spec = reader.spec();
    if !(1..=2).contains(&spec.channels) {
        return Err(ClipError::Channels(spec.channels));
    }
    if !Clip::RATES.contains(&spec.sample_rate) {
        return Err(ClipError::Rate(spec.sample_rate));
    }
    let samples: Vec<i16> = match spec.sample_format {
        hound::SampleFormat::Float => {
            let samples = reader.into_samples::<f32>();
            samples.map_while(Result::ok).map(|sample| (sample * 32767.0) as i16).collect()
        }
        hound::SampleFormat::Int => {
            let samples = reader.into_samples::<i32>();
            let top = 32 - u32::from(spec.bits_per_sample.clamp(1, 32));
            samples.map_while(Result::ok).map(|sample| (sample << top >> 16) as i16).collect()
        }
    };
    let mono = match spec.channels {
        1 => samples,
        _ => samples.chunks_exact(2).map(|pair| i16::midpoint(pair[0], pair[1])).collect(),
    };
    Ok((spec.sample_rate, mono))
}

/// The header with the format alone and the true length of the data, and the data. hound wants to know the
/// length beforehand, which a pipe did not, and stumbles over chunks of odd length.
fn tidy(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (riff, mut rest) = bytes.split_at_checked(12)?;
    let mut head = riff.to_vec();
    loop {
        let (chunk, after) = rest.split_at_checked(8)?;
        let length = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
        let content = &after[..after.len().min(length as usize)];
        match &chunk[..4] {
            b"fmt " => head.extend([chunk, content].concat()),
            b"data" => {
                // A frame that was cut short is no frame.
                let content = &content[..content.len() - content.len() % frame_size(&head)];
                head.extend([b"data", &(content.len() as u32).to_le_bytes()[..]].concat());
                return Some((head, content));
            }
            _ => {}
        }
        rest = after.get(content.len() + content.len() % 2..).unwrap_or_default();
    }
}

/// Bytes of one sample of all channels: `nBlockAlign`, in the `fmt ` chunk that comes behind 12 bytes of RIFF.
fn frame_size(head: &[u8]) -> usize {
    head.get(32..34).map_or(1, |size| usize::from(u16::from_le_bytes([size[0], size[1]])).max(1))
}

/// Writes samples of 8 kHz mono as a WAV file of 16 bits.
pub fn to_wav(samples: &[i16]) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = Cursor::new(Vec::with_capacity(44 + 2 * samples.len()));
    let written = (|| {
        let mut writer = hound::WavWriter::new(&mut file, spec)?;
        let mut chunk = writer.get_i16_writer(samples.len() as u32);
        samples.iter().for_each(|sample| chunk.write_sample(*sample));
        chunk.flush()?;
        writer.finalize()
    })();
    // Writing fails with its file, and memory does not.
    debug_assert!(written.is_ok(), "{written:?}");
    file.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(channels: u16, rate: u32, bits: u16, samples: &[i32]) -> Vec<u8> {
        let sample_format = hound::SampleFormat::Int;
        let spec = hound::WavSpec { channels, sample_rate: rate, bits_per_sample: bits, sample_format };
        let mut file = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
        samples.iter().for_each(|sample| writer.write_sample(*sample).unwrap());
        writer.finalize().unwrap();
        file.into_inner()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let samples: Vec<i16> = (-500..500).map(|n| n * 60).collect();
        assert_eq!(Clip::from_wav(&to_wav(&samples)).unwrap().samples(), samples);
        assert_eq!(to_wav(&[]).len(), 44);
    }

    #[test]
    fn all_sizes_come_to_16_bits_and_stereo_to_mono() {
        for (bits, unit) in [(8, 1), (16, 1 << 8), (24, 1 << 16), (32, 1 << 24)] {
            let file = wav(1, 8000, bits, &[-128 * unit, 0, 64 * unit]);
            assert_eq!(Clip::from_wav(&file).unwrap().samples(), [-32768, 0, 16384], "{bits} bits");
        }
        let file = wav(2, 8000, 16, &[100, 300, -32768, -32768]);
        assert_eq!(Clip::from_wav(&file).unwrap().samples(), [200, -32768]);
    }

    #[test]
    fn a_length_that_a_pipe_did_not_know_is_forgiven() {
        let mut file = to_wav(&[1, 2, 3]);
        for unknown in [0x7fff_f000_u32, u32::MAX] {
            file[40..44].copy_from_slice(&unknown.to_le_bytes());
            assert_eq!(Clip::from_wav(&file).unwrap().samples(), [1, 2, 3]);
        }
    }

    #[test]
    fn what_cannot_be_a_prompt_says_why() {
        let error = |file: &[u8]| Clip::from_wav(file).unwrap_err();
        assert!(matches!(error(b"RIFF"), ClipError::Wav(_)));
        assert!(matches!(error(&wav(3, 8000, 16, &[0, 0, 0])), ClipError::Channels(3)));
        assert!(matches!(error(&wav(1, 96_000, 16, &[0])), ClipError::Rate(96_000)));
        assert!(matches!(error(&wav(1, 7_999, 16, &[0])), ClipError::Rate(7_999)));
    }
}
