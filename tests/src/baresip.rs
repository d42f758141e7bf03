//! baresip: a softphone of other people, with a tone for a microphone.

use std::{
    fs,
    io::Write,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{
    audio::{RATE, sine},
    await_until,
    exchange::{Exchange, password},
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

/// A running baresip that answers every call.
pub struct Baresip {
    folder: TempDir,
    process: Running,
    control: SocketAddr,
}

impl Baresip {
    /// Registers as `user`, and says a tone of that frequency in every call.
    ///
    /// It refuses the loopback interface: see [`crate::netns`]. `index` tells the phones of one test apart.
    #[track_caller]
    pub fn start(exchange: &Exchange, user: &str, over: Over, tone: f32, index: u16) -> Baresip {
        let folder = tempfile::Builder::new().prefix("baresip-").tempdir().expect("a temporary folder");
        let control = SocketAddr::from(([127, 0, 0, 1], exchange.site().spare_port(index)));
        let write = |name: &str, text: String| fs::write(folder.path().join(name), text).expect("a file");
        write("config", config(exchange, folder.path(), control));
        write("accounts", account(exchange, user, over));
        write_wav(&folder.path().join("mic.wav"), &sine(tone, 0, 120 * RATE));
        let log = folder.path().join("log");
        let mut command = Command::new("baresip");
        command.arg("-f").arg(folder.path()).current_dir(folder.path()).env("HOME", folder.path());
        let process = Running::start(&mut command, &log);
        let phone = Baresip { folder, process, control };
        await_until(&format!("baresip of {user} to register over {over:?}"), || {
            let log = phone.log();
            assert!(!log.contains("reg failed"), "baresip of {user} over {over:?}:\n{log}");
            log.contains("200 OK").then_some(())
        });
        phone
    }

    /// What it wrote.
    pub fn log(&self) -> String {
        fs::read(self.folder.path().join("log"))
            .map(|log| String::from_utf8_lossy(&log).into_owned())
            .unwrap_or_default()
    }

    /// Calls a number.
    pub fn dial(&self, uri: &str) {
        self.command(&format!("{{\"command\":\"dial\",\"params\":\"{uri}\"}}"));
    }

    /// Hangs up.
    pub fn hang_up(&self) {
        self.command("{\"command\":\"hangup\"}");
    }

    fn command(&self, json: &str) {
        let mut stream = TcpStream::connect(self.control).expect("baresip's control port");
        write!(stream, "{}:{json},", json.len()).expect("a command for baresip");
    }

    /// How many of its calls have ended, whoever hung up.
    pub fn ended(&self) -> usize {
        let log = self.log();
        log.matches("terminate call").count() + log.matches("session closed").count()
    }

    /// What each of its calls so far heard, in order of time.
    pub fn heard(&self) -> Vec<Vec<i16>> {
        let mut files: Vec<PathBuf> = fs::read_dir(self.folder.path())
            .expect("its folder")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.to_string_lossy().ends_with("-dec.wav"))
            .collect();
        files.sort();
        files.iter().map(|file| read_wav(file)).collect()
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

fn config(exchange: &Exchange, folder: &Path, control: SocketAddr) -> String {
    let modules = ["aufile", "aubridge", "sndfile", "g711", "account", "menu", "ctrl_tcp"];
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
        exchange.site().beside("var/tls/ca.pem").display(),
    )
}

fn account(exchange: &Exchange, user: &str, over: Over) -> String {
    let (server, transport) = match over {
        Over::Udp => (exchange.site().udp(), "udp"),
        Over::Tcp => (exchange.site().tcp(), "tcp"),
        Over::Tls => (exchange.site().tls(), "tls"),
    };
    format!(
        "<sip:{user}@{server};transport={transport}>;auth_user={user};auth_pass={};\
         outbound=\"sip:{server};transport={transport}\";answermode=auto;audio_codecs=pcma/8000/1;regint=600\n",
        password(user)
    )
}

fn write_wav(path: &Path, samples: &[i16]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE as u32,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).expect("a WAV file");
    for sample in samples {
        writer.write_sample(*sample).expect("a WAV file");
    }
    writer.finalize().expect("a WAV file");
}

/// Also one that is still being written: its header may not know its length yet.
fn read_wav(path: &Path) -> Vec<i16> {
    let bytes = fs::read(path).expect("a recording");
    let data = bytes.windows(4).position(|window| window == b"data").map_or(bytes.len(), |at| at + 8);
    bytes
        .get(data..)
        .unwrap_or_default()
        .chunks_exact(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect()
}
