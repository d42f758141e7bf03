//! SIPp: many calls by somebody else's hand.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use crate::{files, process::Running};

/// A run of one scenario of `tests/scenarios`, to be started.
pub struct Sipp {
    command: Command,
    folder: TempDir,
}

impl Sipp {
    /// Calls, or is called, from `local`; `calls` calls in all.
    pub fn new(scenario: &str, local: SocketAddr, calls: u32) -> Sipp {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new("sipp");
        command.arg("-sf").arg(files::scenario(scenario));
        command.args(["-i", &local.ip().to_string(), "-p", &local.port().to_string()]);
        command.args([
            "-m",
            &calls.to_string(),
            "-nostdin",
            "-trace_stat",
            "-fd",
            "1",
            "-trace_err",
            "-trace_shortmsg",
        ]);
        command.args(["-stf", "stat.csv", "-error_file", "errors", "-shortmessage_file", "messages"]);
        command.args(["-d", "2000"]);
        command.env("TERM", "xterm").current_dir(folder.path());
        Sipp { command, folder }
    }

    /// Where it calls, how often in a second, and with how many calls at once.
    pub fn calling(mut self, target: SocketAddr, rate: u32, at_once: u32) -> Sipp {
        self.command.args([&target.to_string(), "-r", &rate.to_string(), "-l", &at_once.to_string()]);
        self
    }

    /// The lines of its data file: fields 0, 1, ... of the scenario.
    pub fn data(mut self, lines: &str) -> Sipp {
        let path = self.file("data.csv", format!("SEQUENTIAL\n{lines}"));
        self.command.arg("-inf").arg(path);
        self
    }

    /// The number or user that every call of the scenario calls.
    pub fn service(self, service: &str) -> Sipp {
        self.data(&format!("{service};\n"))
    }

    /// How long a call lasts where the scenario does not say; two seconds if this is not called.
    pub fn talking(mut self, time: Duration) -> Sipp {
        self.command.args(["-d", &time.as_millis().to_string()]);
        self
    }

    /// Sends RTP that comes to the media port back to where it came from.
    pub fn echoing(mut self) -> Sipp {
        self.command.arg("-rtp_echo");
        self
    }

    /// Where RTP is sent from and received: `ports` from this one.
    pub fn media_port(mut self, port: u16) -> Sipp {
        self.command.args(["-mp", &port.to_string()]);
        self
    }

    /// A file in its folder, for the scenario.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).expect("a file");
        path
    }

    /// Starts it.
    pub fn start(mut self) -> Load {
        let process = Running::start(&mut self.command, &self.folder.path().join("screen"));
        Load { process, folder: self.folder }
    }

    /// Runs it; no call may fail.
    #[track_caller]
    pub fn expect_all_good(self, calls: u32) {
        let counts = self.start().finish(Duration::from_secs(90));
        assert_eq!((counts.good, counts.failed), (calls, 0), "SIPp's calls:\n{}", counts.errors);
    }
}

/// A running SIPp.
pub struct Load {
    process: Running,
    folder: TempDir,
}

/// How its calls ended.
#[derive(Clone, Debug)]
pub struct Counts {
    /// Calls that went as the scenario says.
    pub good: u32,
    /// Calls that did not.
    pub failed: u32,
    /// What SIPp wrote about those.
    pub errors: String,
}

/// A message that SIPp sent or received.
#[derive(Clone, Debug)]
pub struct ShortMessage {
    /// Unix time in seconds.
    pub at: f64,
    /// It sent it.
    pub sent: bool,
    /// The Call-ID.
    pub call: String,
    /// Start line and CSeq.
    pub text: String,
}

impl Load {
    /// Waits for its last call.
    #[track_caller]
    pub fn finish(mut self, limit: Duration) -> Counts {
        self.process.wait(limit);
        self.counts()
    }

    /// Its figures so far; they are written each second and at the end.
    pub fn counts(&self) -> Counts {
        let text = read(&self.folder.path().join("stat.csv"));
        let mut lines = text.lines();
        let (head, last) = (lines.next().unwrap_or_default(), lines.last().unwrap_or_default());
        let column = |name: &str| {
            let index = head.split(';').position(|column| column == name)?;
            last.split(';').nth(index)?.parse().ok()
        };
        Counts {
            good: column("SuccessfulCall(C)").unwrap_or(0),
            failed: column("FailedCall(C)").unwrap_or(0),
            errors: read(&self.folder.path().join("errors")),
        }
    }

    /// Everything it sent and received.
    pub fn messages(&self) -> Vec<ShortMessage> {
        let text = read(&self.folder.path().join("messages"));
        text.lines().filter_map(ShortMessage::parse).collect()
    }

    /// Ends it.
    pub fn stop(&mut self) {
        self.process.kill();
    }
}

impl ShortMessage {
    /// date, time, seconds, S or R, Call-ID, CSeq header, start line; parted by tabs.
    fn parse(line: &str) -> Option<ShortMessage> {
        let fields: Vec<&str> = line.split('\t').collect();
        let at = fields
            .iter()
            .find_map(|field| field.rsplit(' ').next()?.parse::<f64>().ok().filter(|at| *at > 1e9))?;
        let direction = fields.iter().position(|field| matches!(*field, "S" | "R"))?;
        Some(ShortMessage {
            at,
            sent: fields[direction] == "S",
            call: (*fields.get(direction + 1)?).to_owned(),
            text: fields[direction + 2..].join(" "),
        })
    }
}

fn read(path: &Path) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
