//! WAV as a program writes it into a pipe: its sizes may be anything.

/// Samples: 16-bit little-endian mono.
#[derive(Debug, PartialEq, Eq)]
pub struct Audio<'a> {
    /// Samples per second.
    pub rate: u32,
    pub pcm: &'a [u8],
}

/// The audio, or why there is none.
pub fn parse(wav: &[u8]) -> Result<Audio<'_>, &'static str> {
    let mut rest = match wav {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', rest @ ..] => rest,
        [] => return Err("wrote nothing"),
        _ => return Err("wrote no WAV"),
    };
    let mut rate = None;
    while let Some((name, size, body)) = chunk(rest) {
        // Who streams does not know the size yet: what there is, is the audio.
        let body = &body[..size.min(body.len())];
        match &name {
            b"fmt " => rate = Some(format(body)?),
            b"data" => {
                let rate = rate.ok_or("wrote samples without their format")?;
                let whole = body.len() - body.len() % 2;
                return if whole == 0 {
                    Err("wrote no sound")
                } else {
                    Ok(Audio { rate, pcm: &body[..whole] })
                };
            }
            _ => {}
        }
        // Chunks begin at even places.
        rest = rest.get(8 + body.len() + body.len() % 2..).unwrap_or_default();
    }
    Err("wrote a WAV without sound")
}

fn chunk(rest: &[u8]) -> Option<([u8; 4], usize, &[u8])> {
    let (name, rest) = rest.split_first_chunk::<4>()?;
    let (size, body) = rest.split_first_chunk::<4>()?;
    let size = u32::from_le_bytes(*size) as usize;
    // espeak-ng writes 0x7ffff000, others 0 or 0xffffffff.
    Some((*name, if size == 0 && name == b"data" { usize::MAX } else { size }, body))
}

fn format(body: &[u8]) -> Result<u32, &'static str> {
    match *body {
        [1, 0, 1, 0, a, b, c, d, _, _, _, _, _, _, 16, 0, ..] => Ok(u32::from_le_bytes([a, b, c, d])),
        _ => Err("wrote another sound than 16-bit mono"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(channels: u8, size: u32, pcm: &[u8]) -> Vec<u8> {
        let mut wav = b"RIFF\x24\xf0\xff\x7fWAVEfmt \x10\0\0\0\x01\0".to_vec();
        wav.extend([channels, 0]);
        wav.extend(b"\x22\x56\0\0\x44\xac\0\0\x02\0\x10\0data");
        wav.extend(size.to_le_bytes());
        wav.extend(pcm);
        wav
    }

    #[test]
    fn a_stream_ends_where_it_ends() {
        for size in [0, 4, 0x7fff_f000, u32::MAX] {
            assert_eq!(parse(&wav(1, size, &[1, 2, 3, 4])), Ok(Audio { rate: 22050, pcm: &[1, 2, 3, 4] }));
        }
        assert_eq!(parse(&wav(1, 0, &[1, 2, 3])).unwrap().pcm, [1, 2], "half a sample is none");
    }

    #[test]
    fn other_chunks_are_passed_over() {
        let mut with_list = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0".to_vec();
        with_list.extend(&wav(1, 2, &[1, 2])[12..]);
        assert_eq!(parse(&with_list).unwrap().pcm, [1, 2]);
    }

    #[test]
    fn what_is_no_sound_is_refused() {
        let stereo = wav(2, 4, &[1, 2, 3, 4]);
        let whole = wav(1, 2, &[1, 2]);
        assert_eq!(parse(b""), Err("wrote nothing"));
        assert_eq!(parse(b"Error: no such voice"), Err("wrote no WAV"));
        assert_eq!(parse(&stereo), Err("wrote another sound than 16-bit mono"));
        assert_eq!(parse(&wav(1, 0, &[])), Err("wrote no sound"));
        for end in 0..whole.len() - 1 {
            assert!(parse(&whole[..end]).is_err(), "cut at {end}");
        }
    }
}
