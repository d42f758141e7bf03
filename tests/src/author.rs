//! `jackfield dev`, as whoever writes a plugin has it before him.

use std::{
    env,
    ffi::OsString,
    fs,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::Value;

use crate::{
    await_within, files,
    process::{Running, Said, run},
};

/// A first build has the SDK to compile, on a machine that may be busy.
pub const LONGEST_BUILD: Duration = Duration::from_secs(300);

/// The program, in a folder of the author's.
pub fn jackfield(folder: &Path, arguments: &[&str]) -> Said {
    run(command(folder).args(arguments), b"")
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(files::daemon());
    command.current_dir(folder).env("PATH", path()).env("NO_COLOR", "1").env_remove("JACKFIELD_LOG");
    // Where others build is none of an author's business.
    command.env_remove("CARGO_TARGET_DIR");
    command
}

/// Where an author's shell finds `jackfield`, and the compilers of other languages as they are installed for the tests.
pub fn path() -> OsString {
    let programs = files::daemon().parent().expect("in a folder").to_owned();
    let others = env::var_os("PATH").unwrap_or_default();
    let all = [programs, files::target().join("qa/bin")].into_iter().chain(env::split_paths(&others));
    env::join_paths(all).expect("they came from such a list")
}

/// A running `jackfield dev`.
pub struct Dev {
    folder: PathBuf,
    log: PathBuf,
    process: Running,
}

impl Dev {
    /// Waits until it has said how to reach it. `log` is where its lines go.
    #[track_caller]
    pub fn start(folder: &Path, arguments: &[&str], log: &Path) -> Dev {
        let _ = fs::remove_file(log);
        let process = Running::start(command(folder).arg("dev").args(arguments), log);
        let mut dev = Dev { folder: folder.to_owned(), log: log.to_owned(), process };
        await_within(LONGEST_BUILD, "jackfield dev", || {
            if let Some(status) = dev.process.ended() {
                panic!("jackfield dev did not start: {status}\n{}", dev.said());
            }
            dev.said().contains("Ctrl-C ends it").then_some(())
        });
        dev
    }

    /// All that it has printed.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits for a line with all of these, after the first `after` bytes of what it says; returns where it ends.
    #[track_caller]
    pub fn await_line(&self, after: usize, parts: &[&str]) -> usize {
        await_within(Duration::from_secs(60), &format!("a line with {parts:?}"), || {
            let said = self.said();
            let mut end = after;
            for line in said.get(after..)?.split_inclusive('\n') {
                end += line.len();
                if line.ends_with('\n') && parts.iter().all(|part| line.contains(part)) {
                    return Some(end);
                }
            }
            None
        })
    }

    /// Where a softphone reaches it, as it says.
    pub fn server(&self) -> SocketAddr {
        self.word_after("server ").parse().expect("an address")
    }

    /// The softphone's password.
    pub fn password(&self) -> String {
        self.word_after("password ")
    }

    fn word_after(&self, what: &str) -> String {
        let said = self.said();
        let rest = said.split(what).nth(1).unwrap_or_else(|| panic!("no {what:?} in\n{said}"));
        rest.split([' ', ',', '\n']).next().expect("split has a first part").to_owned()
    }

    /// Which load of that plugin new calls get; 0: none.
    pub fn live(&self, plugin: &str) -> u64 {
        let socket = UnixStream::connect(self.folder.join(".jackfield/var/control.sock"));
        let mut socket = socket.expect("the control socket");
        socket.write_all(b"\"plugins\"\n").expect("a request");
        let mut line = String::new();
        BufReader::new(socket).read_line(&mut line).expect("an answer");
        let answer: Value = serde_json::from_str(&line).expect("JSON");
        let plugins = answer["plugins"].as_array().expect("plugins");
        let live = plugins.iter().find(|one| one["name"] == plugin && one["state"] == "live");
        live.and_then(|one| one["number"].as_u64()).unwrap_or(0)
    }

    /// As Ctrl-C, to this process alone; waits for its end.
    #[track_caller]
    pub fn interrupt(mut self) -> String {
        self.process.signal("INT");
        let status = self.process.wait(Duration::from_secs(20));
        let said = self.said();
        assert!(status.success(), "{status}\n{said}");
        said
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- jackfield dev\n{}\n---", self.said());
        }
    }
}
