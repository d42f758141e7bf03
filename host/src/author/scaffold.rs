//! A new plugin's folder: the template of its language, and what the plugin is built with.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jackfield_plugin::CONTRACT;

use super::{embedded, inherit, language::Language};

/// Where the folders of [`Language::brings`] come to lie.
const BROUGHT: &str = "jackfield";
/// Of all languages; each may have a file instead.
const COMMON: &str = "templates/common";
/// The manifest that packages of the SDK inherit from.
const ROOT: &str = "Cargo.toml";
const MANIFEST: &str = "Cargo.toml";
/// Versions that the plugins here were tested with; Cargo forgets what a plugin does not need.
const LOCK: &str = "Cargo.lock";

/// Writes the folder, which must not be there, or be empty. Its last part is the plugin's name. `checkout` is a
/// Jackfield of its own, whose SDK is used in place of a copy of ours.
pub fn write(folder: &Path, language: &Language, checkout: Option<&Path>) -> Result<(), String> {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    check_name(name)?;
    let brought = match checkout {
        Some(checkout) => beside(checkout, language)?,
        None => BROUGHT.to_owned(),
    };
    let failed = |error: io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(folder).map_err(failed)?;
    if fs::read_dir(folder).map_err(failed)?.next().is_some() {
        return Err(format!(
            "{} is there already, and nothing is overwritten; choose another name",
            folder.display()
        ));
    }
    let words = Words { name, brought: &brought };
    let own = format!("templates/{}", language.name);
    for (path, bytes) in embedded::below(COMMON).chain(embedded::below(&own)) {
        put(&folder.join(words.fill(path)), &words.fill_bytes(bytes)).map_err(failed)?;
    }
    if embedded::below(&own).any(|(path, _)| path == MANIFEST) {
        put(&folder.join(LOCK), embedded::text(LOCK).as_bytes()).map_err(failed)?;
    }
    if checkout.is_none() {
        bring(&folder.join(BROUGHT), language).map_err(failed)?;
    }
    Ok(())
}

/// As in `plugin.toml`; a letter comes first, since a package of Cargo has the name too.
fn check_name(name: &str) -> Result<(), String> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.starts_with(|c: char| c.is_ascii_lowercase()) && name.len() <= 64 && name.chars().all(good) {
        return Ok(());
    }
    Err(format!("\"{name}\" cannot be the name of a plugin: small letters, digits and `-`, a letter first"))
}

/// The checkout's full path, if it has what the language needs.
fn beside(checkout: &Path, language: &Language) -> Result<String, String> {
    let full = fs::canonicalize(checkout).map_err(|error| format!("{}: {error}", checkout.display()))?;
    if let Some(missing) = language.brings.iter().find(|part| !full.join(part).exists()) {
        return Err(format!("{} is no checkout of Jackfield: it has no {missing}", checkout.display()));
    }
    full.into_os_string().into_string().map_err(|path| format!("{path:?} is no UTF-8"))
}

fn bring(to: &Path, language: &Language) -> io::Result<()> {
    for part in language.brings {
        for (path, bytes) in embedded::below(part) {
            let path = if path.is_empty() { PathBuf::from(part) } else { Path::new(part).join(path) };
            if path.ends_with(MANIFEST) {
                let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
                let depth = path.components().count() - 1;
                let text = inherit::inline(text, embedded::text(ROOT), depth).map_err(io::Error::other)?;
                put(&to.join(path), text.as_bytes())?;
            } else {
                put(&to.join(path), bytes)?;
            }
        }
    }
    Ok(())
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Git would take the template's own for one of ours.
    let path = if path.ends_with("gitignore") { path.with_file_name(".gitignore") } else { path.to_owned() };
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(path, bytes)
}

/// What stands in double braces in a template.
struct Words<'a> {
    name: &'a str,
    /// The folder of the SDK and the contract, from the plugin's.
    brought: &'a str,
}

impl Words<'_> {
    fn fill(&self, text: &str) -> PathBuf {
        PathBuf::from(self.fill_text(text))
    }

    fn fill_text(&self, text: &str) -> String {
        text.replace("{{name}}", self.name)
            .replace("{{name_}}", &self.name.replace('-', "_"))
            .replace("{{jackfield}}", self.brought)
            .replace("{{series}}", &CONTRACT.to_string())
    }

    fn fill_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        std::str::from_utf8(bytes).map_or_else(|_| bytes.to_vec(), |text| self.fill_text(text).into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use jackfield_plugin::Manifest;

    use super::*;
    use crate::author::language::LANGUAGES;

    #[test]
    fn every_language_begins_with_a_good_manifest_a_case_and_a_readme() {
        for language in LANGUAGES {
            let folder = tempfile::tempdir().unwrap();
            let folder = folder.path().join("first-one");
            write(&folder, language, None).unwrap();
            let text = fs::read_to_string(folder.join("plugin.toml")).unwrap();
            let manifest = Manifest::parse(&text).unwrap();
            assert_eq!((manifest.plugin.name.as_str(), manifest.plugin.wit), ("first-one", CONTRACT));
            for file in ["README.md", ".gitignore", "cases/first.case"] {
                assert!(folder.join(file).is_file(), "{}: {file}", language.name);
            }
            for part in language.brings {
                assert!(folder.join(BROUGHT).join(part).exists(), "{}: {part}", language.name);
            }
            for source in manifest.build.iter().flat_map(|build| &build.sources) {
                assert!(folder.join(source).exists(), "{}: {source}", language.name);
            }
            let error = write(&folder, language, None).unwrap_err();
            assert!(error.contains("nothing is overwritten"), "{error}");
        }
    }

    #[test]
    fn no_placeholder_is_left() {
        for language in LANGUAGES {
            let own = format!("templates/{}", language.name);
            for (path, bytes) in embedded::below(COMMON).chain(embedded::below(&own)) {
                let words = Words { name: "x", brought: "y" };
                let text = words.fill_text(std::str::from_utf8(bytes).unwrap());
                assert!(!text.contains("{{"), "{}: {path}", language.name);
            }
        }
    }

    #[test]
    fn what_cannot_be_a_name_or_a_checkout_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let rust = &LANGUAGES[0];
        for name in ["My-Plugin", "1st", "a b", "é"] {
            let error = write(&folder.path().join(name), rust, None).unwrap_err();
            assert!(error.contains(name) && error.contains("small letters"), "{error}");
        }
        let error = write(&folder.path().join("good"), rust, Some(folder.path())).unwrap_err();
        assert!(error.contains("no checkout of Jackfield: it has no sdk/Cargo.toml"), "{error}");
        assert!(!folder.path().join("good").exists(), "nothing is begun");
    }
}
