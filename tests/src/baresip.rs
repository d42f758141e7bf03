//! baresip: a softphone of other people, with a tone for a microphone.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    audio::{RATE, seconds_of, sine},
    await_until, await_within,
    exchange::{Exchange, password},
    handset::{Line, read_wav, read_wav_as_it_is, text, write_wav},
    netns::Home,
    process::Running,
};

/// Where it reaches the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// SIP over UDP.
    Udp,
    /// SIP over TCP.
    Tcp,
    /// SIP over TLS; it trusts the exchange's own authority only.
    Tls,
}

const CODEC: &str = "pcma/8000/1";
/// Of an account that knows RTP alone.
const PLAIN: &str = "";

/// A running baresip that answers every call.
pub struct Baresip {
    folder: PathBuf,
    home: Option<Home>,
    process: Running,
    control: SocketAddr,
    _temporary: Option<TempDir>,
}

impl Baresip {
    /// Registers as `user`, and says a tone of that frequency in every call.
    ///
    /// It refuses the loopback interface: see [`crate::netns`]. `index` tells the phones of one test apart.
    #[track_caller]
    pub fn start(exchange: &Exchange, user: &'static str, over: Over, tone: f32, index: u16) -> Baresip {
        Baresip::passing(None, exchange, user, over, tone, index)
    }

    /// As [`Baresip::start`], in a network of its own.
    #[track_caller]
    pub fn start_in(home: Home, exchange: &Exchange, user: &'static str, over: Over, tone: f32) -> Baresip {
        Baresip::passing(Some(home), exchange, user, over, tone, 0)
    }

    #[track_caller]
    fn passing(
        home: Option<Home>,
        exchange: &Exchange,
        user: &'static str,
        over: Over,
        tone: f32,
        index: u16,
    ) -> Baresip {
        let temporary = tempfile::Builder::new().prefix("baresip-").tempdir().expect("a temporary folder");
        let line = Line { user, over, secured: false, tone, index, folder: temporary.path().to_owned() };
        let mut phone = Baresip::start_at(home, exchange, &line, CODEC, PLAIN, &sine(tone, 0, 120 * RATE));
        phone._temporary = Some(temporary);
        phone
    }

    /// As [`Baresip::start`]; its files stay in the folder of the line.
    #[track_caller]
    pub fn start_on(exchange: &Exchange, line: &Line) -> Baresip {
        Baresip::saying(exchange, line, CODEC, &sine(line.tone, 0, 120 * RATE))
    }

    /// As [`Baresip::start_on`]; it encrypts if the other side does, whatever the line says.
    #[track_caller]
    pub fn encrypting_if_asked(exchange: &Exchange, line: &Line) -> Baresip {
        let sound = sine(line.tone, 0, 120 * RATE);
        Baresip::start_at(None, exchange, line, CODEC, "mediaenc=srtp;", &sound)
    }

    /// As [`Baresip::start_on`], with another codec and other samples in its microphone, at 8 kHz, over and over.
    #[track_caller]
    pub fn saying(exchange: &Exchange, line: &Line, codec: &str, sound: &[i16]) -> Baresip {
        let encryption = if line.secured { "mediaenc=srtp-mand;" } else { PLAIN };
        Baresip::start_at(None, exchange, line, codec, encryption, sound)
    }

    /// With whatever exchange is there: over UDP, with a user and a password of it. `control` is a port of its own,
    /// and its files stay in the folder of the line.
    #[track_caller]
    pub fn at(server: SocketAddr, password: String, control: u16, line: &Line) -> Baresip {
        let control = SocketAddr::from(([127, 0, 0, 1], control));
        let account = Account { server, password, authority: PathBuf::new(), control };
        Baresip::start_with(None, account, line, CODEC, PLAIN, &sine(line.tone, 0, 120 * RATE))
    }

    #[track_caller]
    fn start_at(
        home: Option<Home>,
        exchange: &Exchange,
        line: &Line,
        codec: &str,
        encryption: &str,
        sound: &[i16],
    ) -> Baresip {
        let mut server = line.server(exchange);
        if let Some(home) = &home {
            server.set_ip(home.exchange());
        }
        let account = Account {
            server,
            password: password(line.user),
            authority: exchange.site().beside("var/tls/ca.pem"),
            control: SocketAddr::from(([127, 0, 0, 1], exchange.site().spare_port(line.index))),
        };
        Baresip::start_with(home, account, line, codec, encryption, sound)
    }

