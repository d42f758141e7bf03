//! What the operator asks of the voice.

use std::sync::Arc;

use jackfield_plugin::{Host, Speech, Voice};
use serde::{Deserialize, Serialize};
use tokio::runtime;

use crate::plugins::{Manager, Speaker};

/// One that `[speech] provider` names.
#[derive(Debug, Serialize, Deserialize)]
pub struct Provider {
    pub name: String,
    /// Why another one speaks for it just now.
    pub fault: Option<String>,
    /// Or why it does not say.
    pub voices: Result<Vec<Voice>, String>,
}

/// The voice of an exchange, running or not.
pub struct Desk {
    speaker: Arc<Speaker>,
    host: Host,
    guests: runtime::Handle,
}

impl Desk {
    pub fn new(manager: &Manager) -> Desk {
        Desk { speaker: manager.speaker.clone(), host: manager.host.clone(), guests: manager.guests.clone() }
    }

    /// Every provider with its voices.
    pub async fn voices(&self) -> Vec<Provider> {
        let mut providers = Vec::new();
        for (name, fault) in self.speaker.providers() {
            let (speaker, host, asked) = (self.speaker.clone(), self.host.clone(), name.clone());
            let voices = self.guests.spawn(async move { speaker.voices(&host, &asked).await }).await;
            let voices = voices.map_err(|panic| panic.to_string());
            let voices = voices.and_then(|voices| voices.map_err(|error| error.to_string()));
            providers.push(Provider { name, fault, voices });
        }
        providers
    }

    /// The sentence as a WAV file, as calls hear it.
    pub async fn say(&self, speech: Speech) -> Result<Vec<u8>, String> {
        let (speaker, host) = (self.speaker.clone(), self.host.clone());
        let made = self.guests.spawn(async move { speaker.say(&host, speech).await }).await;
        let clip = made.map_err(|panic| panic.to_string())?.map_err(|error| error.to_string())?;
        Ok(jackfield_media::to_wav(clip.samples()))
    }
}
