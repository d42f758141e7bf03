//! Values with a unit or a shape: `"10s"`, `"20000-29999"`, `"0.0.0.0:5060"`, `"192.0.2.0/24"`.
//!
//! An error's text is `what is wrong; how to mend it`.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

/// `"50ms"`, `"10s"`, `"30m"`, `"2h"`, `"7d"`; for fields of type `Duration` and `Option<Duration>`.
pub(crate) fn duration<'de, D: Deserializer<'de>, T: From<Duration>>(deserializer: D) -> Result<T, D::Error> {
    deserializer
        .deserialize_any(Text { what: "a time such as \"10s\"", unit: "s", parse: parse_duration })
        .map(T::from)
}

/// A time that RFC 4028 lets a session expire in, or `"0s"`.
pub(crate) fn session_expires<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    const LEAST: Duration = Duration::from_secs(90);
    let time: Duration = duration(deserializer)?;
    match time.is_zero() || time >= LEAST {
        true => Ok(time),
        false => Err(de::Error::custom(
            "a session lasts at least 90 s (RFC 4028); write \"90s\" or more, or \"0s\" for no end",
        )),
    }
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, u64); 5] =
        [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start();
    let names = || UNITS.map(|(name, _)| name).join(", ");
    if number.is_empty() {
        return Err(format!("`{text}` is not a time; write a whole number and a unit, such as \"10s\""));
    }
    if unit.is_empty() {
        return Err(format!("`{text}` has no unit; write \"{text}s\" (units: {})", names()));
    }
    let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(format!("unknown unit `{unit}` in `{text}`; the units are {}", names()));
    };
    let milliseconds = number.parse().ok().and_then(|number: u64| number.checked_mul(*factor));
    milliseconds.map(Duration::from_millis).ok_or_else(|| format!("`{text}` is too long"))
}

/// Reads a string by `parse`; a bare number gets the advice to add the unit, where there are units.
struct Text<T> {
    what: &'static str,
    unit: &'static str,
    parse: fn(&str) -> Result<T, String>,
}

impl<T> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        match self.unit {
            "" => Err(E::invalid_type(de::Unexpected::Signed(number), &self)),
            unit => Err(E::custom(format!(
                "`{number}` has no unit; write it with one, such as \"{number}{unit}\""
            ))),
        }
    }
}

/// A range of UDP ports, both ends included; it begins with an even port, as RTP's do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    /// Even.
    pub first: u16,
    /// Not below `first`.
    pub last: u16,
}

impl PortRange {
    /// The fewest ports of use: two legs, an RTP and an RTCP port each.
    const LEAST: u16 = 4;

    /// Whether the port belongs to the range.
    pub fn contains(&self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }
}

impl FromStr for PortRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ends = text.split_once('-').and_then(|(first, last)| {
            Some((first.trim().parse::<u16>().ok()?, last.trim().parse::<u16>().ok()?))
        });
        let Some((first, last)) = ends else {
            return Err(format!("`{text}` is not a range of ports; write \"20000-29999\""));
        };
        if last < first {
            return Err(format!("the port range `{text}` is empty; write \"{last}-{first}\""));
        }
        if first < 1024 {
            return Err(format!(
                "ports below 1024 belong to the system; write a range such as \"20000-{}\"",
                last.max(29999)
            ));
        }
        if first % 2 == 1 {
            return Err(format!(
                "the port range `{text}` begins with an odd port; RTP ports are even: write \"{}-{last}\"",
                first - 1
            ));
        }
        if last - first < Self::LEAST - 1 {
            return Err(format!(
                "the port range `{text}` is too small for one call; a call takes {} ports",
                Self::LEAST
            ));
        }
        Ok(PortRange { first, last })
    }
}

/// A network: an address and its prefix length; a single host has the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network {
    /// The bits after the prefix are zero.
    pub address: IpAddr,
    /// 0 to 32, or 128 for IPv6.
    pub prefix: u8,
}

impl Network {
    /// Whether it is of this network; of another family, it is not.
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && masked(address, self.prefix) == self.address
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let Ok(address) = address.parse::<IpAddr>() else {
            return Err(format!(
                "`{text}` is not a network; write an address, such as \"192.0.2.10\" or \"192.0.2.0/24\""
            ));
        };
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix.map(str::parse::<u8>) {
            None => longest,
            Some(Ok(prefix)) if prefix <= longest => prefix,
            Some(_) => {
                return Err(format!(
                    "the prefix of `{text}` is not a number from 0 to {longest}; one host is \"{address}/{longest}\""
                ));
            }
        };
        let network = Network { address: masked(address, prefix), prefix };
        if network.address != address {
            return Err(format!(
                "`{text}` has bits set after its prefix; the network is \"{network}\", the host \"{address}/{longest}\""
            ));
        }
        Ok(network)
    }
}

fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            IpAddr::V4((v4.to_bits() & u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)).into())
        }
        IpAddr::V6(v6) => {
            IpAddr::V6((v6.to_bits() & u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0)).into())
        }
    }
}

macro_rules! from_string {
    ($type:ty, $what:literal) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text { what: $what, unit: "", parse: |text| text.parse() })
            }
        }
    };
}

from_string!(PortRange, "a range of ports such as \"20000-29999\"");
from_string!(Network, "a network such as \"192.0.2.0/24\"");

/// A listen address, or a list of them.
pub(crate) fn addresses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SocketAddr>, D::Error> {
    struct Addresses;

    impl<'de> Visitor<'de> for Addresses {
        type Value = Vec<SocketAddr>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an address such as \"0.0.0.0:5060\", or a list of them")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            parse_address(text).map(|address| vec![address]).map_err(E::custom)
        }

        fn visit_i64<E: de::Error>(self, port: i64) -> Result<Self::Value, E> {
            Err(E::custom(format!("`{port}` is not an address; write \"0.0.0.0:{port}\"")))
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut addresses = Vec::new();
            while let Some(Address(address)) = list.next_element()? {
                addresses.push(address);
            }
            Ok(addresses)
        }
    }

    struct Address(SocketAddr);

    impl<'de> Deserialize<'de> for Address {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = Text { what: "an address such as \"0.0.0.0:5060\"", unit: "", parse: parse_address };
            deserializer.deserialize_str(text).map(Address)
        }
    }

    deserializer.deserialize_any(Addresses)
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Err(format!("`{text}` has no port; write \"{}\"", SocketAddr::new(ip, 5060)));
    }
    if let Some(port) = text.strip_prefix(':').and_then(|port| port.parse::<u16>().ok()) {
        return Err(format!(
            "`{text}` has no address; write \"0.0.0.0:{port}\" for every IPv4 address of this machine"
        ));
    }
    Err(format!(
        "`{text}` is not an address of this machine; write an IP address and a port, such as \"0.0.0.0:5060\""
    ))
}

/// An external address, or a list of them.
pub(crate) fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpAddr>, D::Error> {
    struct Several;

    impl<'de> Visitor<'de> for Several {
        type Value = Vec<IpAddr>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an address such as \"203.0.113.5\", or a list of them")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            parse_external(text).map(|address| vec![address]).map_err(E::custom)
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut addresses = Vec::new();
            while let Some(External(address)) = list.next_element()? {
                addresses.push(address);
            }
            Ok(addresses)
        }
    }

    struct External(IpAddr);

    impl<'de> Deserialize<'de> for External {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = Text { what: "an address such as \"203.0.113.5\"", unit: "", parse: parse_external };
            deserializer.deserialize_str(text).map(External)
        }
    }

    deserializer.deserialize_any(Several)
}

/// A name, or a list of them.
pub(crate) fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Names;

    impl<'de> Visitor<'de> for Names {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a name, or a list of them")
        }

        fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
            Ok(vec![name.to_owned()])
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut names = Vec::new();
            while let Some(name) = list.next_element()? {
                names.push(name);
            }
            Ok(names)
        }
    }

    deserializer.deserialize_any(Names)
}

fn parse_external(text: &str) -> Result<IpAddr, String> {
    let address = match (text.parse::<IpAddr>(), text.parse::<SocketAddr>()) {
        (Ok(address), _) => address,
        (_, Ok(address)) => {
            return Err(format!(
                "`{text}` has a port, but the ports outside are those of `udp`, `tcp` and `tls`; write \"{}\"",
                address.ip()
            ));
        }
        _ => {
            return Err(format!(
                "`{text}` is not an address; write the IP address that the world sees, such as \"203.0.113.5\", \
                 or let `stun = \"HOST\"` find it"
            ));
        }
    };
    if address.is_unspecified() || address.is_multicast() || address.is_loopback() {
        return Err(format!("nobody can reach this host at `{text}`; write the address that the world sees"));
    }
    Ok(address)
}
