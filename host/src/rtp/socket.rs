//! A media socket: both address families in one, where the host has both.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use mio::{Interest, Registry, Token, net::UdpSocket};
use socket2::{Domain, Protocol, Type};

use crate::net::udp;

/// A port from which nothing comes (RFC 863).
const DISCARD: u16 = 9;

/// A bound socket. Addresses go in and out in their own family: that the kernel writes IPv4 as `::ffff:a.b.c.d`
/// on a socket of both stays here.
#[derive(Debug)]
pub(super) struct Socket {
    inner: UdpSocket,
    is_dual: bool,
    /// Bound to all addresses of the host.
    is_wildcard: bool,
    /// The address of ours that the peer knows, if we know it.
    local: Option<IpAddr>,
    /// Packets from this source only.
    connected: Option<SocketAddr>,
}

impl Socket {
    /// Binds the address; `::` also takes IPv4, and is `0.0.0.0` on a host without IPv6.
    pub(super) fn bind(address: SocketAddr) -> io::Result<Socket> {
        if address.ip() == Ipv6Addr::UNSPECIFIED {
            match Socket::bind_dual(address) {
                Err(error) if has_no_ipv6(&error) => {}
                bound => return bound,
            }
        }
        let address = match address {
            SocketAddr::V6(v6) if v6.ip().is_unspecified() => (Ipv4Addr::UNSPECIFIED, v6.port()).into(),
            address => address,
        };
        Ok(Socket::new(UdpSocket::bind(address)?, false, address.ip().is_unspecified()))
    }

    fn bind_dual(address: SocketAddr) -> io::Result<Socket> {
        let socket = socket2::Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_only_v6(false)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        Ok(Socket::new(UdpSocket::from_std(socket.into()), true, true))
    }

    fn new(inner: UdpSocket, is_dual: bool, is_wildcard: bool) -> Socket {
        Socket { inner, is_dual, is_wildcard, local: None, connected: None }
    }

    /// Speaks from this address of the host from now on, or from whichever the kernel chooses. A connected socket is to
    /// be released first.
    pub(super) fn speak_from(&mut self, local: Option<IpAddr>) {
        self.local = local.filter(|_| self.is_wildcard);
    }

    /// A datagram and where it came from; `WouldBlock` when there is none. Also of a connected socket the source
    /// is asked for: what was in its queue before it was connected is from anybody.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (length, source) = self.inner.recv_from(buffer)?;
        Ok((length, SocketAddr::new(source.ip().to_canonical(), source.port())))
    }

    pub(super) fn send(&self, to: SocketAddr, packet: &[u8]) -> io::Result<usize> {
        if self.connected == Some(to) {
            return self.inner.send(packet);
        }
        match self.source(to) {
            Some(source) => udp::send_from(&self.inner, self.own_host(source), self.own(to), packet),
            None => self.inner.send_to(packet, self.own(to)),
        }
    }

    /// The address from which we have to send there. Nothing leaves the host from its loopback interface, as the
    /// signalling of a proxy beside us does.
    fn source(&self, to: SocketAddr) -> Option<IpAddr> {
        let reaches = |local: &IpAddr| !local.is_loopback() || to.ip().is_loopback();
        self.local.filter(|local| local.is_ipv4() == to.is_ipv4()).filter(reaches)
    }

    /// Takes packets from this source only: the kernel drops the others for us, and need not look up the route. It
    /// chooses an address of ours, too, and lets us hear at no other one; where that is not the one that the peer knows,
    /// the socket stays as it is.
    pub(super) fn connect(&mut self, source: SocketAddr) -> io::Result<()> {
        self.inner.connect(self.own(source))?;
        self.connected = Some(source);
        let Some(wanted) = self.source(source) else { return Ok(()) };
        match self.inner.local_addr()?.ip().to_canonical() == wanted {
            true => Ok(()),
            false => self.release(),
        }
    }

    /// Takes packets from any source again.
    pub(super) fn release(&mut self) -> io::Result<()> {
        let Some(source) = self.connected.take() else { return Ok(()) };
        rustix::net::connect_unspec(&self.inner)?;
        if self.is_dual && source.is_ipv4() {
            // Linux leaves a socket of both families that was connected to IPv4 deaf to IPv6 until it was connected
            // to that, too.
            self.inner.connect((Ipv6Addr::LOCALHOST, DISCARD).into())?;
            rustix::net::connect_unspec(&self.inner)?;
        }
        Ok(())
    }

    /// Throws away what has come, `limit` datagrams at most.
    pub(super) fn forget_received(&self, limit: usize) {
        let mut buffer = [0; 1];
        for _ in 0..limit {
            match self.inner.recv(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Ok(_) | Err(_) => {}
            }
        }
    }

    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.inner, token, Interest::READABLE)
    }

    pub(super) fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        registry.deregister(&mut self.inner)
    }

    /// An address as this socket writes it.
    fn own(&self, address: SocketAddr) -> SocketAddr {
        match address {
            SocketAddr::V4(v4) => SocketAddr::new(self.own_host(v4.ip().to_owned().into()), v4.port()),
            SocketAddr::V6(_) => address,
        }
    }

    /// As [`own`](Self::own), without a port.
    fn own_host(&self, host: IpAddr) -> IpAddr {
        match host {
            IpAddr::V4(v4) if self.is_dual => v4.to_ipv6_mapped().into(),
            host => host,
        }
    }
}

