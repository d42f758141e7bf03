//! libsrtp before the ear and mouth of a plain phone.

use std::{
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    process::{Child, ChildStdin, Stdio},
    sync::Mutex,
};

use crate::python;

/// Suites of SRTP, by their names in SDP, with a key and salt of their length.
pub const SUITES: [(&str, &str); 5] = [
    ("AES_CM_128_HMAC_SHA1_80", "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"),
    ("AES_CM_128_HMAC_SHA1_32", "YUC3QtyVHTBYsvTKCrSMjFgVYJ0OU9RCCQXyxYkm"),
    ("AES_256_CM_HMAC_SHA1_80", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLQ=="),
    ("AEAD_AES_128_GCM", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw=="),
    ("AEAD_AES_256_GCM", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis="),
];

/// A running box; it ends when dropped.
pub(crate) struct Scrambler {
    child: Child,
    orders: Mutex<ChildStdin>,
    pub(crate) suite: &'static str,
    pub(crate) key: &'static str,
    /// Where the world sends SRTP to.
    pub(crate) outer: SocketAddr,
    /// Where the phone sends RTP to.
    pub(crate) inner: SocketAddr,
}

impl Scrambler {
    /// For a phone that listens there.
    pub(crate) fn start(suite: &'static str, phone: SocketAddr) -> Scrambler {
        let known = SUITES.iter().find(|known| known.0 == suite);
        let key = known.unwrap_or_else(|| panic!("{suite} is no suite of SRTP")).1;
        let mut command = python::script("scrambler.py");
        command.args([suite, key, &phone.ip().to_string(), &phone.port().to_string()]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the venv's Python starts");
        let orders = Mutex::new(child.stdin.take().expect("piped"));
        let mut said = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut said).expect("its two ports");
        let mut ports = said.split_whitespace().map(|port| {
            SocketAddr::new(phone.ip(), port.parse().unwrap_or_else(|error| panic!("{said:?}: {error}")))
        });
        let (outer, inner) = (ports.next().expect("two ports"), ports.next().expect("two ports"));
        Scrambler { child, orders, suite, key, outer, inner }
    }

    /// Talks to that address, which sends with that key.
    pub(crate) fn connect(&self, remote: SocketAddr, key: &str) {
        let order = format!("{} {} {key}\n", remote.ip(), remote.port());
        let mut orders = self.orders.lock().unwrap();
        orders.write_all(order.as_bytes()).expect("an order for the scrambler");
    }
}

impl Drop for Scrambler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
