//! Which addresses a name may lead to. A public name that leads inside is how a plugin, or who owns
//! the name, would reach what the operator never granted.

use std::{
    fmt,
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    vec,
};

use arc_swap::ArcSwap;
use futures_util::FutureExt;
use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use crate::config::Network;

/// Names that no public server answers for: whoever grants one means what is inside (RFC 6761, 6762, 8375, ICANN
/// for `internal`).
const INSIDE: [&str; 4] = [".localhost", ".local", ".home.arpa", ".internal"];

pub type Networks = Vec<Network>;

/// Networks inside that public names may lead to, from `[http] inside`.
#[derive(Default)]
pub struct Reach(ArcSwap<Networks>);

impl Reach {
    pub fn new(networks: Networks) -> Reach {
        Reach(ArcSwap::from_pointee(networks))
    }

    /// From now on these.
    pub fn replace(&self, networks: Networks) {
        self.0.store(Arc::new(networks));
    }

    fn allows(&self, name: &str, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || is_inside(name) || self.0.load().iter().any(|network| network.contains(address))
    }
}

fn is_inside(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    !name.contains('.') || INSIDE.iter().any(|end| name.ends_with(end))
}

/// Routed in the Internet: of no special purpose by RFC 6890 and what followed.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    let special = v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_documentation()
        // Multicast, and what was never given out.
        || a == 0
        || a >= 224
        // Carriers' own (RFC 6598), and measuring (RFC 2544).
        || (a == 100 && b & 0xc0 == 64)
        || (a == 198 && b & 0xfe == 18)
        || (a, b, c) == (192, 0, 0);
    !special
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    let [a, b, c, d, _, _, g, h] = v6.segments();
    let v4 = |high: u16, low: u16| is_public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match (a, b) {
        // NAT64 (RFC 6052) and 6to4 (RFC 3056) carry another address.
        (0x64, 0xff9b) if (c, d) == (0, 0) => v4(g, h),
        (0x2002, high) => v4(high, c),
        (0x2001, 0xdb8) => false,
        // Teredo, and the rest of 2001::/23.
        (0x2001, b) if b < 0x200 => false,
        // All that is given out.
        _ => a & 0xe000 == 0x2000,
    }
}

/// Every address of the name is one that it may not lead to.
#[derive(Debug)]
pub struct Blocked {
    name: String,
    address: IpAddr,
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Blocked { name, address } = self;
        write!(
            f,
            "{name} leads to {address}, which is inside: grant the address itself, or name its network in \
             `inside` of [http] in jackfield.toml"
        )
    }
}

impl std::error::Error for Blocked {}

/// Looks names up, and leaves out where they may not lead.
#[derive(Clone)]
pub struct Names(pub Arc<Reach>);

type Found = Result<vec::IntoIter<SocketAddr>, Box<dyn std::error::Error + Send + Sync>>;

impl Service<Name> for Names {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Found> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let reach = self.0.clone();
        async move {
            let name = name.as_str();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name, 0)).await?.collect();
            let Some(first) = found.first() else {
                return Err(io::Error::new(io::ErrorKind::NotFound, "it has no address").into());
            };
            let blocked = Blocked { name: name.to_owned(), address: first.ip() };
            let allowed: Vec<_> =
                found.into_iter().filter(|address| reach.allows(name, address.ip())).collect();
            if allowed.is_empty() { Err(blocked.into()) } else { Ok(allowed.into_iter()) }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_name_leads_outside_only() {
        let reach = Reach::new(vec!["10.1.0.0/16".parse().unwrap()]);
        let allows = |name: &str, address: &str| reach.allows(name, address.parse().unwrap());
        for address in ["9.9.9.9", "100.128.0.1", "198.20.0.1", "2620:fe::fe", "64:ff9b::909:909", "10.1.2.3"]
        {
            assert!(allows("api.example.com", address), "{address}");
        }
        for address in [
            "127.0.0.1",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "192.0.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::9.9.9.9",
            "2002:a00:1::",
            "2001:db8::1",
            "2001::1",
        ] {
            assert!(!allows("api.example.com", address), "{address}");
        }
    }

    #[test]
    fn a_name_of_the_house_leads_inside() {
        let reach = Reach::default();
        let allows = |name: &str| reach.allows(name, IpAddr::V4(Ipv4Addr::LOCALHOST));
        for name in ["localhost", "LOCALHOST.", "piper", "voice.local", "voice.home.arpa", "a.b.internal"] {
            assert!(allows(name), "{name}");
        }
        for name in ["localhost.example.com", "internal.example.com", "notlocal.example"] {
            assert!(!allows(name), "{name}");
        }
    }
}
