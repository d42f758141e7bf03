//! What goes wrong before a plugin runs, in sentences for who has to mend it.

use crate::{contract::Contract, manifest::Kind, version::Finding};

/// The engine cannot be made.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says itself in its message")]
pub enum EngineError {
    #[error(
        "{instances} plugin instances need about {needed} memory mappings, but vm.max_map_count is {have}: \
         run `sysctl -w vm.max_map_count={suggested}`, or configure fewer calls"
    )]
    TooFewMappings { instances: u32, needed: u64, have: u64, suggested: u64 },
    #[error(
        "{instances} plugin instances need {tebibytes} TiB of address space, more than there is: \
         configure at most {most}"
    )]
    TooManyInstances { instances: u32, tebibytes: u64, most: u32 },
    #[error(
        "the WebAssembly engine does not start: {0} (it reserves {1} GiB of address space: check `ulimit -v`)"
    )]
    Wasmtime(String, u64),
}

/// A manifest that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {message}{}{help}", if .help.is_empty() { "" } else { "; " })]
pub struct ManifestError {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
    /// What to write instead; may be empty.
    pub help: String,
}

/// A plugin's files do not make a version. The former version stays live.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each says itself in its message")]
pub enum LoadError {
    #[error("{0} is not WebAssembly: it does not begin with \\0asm")]
    NotWasm(String),
    #[error("{0} is empty: was it still being written?")]
    Empty(String),
    #[error("{0} is cut short: was it still being written?")]
    Truncated(String),
    #[error(
        "{0} is a core module without a WIT section: build it with the SDK (or another wit-bindgen), \
         or give a component"
    )]
    NoWit(String),
    #[error("{file} cannot be made a component: {reason}")]
    Componentize { file: String, reason: String },
    #[error("{file} is not valid: {reason}")]
    Invalid { file: String, reason: String },
    #[error("it needs jackfield:plugin {needs}, and this daemon has {has}: {}", remedy(.needs, *.has))]
    Contract { needs: String, has: Contract },
    #[error(
        "wit = \"{needs}\" needs that version of jackfield:plugin, and this daemon has {has}: {}",
        remedy(&.needs.to_string(), *.has)
    )]
    ManifestContract { needs: Contract, has: Contract },
    #[error(
        "wit = \"{manifest}\" is another series of jackfield:plugin than that of the component, which was built \
         for {component}: write wit = \"{component}\", or build it anew"
    )]
    SeriesDiffers { manifest: Contract, component: Contract },
    #[error("it imports {0}, and this daemon has WASI 0.2: build for wasm32-wasip2 or wasm32-wasip1")]
    Wasi(String),
    #[error("it imports what this daemon does not have: {0}")]
    Import(String),
    #[error("plugin.toml says kind {}, but the component exports {}", kinds(.manifest), kinds(.exports))]
    KindDiffers { manifest: Vec<Kind>, exports: Vec<Kind> },
    #[error("it does not export jackfield:plugin/plugin-info")]
    NoInfo,
    #[error(
        "it asks for more than is granted: {}; add it to `grant` of [plugins.{name}] in jackfield.toml, \
         or take it out of [capabilities]", .missing.join(", ")
    )]
    NotGranted { name: String, missing: Vec<String> },
    #[error("it has {needs} of memory at its start, more than the limit of {limit}: raise limits.memory")]
    TooMuchMemory { needs: String, limit: String },
    #[error("it is too big for the instance pool: {0}")]
    TooBig(String),
    #[error("its settings are wrong: {}", findings(.0))]
    Settings(Vec<Finding>),
}

/// What to do about a contract that the host does not serve.
fn remedy(needs: &str, has: Contract) -> String {
    match needs.parse::<Contract>() {
        Ok(needs) if needs > has => {
            format!("run a daemon that has {needs} or later of its series, or build the plugin for {has}")
        }
        _ => "build the plugin anew, with the SDK of this daemon".into(),
    }
}

fn kinds(kinds: &[Kind]) -> String {
    if kinds.is_empty() {
        return "none of app, tts and service".into();
    }
    kinds.iter().map(Kind::to_string).collect::<Vec<_>>().join(" and ")
}

/// A version was loaded, but does not want to run as it is set up, or cannot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each says itself in its message")]
pub enum Refused {
    #[error("{}", findings(.0))]
    Findings(Vec<Finding>),
    #[error("its check of the settings failed: {0}")]
    Trap(String),
    /// With file, line and column.
    #[error("{0}")]
    Script(String),
}

fn findings(findings: &[Finding]) -> String {
    findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("; ")
}
