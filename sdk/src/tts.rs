//! For plugins that make speech: what they are asked for, and where the audio goes.

use crate::{
    Result,
    bindings::{jackfield::plugin::audio_out as raw, tts::exports::jackfield::plugin::tts},
};

/// What is to be spoken. Empty strings mean the plugin's own default.
///
/// ```
/// # use jackfield_sdk::tts::Request;
/// fn language(request: &Request) -> &str {
///     if request.lang.is_empty() { "fr" } else { &request.lang }
/// }
/// ```
pub use crate::bindings::jackfield::plugin::types::Speech as Request;

/// A voice that the plugin has.
///
/// ```
/// # use jackfield_sdk::tts::Voice;
/// let voice = Voice { id: "fr".into(), lang: "fr".into(), name: "French".into() };
/// ```
pub use tts::Voice;

/// Where the audio goes: 16-bit mono.
///
/// ```
/// use jackfield_sdk::{Result, tts::{Request, Sink}};
///
/// #[jackfield_sdk::tts]
/// fn synthesize(_: Request, out: Sink) -> Result<()> {
///     out.format(8000)?;
///     out.write(&[0; 8000])
/// }
/// ```
#[derive(Debug)]
pub struct Sink(pub(crate) raw::Sink);

impl Sink {
    /// Once, before the first sample: 8000 to 48000 samples per second.
    ///
    /// ```no_run
    /// # fn f(out: &jackfield_sdk::tts::Sink) -> jackfield_sdk::Result<()> {
    /// out.format(22050)?;
    /// # Ok(()) }
    /// ```
    pub fn format(&self, rate: u32) -> Result<()> {
        Ok(self.0.format(rate)?)
    }

    /// More samples. [`Error::NotFound`](crate::Error::NotFound): nobody listens any more.
    ///
    /// ```no_run
    /// # fn f(out: &jackfield_sdk::tts::Sink) -> jackfield_sdk::Result<()> {
    /// out.write(&[0, 1000, 0, -1000])?;
    /// # Ok(()) }
    /// ```
    pub fn write(&self, samples: &[i16]) -> Result<()> {
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        self.write_bytes(&bytes)
    }

    /// More samples, as little-endian bytes.
    ///
    /// ```no_run
    /// # fn f(out: &jackfield_sdk::tts::Sink) -> jackfield_sdk::Result<()> {
    /// out.write_bytes(&[0; 320])?;
    /// # Ok(()) }
    /// ```
    pub fn write_bytes(&self, pcm: &[u8]) -> Result<()> {
        Ok(self.0.write(pcm)?)
    }
}
