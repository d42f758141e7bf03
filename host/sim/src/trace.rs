//! What happened, in the order of time: to be read when a test fails, and to be compared.

use std::{
    collections::BTreeMap,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use crate::{caller::SIP_PORT, link::Datagram};

/// Every SIP message, notice and log line as text, and all of that with all of the RTP as one number.
///
/// Two runs of the same site and script with the same seed have equal traces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    lines: Vec<String>,
    fingerprint: u64,
}

impl Trace {
    /// One line for each event.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Of everything, the bytes of each RTP packet and its moment included.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Tracer {
    trace: Trace,
    hasher: DefaultHasher,
    names: BTreeMap<IpAddr, String>,
}

impl Tracer {
    pub(crate) fn name(&mut self, address: IpAddr, name: &str) {
        self.names.insert(address, name.to_owned());
    }

    pub(crate) fn line(&mut self, now: Duration, text: fmt::Arguments<'_>) {
        let line = format!("{:11.3} {text}", now.as_secs_f64());
        line.hash(&mut self.hasher);
        self.trace.lines.push(line);
    }

    /// A datagram goes onto the link, where so many of it will arrive.
    pub(crate) fn sent(&mut self, now: Duration, datagram: &Datagram, arriving: usize) {
        (now, datagram.from, datagram.to, &datagram.bytes, arriving).hash(&mut self.hasher);
        if datagram.from.port() != SIP_PORT || datagram.to.port() != SIP_PORT {
            return;
        }
        let (from, to) = (self.named(datagram.from), self.named(datagram.to));
        let first = datagram.bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let first = String::from_utf8_lossy(first);
        let fate = match arriving {
            0 => " (lost)",
            1 => "",
            _ => " (twice)",
        };
        self.line(now, format_args!("{from} > {to}: {first}{fate}"));
    }

    pub(crate) fn trace(&self) -> Trace {
        Trace { fingerprint: self.hasher.finish(), ..self.trace.clone() }
    }

    fn named(&self, address: SocketAddr) -> String {
        self.names.get(&address.ip()).cloned().unwrap_or_else(|| address.to_string())
    }
}
