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
    config::{self, Config, To, edit},
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
    let new = config.users.keys().filter(|name| !known.contains_key(*name));
    let made = new.map(|name| Ok((name.clone(), generate()?))).collect::<Result<Vec<_>, Failure>>()?;
    let passwords: Vec<(&str, &String)> = made.iter().map(|(name, password)| (&**name, password)).collect();
    keep(config, store, &passwords).await?;
    Ok(made)
}

/// Stores the digests of passwords, by user.
pub(crate) async fn keep<P: AsRef<str>>(
    config: &Config,
    store: &Store,
    passwords: &[(&str, P)],
) -> Result<(), Failure> {
    let digest = |name: &str, password: &P| Digests::of(name, &config.exchange.realm, password.as_ref());
    let digests: Vec<_> = passwords.iter().map(|(name, password)| (*name, digest(name, password))).collect();
    Ok(store.set_digests(&digests).await?)
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

impl NewUser {
    fn entry(&self) -> edit::Entry<'_> {
        let NewUser { name, number, display, .. } = self;
        edit::Entry { name, number: number.as_deref(), display: display.as_deref() }
    }

    /// The password, and whether it was generated here.
    fn password(&self) -> Result<(String, bool), Failure> {
        match &self.password {
            Some(password) if password.is_empty() => Err("an empty password is none".into()),
            Some(password) => Ok((password.clone(), false)),
            None => Ok((generate()?, true)),
        }
    }
}

/// Returns the password when it was generated here.
async fn add(config: &Config, store: &Store, new: &NewUser) -> Result<Option<String>, Failure> {
    let text = text_with(config, &std::fs::read_to_string(&config.file)?, [new])?;
    let (password, generated) = new.password()?;
    let digests = Digests::of(&new.name, &config.exchange.realm, &password);
    store.set_digests(&[(&new.name, digests)]).await?;
    edit::write(&config.file, &text)?;
    Ok(generated.then_some(password))
}

/// The operator's file with those users in it; it is a good one.
fn text_with<'a>(
    config: &Config,
    text: &str,
    new: impl IntoIterator<Item = &'a NewUser>,
) -> Result<String, Failure> {
    let text = edit::with_users(text, new.into_iter().map(NewUser::entry))?;
    config::parse(&config.file, &text)?;
    Ok(text)
}

/// All of the file's users, or none.
async fn import(config: &Config, store: &Store, file: &Path) -> Result<(), Failure> {
    let users = read_users(file)?;
    let text = std::fs::read_to_string(&config.file)?;
    let text = text_with(config, &text, users.iter().map(|(_, new)| new))
        .map_err(|error| first_fault(config, &text, file, &users).unwrap_or(error))?;
    let mut passwords = Vec::with_capacity(users.len());
    let mut generated = Vec::new();
    for (_, new) in &users {
        let (password, is_new) = new.password()?;
        generated.extend(is_new.then_some((&new.name, password.clone())));
        passwords.push((&*new.name, password));
    }
    keep(config, store, &passwords).await?;
    edit::write(&config.file, &text)?;
    for (name, password) in generated {
        println!("{name},{password}");
    }
    eprintln!("{} users", users.len());
    Ok(())
}

/// The first row that cannot be a user, given that one of them cannot. All rows ahead of it can, so it is
/// found by halving.
fn first_fault(config: &Config, text: &str, file: &Path, users: &[(u64, NewUser)]) -> Option<Failure> {
    let rows: Vec<usize> = (0..users.len()).collect();
    let fault = |last: usize| text_with(config, text, users[..=last].iter().map(|(_, new)| new)).err();
    let first = rows.partition_point(|&row| fault(row).is_none());
    let (line, new) = users.get(first)?;
    let error = fault(first)?;
    Some(format!("{}:{line}: {}: {error}", file.display(), new.name).into())
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

pub(super) fn line_of_input() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// The generator is seeded by the operating system.
pub(crate) fn generate() -> Result<String, Failure> {
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
    async fn an_import_keeps_what_it_does_not_name() {
        let site = Site::new().await;
        let text = "[users.alice]\nnumber = \"101\"   # the desk\ndigest = \"both\"\n";
        std::fs::write(&site.config.file, text).unwrap();
        site.import(b"name,display\nalice,Alice\n").await.unwrap();
        assert_eq!(std::fs::read_to_string(&site.config.file).unwrap(), format!("{text}name = \"Alice\"\n"));
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
