//! What was spoken, in memory and on disk, both bounded: a provider is asked once for each sentence.

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use jackfield_media::Clip;
use jackfield_plugin::{Host, Speech, Version};
use jackfield_switch::Error;
use sha2::{Digest, Sha256};
use tokio::sync::{OnceCell, Semaphore};
use tracing::{debug, warn};

/// 8 kHz samples in memory: about an hour and a half of speech.
const MAX_MEMORY_SAMPLES: usize = 40 << 20;
const MAX_DISK_BYTES: u64 = 512 << 20;
/// Sentences that are made at once: each takes an instance of its provider from the pool that calls need too.
const AT_ONCE: usize = 32;

type Made = Arc<OnceCell<Arc<Clip>>>;

pub struct SpeechCache {
    folder: PathBuf,
    memory: Mutex<Memory>,
    places: Semaphore,
}

/// Clips by key, with the turn of their last use.
#[derive(Default)]
struct Memory {
    clips: HashMap<String, (u64, Arc<Clip>)>,
    turn: u64,
    samples: usize,
    /// Sentences that are being made: who asks for one waits for it.
    making: BTreeMap<String, Made>,
}

impl SpeechCache {
    pub fn open(folder: &Path) -> io::Result<SpeechCache> {
        fs::create_dir_all(folder)?;
        Ok(SpeechCache {
            folder: folder.to_owned(),
            memory: Mutex::default(),
            places: Semaphore::new(AT_ONCE),
        })
    }

    /// The sentence as that provider has made it before.
    pub async fn kept(&self, version: &Version, speech: &Speech) -> Option<Arc<Clip>> {
        let key = key(version, speech);
        if let Some(clip) = self.remembered(&key) {
            return Some(clip);
        }
        let bytes = tokio::fs::read(self.path(&key)).await.ok()?;
        let clip = Arc::new(Clip::from_wav(&bytes).ok()?);
        self.lock().keep(key, clip.clone());
        Some(clip)
    }

    /// Asks the provider. Who asks for the same sentence at the same time waits for the same answer.
    pub async fn make(
        self: &Arc<Self>,
        version: &Arc<Version>,
        host: &Host,
        speech: Speech,
    ) -> Result<Arc<Clip>, Error> {
        let key = key(version, &speech);
        let cell = self.lock().making.entry(key.clone()).or_default().clone();
        let made = cell.get_or_try_init(|| self.synthesize(&key, version, host, speech)).await.cloned();
        let mut memory = self.lock();
        memory.making.remove(&key);
        if let Ok(clip) = &made {
            memory.keep(key, clip.clone());
        }
        made
    }

    async fn synthesize(
        self: &Arc<Self>,
        key: &str,
        version: &Arc<Version>,
        host: &Host,
        speech: Speech,
    ) -> Result<Arc<Clip>, Error> {
        debug!(text = %speech.text, lang = %speech.lang, provider = version.name(), "speech is made");
        let place = self.places.acquire().await;
        let audio = version.synthesize(host, speech).await?;
        drop(place);
        let clip = Arc::new(Clip::from_samples(audio.rate, &audio.samples));
        let (cache, path, kept) = (self.clone(), self.path(key), clip.clone());
        let written = tokio::task::spawn_blocking(move || cache.write(&path, &kept)).await;
        if let Ok(Err(error)) = written {
            warn!(%error, "speech was not kept on disk");
        }
        Ok(clip)
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.wav"))
    }

    fn write(&self, path: &Path, clip: &Clip) -> io::Result<()> {
        let temporary = path.with_extension("tmp");
        fs::write(&temporary, jackfield_media::to_wav(clip.samples()))?;
        fs::rename(&temporary, path)?;
        self.prune()
    }

    /// Deletes the oldest files past the limit.
    fn prune(&self) -> io::Result<()> {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = fs::read_dir(&self.folder)?
            .filter_map(Result::ok)
            .filter_map(|entry| {
                let metadata = entry.metadata().ok()?;
                Some((metadata.modified().ok()?, metadata.len(), entry.path()))
            })
            .collect();
        let mut total: u64 = files.iter().map(|file| file.1).sum();
        files.sort();
        for (_, length, path) in files {
            if total <= MAX_DISK_BYTES {
                break;
            }
            fs::remove_file(path)?;
            total -= length;
        }
        Ok(())
    }

    fn remembered(&self, key: &str) -> Option<Arc<Clip>> {
        let mut memory = self.lock();
        memory.turn += 1;
        let turn = memory.turn;
        let (used, clip) = memory.clips.get_mut(key)?;
        *used = turn;
        Some(clip.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn keep(&mut self, key: String, clip: Arc<Clip>) {
        self.turn += 1;
        self.samples += clip.samples().len();
        if let Some((_, former)) = self.clips.insert(key, (self.turn, clip)) {
            self.samples -= former.samples().len();
        }
        while self.samples > MAX_MEMORY_SAMPLES {
            let oldest = self.clips.iter().min_by_key(|(_, (used, _))| *used).map(|(key, _)| key.clone());
            let Some((_, clip)) = oldest.and_then(|key| self.clips.remove(&key)) else { return };
            self.samples -= clip.samples().len();
        }
    }
}

/// The same text sounds the same only with the same provider and settings; its secrets do not speak.
fn key(version: &Version, speech: &Speech) -> String {
    let mut hash = Sha256::new();
    let settings = version.manifest().public_settings(version.settings()).to_string();
    let ssml = if speech.ssml { "ssml" } else { "" };
    for part in [version.own_sha256(), &settings, &speech.lang, &speech.voice, ssml, &speech.text] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    digest[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}
