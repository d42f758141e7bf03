//! The languages in which a plugin can be begun.

use std::process::Command;

use jackfield_plugin::{Kind, Runtime};

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
pub static LANGUAGES: &[Language] = &[
    Language {
        name: "rust",
        title: "Rust",
        brings: &["sdk/Cargo.toml", "sdk/src", "sdk/macros", "wit"],
        missing: || toolchain::Toolchain::find().err(),
    },
    Language {
        name: "js",
        title: "JavaScript",
        brings: &["sdk/js/jackfield.d.ts"],
        missing: || Runtime::Js.runner(Kind::App).err(),
    },
    Language {
        name: "python",
        title: "Python",
        brings: &["sdk/python", "wit"],
        missing: || {
            let tool = std::env::var("COMPONENTIZE_PY").unwrap_or_else(|_| "componentize-py".to_owned());
            let there = runs(Command::new(&tool).arg("--version"));
            (!there).then(|| "componentize-py is missing: pip install componentize-py".to_owned())
        },
    },
    Language {
        name: "c",
        title: "C",
        brings: &["sdk/c"],
        missing: || {
            let there = std::env::var_os("ZIG").is_some()
                || runs(Command::new("zig").arg("version"))
                || runs(Command::new("python3").args(["-c", "import ziglang"]));
            (!there).then(|| "there is no compiler of C for wasm: pip install ziglang".to_owned())
        },
    },
];

fn runs(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// By its name.
pub fn find(name: &str) -> Option<&'static Language> {
    LANGUAGES.iter().find(|language| language.name == name)
}
