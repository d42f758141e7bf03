//! SIPp as a telephone: one scenario registers and answers calls down its own connection, another
//! is written for each call that it makes. SIPp's own RTP measures nothing, so its ear and mouth are ours,
//! with libsrtp before them where the line is secured.

mod scenario;

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use super::{Ability, Digits, Handset, Line, Step, await_step, dtmf, text};
use crate::{
    Exchange,
    audio::Law,
    await_within,
    baresip::Over,
    process::{Running, run},
    rtp::{Audio, Voice},
    sid,
};
use scenario::{Party, Replaced};

const ANSWER: Duration = Duration::from_secs(15);

/// A SIPp that is registered and answers every call.
pub struct SippPhone {
    line: Line,
    server: SocketAddr,
    ports: [u16; 3],
    audio: Arc<Audio>,
    runs: AtomicUsize,
    over: Arc<AtomicBool>,
    _answering: Running,
}

impl SippPhone {
    /// Starts it and waits until it has registered.
    #[track_caller]
    pub fn start(exchange: &Exchange, line: Line) -> SippPhone {
        fs::create_dir_all(&line.folder).expect("a folder");
        let server = line.server(exchange);
        let ports = [line.index, line.index + 3, 6].map(|index| exchange.site().spare_port(index));
        if line.over == Over::Tls {
            certificate(&line.folder);
        }
        let audio = Arc::new(match line.secured {
            true => Audio::encrypted(server.ip(), scenario::SUITE),
            false => Audio::open(server.ip()),
        });
        audio.say(Voice::Tone(line.tone));
        let party = Party::of(&line, server, &audio);
        line.write("register.xml", scenario::register(&party));
        line.write("answer.xml", scenario::answer(party));
        let mut command = sipp(&line, server, ports[0], "register.xml", "register");
        command.args(["-oocsf", "answer.xml"]);
        let answering = Running::start(&mut command, &line.folder.join("register.out"));
        let log = line.folder.join("register.messages");
        await_within(Duration::from_secs(20), "SIPp to register", || {
            received(&text(&log)).any(|message| message.starts_with("SIP/2.0 200")).then_some(())
        });
        let over = Arc::new(AtomicBool::new(false));
        follow(log, audio.clone(), over.clone());
        SippPhone { line, server, ports, audio, runs: AtomicUsize::new(0), over, _answering: answering }
    }

    /// Starts a call of its own and waits until somebody answered.
    fn call(&self, script: &[Step], port: u16, replaced: Option<&Replaced>) -> Result<Dialog, String> {
        let name = format!("call{}", self.runs.fetch_add(1, Ordering::Relaxed));
        let file = format!("{name}.xml");
        let party = Party::of(&self.line, self.server, &self.audio);
        self.line.write(&file, scenario::call(party, script, replaced));
        let mut command = sipp(&self.line, self.server, port, &file, &name);
        // Left alone, it signs for a URI without a user. It writes the `sip:` itself.
        let number = script.iter().find_map(|step| match step {
            Step::Dial(number) => Some(*number),
            _ => None,
        });
        command.args(["-auth_uri", &format!("{}@{}", number.unwrap_or_default(), self.server)]);
        let process = Running::start(&mut command, &self.line.folder.join(format!("{name}.out")));
        let log = self.line.folder.join(format!("{name}.messages"));
        follow(log.clone(), self.audio.clone(), self.over.clone());
        let mut dialog = Dialog { process, log, errors: self.line.folder.join(format!("{name}.errors")) };
        let answered = await_step("for an answer", ANSWER, || {
            // The first ACK is that of the challenge.
            dialog.process.ended().is_some()
                || sent(&text(&dialog.log)).filter(|message| message.starts_with("ACK ")).count() > 1
        });
        answered.map_err(|reason| format!("{reason}{}", dialog.complaint()))?;
        if dialog.process.ended().is_some() {
            return Err(format!("SIPp gave up{}", dialog.complaint()));
        }
        Ok(dialog)
    }

    /// What its own hand does while the scenario goes on.
    fn follow_script(&self, script: &[Step]) {
        for step in script {
            match step {
                Step::Stay(time) => thread::sleep(*time),
                Step::Press(Digits::Event, keys) => {
                    for key in keys.chars() {
                        self.audio.press(key);
                        thread::sleep(Duration::from_millis(200));
                    }
                }
                // Who holds a call does not talk into it.
                Step::Hold => self.audio.say(Voice::Silence),
                Step::Resume => self.audio.say(Voice::Tone(self.line.tone)),
                Step::Press(Digits::InBand, keys) => self.audio.play(dtmf::sound(keys)),
                _ => {}
            }
        }
    }
}

impl Handset for SippPhone {
    fn perform(&self, script: &[Step]) -> Result<(), String> {
        // The scenario of the call to be transferred must know the other dialog: that one comes first.
        let consulted = script.iter().find_map(|step| match step {
            Step::Consult(number) => Some(*number),
            _ => None,
        });
        let mut consultation = match consulted {
            Some(number) => {
                let steps = [Step::Dial(number), Step::Stay(Duration::from_secs(40)), Step::HangUp];
                Some(self.call(&steps, self.ports[2], None)?)
            }
            None => None,
        };
        let replaced = consultation.as_ref().map(Dialog::replaced);
        self.audio.say(Voice::Tone(self.line.tone));
        let mut dialog = self.call(script, self.ports[1], replaced.as_ref())?;
        self.follow_script(script);
        let outcome = dialog.finish();
        if let Some(consultation) = &mut consultation {
            consultation.process.kill();
        }
        outcome
    }

    fn heard(&self) -> Vec<i16> {
        self.audio.heard().samples()
    }

