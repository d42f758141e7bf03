//! What a component asks the host for and what it offers, read off the file without compiling it.

use crate::{component, error::LoadError};

/// Full names with their versions, such as `jackfield:plugin/call-control@0.1.0`, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interfaces {
    /// What the host must have.
    pub imports: Vec<String>,
    /// What the host may call.
    pub exports: Vec<String>,
}

impl Interfaces {
    /// Of a component, or of a core module with a WIT section. `file` is for errors.
    pub fn of(file: &str, wasm: &[u8]) -> Result<Interfaces, LoadError> {
        let component = component::componentize(file, wasm)?;
        let invalid = |reason| LoadError::Invalid { file: file.into(), reason };
        let decoded = wit_component::decode(&component).map_err(|error| invalid(format!("{error:#}")))?;
        let resolve = decoded.resolve();
        let world = match &decoded {
            wit_component::DecodedWasm::Component(_, world) => &resolve.worlds[*world],
            wit_component::DecodedWasm::WitPackage(..) => {
                return Err(invalid("it is a package of WIT, not a component".into()));
            }
        };
        let names = |keys: Vec<_>| {
            let mut names: Vec<_> = keys.into_iter().map(|key| resolve.name_world_key(key)).collect();
            names.sort();
            names
        };
        Ok(Interfaces {
            imports: names(world.imports.keys().collect()),
            exports: names(world.exports.keys().collect()),
        })
    }
}
