//! SRTP of somebody else: the phones of the benchmark close and open their packets by libsrtp.

use std::{
    fmt::Write as _,
    io::{Read, Write},
    process::{Command, Stdio},
    thread,
};

use jackfield_media::Suite;

use crate::paths;

/// Closes the packets of each phone with its key.
pub(crate) fn close(suite: Suite, keys: &[&[u8]], packets: &[Vec<Vec<u8>>]) -> Vec<Vec<Vec<u8>>> {
    run("close", suite, keys, packets)
}

/// Opens the packets of each phone with its key; one that does not open ends the benchmark.
pub(crate) fn open(suite: Suite, keys: &[&[u8]], packets: &[Vec<Vec<u8>>]) -> Vec<Vec<Vec<u8>>> {
    run("open", suite, keys, packets)
}

fn run(verb: &str, suite: Suite, keys: &[&[u8]], packets: &[Vec<Vec<u8>>]) -> Vec<Vec<Vec<u8>>> {
    let mut input = String::new();
    for (key, packets) in keys.iter().zip(packets) {
        write_line(&mut input, "key", key);
        packets.iter().for_each(|packet| write_line(&mut input, "packet", packet));
    }
    let mut command = Command::new(paths::python());
    command.env("PYTHONDONTWRITEBYTECODE", "1").arg(paths::script("bulk.py")).args([verb, suite.name()]);
    let mut python =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap_or_else(|error| {
            panic!("{}: {error}; run `scripts/setup` first", paths::python().display())
        });
    let mut stdin = python.stdin.take().expect("it is piped");
    let writer = thread::spawn(move || stdin.write_all(input.as_bytes()));
    let mut output = String::new();
    python.stdout.take().expect("it is piped").read_to_string(&mut output).expect("it writes text");
    let status = python.wait().expect("it is our child");
    assert!(
        status.success() && writer.join().is_ok_and(|written| written.is_ok()),
        "libsrtp refuses: {status}"
    );
    let mut lines = output.lines().map(bytes_of);
    packets.iter().map(|packets| lines.by_ref().take(packets.len()).collect()).collect()
}

fn write_line(text: &mut String, word: &str, bytes: &[u8]) {
    text.push_str(word);
    text.push(' ');
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a string takes everything");
    }
    text.push('\n');
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let octet = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal digits");
    (0..hex.len()).step_by(2).map(octet).collect()
}
