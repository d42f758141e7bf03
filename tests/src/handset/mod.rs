//! Telephones that other people wrote, all of them moved through the same [`Step`]s.

mod asterisk;
mod baresip;
mod dtmf;
mod linphone;
mod sipp;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

pub use asterisk::Asterisk;
pub use dtmf::in_band;
pub use linphone::Linphone;
pub use sipp::SippPhone;

use crate::{Exchange, audio::RATE, baresip::Over, exchange::password};

/// Whose telephone it is, how it reaches the exchange, and what it says.
#[derive(Clone, Debug)]
pub struct Line {
    /// A user of the exchange.
    pub user: &'static str,
    /// The transport of its SIP.
    pub over: Over,
    /// It insists on SRTP (SDES); else it knows RTP alone.
    pub secured: bool,
    /// The tone that it says, in Hz.
    pub tone: f32,
    /// Tells the telephones of one exchange apart: 0, 1, 2, or 7 for one more.
    pub index: u16,
    /// A folder of its own, which stays.
    pub folder: PathBuf,
}

impl Line {
    /// Where the exchange listens for it.
    pub fn server(&self, exchange: &Exchange) -> std::net::SocketAddr {
        match self.over {
            Over::Udp => exchange.site().udp(),
            Over::Tcp => exchange.site().tcp(),
            Over::Tls => exchange.site().tls(),
        }
    }

    /// `udp`, `tcp` or `tls`.
    pub fn transport(&self) -> &'static str {
        match self.over {
            Over::Udp => "udp",
            Over::Tcp => "tcp",
            Over::Tls => "tls",
        }
    }

    fn password(&self) -> String {
        password(self.user)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().expect("below the folder")).expect("a folder");
        fs::write(&path, content).expect("a file");
        path
    }
}

/// One thing that the person at a telephone does.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Calls a number and waits until somebody answers.
    Dial(&'static str),
    /// Talks and listens.
    Stay(Duration),
    /// Puts the call on hold.
    Hold,
    /// Takes it back.
    Resume,
    /// Presses these keys.
    Press(Digits, &'static str),
    /// Transfers the call to a number without asking there.
    Transfer(&'static str),
    /// Calls a number in a second call and waits until somebody answers.
    Consult(&'static str),
    /// Transfers the first call to who answered the second.
    Join,
    /// Ends the call, if it is still there.
    HangUp,
}

/// How a telephone sends the keys that are pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digits {
    /// RFC 4733.
    Event,
    /// SIP INFO.
    Info,
    /// As sound.
    InBand,
}

/// What a telephone may be unable to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// To insist on SRTP.
    Srtp,
    /// To hold and to resume.
    Hold,
    /// To transfer blindly.
    Transfer,
    /// To transfer after asking.
    Consult,
    /// To send keys so.
    Press(Digits),
}

/// A registered telephone that answers every call at once and says its tone in it.
pub trait Handset: Sync {
    /// Does one step after the other; ends at the first that fails, with what happened.
    fn perform(&self, script: &[Step]) -> Result<(), String>;

    /// All that it heard since it was started, at 8 kHz; may lag behind by two seconds.
    fn heard(&self) -> Vec<i16>;

    /// All keys that it was told of by RFC 4733 or INFO since it was started.
    fn keys(&self) -> String;

    /// Why it is unable to do that, if it is.
    fn lacks(&self, ability: Ability) -> Option<&'static str>;

    /// Its recording ends when it holds a call.
    fn is_deaf_after_hold(&self) -> bool {
        false
    }

    /// It plays what its microphone hears to whom it holds.
    fn plays_on_hold(&self) -> bool {
        false
    }

    /// What it wrote.
    fn log(&self) -> String;
}

/// The first channel of a WAV file at 8 kHz; also of one that is still being written, whose
/// header does not know its length yet.
pub(crate) fn read_wav(path: &Path) -> Vec<i16> {
    let (samples, rate) = read_wav_as_it_is(path);
    // What is measured are tones far below 4 kHz: no filter is needed.
    samples.into_iter().step_by((rate as usize / RATE).max(1)).collect()
}

/// As [`read_wav`], with all samples, and how many there are in a second.
pub(crate) fn read_wav_as_it_is(path: &Path) -> (Vec<i16>, u32) {
    let bytes = fs::read(path).unwrap_or_default();
    let channels = bytes.get(22).map_or(1, |count| usize::from(*count).max(1));
    let rate = bytes.get(24..28).map_or(0, |rate| u32::from_le_bytes(rate.try_into().expect("four bytes")));
    let Some(data) = bytes.windows(4).position(|window| window == b"data") else { return (Vec::new(), rate) };
    let pairs = bytes.get(data + 8..).unwrap_or_default().chunks_exact(2).step_by(channels);
    (pairs.map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect(), rate)
}

/// Writes 16-bit mono at 8 kHz.
pub fn write_wav(path: &Path, samples: &[i16]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE as u32,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).expect("a WAV file");
    for sample in samples {
        writer.write_sample(*sample).expect("a WAV file");
    }
    writer.finalize().expect("a WAV file");
}

pub(crate) fn text(path: &Path) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// Waits for something that a telephone should do.
fn await_step(what: &str, limit: Duration, mut look: impl FnMut() -> bool) -> Result<(), String> {
    let end = std::time::Instant::now() + limit;
    while !look() {
        if std::time::Instant::now() > end {
            return Err(format!("waited {} s in vain {what}", limit.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
