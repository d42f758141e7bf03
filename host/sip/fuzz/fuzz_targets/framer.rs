//! A stream in pieces gives the same frames as in one; the first byte is the size of the pieces.
#![no_main]

use jackfield_sip::{Frame, FrameError, Framer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((size, stream)) = data.split_first() else { return };
    let size = usize::from(*size).max(1);
    assert_eq!(frames(stream, size), frames(stream, stream.len().max(1)));
});

fn frames(stream: &[u8], size: usize) -> (Vec<Frame>, Option<FrameError>) {
    let (mut framer, mut frames) = (Framer::new(), Vec::new());
    for piece in stream.chunks(size) {
        framer.push(piece);
        loop {
            match framer.next() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}
