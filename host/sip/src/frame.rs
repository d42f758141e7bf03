//! Messages out of a byte stream (RFC 3261 18.3, RFC 5626 3.5.1).

use bytes::{Buf, Bytes, BytesMut};

use crate::message::{MAX_MESSAGE, parse};

/// What a stream is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// One message with its body, ready for `Message::parse`.
    Message(Bytes),
    /// The second of two line ends in a row: a keepalive to be answered with one line end.
    Ping,
    /// A line end: the answer to a keepalive, or the first half of a ping, which nobody can tell apart
    /// before the next byte. Either way the peer lives.
    Pong,
}

/// Why a stream cannot be read any further; close it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// RFC 3261 20.14: mandatory on streams, since nothing else tells where the body ends.
    #[error("a message on a stream has no Content-Length")]
    NoContentLength,
    /// Not a number, or several that differ.
    #[error("a message on a stream has a bad Content-Length")]
    BadContentLength,
    /// No end of the headers within the limit.
    #[error("the headers of a message are longer than 64 KiB")]
    HeadTooLarge,
    /// Content-Length above the limit.
    #[error("the body of a message is longer than 64 KiB")]
    BodyTooLarge,
}

/// Cuts a stream into messages. After each [`Framer::push`], call [`Framer::next`] until it gives None, so
/// that no more than one message is ever kept. After an error it gives the same error for ever.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: BytesMut,
    /// No header block ends before this place.
    searched: usize,
    /// Head and body of the message that is coming in, once its head is complete.
    length: Option<usize>,
    after_line_end: bool,
}

impl Framer {
    /// For the beginning of a stream.
    pub fn new() -> Framer {
        Framer::default()
    }

    /// Takes the bytes that came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next frame, None if more bytes are needed.
    #[expect(clippy::should_implement_trait, reason = "a stream that fails is no iterator")]
    pub fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        if self.length.is_none() {
            if let Some(frame) = self.line_end() {
                return Ok(Some(frame));
            }
            self.length = self.message_length()?;
        }
        match self.length {
            Some(length) if self.buffer.len() >= length => {
                let message = self.buffer.split_to(length).freeze();
                (self.length, self.searched, self.after_line_end) = (None, 0, false);
                Ok(Some(Frame::Message(message)))
            }
            _ => Ok(None),
        }
    }

    /// A message has begun and is not whole yet.
    pub fn is_within_message(&self) -> bool {
        !matches!(&self.buffer[..], [] | [b'\r'])
    }

    /// Takes one line end ahead of a message.
    fn line_end(&mut self) -> Option<Frame> {
        while self.buffer.first() == Some(&b'\n') {
            self.skip(1);
        }
        if !self.buffer.starts_with(b"\r\n") {
            return None;
        }
        self.skip(2);
        self.after_line_end = !self.after_line_end;
        Some(if self.after_line_end { Frame::Pong } else { Frame::Ping })
    }

    fn skip(&mut self, bytes: usize) {
        self.buffer.advance(bytes);
        self.searched = 0;
    }

    fn message_length(&mut self) -> Result<Option<usize>, FrameError> {
        let Some(head) = self.head_length() else {
            return if self.buffer.len() > MAX_MESSAGE { Err(FrameError::HeadTooLarge) } else { Ok(None) };
        };
        if head > MAX_MESSAGE {
            return Err(FrameError::HeadTooLarge);
        }
        match parse::announced_length(&self.buffer[..head]) {
            Ok(Some(body)) if body > MAX_MESSAGE => Err(FrameError::BodyTooLarge),
            Ok(Some(body)) => Ok(Some(head + body)),
            Ok(None) => Err(FrameError::NoContentLength),
            Err(_) => Err(FrameError::BadContentLength),
        }
    }

    /// Up to and with the empty line.
    fn head_length(&mut self) -> Option<usize> {
        while let Some(found) = self.buffer[self.searched..].iter().position(|&byte| byte == b'\n') {
            let behind = self.searched + found + 1;
            match &self.buffer[behind..] {
                [b'\n', ..] => return Some(behind + 1),
                [b'\r', b'\n', ..] => return Some(behind + 2),
                // What follows is not here yet.
                [] | [b'\r'] => {
                    self.searched = behind - 1;
                    return None;
                }
                _ => self.searched = behind,
            }
        }
        self.searched = self.buffer.len();
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &str = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP c;branch=z9hG4bK1\r\n";

    fn message(body: &str) -> String {
        format!("{OPTIONS}l: {}\r\n\r\n{body}", body.len())
    }

    fn frames(pieces: &[&[u8]]) -> Result<Vec<Frame>, FrameError> {
        let mut framer = Framer::new();
        let mut frames = Vec::new();
        for piece in pieces {
            framer.push(piece);
            while let Some(frame) = framer.next()? {
                frames.push(frame);
            }
        }
        Ok(frames)
    }

    #[test]
    fn a_stream_is_cut_alike_wherever_it_is_split() {
        let (first, second) = (message("v=0\r\n\r\ns=-\r\n"), message(""));
        let stream = format!("\r\n\r\n{first}\r\n{second}\r\n\r\n\r\n");
        let expected = vec![
            Frame::Pong,
            Frame::Ping,
            Frame::Message(first.into()),
            Frame::Pong,
            Frame::Message(second.into()),
            Frame::Pong,
            Frame::Ping,
            Frame::Pong,
        ];
        let bytes = stream.as_bytes();
        assert_eq!(frames(&[bytes]).unwrap(), expected);
        for at in 0..bytes.len() {
            assert_eq!(frames(&[&bytes[..at], &bytes[at..]]).unwrap(), expected, "split at {at}");
        }
        let single: Vec<_> = bytes.chunks(1).collect();
        assert_eq!(frames(&single).unwrap(), expected);
    }

    #[test]
    fn bare_line_feeds_frame_as_well() {
        let text = message("hi").replace("\r\n", "\n");
        for at in 0..text.len() {
            let found = frames(&[&text.as_bytes()[..at], &text.as_bytes()[at..]]);
            assert_eq!(found.unwrap(), vec![Frame::Message(text.clone().into())]);
        }
    }

    #[test]
    fn a_message_without_content_length_ends_the_stream() {
        let text = format!("{OPTIONS}\r\n");
        assert_eq!(frames(&[text.as_bytes()]), Err(FrameError::NoContentLength));
    }

    #[test]
    fn a_content_length_that_is_none_or_two_ends_the_stream() {
        for bad in
            ["l: -1\r\n", "l: 1 2\r\n", "l: 99999999999999999999999\r\n", "l: 1\r\nContent-Length: 2\r\n"]
        {
            let text = format!("{OPTIONS}{bad}\r\n");
            assert_eq!(frames(&[text.as_bytes()]), Err(FrameError::BadContentLength), "{bad}");
        }
    }

    #[test]
    fn what_is_too_large_ends_the_stream() {
        let long = vec![b'a'; MAX_MESSAGE + 1];
        assert_eq!(frames(&[&long]), Err(FrameError::HeadTooLarge));
        let text = format!("{OPTIONS}l: {}\r\n\r\n", MAX_MESSAGE + 1);
        assert_eq!(frames(&[text.as_bytes()]), Err(FrameError::BodyTooLarge));
    }

    #[test]
    fn folded_content_length_is_found() {
        let text = format!("{OPTIONS}Content-Length :\r\n  2\r\n\r\nhi");
        assert_eq!(frames(&[text.as_bytes()]).unwrap(), vec![Frame::Message(text.clone().into())]);
    }
}