    fn keys(&self) -> String {
        let messages = text(&self.line.folder.join("register.messages"));
        let signal = |message: &str| {
            let line = message.lines().find_map(|line| line.strip_prefix("Signal"))?;
            line.trim_start_matches([' ', '=']).chars().next()
        };
        let told: String =
            received(&messages).filter(|text| text.starts_with("INFO ")).filter_map(signal).collect();
        self.audio.heard().digits() + &told
    }

    fn lacks(&self, _: Ability) -> Option<&'static str> {
        None
    }

    fn log(&self) -> String {
        let Ok(folder) = fs::read_dir(&self.line.folder) else { return String::new() };
        let mut files: Vec<PathBuf> = folder
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|end| end == "messages" || end == "errors"))
            .collect();
        files.sort();
        files.iter().map(|file| format!("--- {}\n{}", file.display(), text(file))).collect()
    }
}

impl Drop for SippPhone {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// A call that it made.
struct Dialog {
    process: Running,
    log: PathBuf,
    errors: PathBuf,
}

impl Dialog {
    fn finish(&mut self) -> Result<(), String> {
        await_step("for SIPp's scenario to end", ANSWER, || self.process.ended().is_some())?;
        let good = self.process.ended().is_some_and(|status| status.success());
        if good { Ok(()) } else { Err(format!("SIPp's scenario failed{}", self.complaint())) }
    }

    /// What came instead of what it waited for, if it was that.
    fn complaint(&self) -> String {
        let errors = text(&self.errors);
        let unexpected = errors.lines().find_map(|line| line.split("while expecting ").nth(1));
        unexpected.map(|what| format!(": it expected {what}")).unwrap_or_default()
    }

    /// Its ids, as who answered sees them.
    fn replaced(&self) -> Replaced {
        let messages = text(&self.log);
        let answer =
            received(&messages).find(|message| message.starts_with("SIP/2.0 200")).unwrap_or_default();
        let value = |name: &str| {
            answer.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
        };
        let tag = |header: String| header.split(";tag=").nth(1).unwrap_or_default().to_owned();
        Replaced { call: value("Call-ID:"), ours: tag(value("From:")), theirs: tag(value("To:")) }
    }
}

/// SIPp over the line's transport. Debian's own has no TLS; that of the newer tree has.
fn sipp(line: &Line, server: SocketAddr, port: u16, scenario: &str, name: &str) -> Command {
    let (mut command, transport) = match line.over {
        Over::Udp => (Command::new("sipp"), "u1"),
        Over::Tcp => (Command::new("sipp"), "t1"),
        Over::Tls => (sid::program("usr/bin/sipp"), "l1"),
    };
    command.args(["-sf", scenario, "-t", transport, "-i", &server.ip().to_string(), "-p", &port.to_string()]);
    command.args(["-m", "1", "-nostdin", "-trace_err", "-trace_msg"]);
    command.args(["-error_file", &format!("{name}.errors"), "-message_file", &format!("{name}.messages")]);
    if line.over == Over::Tls {
        command.args(["-tls_cert", "cert.pem", "-tls_key", "key.pem"]);
    }
    command.arg(server.to_string()).env("TERM", "xterm").current_dir(&line.folder);
    command
}

/// SIPp opens no TLS connection without one; nobody looks at it.
fn certificate(folder: &Path) {
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
    openssl.args(["-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=sipp"]);
    run(openssl.current_dir(folder), b"").expect_good();
}

/// The messages of SIPp's own log that it received.
fn received(log: &str) -> impl Iterator<Item = &str> {
    messages(log, " message received [")
}

fn sent(log: &str) -> impl Iterator<Item = &str> {
    messages(log, " message sent ")
}

fn messages<'a>(log: &'a str, kind: &'a str) -> impl Iterator<Item = &'a str> {
    log.split("-----------------------------------------------").filter_map(move |entry| {
        let (head, message) = entry.split_once(":\n\n").or_else(|| entry.split_once(":\r\n\r\n"))?;
        head.contains(kind).then_some(message)
    })
}

/// Lets the mouth talk to where the newest session description says.
fn follow(log: PathBuf, audio: Arc<Audio>, over: Arc<AtomicBool>) {
    thread::spawn(move || {
        let mut seen = 0;
        while !over.load(Ordering::Relaxed) {
            let messages = text(&log);
            let described: Vec<&str> =
                received(&messages).filter(|message| message.contains("m=audio ")).collect();
            if described.len() > seen {
                seen = described.len();
                if let Some((remote, events, key)) = described.last().and_then(|message| session(message)) {
                    let remote = key.map_or(remote, |key| audio.encrypting_to(remote, &key));
                    audio.connect(remote, Law::A, events);
                }
            }
            thread::sleep(Duration::from_millis(20));
        }
    });
}

/// Where the other side listens, its payload type of keys, and the key that it sends with if it is to be
/// SRTP; the scenarios know A-law alone.
fn session(message: &str) -> Option<(SocketAddr, u8, Option<String>)> {
    let ip: IpAddr = message.lines().find_map(|line| line.strip_prefix("c=IN IP4 "))?.trim().parse().ok()?;
    let media = message.lines().find_map(|line| line.strip_prefix("m=audio "))?;
    let port = media.split_whitespace().next()?.parse().ok()?;
    let events = message.lines().find_map(|line| {
        let (number, name) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
        name.starts_with("telephone-event/8000").then(|| number.parse().ok())?
    });
    let key = message.lines().find_map(|line| {
        let (_, key) = line.strip_prefix("a=crypto:")?.split_once(scenario::SUITE)?;
        key.trim_start().strip_prefix("inline:")?.split(['|', ' ']).next().map(|key| key.trim().to_owned())
    });
    Some((SocketAddr::new(ip, port), events.unwrap_or(101), key))
}