    #[track_caller]
    fn start_with(
        home: Option<Home>,
        account: Account,
        line: &Line,
        codec: &str,
        encryption: &str,
        sound: &[i16],
    ) -> Baresip {
        let folder = line.folder.clone();
        let Account { server, control, .. } = account;
        line.write("config", config(&account, &folder));
        line.write("accounts", account.line(line, codec, encryption));
        write_wav(&folder.join("mic.wav"), sound);
        let mut command =
            home.as_ref().map_or_else(|| Command::new("baresip"), |home| home.command("baresip"));
        command
            .args(server.is_ipv6().then_some("-6"))
            .arg("-f")
            .arg(&folder)
            .current_dir(&folder)
            .env("HOME", &folder);
        let process = Running::start(&mut command, &folder.join("log"));
        let phone = Baresip { folder, home, process, control, _temporary: None };
        let (user, over) = (line.user, line.over);
        await_until(&format!("baresip of {user} to register over {over:?}"), || {
            let log = phone.log();
            assert!(!log.contains("reg failed"), "baresip of {user} over {over:?}:\n{log}");
            log.contains("200 OK").then_some(())
        });
        phone
    }

    /// What it wrote.
    pub fn log(&self) -> String {
        text(&self.folder.join("log"))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Calls a number.
    pub fn dial(&self, uri: &str) {
        self.command("dial", uri);
    }

    /// Hangs up.
    pub fn hang_up(&self) {
        self.command("hangup", "");
    }

    /// Takes the other side off its ear.
    pub fn hold(&self) {
        self.command("hold", "");
    }

    /// And back.
    pub fn resume(&self) {
        self.command("resume", "");
    }

    /// Sends the other side to that URI (REFER).
    pub fn transfer(&self, uri: &str) {
        self.command("transfer", uri);
    }

    /// A command of its menu.
    pub(crate) fn command(&self, name: &str, parameters: &str) {
        let json = format!("{{\"command\":\"{name}\",\"params\":\"{parameters}\"}}");
        let netstring = format!("{}:{json},", json.len());
        if let Some(home) = &self.home {
            return home.tell(self.control, &netstring);
        }
        let mut stream = TcpStream::connect(self.control).expect("baresip's control port");
        stream.write_all(netstring.as_bytes()).expect("a command for baresip");
        // Closed with its answer unread, the connection would be reset, and the command may be lost with it.
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        let _ = stream.read(&mut [0; 4096]);
    }

    /// How many of its calls have ended, whoever hung up.
    pub fn ended(&self) -> usize {
        let log = self.log();
        log.matches("terminate call").count() + log.matches("session closed").count()
    }

    /// What each of its calls so far heard, in order of time.
    pub fn heard(&self) -> Vec<Vec<i16>> {
        self.recordings().iter().map(|file| read_wav(file)).collect()
    }

    /// As [`Baresip::heard`], as it was recorded: one channel, and samples a second.
    pub fn heard_at(&self) -> Vec<(Vec<i16>, u32)> {
        self.recordings().iter().map(|file| read_wav_as_it_is(file)).collect()
    }

    fn recordings(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = fs::read_dir(&self.folder)
            .expect("its folder")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.to_string_lossy().ends_with("-dec.wav"))
            .collect();
        files.sort();
        files
    }

    /// Waits until one of its calls, counted from 0, has heard that tone for so many seconds.
    #[track_caller]
    pub fn await_tone(&self, call: usize, tone: f32, seconds: f32) {
        await_within(Duration::from_secs(40), &format!("{seconds} s of {tone} Hz in call {call}"), || {
            self.heard().get(call).is_some_and(|sound| seconds_of(sound, tone) >= seconds).then_some(())
        });
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Running {
        &mut self.process
    }
}

impl Drop for Baresip {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- baresip\n{}", self.log());
        }
    }
}

/// Where it registers, and how it is told what to do.
struct Account {
    server: SocketAddr,
    password: String,
    /// Whose certificates it trusts.
    authority: PathBuf,
    control: SocketAddr,
}

fn config(account: &Account, folder: &Path) -> String {
    let control = account.control;
    let modules =
        ["aufile", "aubridge", "sndfile", "srtp", "g711", "g722", "opus", "account", "menu", "ctrl_tcp"];
    let lines: String = modules
        .iter()
        .map(|name| match *name {
            "account" | "menu" | "ctrl_tcp" => format!("module_app {name}.so\n"),
            _ => format!("module {name}.so\n"),
        })
        .collect();
    let folder = folder.display();
    format!(
        "module_path /usr/lib/baresip/modules\n{lines}\
         audio_source aufile,{folder}/mic.wav\naudio_player aubridge,x\naudio_alert aubridge,y\n\
         ausrc_srate 8000\nauplay_srate 8000\nausrc_channels 1\nauplay_channels 1\n\
         snd_path {folder}\nctrl_tcp_listen {control}\nsip_cafile {}\n",
        account.authority.display(),
    )
}

impl Account {
    fn line(&self, line: &Line, codec: &str, encryption: &str) -> String {
        let (user, transport, server) = (line.user, line.transport(), self.server);
        format!(
            "<sip:{user}@{server};transport={transport}>;auth_user={user};auth_pass={};\
             outbound=\"sip:{server};transport={transport}\";answermode=auto;audio_codecs={codec};{encryption}regint=600\n",
            self.password
        )
    }
}
