//! The voice: hands texts to a speech program that the operator names, and its audio to the host.

pub mod settings;
pub mod wav;

use std::time::Duration;

use jackfield_sdk::{
    Error, Result,
    helper::Command,
    tts::{Request, Sink, Voice},
};

use settings::Settings;

/// What goes to the host at once: about half a second.
const CHUNK: usize = 32 * 1024;

#[jackfield_sdk::tts(validate = Settings::check, voices = voices)]
fn synthesize(request: Request, out: Sink, settings: Settings) -> Result<()> {
    let wav = Command::new(&settings.helper)
        .args(settings.arguments(&request)?)
        .input(request.text)
        .timeout(Duration::from_secs(20))
        .run()?;
    let audio = wav::parse(&wav).map_err(|why| Error::Unavailable(format!("{}: {why}", settings.helper)))?;
    out.format(audio.rate)?;
    for chunk in audio.pcm.chunks(CHUNK) {
        match out.write_bytes(chunk) {
            // Nobody listens any more.
            Err(Error::NotFound(_)) => return Ok(()),
            written => written?,
        }
    }
    Ok(())
}

fn voices(settings: &Settings) -> Result<Vec<Voice>> {
    let voice =
        |(lang, id): (&String, &String)| Voice { id: id.clone(), lang: lang.clone(), name: id.clone() };
    Ok(settings.voices.iter().map(voice).collect())
}
