use std::{rc::Rc, time::Duration};

use crate::{
    Result,
    bindings::jackfield::plugin::{call_control as raw, types},
    types::millis,
};

/// A text to be spoken. What is not said is the host's or the voice's default.
///
/// ```
/// use jackfield_sdk::Speech;
///
/// let welcome = Speech::new("Bonjour et bienvenue !").lang("fr");
/// let news = Speech::ssml("<speak>Hello <break time='1s'/> world</speak>").lang("en").voice("en-gb");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Speech {
    text: String,
    lang: String,
    voice: String,
    ssml: bool,
}

impl Speech {
    /// Plain text.
    ///
    /// ```
    /// let speech = jackfield_sdk::Speech::new("Bonjour");
    /// ```
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), lang: String::new(), voice: String::new(), ssml: false }
    }

    /// Text with SSML marks.
    ///
    /// ```
    /// let speech = jackfield_sdk::Speech::ssml("<speak>Bonjour</speak>");
    /// ```
    pub fn ssml(text: impl Into<String>) -> Self {
        Self { ssml: true, ..Self::new(text) }
    }

    /// The language, as in BCP 47: `fr`, `en-GB`.
    ///
    /// ```
    /// let speech = jackfield_sdk::Speech::new("Hello").lang("en-GB");
    /// ```
    pub fn lang(self, lang: impl Into<String>) -> Self {
        Self { lang: lang.into(), ..self }
    }

    /// A voice by the name that the `tts` plugin gives it.
    ///
    /// ```
    /// let speech = jackfield_sdk::Speech::new("Bonjour").voice("fr-be");
    /// ```
    pub fn voice(self, voice: impl Into<String>) -> Self {
        Self { voice: voice.into(), ..self }
    }

    pub(crate) fn raw(&self) -> types::Speech {
        let Speech { text, lang, voice, ssml } = self.clone();
        types::Speech { text, lang, voice, ssml }
    }
}

impl From<&str> for Speech {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Speech {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// Something to be heard.
///
/// ```
/// use std::time::Duration;
/// use jackfield_sdk::{Prompt, Speech};
///
/// let prompts = [
///     Prompt::Silence(Duration::from_secs(1)),
///     Prompt::File("jingle.wav".into()),
///     Prompt::Say(Speech::new("Bonjour")),
/// ];
/// ```
#[derive(Clone, Debug)]
pub enum Prompt {
    /// A file below the plugin's prompts directory, or `shared:NAME`.
    File(String),
    /// A text.
    Say(Speech),
    /// Audio made ready before.
    Clip(Clip),
    /// Digits as DTMF tones.
    Digits(String),
    /// `ringback`, `busy`, `congestion`, `beep`, or pairs like `425/400,0/200`.
    Tone(String),
    /// Nothing, for so long.
    Silence(Duration),
}

impl Prompt {
    pub(crate) fn raw(&self) -> raw::Prompt<'_> {
        match self {
            Prompt::File(name) => raw::Prompt::File(name.clone()),
            Prompt::Say(speech) => raw::Prompt::Say(speech.raw()),
            Prompt::Clip(clip) => raw::Prompt::Clip(&clip.0),
            Prompt::Digits(digits) => raw::Prompt::Dtmf(digits.clone()),
            Prompt::Tone(tone) => raw::Prompt::Tone(tone.clone()),
            Prompt::Silence(time) => raw::Prompt::Silence(millis(*time)),
        }
    }

    pub(crate) fn raw_list(prompts: &[Prompt]) -> Vec<raw::Prompt<'_>> {
        prompts.iter().map(Prompt::raw).collect()
    }
}

impl From<Speech> for Prompt {
    fn from(speech: Speech) -> Self {
        Prompt::Say(speech)
    }
}

impl From<Clip> for Prompt {
    fn from(clip: Clip) -> Self {
        Prompt::Clip(clip)
    }
}

/// Audio made ready in the host, so that playing it starts at once. The bytes stay in
/// the host; this is a handle, cheap to clone.
///
/// ```no_run
/// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
/// use jackfield_sdk::Clip;
///
/// let sorry = Clip::say("Personne ne répond.")?;
/// call.play().clip(&sorry).run()?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Clip(Rc<raw::Clip>);

impl Clip {
    /// A file below the plugin's prompts directory, or `shared:NAME`.
    ///
    /// ```no_run
    /// let jingle = jackfield_sdk::Clip::open("jingle.wav")?;
    /// # Ok::<(), jackfield_sdk::Error>(())
    /// ```
    pub fn open(name: &str) -> Result<Self> {
        Ok(Self(Rc::new(raw::Clip::open(name)?)))
    }

    /// A text, spoken; returns when the whole of it is there. In the function that checks the settings nothing is
    /// spoken: it announces a sentence, which is then made before the first call asks for it.
    ///
    /// ```no_run
    /// let welcome = jackfield_sdk::Clip::say("Bonjour !")?;
    /// # Ok::<(), jackfield_sdk::Error>(())
    /// ```
    pub fn say(speech: impl Into<Speech>) -> Result<Self> {
        Ok(Self(Rc::new(raw::Clip::say(&speech.into().raw())?)))
    }

    /// How long it takes to play.
    ///
    /// ```no_run
    /// # let clip = jackfield_sdk::Clip::open("jingle.wav")?;
    /// jackfield_sdk::info!("{} ms", clip.length().as_millis());
    /// # Ok::<(), jackfield_sdk::Error>(())
    /// ```
    pub fn length(&self) -> Duration {
        Duration::from_millis(self.0.length().into())
    }
}
