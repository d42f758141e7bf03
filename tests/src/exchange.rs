//! The real binary, on ports of its own in a folder of its own.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use tempfile::TempDir;
use toml_edit::{DocumentMut, value};

use crate::{
    files,
    ports::Ports,
    process::{Running, Said, await_until, await_within, run},
};

/// Users that every exchange of the tests has, with their numbers.
pub const USERS: [(&str, &str); 3] = [("alice", "101"), ("bob", "102"), ("malcom", "103")];

/// The password of a user of the tests.
pub fn password(user: &str) -> String {
    format!("secret-of-{user}")
}

/// The folder of an exchange that does not run yet.
pub struct Site {
    folder: TempDir,
    config: PathBuf,
    ports: Ports,
    host: IpAddr,
}

impl Site {
    /// On the loopback interface, with [`USERS`], and with `config` after its own `[exchange]`, `[listen]` and `[media]`.
    pub fn new(config: &str) -> Site {
        Site::at(IpAddr::V4(Ipv4Addr::LOCALHOST), config)
    }

    /// As [`Site::new`], on another address.
    pub fn at(host: IpAddr, config: &str) -> Site {
        let site = Site::empty(host, "jackfield.toml");
        let users = USERS.map(|(name, number)| format!("[users.{name}]\nnumber = \"{number}\"\n"));
        let users = users.concat();
        let text = format!(
            "[exchange]\nrealm = \"la-plateforme\"\n\n[listen]\nudp = \"{}\"\ntcp = \"{}\"\ntls = \"{}\"\n\n\
             [media]\nports = \"{}\"\n\n{users}\n{config}",
            site.udp(),
            site.tcp(),
            site.tls(),
            site.ports.media(),
        );
        site.write("jackfield.toml", text);
        site.import_users();
        site
    }

    /// A copy of `examples/NAME`, which may use `plugins/`, on the loopback interface.
    pub fn example(name: &str) -> Site {
        Site::example_with(name, |_| {})
    }

    /// As [`Site::example`], with its file edited.
    pub fn example_with(name: &str, edit: impl FnOnce(&mut DocumentMut)) -> Site {
        let file = format!("examples/{name}/jackfield.toml");
        let site = Site::empty(IpAddr::V4(Ipv4Addr::LOCALHOST), &file);
        files::copy_folder(&format!("examples/{name}"), site.folder());
        files::copy_folder("plugins", site.folder());
        site.take_ports();
        site.edit(edit);
        site.import_users();
        site
    }

    /// What `jackfield import asterisk` makes of `tests/asterisk/NAME`, on the loopback interface, and what it
    /// said. Nobody has another password than it gave them.
    #[track_caller]
    pub fn imported(name: &str) -> (Site, String) {
        let site = Site::empty(IpAddr::V4(Ipv4Addr::LOCALHOST), "imported/jackfield.toml");
        let repository = files::repository();
        let from = repository.join("tests/asterisk").join(name).display().to_string();
        let plugins = repository.join("plugins").display().to_string();
        let said = site
            .jackfield(&["import", "asterisk", &from, "--to", "imported", "--plugins", &plugins])
            .expect_good();
        site.take_ports();
        (site, said)
    }

    /// Puts the ports of this test into the file.
    fn take_ports(&self) {
        let (udp, tcp, tls) = (self.udp(), self.tcp(), self.tls());
        let media = self.ports.media();
        self.edit(|document| {
            document["listen"]["udp"] = value(udp.to_string());
            document["listen"]["tcp"] = value(tcp.to_string());
            document["listen"]["tls"] = value(tls.to_string());
            document["media"]["ports"] = value(media);
        });
    }

    fn empty(host: IpAddr, config: &str) -> Site {
        let folder = tempfile::Builder::new().prefix("jackfield-").tempdir().expect("a temporary folder");
        let config = folder.path().join(config);
        Site { folder, config, ports: Ports::take(), host }
    }

    /// Gives [`USERS`] the known passwords.
    pub fn import_users(&self) {
        let rows = USERS.map(|(name, number)| format!("{name},{number},,{}\n", password(name)));
        let csv = self.write("users.csv", format!("name,number,display,password\n{}", rows.concat()));
        self.jackfield(&["user", "import", &csv.display().to_string()]).expect_good();
    }

    /// The folder of everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The operator's file.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// A path from the operator's file.
    pub fn beside(&self, path: &str) -> PathBuf {
        self.config.parent().expect("a file in a folder").join(path)
    }

