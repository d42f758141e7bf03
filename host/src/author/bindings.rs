//! The contract for languages that have it generated; `build.rs` made it.

use std::{fs, path::Path};

use super::embedded;

/// Writes header, source and type section of a world in C into a folder, where they are not there already.
pub fn write_c(world: &str, folder: &Path) -> Result<(), String> {
    let failed = |error| format!("{}: {error}", folder.display());
    let path = format!("bindings/c/{world}");
    let mut files = embedded::below(&path).peekable();
    if files.peek().is_none() {
        return Err(format!(
            "the contract has no world {world}: there are call-app, tts-provider and background-service"
        ));
    }
    fs::create_dir_all(folder).map_err(failed)?;
    for (name, bytes) in files {
        let path = folder.join(name);
        if !fs::read(&path).is_ok_and(|former| former == bytes) {
            fs::write(&path, bytes).map_err(failed)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_world_has_bindings_in_c() {
        for world in ["call-app", "tts-provider", "background-service"] {
            let folder = tempfile::tempdir().unwrap();
            write_c(world, folder.path()).unwrap();
            let name = world.replace('-', "_");
            let header = fs::read_to_string(folder.path().join(format!("{name}.h"))).unwrap();
            assert!(header.contains("jackfield_plugin_log_log"), "{world}");
            assert!(folder.path().join(format!("{name}_component_type.o")).is_file(), "{world}");
        }
        let error = write_c("fax", Path::new("nowhere")).unwrap_err();
        assert!(error.contains("has no world fax"), "{error}");
    }
}
