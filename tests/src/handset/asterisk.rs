//! Asterisk as a telephone: it registers as a user, and calls, holds and presses keys as its
//! REST interface (ARI) tells it. It comes from the tree of Debian sid that
//! `scripts/setup interop` makes, and runs with that tree's own loader and libraries.

mod files;

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use serde_json::Value;

use super::{Ability, Digits, Handset, Line, Step, await_step, read_wav, text};
use crate::{Exchange, await_within, process::Running, sid};

const ANSWER: Duration = Duration::from_secs(15);
/// base64 of phone:phone, as in `ari.conf`.
const LOGIN: &str = "Authorization: Basic cGhvbmU6cGhvbmU=";

/// A running Asterisk that answers every call.
pub struct Asterisk {
    line: Line,
    ari: SocketAddr,
    calls: AtomicUsize,
    _process: Running,
}

impl Asterisk {
    /// Starts it and waits until it has registered.
    #[track_caller]
    pub fn start(exchange: &Exchange, line: Line) -> Asterisk {
        let ari = SocketAddr::from(([127, 0, 0, 1], exchange.site().spare_port(line.index + 3)));
        files::write(exchange, &line, ari);
        let mut command = sid::program("usr/sbin/asterisk");
        command.args(["-f", "-n", "-C"]).arg(line.folder.join("etc/asterisk.conf")).current_dir(&line.folder);
        let process = Running::start(&mut command, &line.folder.join("out"));
        let phone = Asterisk { line, ari, calls: AtomicUsize::new(0), _process: process };
        await_within(Duration::from_secs(30), "Asterisk's REST interface", || phone.subscribe().ok());
        await_within(Duration::from_secs(30), "Asterisk to register", || {
            phone.has_registered().then_some(())
        });
        phone
    }

    /// Its calls come to the application `phone`, which must have an ear: one that hears nothing will do.
    fn subscribe(&self) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(self.ari)?;
        write!(
            stream,
            "GET /ari/events?app=phone HTTP/1.1\r\nHost: {}\r\n{LOGIN}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            self.ari
        )?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        if &head != b"HTTP/1.1 101" {
            return Err(std::io::ErrorKind::NotConnected.into());
        }
        thread::spawn(move || std::io::copy(&mut stream, &mut std::io::sink()));
        Ok(())
    }

    /// Its log holds every SIP message.
    fn has_registered(&self) -> bool {
        self.log().split("<--- Received").any(|message| {
            let message = message.split("--->").nth(1).unwrap_or_default().trim_start();
            message.starts_with("SIP/2.0 200") && message.contains(" REGISTER")
        })
    }

    /// One request of the REST interface.
    fn ask(&self, method: &str, path: &str) -> Result<Value, String> {
        let exchange = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(self.ari)?;
            write!(
                stream,
                "{method} /ari/{path} HTTP/1.1\r\nHost: {}\r\n{LOGIN}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                self.ari
            )?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        let answer = exchange().map_err(|error| format!("Asterisk's REST interface: {error}"))?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        if !head.starts_with("HTTP/1.1 2") {
            return Err(format!("Asterisk refuses {method} {path}: {body}"));
        }
        Ok(serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// Its channels with their states.
    fn channels(&self) -> Vec<(String, String)> {
        let list = self.ask("GET", "channels").unwrap_or(Value::Null);
        let text = |channel: &Value, name: &str| channel[name].as_str().unwrap_or_default().to_owned();
        let list = list.as_array().cloned().unwrap_or_default();
        list.iter().map(|channel| (text(channel, "id"), text(channel, "state"))).collect()
    }

    fn channel(&self) -> Result<String, String> {
        self.channels().pop().map(|(id, _)| id).ok_or("Asterisk has no call".into())
    }

    fn on_channel(&self, method: &str, what: &str) -> Result<(), String> {
        self.ask(method, &format!("channels/{}/{what}", self.channel()?)).map(drop)
    }

    fn talk_again(&self) -> Result<(), String> {
        self.on_channel("POST", "continue?context=phone&extension=again&priority=1")
    }

    fn dial(&self, number: &str, endpoint: &str) -> Result<(), String> {
        let id = format!("call{}", self.calls.fetch_add(1, Ordering::Relaxed));
        self.ask(
            "POST",
            &format!(
                "channels?channelId={id}&endpoint=PJSIP%2F{number}%40{endpoint}&context=phone&extension=talk&priority=1"
            ),
        )?;
        let up = || self.channels().contains(&(id.clone(), "Up".into()));
        await_step("for an answer", ANSWER, up)
    }

    fn step(&self, step: &Step, endpoint: &str) -> Result<(), String> {
        match step {
            Step::Dial(number) => return self.dial(number, endpoint),
            Step::Stay(time) => thread::sleep(*time),
            Step::Hold => {
                // Who holds a call does not talk into it.
                self.on_channel("POST", "silence")?;
                return self.on_channel("POST", "hold");
            }
            Step::Resume => {
                self.on_channel("DELETE", "hold")?;
                self.on_channel("DELETE", "silence")?;
                return self.talk_again();
            }
            Step::Press(_, keys) => {
                self.on_channel(
                    "POST",
                    &format!("dtmf?dtmf={}&between=200&duration=120", keys.replace('#', "%23")),
                )?;
                thread::sleep(Duration::from_millis(400) * keys.len() as u32);
                // In band they took the place of its tone, and nothing would be sent any more.
                return self.talk_again();
            }
            Step::Transfer(number) => {
                return self.on_channel(
                    "POST",
                    &format!("continue?context=phone&extension=transfer-{number}&priority=1"),
                );
            }
            Step::Consult(_) | Step::Join => return Err("Asterisk sends no Replaces".into()),
            Step::HangUp => {
                for (id, _) in self.channels() {
                    let _ = self.ask("DELETE", &format!("channels/{id}"));
                }
            }
        }
        Ok(())
    }
}

impl Handset for Asterisk {
    fn perform(&self, script: &[Step]) -> Result<(), String> {
        // How an endpoint sends keys is a setting of it.
        let way = script.iter().find_map(|step| match step {
            Step::Press(digits, _) => Some(*digits),
            _ => None,
        });
        let endpoint = match way {
            Some(Digits::Info) => "info",
            Some(Digits::InBand) => "inband",
            Some(Digits::Event) | None => "rfc4733",
        };
        script.iter().try_for_each(|step| self.step(step, endpoint))
    }

    fn heard(&self) -> Vec<i16> {
        let Ok(folder) = fs::read_dir(&self.line.folder) else { return Vec::new() };
        let mut files: Vec<_> = folder
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("heard-")))
            .collect();
        files.sort();
        files.iter().flat_map(|file| read_wav(file)).collect()
    }

    fn keys(&self) -> String {
        let log = self.log();
        let key = |line: &str| {
            line.split("DTMF end '").nth(1).filter(|rest| rest.contains("' received on"))?.chars().next()
        };
        log.lines().filter_map(key).collect()
    }

    fn lacks(&self, ability: Ability) -> Option<&'static str> {
        (ability == Ability::Consult).then_some("Asterisk's PJSIP channel sends no REFER with Replaces")
    }

    fn log(&self) -> String {
        text(&self.line.folder.join("log/full")) + &text(&self.line.folder.join("out"))
    }
}