fn has_no_ipv6(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(
        errno,
        Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL | Errno::PROTONOSUPPORT | Errno::NOPROTOOPT)
    )
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the phones of these tests")]
mod tests {
    use std::{
        net::UdpSocket,
        time::{Duration, Instant},
    };

    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    /// The exchange's socket, to a phone.
    fn phone_sees(host: &str, port: u16) -> SocketAddr {
        SocketAddr::new(host.parse().unwrap(), port)
    }

    fn received(socket: &Socket) -> (Vec<u8>, SocketAddr) {
        let mut buffer = [0; 100];
        let end = Instant::now() + LIMIT;
        loop {
            match socket.receive(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    assert!(Instant::now() < end, "nothing is received");
                    std::thread::yield_now();
                }
                other => return other.map(|(length, source)| (buffer[..length].to_vec(), source)).unwrap(),
            }
        }
    }

    /// As the ports of `[media]` are, it is one that was asked for: the kernel takes back what it chose itself.
    fn both_families() -> (Socket, u16) {
        let port = UdpSocket::bind("[::]:0").unwrap().local_addr().unwrap().port();
        (Socket::bind(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port)).unwrap(), port)
    }

    #[test]
    fn one_socket_speaks_both_families_and_names_each_as_it_is() {
        let (mut socket, port) = both_families();
        // Either one after the other.
        for host in ["127.0.0.1", "::1", "127.0.0.1", "127.0.0.1", "::1", "::1"] {
            let phone = UdpSocket::bind((host, 0)).unwrap();
            phone.set_read_timeout(Some(LIMIT)).unwrap();
            let address = phone.local_addr().unwrap();
            phone.send_to(b"one", (host, port)).unwrap();
            assert_eq!(received(&socket), (b"one".to_vec(), address));
            for connected in [false, true] {
                if connected {
                    socket.connect(address).unwrap();
                }
                socket.send(address, b"two").unwrap();
                let mut buffer = [0; 100];
                let (length, from) = phone.recv_from(&mut buffer).unwrap();
                assert_eq!((&buffer[..length], from), (&b"two"[..], phone_sees(host, port)));
            }
            socket.release().unwrap();
        }
    }

    #[test]
    fn the_address_that_the_peer_knows_is_spoken_from_and_listened_to() {
        let phone = UdpSocket::bind("127.0.0.1:0").unwrap();
        phone.set_read_timeout(Some(LIMIT)).unwrap();
        let address = phone.local_addr().unwrap();
        // The kernel's own choice is 127.0.0.1.
        for known in ["127.0.0.2", "127.0.0.1"] {
            let (mut dual, port) = both_families();
            let single_port = UdpSocket::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
            let mut single = Socket::bind((Ipv4Addr::UNSPECIFIED, single_port).into()).unwrap();
            for (socket, port) in [(&mut dual, port), (&mut single, single_port)] {
                socket.speak_from(known.parse().ok());
                for connected in [false, true] {
                    if connected {
                        socket.connect(address).unwrap();
                    }
                    socket.send(address, b"two").unwrap();
                    let mut buffer = [0; 100];
                    let (_, from) = phone.recv_from(&mut buffer).unwrap();
                    assert_eq!(from, phone_sees(known, port));
                    phone.send_to(b"one", from).unwrap();
                    assert_eq!(received(socket), (b"one".to_vec(), address));
                }
                assert_eq!(socket.connected.is_some(), known == "127.0.0.1", "the kernel chooses the same");
            }
        }
    }

    #[test]
    fn who_does_not_reach_the_peer_from_the_known_address_leaves_it_to_the_kernel() {
        let (mut socket, port) = both_families();
        socket.speak_from("127.0.0.2".parse().ok());
        let phone = UdpSocket::bind("[::1]:0").unwrap();
        phone.set_read_timeout(Some(LIMIT)).unwrap();
        socket.send(phone.local_addr().unwrap(), b"two").unwrap();
        let (_, from) = phone.recv_from(&mut [0; 100]).unwrap();
        assert_eq!(from, phone_sees("::1", port));
        assert_eq!(socket.source("192.0.2.9:4000".parse().unwrap()), None);
    }

    #[test]
    fn what_waited_when_the_socket_was_connected_is_not_taken_for_its_peers() {
        let mut socket = Socket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let local = socket.inner.local_addr().unwrap();
        let [peer, stranger] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        stranger.send_to(b"early", local).unwrap();
        socket.connect(peer.local_addr().unwrap()).unwrap();
        assert_eq!(received(&socket), (b"early".to_vec(), stranger.local_addr().unwrap()));
    }
}
