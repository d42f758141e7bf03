//! Embeds what `jackfield new` writes: the templates, the SDK and the contract, so that the program alone is enough
//! to begin a plugin anywhere.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// Below this package's folder, each with the name it is embedded by.
const FOLDERS: [(&str, &str); 3] = [("templates", "templates"), ("../sdk", "sdk"), ("../wit", "wit")];
/// The versions of the dependencies that the plugins here were tested with; what the SDK inherits.
const FILES: [(&str, &str); 2] = [("../plugins/Cargo.lock", "Cargo.lock"), ("../Cargo.toml", "Cargo.toml")];

fn main() -> io::Result<()> {
    let mut files: Vec<(PathBuf, String)> =
        FILES.iter().map(|(path, name)| (PathBuf::from(path), (*name).to_owned())).collect();
    for (folder, name) in FOLDERS {
        println!("cargo::rerun-if-changed={folder}");
        collect(Path::new(folder), name, &mut files)?;
    }
    files.sort();
    let mut table = String::from("&[\n");
    for (path, name) in files {
        let path = path.display();
        println!("cargo::rerun-if-changed={path}");
        table +=
            &format!("({name:?}, include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/{path}\"))),\n");
    }
    let target = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    fs::write(target.join("embedded.rs"), table + "]\n")
}

/// The files of a folder and of those below it, without what was built there.
fn collect(folder: &Path, name: &str, files: &mut Vec<(PathBuf, String)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let (path, own) = {
            let entry = entry?;
            (entry.path(), entry.file_name().into_string())
        };
        let own = own.map_err(|own| io::Error::other(format!("{own:?} is no UTF-8")))?;
        let built = ["target", "node_modules", "__pycache__"].contains(&own.as_str())
            || own.starts_with('.')
            || own.ends_with(".wasm");
        let name = format!("{name}/{own}");
        match path.is_dir() {
            _ if built => {}
            true => collect(&path, &name, files)?,
            false => files.push((path, name)),
        }
    }
    Ok(())
}
