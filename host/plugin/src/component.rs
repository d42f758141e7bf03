//! From a file's bytes to a compiled component: what it is, its hash, the cache.

use std::{
    borrow::Cow,
    fmt::Write as _,
    hash::{DefaultHasher, Hash, Hasher},
};

use sha2::{Digest, Sha256};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmtime::component::Component;
use wit_component::ComponentEncoder;

use crate::error::LoadError;

/// Bytes that one host call may copy out of a guest, all its strings and lists together.
pub(crate) const MAX_LIFTED: usize = 4 << 20;

/// Where compiled components are kept between two starts.
///
/// What `get` returns is checked against damage, but not against forgery: who can write there decides what
/// code the daemon runs. Keep it in a folder that only the daemon can write, never in a plugin's.
pub trait CompiledCache: Send + Sync {
    /// None: compile anew.
    fn get(&self, key: &str) -> Option<Vec<u8>>;
    /// A failure costs time at the next start, no more.
    fn put(&self, key: &str, bytes: &[u8]);
}

/// Keeps nothing.
pub struct NoCache;

impl CompiledCache for NoCache {
    fn get(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn put(&self, _: &str, _: &[u8]) {}
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Takes the compiled component from the cache, or compiles `wasm` and puts it there.
pub(crate) fn compile(
    engine: &wasmtime::Engine,
    file: &str,
    wasm: &[u8],
    sha256: &str,
    cache: &dyn CompiledCache,
) -> Result<Component, LoadError> {
    let key = format!("{sha256}-{}", compatibility(engine));
    if let Some(component) = cache.get(&key).and_then(|bytes| open(engine, &bytes)) {
        return Ok(component);
    }
    let component = Component::new(engine, &componentize(file, wasm)?)
        .map_err(|error| LoadError::Invalid { file: file.into(), reason: sentence(&error) })?;
    if let Ok(compiled) = component.serialize() {
        cache.put(&key, &seal(&compiled));
    }
    Ok(component)
}

/// Changes with wasmtime's version, the processor and the engine's options.
fn compatibility(engine: &wasmtime::Engine) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// A cached artefact begins with its hash, so that a damaged one is compiled anew.
fn seal(compiled: &[u8]) -> Vec<u8> {
    [&Sha256::digest(compiled)[..], compiled].concat()
}

fn open(engine: &wasmtime::Engine, sealed: &[u8]) -> Option<Component> {
    let (hash, compiled) = sealed.split_at_checked(32)?;
    if hash != &Sha256::digest(compiled)[..] {
        return None;
    }
    deserialize(engine, compiled)
}

// SAFETY: wasmtime asks that the bytes come from `Component::serialize`, unchanged, since it will run them.
// They do: only `compile` makes them, under a key that names this engine; `open` has checked their hash; and
// `CompiledCache` demands a place that nobody else writes. wasmtime itself refuses other versions and targets.
// There is no safe way to load compiled code, and compiling at every start takes 50 ms to seconds per plugin.
#[allow(unsafe_code)]
fn deserialize(engine: &wasmtime::Engine, compiled: &[u8]) -> Option<Component> {
    unsafe { Component::deserialize(engine, compiled) }.ok()
}

/// Core modules, as `--target wasm32-unknown-unknown` makes them, become components; components stay.
pub(crate) fn componentize<'a>(file: &str, wasm: &'a [u8]) -> Result<Cow<'a, [u8]>, LoadError> {
    let custom = sections(file, wasm)?;
    match [wasm[4], wasm[5], wasm[6], wasm[7]] {
        [0x0d, 0, 1, 0] => Ok(Cow::Borrowed(wasm)),
        [1, 0, 0, 0] if !custom.iter().any(|name| name.starts_with("component-type")) => {
            Err(LoadError::NoWit(file.into()))
        }
        [1, 0, 0, 0] => encode(wasm)
            .map(Cow::Owned)
            .map_err(|reason| LoadError::Componentize { file: file.into(), reason }),
        [a, b, c, d] => Err(LoadError::Invalid {
            file: file.into(),
            reason: format!("version {a:02x}{b:02x}{c:02x}{d:02x} is neither a module nor a component"),
        }),
    }
}

/// What the module imports of WASI's first preview becomes what WASI 0.2 has for it.
fn encode(module: &[u8]) -> Result<Vec<u8>, String> {
    let encode = || {
        let mut encoder = ComponentEncoder::default();
        encoder
            .validate(true)
            .module(module)?
            .adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)?
            .encode()
    };
    encode().map_err(|error| format!("{error:#}"))
}

/// Walks over the sections and returns the names of the custom ones.
fn sections<'a>(file: &str, wasm: &'a [u8]) -> Result<Vec<&'a str>, LoadError> {
    if wasm.is_empty() {
        return Err(LoadError::Empty(file.into()));
    }
    if !wasm.starts_with(b"\0asm") {
        return Err(LoadError::NotWasm(file.into()));
    }
    let truncated = || LoadError::Truncated(file.into());
    let mut rest = wasm.get(8..).ok_or_else(truncated)?;
    let mut names = Vec::new();
    while let Some((&id, after)) = rest.split_first() {
        let (size, after) = leb128(after).ok_or_else(truncated)?;
        let (section, after) = after.split_at_checked(size).ok_or_else(truncated)?;
        if id == 0
            && let Some((size, name)) = leb128(section)
        {
            names.extend(name.get(..size).and_then(|name| std::str::from_utf8(name).ok()));
        }
        rest = after;
    }
    if wasm.len() == 8 { Err(truncated()) } else { Ok(names) }
}

fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (i, byte) in bytes.iter().enumerate().take(5) {
        value |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[i + 1..]));
        }
    }
    None
}

/// An error and its causes, on one line.
pub(crate) fn sentence(error: &wasmtime::Error) -> String {
    format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ")
}
