//! `jackfield user`: the file keeps who there is, the store the password digests.

use std::{
    io::{self, BufRead},
    path::{Path, PathBuf},
};

use clap::Subcommand;
use jackfield_sip::Digests;
use rand::{
    RngExt, SeedableRng,
    rngs::{StdRng, SysRng},
};

use crate::{
    config::{self, Config, To, User, edit},
    daemon::Failure,
    store::Store,
};

/// Easy to read aloud: no 0, O, 1, l or I.
const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const PASSWORD_LENGTH: usize = 20;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a user, or give one a new password. A generated password is shown once.
    Add {
        /// What the phone logs in with.
        name: String,
        /// What others dial.
        #[arg(long)]
        number: Option<String>,
        /// What others see.
        #[arg(long)]
        display: Option<String>,
        /// Read the password from standard input, one line.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Add the users of a CSV file with the columns name, number, display, password; all but the first may be empty.
    Import {
        /// The CSV file.
        file: PathBuf,
    },
    /// Users, numbers and whether they have a password.
    List,
    /// Remove a user and its password.
    Remove {
        /// The user.
        name: String,
    },
}

/// Does what the command says to the file and the store.
pub async fn run(command: Command, file: &Path) -> Result<(), Failure> {
    let config = config::load(file)?;
    let store = Store::open(&config.database()).await?;
    store.fix_realm(&config.exchange.realm).await?;
    match command {
        Command::Add { name, number, display, password_stdin } => {
            let password = if password_stdin { Some(line_of_input()?) } else { None };
            let new = NewUser { name, number, display, password };
            if let Some(password) = add(&config, &store, &new).await? {
                println!("{password}");
            }
            Ok(())
        }
        Command::Import { file } => import(&config, &store, &file).await,
        Command::List => list(&config, &store).await,
        Command::Remove { name } => {
            if !config.users.contains_key(&name) {
                return Err(format!("there is no user {name}").into());
            }
            let routes = routes_to(&config, &name);
            if !routes.is_empty() {
                let routes = routes.join(", ");
                return Err(
                    format!("{name} stays: these routes lead there: {routes}; change them first").into()
                );
            }
            let text = edit::without_user(&std::fs::read_to_string(&config.file)?, &name)?;
            // Whatever else may name him.
            config::parse(&config.file, &text)?;
            edit::write(&config.file, &text)?;
            Ok(store.remove_user(&name).await?)
        }
    }
}

/// Gives every user without a password a generated one; returns the new ones.
pub async fn ensure_passwords(config: &Config, store: &Store) -> Result<Vec<(String, String)>, Failure> {
    let known = store.digests().await?;
    let mut made = Vec::new();
    for name in config.users.keys().filter(|name| !known.contains_key(*name)) {
        let password = generate()?;
        store.set_digests(name, &Digests::of(name, &config.exchange.realm, &password)).await?;
        made.push((name.clone(), password));
    }
    Ok(made)
}

/// The patterns of the routes that name a user.
fn routes_to(config: &Config, name: &str) -> Vec<String> {
    let number = config.users.get(name).and_then(|user| user.number.as_deref());
    let is_user = |target: &str| target == name || Some(target) == number;
    let leads = |route: &config::Route| {
        let to = matches!(&route.to, To::Users(users) if users.iter().any(|user| is_user(user)));
        to || route.fallback.as_deref().is_some_and(is_user)
    };
    let routes = config.routes.iter().filter(|(_, route)| leads(route));
    routes.map(|(pattern, _)| format!("\"{pattern}\"")).collect()
}

#[derive(Debug, serde::Deserialize)]
struct NewUser {
    name: String,
    #[serde(default)]
    number: Option<String>,
    #[serde(default)]
    display: Option<String>,
    #[serde(default)]
    password: Option<String>,
}

/// Returns the password when it was generated here.
async fn add(config: &Config, store: &Store, new: &NewUser) -> Result<Option<String>, Failure> {
    let text = text_with(config, &std::fs::read_to_string(&config.file)?, new)?;
    let password = set_password(config, store, new).await?;
    edit::write(&config.file, &text)?;
    Ok(password)
}

/// The operator's file with that user in it.
fn text_with(config: &Config, text: &str, new: &NewUser) -> Result<String, Failure> {
    let mut user: User = config.users.get(&new.name).cloned().unwrap_or_default();
    user.number = new.number.clone().or(user.number);
    user.name = new.display.clone().or(user.name);
    let text = edit::with_user(text, &new.name, &user)?;
    config::parse(&config.file, &text)?;
    Ok(text)
}

/// Returns the password when it was generated here.
async fn set_password(config: &Config, store: &Store, new: &NewUser) -> Result<Option<String>, Failure> {
    let (password, generated) = match &new.password {
        Some(password) if password.is_empty() => return Err("an empty password is none".into()),
        Some(password) => (password.clone(), false),
        None => (generate()?, true),
    };
    store.set_digests(&new.name, &Digests::of(&new.name, &config.exchange.realm, &password)).await?;
    Ok(generated.then_some(password))
}

