//! The voice: hands texts to a speech program that the operator names or to a service, and the audio to the host.

pub mod http;
pub mod settings;
pub mod template;
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
    if let Some(http) = &settings.http {
        let (rate, pcm) = http.speak(&request, &settings)?;
        return hand_over(&out, rate, &pcm);
    }
    let helper = settings.helper();
    let wav = Command::new(helper)
        .args(settings.arguments(&request)?)
        .input(request.text)
        .timeout(Duration::from_secs(20))
        .run()?;
    let audio = wav::parse(&wav).map_err(|why| Error::Unavailable(format!("{helper}: {why}")))?;
    hand_over(&out, audio.rate, audio.pcm)
}

fn hand_over(out: &Sink, rate: u32, pcm: &[u8]) -> Result<()> {
    out.format(rate)?;
    for chunk in pcm.chunks(CHUNK) {
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