    /// Writes a file of the site's folder.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder().join(path);
        fs::create_dir_all(path.parent().expect("below the folder")).expect("a folder");
        fs::write(&path, content).expect("a file");
        path
    }

    /// Copies a folder of the repository, such as `plugins/ivr`, to the same place here.
    pub fn copy(&self, from: &str) -> PathBuf {
        files::copy_folder(from, self.folder())
    }

    /// Edits the operator's file, in one step.
    pub fn edit(&self, edit: impl FnOnce(&mut DocumentMut)) {
        let text = fs::read_to_string(&self.config).expect("the configuration");
        let mut document: DocumentMut = text.parse().expect("TOML");
        edit(&mut document);
        let new = self.config.with_extension("new");
        fs::write(&new, document.to_string()).expect("a file");
        fs::rename(&new, &self.config).expect("the configuration");
    }

    /// Where it listens for SIP over UDP.
    pub fn udp(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.ports.sip(0))
    }

    /// Where it listens for SIP over TCP.
    pub fn tcp(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.ports.sip(0))
    }

    /// Where it listens for SIP over TLS.
    pub fn tls(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.ports.sip(1))
    }

    /// The first of its media ports.
    pub fn media_port(&self) -> u16 {
        self.ports.first()
    }

    /// All of them: `FIRST-LAST`.
    pub fn media_ports(&self) -> String {
        self.ports.media()
    }

    /// A port for a program of the test, which takes no port 0; `index` below 8.
    pub fn spare_port(&self, index: u16) -> u16 {
        self.ports.sip(2 + index)
    }

    /// The command line with this configuration.
    #[track_caller]
    pub fn jackfield(&self, arguments: &[&str]) -> Said {
        self.jackfield_with(arguments, b"")
    }

    /// As [`Site::jackfield`], with a standard input.
    #[track_caller]
    pub fn jackfield_with(&self, arguments: &[&str], input: &[u8]) -> Said {
        run(self.command().args(arguments), input)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(files::daemon());
        command.arg("--config").arg(&self.config).current_dir(self.folder());
        command.env("NO_COLOR", "1");
        command.env("JACKFIELD_LOG", std::env::var("JACKFIELD_TEST_LOG").unwrap_or("info".to_owned()));
        command
    }

    /// Starts it and waits until it is ready.
    #[track_caller]
    pub fn start(self) -> Exchange {
        let log = self.folder().join("log");
        let process = Running::start(self.command().arg("run"), &log);
        let mut exchange = Exchange { site: self, process, log };
        exchange.wait_ready(0);
        exchange
    }
}

/// A running exchange; killed when dropped. Its log is printed when the test fails.
pub struct Exchange {
    site: Site,
    process: Running,
    log: PathBuf,
}

impl Exchange {
    /// A running exchange with this configuration; see [`Site::new`].
    #[track_caller]
    pub fn start(config: &str) -> Exchange {
        Site::new(config).start()
    }

    fn starts(&self) -> usize {
        self.log().matches("Jackfield is ready").count()
    }

    /// Waits for one start more than there were.
    #[track_caller]
    fn wait_ready(&mut self, starts: usize) {
        // Plugins are compiled at the first start.
        await_within(Duration::from_secs(90), "the exchange", || {
            if let Some(status) = self.process.ended() {
                panic!("the exchange did not start: {status}\n{}", self.log());
            }
            (self.starts() > starts).then_some(())
        });
    }

    /// Its folder, files and addresses.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// All that it has written so far.
    pub fn log(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Waits for a line of its log that contains all of these.
    #[track_caller]
    pub fn await_log(&self, parts: &[&str]) -> String {
        await_until(&format!("a log line with {parts:?}"), || {
            let log = self.log();
            log.lines().find(|line| parts.iter().all(|part| line.contains(part))).map(str::to_owned)
        })
    }

    /// The command line of the operator, which must succeed.
    #[track_caller]
    pub fn operator(&self, arguments: &[&str]) -> String {
        self.site.jackfield(arguments).expect_good()
    }

    /// The calls that `jackfield calls` shows.
    #[track_caller]
    pub fn calls(&self) -> usize {
        self.operator(&["calls"]).lines().skip(1).filter(|line| !line.trim().is_empty()).count()
    }

    /// Waits until there are so many calls.
    #[track_caller]
    pub fn await_calls(&self, number: usize) {
        await_until(&format!("{number} calls"), || (self.calls() == number).then_some(()));
    }

    /// The process itself.
    pub fn process(&mut self) -> &mut Running {
        &mut self.process
    }

    /// SIGTERM, and waits for an orderly end.
    #[track_caller]
    pub fn stop(&mut self) {
        self.process.signal("TERM");
        let status = self.process.wait(Duration::from_secs(15));
        assert!(status.success(), "{status}\n{}", self.log());
    }

    /// Starts it again after it was stopped or killed.
    #[track_caller]
    pub fn restart(&mut self) {
        // Its log goes on in the same file.
        let starts = self.starts();
        self.process = Running::start(self.site.command().arg("run"), &self.log);
        self.wait_ready(starts);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- the exchange's log\n{}\n---", self.log());
        }
    }
}
