//! linphonec (Debian's linphone-cli), moved through its command line.

use std::{
    fs::File,
    io::Write,
    process::{Child, ChildStdin, Command, Stdio},
    sync::Mutex,
    time::Duration,
};

use super::{Ability, Digits, Handset, Line, Step, await_step, dtmf, read_wav, text, write_wav};
use crate::{
    Exchange,
    audio::{RATE, sine},
    await_within,
    baresip::Over,
};

const ANSWER: Duration = Duration::from_secs(15);

/// A running linphonec that answers every call.
pub struct Linphone {
    line: Line,
    server: std::net::SocketAddr,
    process: Child,
    input: Mutex<ChildStdin>,
}

impl Linphone {
    /// Starts it and waits until it has registered. Keys go out by RFC 4733, or by INFO if `info` says so.
    #[track_caller]
    pub fn start(exchange: &Exchange, line: Line, info: bool) -> Linphone {
        // It opens no SIP port without this folder, and does not say so.
        std::fs::create_dir_all(line.folder.join(".local/share/linphone")).expect("a folder");
        let server = line.server(exchange);
        line.write("rc", settings(exchange, &line, info));
        write_wav(&line.folder.join("mic.wav"), &sine(line.tone, 0, 300 * RATE));
        let log = File::create(line.folder.join("log")).expect("a log file");
        let err = log.try_clone().expect("a log file");
        // It writes to a file in blocks; we read it by lines.
        let mut process = Command::new("stdbuf")
            .args(["-oL", "linphonec", "-a", "-d", "6", "-l", "detail", "-c", "rc"])
            .current_dir(&line.folder)
            .env("HOME", &line.folder)
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(err)
            .spawn()
            .expect("linphonec starts");
        let input = Mutex::new(process.stdin.take().expect("piped"));
        let phone = Linphone { line, server, process, input };
        phone.command("soundcard use files");
        phone.play("mic.wav");
        phone.command(&format!("record {}", phone.line.folder.join("heard.wav").display()));
        await_within(Duration::from_secs(20), "linphonec to register", || {
            text(&phone.line.folder.join("detail")).contains("LinphoneRegistrationOk").then_some(())
        });
        phone
    }

    fn command(&self, line: &str) {
        writeln!(self.input.lock().unwrap(), "{line}").expect("linphonec reads");
    }

    fn play(&self, name: &str) {
        self.command(&format!("play {}", self.line.folder.join(name).display()));
    }

    fn uri(&self, number: &str) -> String {
        format!("sip:{number}@{};transport={}", self.server, self.line.transport())
    }

    fn connected(&self) -> usize {
        self.log().matches("connected.").count()
    }

    fn call(&self, number: &str) -> Result<(), String> {
        let connected = self.connected();
        self.command(&format!("call {}", self.uri(number)));
        await_step("for an answer", ANSWER, || self.connected() > connected)
    }

    /// The ids of its last two calls, from "Call ID with URI connected.".
    fn last_two(&self) -> Option<[String; 2]> {
        let log = self.log();
        let id = |line: &str| Some(line.split("Call ").nth(1)?.split_whitespace().next()?.to_owned());
        let ids: Vec<String> =
            log.lines().filter(|line| line.contains("connected.")).filter_map(id).collect();
        let [.., one, two] = ids.as_slice() else { return None };
        Some([one.clone(), two.clone()])
    }

    fn step(&self, step: &Step) -> Result<(), String> {
        match step {
            Step::Dial(number) => return self.call(number),
            Step::Stay(time) => std::thread::sleep(*time),
            Step::Hold => self.command("pause"),
            Step::Resume => self.command("resume"),
            Step::Press(Digits::InBand, keys) => {
                let samples = dtmf::sound(keys).len();
                std::thread::sleep(Duration::from_millis(samples as u64 / 8));
            }
            Step::Press(_, keys) => {
                for key in keys.chars() {
                    self.command(&key.to_string());
                    std::thread::sleep(Duration::from_millis(400));
                }
            }
            Step::Transfer(number) => self.command(&format!("transfer {}", self.uri(number))),
            Step::Consult(number) => {
                self.command("pause");
                std::thread::sleep(Duration::from_secs(1));
                return self.call(number);
            }
            Step::Join => {
                let [one, two] = self.last_two().ok_or("linphonec names no two calls")?;
                self.command(&format!("transfer {one} --to-call {two}"));
            }
            Step::HangUp => self.command("terminate all"),
        }
        Ok(())
    }
}

impl Handset for Linphone {
    fn perform(&self, script: &[Step]) -> Result<(), String> {
        let in_band = script.iter().find_map(|step| match step {
            Step::Press(Digits::InBand, keys) => Some(*keys),
            _ => None,
        });
        // What it plays in a call is mixed with the microphone: the microphone itself must press them.
        if let Some(keys) = in_band {
            let silence = |seconds| vec![0; seconds * RATE];
            let samples = [silence(3), dtmf::sound(keys), silence(60)].concat();
            write_wav(&self.line.folder.join("keys.wav"), &samples);
            self.play("keys.wav");
        }
        let done = script.iter().try_for_each(|step| self.step(step));
        if in_band.is_some() {
            self.play("mic.wav");
        }
        done
    }

    fn heard(&self) -> Vec<i16> {
        read_wav(&self.line.folder.join("heard.wav"))
    }

    fn keys(&self) -> String {
        let log = self.log();
        let key = |line: &str| line.split("Receiving tone ").nth(1)?.chars().next();
        log.lines().filter_map(key).collect()
    }

    fn lacks(&self, _: Ability) -> Option<&'static str> {
        None
    }

    fn plays_on_hold(&self) -> bool {
        true
    }

    fn log(&self) -> String {
        text(&self.line.folder.join("log"))
    }
}

impl Drop for Linphone {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn settings(exchange: &Exchange, line: &Line, info: bool) -> String {
    let (server, transport) = (line.server(exchange), line.transport());
    let port = |over| if line.over == over { exchange.site().spare_port(line.index) } else { 0 };
    let (udp, tcp, tls) = (port(Over::Udp), port(Over::Tcp), port(Over::Tls));
    let (encryption, mandatory) = if line.secured { ("srtp", 1) } else { ("none", 0) };
    format!(
        "[sip]\nsip_port={udp}\nsip_tcp_port={tcp}\nsip_tls_port={tls}\ndefault_proxy=0\nguess_hostname=0\n\
         contact=sip:{user}@{ip}\nmedia_encryption={encryption}\nmedia_encryption_mandatory={mandatory}\n\
         use_info={info}\nuse_rfc2833={events}\nroot_ca={ca}\n\n\
         [proxy_0]\nreg_proxy=<sip:{server};transport={transport}>\nreg_route=<sip:{server};transport={transport};lr>\n\
         reg_identity=sip:{user}@{server}\nreg_expires=600\nreg_sendregister=1\n\n\
         [auth_info_0]\nusername={user}\npasswd={password}\nrealm=la-plateforme\n\n\
         [rtp]\naudio_rtp_port=-1\nvideo_rtp_port=-1\ntext_rtp_port=-1\n\n[net]\nmtu=1300\n",
        user = line.user,
        ip = server.ip(),
        info = u8::from(info),
        events = u8::from(!info),
        ca = exchange.site().beside("var/tls/ca.pem").display(),
        password = line.password(),
    )
}
