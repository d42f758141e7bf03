//! The languages in which a plugin can be begun.

use super::toolchain;

/// What `jackfield new` needs to know of a language.
#[derive(Debug)]
pub struct Language {
    /// For `--lang`; its template is `host/templates/NAME`.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// Files and folders of the repository that a plugin is built with. They come to lie in its folder
    /// `jackfield`, under the same paths.
    pub brings: &'static [&'static str],
    /// What is not installed, and the command that mends it.
    pub missing: fn() -> Option<String>,
}

/// One entry each.
pub static LANGUAGES: &[Language] = &[Language {
    name: "rust",
    title: "Rust",
    brings: &["sdk/Cargo.toml", "sdk/src", "sdk/macros", "wit"],
    missing: || toolchain::Toolchain::find().err(),
}];

/// By its name.
pub fn find(name: &str) -> Option<&'static Language> {
    LANGUAGES.iter().find(|language| language.name == name)
}
