//! Records in a file: one after another, each with its length and its sum, so that a damaged one costs no other.
//!
//! A file begins with [`HEAD`]. A frame is [`MAGIC`], its kind, the length of its body (32 bits, the lowest first),
//! the first 8 bytes of the SHA-256 of kind and body, and the body.

use sha2::{Digest, Sha256};

pub const HEAD: &[u8] = b"jackfield journal 1\n";
const MAGIC: [u8; 4] = [0xf5, b'J', b'F', 0xa7];
/// Of a frame without its body.
const FRAME: usize = MAGIC.len() + 1 + 4 + SUM;
const SUM: usize = 8;

const RECORD: u8 = 1;
const LOST: u8 = 2;

/// What lies in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A call.
    Record(&'a [u8]),
    /// So many calls were not written here.
    Lost(u64),
    /// Bytes that are no frame, up to the next one: half written, or damaged.
    Damaged,
}

impl Frame<'_> {
    /// To be appended to a file.
    pub fn encode(&self) -> Vec<u8> {
        let number;
        let (kind, body) = match self {
            Frame::Record(body) => (RECORD, *body),
            Frame::Lost(lost) => {
                number = lost.to_le_bytes();
                (LOST, &number[..])
            }
            Frame::Damaged => return Vec::new(),
        };
        let mut bytes = Vec::with_capacity(FRAME + body.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.push(kind);
        bytes.extend_from_slice(&(body.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&sum(kind, body));
        bytes.extend_from_slice(body);
        bytes
    }
}

/// The frames of a file, from its first byte.
pub fn frames(file: &[u8]) -> impl Iterator<Item = Frame<'_>> {
    let mut rest = file.strip_prefix(HEAD);
    // A file without its head is none of ours, or one that was not even begun.
    let foreign = (rest.is_none() && !HEAD.starts_with(file)).then_some(Frame::Damaged);
    let frames = std::iter::from_fn(move || {
        let bytes = rest.filter(|bytes| !bytes.is_empty())?;
        let (frame, after) = match parse(bytes) {
            Some((frame, after)) => (frame, after),
            None => (Frame::Damaged, next_magic(bytes)),
        };
        rest = Some(after);
        Some(frame)
    });
    foreign.into_iter().chain(frames)
}

/// The records of a file, without a look at their sums: a bound needs no more.
pub fn count(file: &[u8]) -> u64 {
    let mut rest = file.strip_prefix(HEAD).unwrap_or_default();
    let mut records = 0;
    while !rest.is_empty() {
        rest = match split(rest) {
            Some((raw, after)) => {
                records += u64::from(raw.kind == RECORD);
                after
            }
            None => next_magic(rest),
        };
    }
    records
}

/// As [`split`], checked.
fn parse(bytes: &[u8]) -> Option<(Frame<'_>, &[u8])> {
    let (Raw { kind, sum: wanted, body }, rest) = split(bytes)?;
    if sum(kind, body) != *wanted {
        return None;
    }
    let frame = match kind {
        RECORD => Frame::Record(body),
        LOST => Frame::Lost(u64::from_le_bytes(body.try_into().ok()?)),
        _ => Frame::Damaged,
    };
    Some((frame, rest))
}

/// A frame that is not checked yet.
struct Raw<'a> {
    kind: u8,
    sum: &'a [u8; SUM],
    body: &'a [u8],
}

/// The frame that begins here, and what follows it.
fn split(bytes: &[u8]) -> Option<(Raw<'_>, &[u8])> {
    let rest = bytes.strip_prefix(&MAGIC)?;
    let (&kind, rest) = rest.split_first()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<SUM>()?;
    let (body, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    Some((Raw { kind, sum, body }, rest))
}

fn next_magic(bytes: &[u8]) -> &[u8] {
    let found = bytes.get(1..).and_then(|rest| rest.windows(MAGIC.len()).position(|window| window == MAGIC));
    found.map_or(&[], |place| &bytes[place + 1..])
}

fn sum(kind: u8, body: &[u8]) -> [u8; SUM] {
    let hash = Sha256::new().chain_update([kind]).chain_update(body).finalize();
    let mut sum = [0; SUM];
    sum.copy_from_slice(&hash[..SUM]);
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(bodies: &[&[u8]]) -> Vec<u8> {
        let mut file = HEAD.to_owned();
        bodies.iter().for_each(|body| file.extend(Frame::Record(body).encode()));
        file
    }

    fn bodies(file: &[u8]) -> Vec<Vec<u8>> {
        let body = |frame| if let Frame::Record(body) = frame { Some(body.to_owned()) } else { None };
        frames(file).filter_map(body).collect()
    }

    #[test]
    fn what_was_written_is_read() {
        let mut bytes = file(&[b"one", b"", b"three"]);
        bytes.extend(Frame::Lost(12).encode());
        let all: Vec<_> = frames(&bytes).collect();
        let expected = [Frame::Record(b"one"), Frame::Record(b""), Frame::Record(b"three"), Frame::Lost(12)];
        assert_eq!(all, expected);
        assert_eq!(count(&bytes), 3);
        assert_eq!(frames(HEAD).count() + frames(b"").count() + frames(b"jackf").count(), 0);
        assert_eq!(frames(b"something else").collect::<Vec<_>>(), [Frame::Damaged]);
    }

    #[test]
    fn a_file_that_was_cut_anywhere_loses_only_its_end() {
        let whole = file(&[b"one", b"two", b"three"]);
        for length in HEAD.len()..whole.len() {
            let found = bodies(&whole[..length]);
            assert!([&b"one"[..], b"two", b"three"].iter().zip(&found).all(|(was, is)| was == is));
            let complete = (length - HEAD.len()) / (FRAME + 3);
            assert_eq!(found.len(), complete.min(2));
        }
    }

    #[test]
    fn a_damaged_record_costs_no_other() {
        let whole = file(&[b"one", b"two", b"three"]);
        for place in HEAD.len() + FRAME + 3..HEAD.len() + 2 * (FRAME + 3) {
            let mut damaged = whole.clone();
            damaged[place] ^= 0x40;
            assert_eq!(bodies(&damaged), [b"one".to_vec(), b"three".to_vec()], "{place}");
            assert!(frames(&damaged).any(|frame| frame == Frame::Damaged));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_come_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let with_head = [HEAD, &bytes].concat();
            prop_assert!(frames(&bytes).count() + frames(&with_head).count() <= 2 * with_head.len());
            prop_assert!(count(&with_head) <= with_head.len() as u64);
        }

        #[test]
        fn a_record_behind_any_bytes_is_found(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let file = [HEAD, &bytes, &Frame::Record(b"here").encode()].concat();
            prop_assert!(bodies(&file).contains(&b"here".to_vec()));
        }
    }
}
