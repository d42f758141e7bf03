//! One WebAssembly engine for all worlds of a process, and what it has compiled already.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use jackfield_plugin::{CompiledCache, Engine, EngineError, EngineOptions, LoadError, Source, Version};

/// Instances at once, over all worlds: tests run side by side.
const INSTANCES: u32 = 4000;

/// Counts fuel instead of time, so that a run depends on nothing but its input.
pub(crate) fn engine() -> Result<Engine, EngineError> {
    static ENGINE: Mutex<Option<Engine>> = Mutex::new(None);
    // Two that are made at once would reserve more address space than there is.
    let mut kept = ENGINE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(engine) = &*kept {
        return Ok(engine.clone());
    }
    let options = EngineOptions { max_instances: INSTANCES, deterministic: true, ..Default::default() };
    Ok(kept.insert(Engine::new(options)?).clone())
}

/// Compiles a plugin once for all worlds; who asks for it meanwhile waits.
pub(crate) fn load(engine: &Engine, source: Source) -> Result<Arc<Version>, LoadError> {
    static LOADING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    engine.load(source, &Compiled)
}

/// Also keeps what is compiled there, for the next process; the first call counts.
pub fn keep_compiled(cache: Box<dyn CompiledCache>) {
    let _ = BEYOND.set(cache);
}

static BEYOND: OnceLock<Box<dyn CompiledCache>> = OnceLock::new();

/// Keeps compiled components for the life of the process.
struct Compiled;

impl Compiled {
    fn kept(&self) -> MutexGuard<'static, BTreeMap<String, Vec<u8>>> {
        static KEPT: Mutex<BTreeMap<String, Vec<u8>>> = Mutex::new(BTreeMap::new());
        KEPT.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CompiledCache for Compiled {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        if let Some(kept) = self.kept().get(key) {
            return Some(kept.clone());
        }
        let found = BEYOND.get()?.get(key)?;
        self.kept().insert(key.to_owned(), found.clone());
        Some(found)
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        if let Some(beyond) = BEYOND.get() {
            beyond.put(key, bytes);
        }
        self.kept().insert(key.to_owned(), bytes.to_owned());
    }
}
