//! The exchange of a plugin that is being written: `.jackfield/` in its folder, with a configuration that nobody
//! writes by hand.

use std::{
    fmt::Write as _,
    fs, io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use jackfield_plugin::{Grant, Kind, Manifest};
use toml_writer::{ToTomlKey as _, TomlKeyBuilder};

use super::{Options, desk, voice, voice::Voice};
use crate::{
    cli::users,
    config::{self, Config, PortRange},
    daemon::Failure,
    net::udp::source_address,
    store::Store,
};

/// Below the plugin's folder.
const FOLDER: &str = ".jackfield";
/// What its callers dial.
pub(super) const NUMBER: &str = "100";
/// Who calls.
pub(super) const USER: &str = "me";
pub(super) const USERS_NUMBER: &str = "199";
/// Users whom the plugin may ring have numbers from here on.
const FIRST_NUMBER: usize = 101;
/// Ports for audio: calls of one developer.
const MEDIA_PORTS: u16 = 200;
const CALLS: u32 = 50;

/// Where the exchange of one plugin lies, and what does not change while it runs.
pub(super) struct Site {
    /// The plugin's.
    pub(super) folder: PathBuf,
    pub(super) listen: SocketAddr,
    pub(super) password: String,
    media: u16,
    pub(super) voice: Voice,
    /// The ports, kept until the exchange binds them: the first build takes its time.
    reserved: Mutex<Option<(Sockets, UdpSocket)>>,
}

impl Site {
    /// Makes the folder, where it is not there, and chooses ports: those of last time, where they are free.
    pub(super) fn open(options: &Options, voice: Voice) -> Result<Site, Failure> {
        let folder = fs::canonicalize(&options.folder)
            .map_err(|error| format!("{}: {error}", options.folder.display()))?;
        let own = folder.join(FOLDER);
        fs::create_dir_all(&own).map_err(|error| format!("{}: {error}", own.display()))?;
        fs::write(own.join(".gitignore"), "*\n")?;
        let former = config::load(&own.join("jackfield.toml")).ok();
        let (listen, sockets) = address(options.listen, former.as_ref())?;
        let (media, audio) = media_ports(former.as_ref(), listen.port())?;
        let password = password(&own.join("password"))?;
        Ok(Site { folder, listen, password, media, voice, reserved: Mutex::new(Some((sockets, audio))) })
    }

    /// The exchange is about to bind its ports.
    pub(super) fn release(&self) {
        drop(self.reserved.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// The operator's file.
    pub(super) fn config(&self) -> PathBuf {
        self.folder.join(FOLDER).join("jackfield.toml")
    }

    /// Writes the configuration for what the manifest says now; `built`: there is a component. Returns whether it
    /// is another one than before.
    pub(super) async fn write(&self, manifest: &Manifest, built: bool) -> Result<bool, Failure> {
        let (file, text) = (self.config(), self.text(manifest, built)?);
        if fs::read_to_string(&file).is_ok_and(|former| former == text) {
            return Ok(false);
        }
        let new = file.with_extension("new");
        fs::write(&new, text)?;
        fs::rename(&new, &file)?;
        let config = config::load(&file)?;
        let store = Store::open(&config.database()).await?;
        store.fix_realm(&config.exchange.realm).await?;
        let passwords: Vec<_> = config.users.keys().map(|name| (name.as_str(), &self.password)).collect();
        users::keep(&config, &store, &passwords).await?;
        Ok(true)
    }

    /// An address at which a phone reaches the exchange.
    pub(super) fn address(&self) -> SocketAddr {
        let ip = match self.listen.ip() {
            ip if !ip.is_unspecified() => ip,
            _ => source_address(([192, 0, 2, 1], 9).into()).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        };
        SocketAddr::new(ip, self.listen.port())
    }

    fn text(&self, manifest: &Manifest, built: bool) -> Result<String, Failure> {
        let (listen, first) = (self.listen, self.media);
        let last = first + MEDIA_PORTS - 1;
        let mut text = format!(
            "# Written by `jackfield dev`, anew at each start.\n\n\
             [exchange]\nrealm = \"jackfield\"\ncalls = {CALLS}\n\n[listen]\nudp = \"{listen}\"\ntcp = \"{listen}\"\n\n\
             [media]\nports = \"{first}-{last}\"\n\n[users.{USER}]\nnumber = \"{USERS_NUMBER}\"\n"
        );
        for (name, number) in users_of(manifest) {
            let _ = write!(text, "\n[users.{}]\nnumber = \"{number}\"\n", key(&name));
        }
        let name = &manifest.plugin.name;
        text += "\n[routes]\n\"1XX\" = { user = \"*\" }\n";
        if built && manifest.plugin.kind.contains(&Kind::App) {
            let _ = writeln!(text, "\"{NUMBER}\" = {{ plugin = \"{name}\" }}");
        }
        let _ = write!(text, "\n[helpers.{}]\ncommand = {}\n", voice::HELPER, voice::COMMAND);
        if built {
            text += &plugin(name, &self.folder, manifest);
        }
        match &self.voice {
            Voice::Own if built => {
                let _ = write!(text, "\n[speech]\nprovider = \"{name}\"\n");
            }
            Voice::Plugin(folder) => {
                let other = if name == "tts" { "voice" } else { "tts" };
                let manifest = desk::manifest(folder)?;
                let folder = fs::canonicalize(folder)?;
                let _ = write!(text, "\n[speech]\nprovider = \"{other}\"\n");
                text += &plugin(other, &folder, &manifest);
            }
            Voice::Own | Voice::None(_) => {}
        }
        Ok(text)
    }
}

/// The users whom it may ring, with their numbers.
pub(super) fn users_of(manifest: &Manifest) -> Vec<(String, String)> {
    let wishes = manifest.capabilities.dial.iter();
    let names = wishes.filter(|wish| {
        wish.starts_with(char::is_alphabetic) && !wish.contains(['*', ':', '@']) && *wish != USER
    });
    names.enumerate().map(|(index, name)| (name.clone(), (FIRST_NUMBER + index).to_string())).collect()
}

/// An entry that grants all that is asked for.
fn plugin(name: &str, folder: &Path, manifest: &Manifest) -> String {
    let path = toml::Value::from(folder.display().to_string());
    let grant = toml::Value::try_from(Grant::of_all(&manifest.capabilities))
        .unwrap_or(toml::Value::Table(toml::Table::new()));
    format!("\n[plugins.{}]\npath = {path}\ngrant = {grant}\n", key(name))
}

fn key(name: &str) -> String {
    TomlKeyBuilder::new(name).as_default().to_toml_key()
}

/// As asked for; else that of last time, else the usual one, else any that is free.
fn address(wanted: Option<SocketAddr>, former: Option<&Config>) -> Result<(SocketAddr, Sockets), String> {
    let ip = wanted.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |wanted| wanted.ip());
    let bound = |port: u16| bind(SocketAddr::new(ip, port));
    if let Some(wanted) = wanted.filter(|wanted| wanted.port() != 0) {
        return bind(wanted).map_err(|error| format!("{wanted} cannot be used: {error}"));
    }
    let last = former.and_then(|config| config.listen.udp.first()).map(SocketAddr::port);
    let usual = (5060..5100).step_by(2);
    let free = last.into_iter().chain(usual).find_map(|port| bound(port).ok());
    free.map_or_else(|| bound(0), Ok).map_err(|error| format!("no port of {ip} is free: {error}"))
}

type Sockets = (UdpSocket, TcpListener);

#[expect(clippy::disallowed_methods, reason = "ports are tried where the daemon will bind them")]
fn bind(address: SocketAddr) -> io::Result<(SocketAddr, Sockets)> {
    let udp = udp(address)?;
    let address = udp.local_addr()?;
    Ok((address, (udp, TcpListener::bind(address)?)))
}

#[expect(clippy::disallowed_methods, reason = "ports are tried where the daemon will bind them")]
fn udp(address: SocketAddr) -> io::Result<UdpSocket> {
    UdpSocket::bind(address)
}

/// Those of last time, else a range that follows from the port of the SIP; whichever nobody else has. The socket
/// keeps it.
fn media_ports(former: Option<&Config>, sip: u16) -> Result<(u16, UdpSocket), String> {
    const RANGES: u16 = 100;
    let is_ours = |ports: &PortRange| ports.last - ports.first == MEDIA_PORTS - 1;
    let last = former.map(|config| config.media.ports).filter(is_ours).map(|ports| ports.first);
    let others = (0..RANGES).map(|range| 40_000 + (sip / 2 + range) % RANGES * MEDIA_PORTS);
    let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let mut free = last.into_iter().chain(others).filter_map(|first| {
        let end = udp(SocketAddr::new(any, first + MEDIA_PORTS - 2));
        Some((first, udp(SocketAddr::new(any, first)).and_then(|socket| end.map(|_| socket)).ok()?))
    });
    free.next().ok_or_else(|| "no ports are free for audio".to_owned())
}

/// Of all users; that of last time, so that a phone need not be told again.
fn password(file: &Path) -> Result<String, Failure> {
    if let Ok(password) = fs::read_to_string(file)
        && !password.trim().is_empty()
    {
        return Ok(password.trim().to_owned());
    }
    let password = users::generate()?;
    let _ = fs::remove_file(file);
    let mut options = fs::OpenOptions::new();
    let mut new = options.write(true).create_new(true).mode(0o600).open(file)?;
    io::Write::write_all(&mut new, password.as_bytes())?;
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "[plugin]\nname = \"menu\"\nversion = \"1\"\nwit = \"0.1.0\"\ncomponent = \"menu.wasm\"\nkind = [\"app\"]\n[capabilities]\n";

    fn site(folder: &Path) -> Site {
        let options = Options { folder: folder.to_owned(), listen: None, cases: true, voice: None };
        Site::open(&options, Voice::None("no voice".to_owned())).unwrap()
    }

    #[tokio::test]
    async fn what_the_plugin_asks_for_is_granted_and_whom_it_rings_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let site = site(folder.path());
        let wishes = "dial = [\"alice\", \"10X\", \"bob\"]\nhelper = [\"espeak-ng\"]\nhttp = [\"https://a.example/\"]\nrecord = true\nlaunch = { to = [\"10X\"], app = [\"menu\"] }\n";
        let manifest = Manifest::parse(&format!("{HEADER}{wishes}")).unwrap();
        assert!(site.write(&manifest, true).await.unwrap());
        assert!(!site.write(&manifest, true).await.unwrap(), "it is the same");
        let config = config::load(&site.config()).unwrap();
        config.plugins["menu"].grant.covers(&manifest.capabilities).unwrap();
        let numbers = |name: &str| config.users[name].number.clone().unwrap();
        assert_eq!(["alice", "bob", "me"].map(numbers), ["101", "102", "199"]);
        let store = Store::open(&config.database()).await.unwrap();
        assert_eq!(store.digests().await.unwrap().len(), 3);
    }

    #[tokio::test]
    async fn the_next_start_has_the_same_password_and_ports() {
        let folder = tempfile::tempdir().unwrap();
        let first = site(folder.path());
        let manifest = Manifest::parse(HEADER).unwrap();
        // Nothing is built: there is an exchange, and no plugin.
        first.write(&manifest, false).await.unwrap();
        assert!(config::load(&first.config()).unwrap().plugins.is_empty());
        first.release();
        let second = site(folder.path());
        assert_eq!(
            (&first.password, first.listen, first.media),
            (&second.password, second.listen, second.media)
        );
        assert_ne!(site(folder.path()).listen, second.listen, "it is taken");
    }
}