/// All of the file's users, or none.
async fn import(config: &Config, store: &Store, file: &Path) -> Result<(), Failure> {
    let users = read_users(file)?;
    let mut text = std::fs::read_to_string(&config.file)?;
    for (line, new) in &users {
        text = text_with(config, &text, new)
            .map_err(|error| format!("{}:{line}: {}: {error}", file.display(), new.name))?;
    }
    for (_, new) in &users {
        if let Some(password) = set_password(config, store, new).await? {
            println!("{},{password}", new.name);
        }
    }
    edit::write(&config.file, &text)?;
    eprintln!("{} users", users.len());
    Ok(())
}

/// The rows of a CSV file with their lines.
fn read_users(file: &Path) -> Result<Vec<(u64, NewUser)>, String> {
    const COLUMNS: &str = "the first line of the file is: name,number,display,password";
    let failed = |error: csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        let what = match error.kind() {
            csv::ErrorKind::Io(error) => return format!("{}: {error}", file.display()),
            csv::ErrorKind::Utf8 { .. } => "this is not UTF-8 text, so it is no CSV file".to_owned(),
            csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
            _ => error.to_string(),
        };
        format!("{}:{line}: {what}; {COLUMNS}", file.display())
    };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(file).map_err(failed)?;
    let header = reader.headers().map_err(failed)?.clone();
    if !header.iter().any(|column| column == "name") {
        return Err(format!("{}:1: there is no column `name`; {COLUMNS}", file.display()));
    }
    let mut users = Vec::new();
    for record in reader.records() {
        let record = record.map_err(failed)?;
        let line = record.position().map_or(0, csv::Position::line);
        users.push((line, record.deserialize(Some(&header)).map_err(failed)?));
    }
    Ok(users)
}

async fn list(config: &Config, store: &Store) -> Result<(), Failure> {
    let digests = store.digests().await?;
    println!("{:<16} {:<10} {:<24} password", "user", "number", "name");
    for (name, user) in &config.users {
        let password = if digests.contains_key(name) { "yes" } else { "none yet" };
        let (number, display) = (user.number.as_deref().unwrap_or("-"), user.name.as_deref().unwrap_or("-"));
        println!("{name:<16} {number:<10} {display:<24} {password}");
    }
    Ok(())
}

fn line_of_input() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// The generator is seeded by the operating system.
fn generate() -> Result<String, Failure> {
    let mut random = StdRng::try_from_rng(&mut SysRng)?;
    let pick = |_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())]);
    Ok((0..PASSWORD_LENGTH).map(pick).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Site {
        folder: tempfile::TempDir,
        config: Config,
        store: Store,
    }

    impl Site {
        async fn new() -> Site {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("jackfield.toml");
            std::fs::write(&file, "[users.alice]\nnumber = \"101\"\n").unwrap();
            let config = config::load(&file).unwrap();
            let store = Store::open(&config.database()).await.unwrap();
            Site { folder, config, store }
        }

        async fn import(&self, csv: &[u8]) -> Result<(), String> {
            let file = self.folder.path().join("users.csv");
            std::fs::write(&file, csv).unwrap();
            import(&self.config, &self.store, &file).await.map_err(|error| error.to_string())
        }

        fn users(&self) -> Vec<String> {
            config::load(&self.config.file).unwrap().users.into_keys().collect()
        }
    }

    #[tokio::test]
    async fn rows_become_users_and_an_empty_field_says_nothing() {
        let site = Site::new().await;
        site.import(b"name,number,display,password\nbob,102,,secret\nalice,,Alice,\n").await.unwrap();
        assert_eq!(site.users(), ["alice", "bob"]);
        let config = config::load(&site.config.file).unwrap();
        assert_eq!(config.users["alice"].number.as_deref(), Some("101"), "kept");
        assert_eq!(site.store.digests().await.unwrap().len(), 2, "one is generated");
    }

    #[tokio::test]
    async fn a_file_that_is_no_list_of_users_is_refused_as_a_whole() {
        let site = Site::new().await;
        for (csv, line, what) in [
            (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], 1, "so it is no CSV file"),
            (b"", 1, "no column `name`"),
            (b"user,number\nbob,102\n", 1, "no column `name`"),
            (b"name,number\nbob\n", 2, "found record with 1 fields"),
            (b"name,number\nbob,102\nmalcom,one hundred\n", 3, "is not a number"),
            (b"name,number\nbob,102\nmal com,103\n", 3, "cannot be the name of a user"),
            (b"name,number\nbob,102\nm\xe9l,103\n", 3, "so it is no CSV file"),
        ] {
            let said = site.import(csv).await.unwrap_err();
            assert!(said.contains(&format!("users.csv:{line}: ")) && said.contains(what), "{said}");
            assert_eq!(site.users(), ["alice"], "{said}");
            assert!(site.store.digests().await.unwrap().is_empty(), "{said}");
        }
    }
}
