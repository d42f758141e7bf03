//! `jackfield new`: a plugin to begin with.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;

use crate::{
    author::{
        language::{self, LANGUAGES},
        scaffold,
    },
    daemon::Failure,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The folder to make; its last part becomes the plugin's name.
    folder: PathBuf,
    /// What it is written in.
    #[arg(long, default_value = "rust", value_parser = PossibleValuesParser::new(LANGUAGES.iter().map(|language| language.name)))]
    lang: String,
    /// A checkout of Jackfield, whose SDK is used in place of a copy of it.
    #[arg(long, value_name = "CHECKOUT")]
    sdk: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments { folder, lang, sdk } = arguments;
    let language = language::find(lang).ok_or_else(|| format!("there is no language {lang}"))?;
    scaffold::write(folder, language, sdk.as_deref())?;
    let folder = folder.display();
    println!("{folder}: a plugin in {}, with a case that it passes\n", language.title);
    if let Some(missing) = (language.missing)() {
        println!("before it can be built: {missing}\n");
    }
    println!("  jackfield test {folder}     builds it and runs its cases, without a phone");
    println!("  jackfield dev {folder}      starts an exchange with it, and follows its files");
    Ok(())
}
