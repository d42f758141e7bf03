//! What a guest writes to stdout and stderr, line by line.

use jackfield_switch::Level;

use crate::instance::State;

/// A line that is longer is parted.
const MAX_LINE: usize = 4 << 10;

/// What Rust says behind each panic; nobody can follow it here.
const ADVICE: &str = "note: run with `RUST_BACKTRACE";

/// The two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    Stdout,
    Stderr,
}

/// What one instance has printed.
#[derive(Default)]
pub(crate) struct Printed {
    stdout: Line,
    stderr: Line,
    /// The last line of stderr: where a runtime says why it gives up.
    last: Option<String>,
}

impl State {
    /// Whole lines go to the log: those of stderr as warnings.
    pub(super) fn print(&mut self, output: Output, bytes: &[u8]) {
        let lines = match output {
            Output::Stdout => self.printed.stdout.add(bytes),
            Output::Stderr => self.printed.stderr.add(bytes),
        };
        for line in lines {
            self.log_printed(output, line);
        }
    }

    /// The last words of an instance, which may lack the end of their line, and the last of stderr.
    pub(crate) fn end_printed(&mut self) -> Option<String> {
        if let Some(line) = self.printed.stdout.end() {
            self.log_printed(Output::Stdout, line);
        }
        if let Some(line) = self.printed.stderr.end() {
            self.log_printed(Output::Stderr, line);
        }
        self.printed.last.take()
    }

    fn log_printed(&mut self, output: Output, line: String) {
        if line.starts_with(ADVICE) {
            return;
        }
        let level = match output {
            Output::Stdout => Level::Info,
            Output::Stderr => Level::Warn,
        };
        self.write_log(level, &line, &[]);
        if output == Output::Stderr {
            self.printed.last = Some(line);
        }
    }
}

/// The beginning of a line.
#[derive(Default)]
struct Line(Vec<u8>);

impl Line {
    /// The lines that are whole now.
    fn add(&mut self, mut bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        while !bytes.is_empty() {
            let room = &bytes[..bytes.len().min(MAX_LINE - self.0.len())];
            match room.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    self.0.extend_from_slice(&room[..end]);
                    bytes = &bytes[end + 1..];
                    lines.extend(self.end());
                }
                None => {
                    self.0.extend_from_slice(room);
                    bytes = &bytes[room.len()..];
                    if self.0.len() == MAX_LINE {
                        lines.extend(self.end());
                    }
                }
            }
        }
        lines
    }

    /// What has no end of line; none where that is nothing.
    fn end(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.0);
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        if line.is_empty() { None } else { Some(line.to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_they_end_however_they_come() {
        let mut line = Line::default();
        assert_eq!(line.add(b"Bon"), [""; 0]);
        assert_eq!(line.add("jour\r\n\nà ".as_bytes()), ["Bonjour"]);
        assert_eq!(line.add(b"tous"), [""; 0]);
        assert_eq!(line.end().as_deref(), Some("à tous"));
        assert_eq!(line.end(), None);
    }

    #[test]
    fn a_line_without_an_end_is_parted() {
        let lines = Line::default().add(&vec![b'a'; 2 * MAX_LINE + 1]);
        assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [MAX_LINE, MAX_LINE]);
    }
}
