//! What a guest wants heard, made ready before the switch sees it.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future};
use jackfield_media::{Digits, Source, tone};
use jackfield_switch::Error;

use super::{
    Failure, MAX_LIST, MAX_NAME, MAX_TEXT, at_most, bindings::jackfield::plugin::call_control::Prompt, types,
};
use crate::{
    instance::{Role, State},
    services::{Answer, Speech},
};

/// Before the name of what the plugin recorded itself.
const RECORDING: &str = "recording:";
/// Sentences of a version that are made before a call asks for them.
const MAX_ANNOUNCED: usize = 1000;

/// A prompt is played now, or once its audio is there.
enum Ready {
    Now(Source),
    Later(Answer<Arc<jackfield_media::Clip>>),
}

impl State {
    /// Resolves prompts; what has to be made or read of all of them comes at the same time.
    pub(super) async fn sources(&mut self, prompts: Vec<Prompt>) -> Result<Vec<Source>, Failure> {
        at_most("prompts", prompts.len(), MAX_LIST)?;
        let said = match self.tape.is_on() {
            true => prompts.iter().map(|prompt| self.words(prompt)).collect(),
            false => Vec::new(),
        };
        let ready = prompts.into_iter().map(|prompt| self.ready(prompt)).collect::<Result<Vec<_>, _>>()?;
        let waits = ready.iter().any(|ready| matches!(ready, Ready::Later(_)));
        let all = future::try_join_all(ready.into_iter().map(async |ready| match ready {
            Ready::Now(source) => Ok(source),
            Ready::Later(answer) => answer.await.map(Source::Clip),
        }));
        let sources = if waits { self.wait(Box::pin(all)).await? } else { all.await? };
        self.said = said;
        Ok(sources)
    }

    /// As the journal writes it.
    fn words(&self, prompt: &Prompt) -> String {
        match prompt {
            Prompt::File(name) => name.clone(),
            Prompt::Say(speech) => in_words(speech),
            Prompt::Clip(clip) => self.table.get(clip).map(|clip| clip.words.clone()).unwrap_or_default(),
            Prompt::Dtmf(text) => format!("digits {text}"),
            Prompt::Tone(name) => format!("tone {name}"),
            Prompt::Silence(time) => format!("{time} ms of silence"),
        }
    }

    fn ready(&mut self, prompt: Prompt) -> Result<Ready, Failure> {
        let source = match prompt {
            Prompt::File(name) => match name.strip_prefix(RECORDING) {
                Some(name) => return Ok(Ready::Later(self.recording(name)?)),
                None => Source::Clip(self.file(&name)?),
            },
            Prompt::Say(speech) => return Ok(Ready::Later(self.speech(speech)?)),
            Prompt::Clip(clip) => Source::Clip(self.table.get(&clip)?.audio.clone()),
            Prompt::Dtmf(text) => {
                at_most("dtmf", text.len(), MAX_NAME)?;
                digits("dtmf", &text)?;
                Source::Dtmf(text.into())
            }
            Prompt::Tone(name) => tone(&name)?,
            Prompt::Silence(time) => Source::Silence(Duration::from_millis(time.into())),
        };
        Ok(Ready::Now(source))
    }

    /// The audio that a guest calls by that name.
    pub(super) async fn audio(&mut self, name: &str) -> Result<Arc<jackfield_media::Clip>, Failure> {
        match name.strip_prefix(RECORDING) {
            Some(name) => {
                let answer = self.recording(name)?;
                self.wait(answer).await
            }
            None => Ok(self.file(name)?),
        }
    }

    /// What may be recorded may be heard again.
    fn recording(&self, name: &str) -> Result<Answer<Arc<jackfield_media::Clip>>, Error> {
        self.not_in_check("recording")?;
        self.rights().record()?;
        recording_name(name)?;
        let (plugin, services) = self.services();
        Ok(services.recording(plugin, name))
    }

    fn file(&self, name: &str) -> Result<Arc<jackfield_media::Clip>, Error> {
        at_most("prompt name", name.len(), MAX_NAME)?;
        if name.starts_with("shared:") {
            return Err(Error::Unavailable("shared prompts come with a later version of this daemon".into()));
        }
        let clip = self.version().prompts.get(name);
        clip.cloned().ok_or_else(|| {
            Error::NotFound(format!(
                "prompt {name} in {} of {}",
                self.version().manifest().prompts(),
                self.version().name()
            ))
        })
    }

    /// Where the guest names no language or voice, those of its settings hold.
    pub(super) fn speech(
        &mut self,
        speech: types::Speech,
    ) -> Result<Answer<Arc<jackfield_media::Clip>>, Error> {
        at_most("speech", speech.text.len(), MAX_TEXT)?;
        at_most("lang", speech.lang.len(), MAX_NAME)?;
        at_most("voice", speech.voice.len(), MAX_NAME)?;
        let setting = |key: &str| self.version().settings()[key].as_str().unwrap_or_default().to_string();
        let mut speech = Speech::from(speech);
        if speech.lang.is_empty() {
            speech.lang = setting("lang");
        }
        if speech.voice.is_empty() {
            speech.voice = setting("voice");
        }
        if self.role == Role::Check {
            return self.announce(speech);
        }
        let (plugin, services) = self.services();
        Ok(services.speech(plugin, speech))
    }

    /// What is said while the settings are checked will be said in calls. Here nothing is heard of it.
    fn announce(&mut self, speech: Speech) -> Result<Answer<Arc<jackfield_media::Clip>>, Error> {
        if self.announced.len() == MAX_ANNOUNCED {
            return Err(Error::Limit(format!("more than {MAX_ANNOUNCED} sentences are announced")));
        }
        self.announced.push(speech);
        Ok(future::ready(Ok(Arc::new(jackfield_media::Clip::from_samples(8000, &[])))).boxed())
    }

    /// A file of the plugin, or a tone.
    pub(super) fn ringback(&self, name: &str) -> Result<Source, Error> {
        if self.version().prompts.contains_key(name) {
            Ok(Source::Clip(self.file(name)?))
        } else {
            tone(name)
        }
    }
}

/// The text, and the language where the guest names one.
pub(super) fn in_words(speech: &types::Speech) -> String {
    let lang = if speech.lang.is_empty() { String::new() } else { format!(" ({})", speech.lang) };
    format!("{:?}{lang}", speech.text)
}

/// A path below the plugin's recordings that does not leave them.
pub(super) fn recording_name(name: &str) -> Result<(), Error> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.chars().all(plain);
    match name.len() <= MAX_NAME && name.split('/').all(is_part) {
        true => Ok(()),
        false => Err(Error::Invalid(format!("recording name {name:?}"))),
    }
}

fn tone(name: &str) -> Result<Source, Error> {
    at_most("tone", name.len(), MAX_NAME)?;
    let steps = tone::named(name).map_err(|error| Error::Invalid(format!("tone {name}: {error}")))?;
    Ok(Source::Tone(steps))
}

pub(super) fn digits(what: &str, text: &str) -> Result<Digits, Error> {
    Digits::parse(text).map_err(|c| Error::Invalid(format!("{what}: {c:?} is none of 0-9, *, #, A-D")))
}
