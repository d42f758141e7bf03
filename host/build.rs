//! Embeds what `jackfield new` writes: the templates, the SDK and the contract, so that the program alone is enough
//! to begin a plugin anywhere; and the contract as C has it, so that nobody needs `wit-bindgen` for that.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use wit_bindgen_core::{Files, wit_parser::Resolve};

/// Below this package's folder, each with the name it is embedded by.
const FOLDERS: [(&str, &str); 3] = [("templates", "templates"), ("../sdk", "sdk"), ("../wit", "wit")];
/// The versions of the dependencies that the plugins here were tested with; what the SDK inherits.
const FILES: [(&str, &str); 2] = [("../plugins/Cargo.lock", "Cargo.lock"), ("../Cargo.toml", "Cargo.toml")];

/// Of the contract.
const WORLDS: [&str; 3] = ["call-app", "tts-provider", "background-service"];

fn main() -> io::Result<()> {
    let mut files: Vec<(PathBuf, String)> =
        FILES.iter().map(|(path, name)| (PathBuf::from(path), (*name).to_owned())).collect();
    for (folder, name) in FOLDERS {
        println!("cargo::rerun-if-changed={folder}");
        collect(Path::new(folder), name, &mut files)?;
    }
    files.extend(bindings()?);
    files.sort();
    let mut table = String::from("&[\n");
    for (path, name) in files {
        let path = env::current_dir()?.join(path);
        println!("cargo::rerun-if-changed={}", path.display());
        table += &format!("({name:?}, include_bytes!({:?})),\n", path.display().to_string());
    }
    fs::write(out()?.join("embedded.rs"), table + "]\n")
}

fn out() -> io::Result<PathBuf> {
    Ok(PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?))
}

/// Header, source and type section of each world, as `bindings/c/WORLD/FILE`.
fn bindings() -> io::Result<Vec<(PathBuf, String)>> {
    let mut files = Vec::new();
    for world in WORLDS {
        let folder = out()?.join(world);
        fs::create_dir_all(&folder)?;
        for (name, bytes) in in_c(world).map_err(io::Error::other)?.iter() {
            let path = folder.join(name);
            fs::write(&path, bytes)?;
            files.push((path, format!("bindings/c/{world}/{name}")));
        }
    }
    Ok(files)
}

fn in_c(world: &str) -> Result<Files, String> {
    let failed = |error| format!("{world}: {error:#}");
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path("../wit").map_err(|error| format!("{error:#}"))?;
    let world_id = resolve.select_world(&[package], Some(world)).map_err(failed)?;
    let mut files = Files::default();
    let mut generator = wit_bindgen_c::Opts::default().build();
    generator.generate(&mut resolve, world_id, &mut files).map_err(failed)?;
    Ok(files)
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
