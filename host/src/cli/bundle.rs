//! `jackfield plugin pack`, `sign` and `verify`: a plugin in one file.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use jackfield_plugin::{Interfaces, Size};

use super::users::line_of_input;
use crate::{
    bundle::{self, Key, Trust, signature_path},
    config,
    daemon::Failure,
    plugins::Files,
};

/// Nothing that could not run is packed.
pub(super) fn pack(folder: &Path, out: Option<PathBuf>) -> Result<(), Failure> {
    if folder.is_file() {
        return Err(
            format!("{}: it is no folder; a bundle is made of a plugin's folder", folder.display()).into()
        );
    }
    let files = Files::read(folder)?;
    let header = files.manifest().plugin.clone();
    Interfaces::of(header.file(), &files.wasm()?)
        .map_err(|error| format!("{}: {error}", folder.display()))?;
    let contents = files.contents()?;
    files.open()?;
    let bytes = bundle::pack(&contents).map_err(|error| format!("{}: {error}", folder.display()))?;
    let out = out.unwrap_or_else(|| file_name(&header.name, &header.version).into());
    replace(&out, &bytes)?;
    let size = Size(bytes.len().div_ceil(1 << 10) << 10);
    println!("{}: {} {}, {} files, {size}", out.display(), header.name, header.version, contents.len());
    Ok(())
}

/// As on any system: the version is its author's own text.
fn file_name(name: &str, version: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || ".+_-".contains(c) { c } else { '-' };
    format!("{name}-{}.{}", version.chars().map(plain).collect::<String>(), bundle::ENDING)
}

pub(super) fn sign(file: &Path, key: &Path, password_stdin: bool) -> Result<(), Failure> {
    let bytes = bundle::read(file)?;
    let manifest = Files::read(file)?.manifest().plugin.clone();
    let secret = fs::read_to_string(key).map_err(|error| format!("{}: {error}", key.display()))?;
    let password = || match password_stdin {
        true => line_of_input(),
        false => rpassword::prompt_password(format!("password of {}: ", key.display())),
    };
    let comment = format!("{} {}", one_line(&manifest.name), one_line(&manifest.version));
    let (signature, by) = bundle::sign(&secret, password, &bytes, &comment)
        .map_err(|error| format!("{}: {error}", key.display()))?;
    let path = signature_path(file);
    replace(&path, signature.as_bytes())?;
    println!("{}: {comment}, with key {by}", path.display());
    Ok(())
}

/// The comment of a signature is a line of its file.
fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

pub(super) fn verify(file: &Path, keys: &[String], config: &Path) -> Result<(), Failure> {
    let trust = match keys.is_empty() {
        true => config::load(config)?.signatures.trust(),
        false => {
            Trust { keys: keys.iter().map(|key| parse_key(key)).collect::<Result<_, _>>()?, required: true }
        }
    };
    if trust.keys.is_empty() {
        let config = config.display();
        return Err(format!("{config}: [signatures] trusts nobody; name a key with `--key`").into());
    }
    let bytes = bundle::read(file)?;
    let Some(signature) = bundle::signature_of(file)? else {
        return Err(format!(
            "{}: it is not signed: there is no {}",
            file.display(),
            signature_path(file).display()
        )
        .into());
    };
    let signed = trust.verify(&bytes, &signature).map_err(|fault| format!("{}: {fault}", file.display()))?;
    println!("{}: signed with key {}: {}", file.display(), signed.key, signed.comment);
    Ok(())
}

/// The key itself, or a file with it.
fn parse_key(text: &str) -> Result<Key, String> {
    let Err(error) = Key::parse(text) else { return Key::parse(text) };
    match fs::read_to_string(text) {
        Ok(file) => Key::parse(&file).map_err(|error| format!("{text}: {error}")),
        Err(_) => Err(error),
    }
}

/// Of a bundle that is looked at.
pub(super) fn signed(file: &Path, trust: &Trust) -> Result<String, String> {
    let Some(signature) = bundle::signature_of(file)? else { return Ok("not signed".to_owned()) };
    Ok(match trust.verify(&bundle::read(file)?, &signature) {
        Ok(signed) => format!("signed with the trusted key {}: {}", signed.key, signed.comment),
        Err(fault) => format!("not to be trusted: {fault}"),
    })
}

/// In one step, for whoever watches the file.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let write = || {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = folder.join(format!(".{name}.new"));
        let mut file = fs::File::create(&temporary)?;
        file.write_all(bytes)?;
        drop(file);
        fs::rename(&temporary, path)
    };
    write().map_err(|error| format!("{}: {error}", path.display()))
}
