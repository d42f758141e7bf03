//! Programs that end with the test, and waiting with an end.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Looks 50 times a second until `look` finds something; panics after 20 s.
#[track_caller]
pub fn await_until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    await_within(Duration::from_secs(20), what, look)
}

/// As [`await_until`], with its own limit.
#[track_caller]
pub fn await_within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited {limit:?} in vain for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A program in the background; killed when dropped.
pub struct Running(Child);

impl Running {
    /// Starts it with both outputs in `log`.
    pub fn start(command: &mut Command, log: &Path) -> Running {
        let out = fs::File::options().create(true).append(true).open(log).expect("a log file");
        let err = out.try_clone().expect("a log file");
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        Running(child)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -s {name} {}", self.id());
    }

    /// Its end, if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("a child of ours")
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        await_within(limit, "the end of a program", || self.ended())
    }

    /// SIGKILL, and waits.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a program that has ended wrote, and how it ended.
pub struct Said {
    /// Exit status 0.
    pub good: bool,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Said {
        Said {
            good: output.status.success(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Said {
    /// Standard output, of a program that must have succeeded.
    #[track_caller]
    pub fn expect_good(self) -> String {
        assert!(self.good, "failed:\n{}{}", self.out, self.err);
        self.out
    }

    /// Both outputs, of a program that must have failed.
    #[track_caller]
    pub fn expect_bad(self) -> String {
        assert!(!self.good, "it should have failed, and said:\n{}{}", self.out, self.err);
        self.out + &self.err
    }
}

/// Runs a program to its end with `input` on its standard input.
#[track_caller]
pub fn run(command: &mut Command, input: &[u8]) -> Said {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    // A program that does not read its input closes it.
    let _ = child.stdin.take().expect("piped").write_all(input);
    child.wait_with_output().expect("a child of ours").into()
}
