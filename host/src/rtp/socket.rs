//! A media socket: a port in the families that its leg speaks.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use mio::{Interest, Registry, Token, net::UdpSocket};
use rustix::io::Errno;
use socket2::{Domain, Protocol, Type};

use crate::net::udp;

/// A bound port. Each family has a socket of its own: on one of both, the kernel looks up the route of every packet
/// of IPv4, a tenth of the price of a relayed one. Bound to `::`, it is open for IPv4, and for IPv6 while a leg wants
/// it.
#[derive(Debug)]
pub(super) struct Socket {
    v4: Option<UdpSocket>,
    v6: Option<UdpSocket>,
    port: u16,
    /// Bound to all addresses of the host.
    is_wildcard: bool,
    /// The address of ours that the peer knows, if we know it.
    local: Option<IpAddr>,
    /// Packets from this source only.
    connected: Option<SocketAddr>,
}

impl Socket {
    /// Binds the address; `::` is both families.
    pub(super) fn bind(address: SocketAddr) -> io::Result<Socket> {
        let (v4, v6) = match address {
            SocketAddr::V4(_) => (Some(UdpSocket::bind(address)?), None),
            SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
                // Nobody else may have it when it is wanted.
                match bind_v6(address) {
                    Err(error) if has_no_ipv6(&error) => {}
                    bound => drop(bound?),
                }
                (Some(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, v6.port()).into())?), None)
            }
            SocketAddr::V6(_) => (None, Some(bind_v6(address)?)),
        };
        let is_wildcard = address.ip().is_unspecified();
        Ok(Socket { v4, v6, port: address.port(), is_wildcard, local: None, connected: None })
    }

    /// Speaks from this address of the host from now on, or from whichever the kernel chooses. A connected socket is to
    /// be released first.
    pub(super) fn speak_from(&mut self, local: Option<IpAddr>) {
        self.local = local.filter(|_| self.is_wildcard);
    }

    /// Opens a port that is polled for IPv6, too.
    pub(super) fn open_v6(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        if self.v6.is_none() && self.is_wildcard {
            let mut socket = bind_v6(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), self.port))?;
            registry.register(&mut socket, token, Interest::READABLE)?;
            self.v6 = Some(socket);
        }
        Ok(())
    }

    /// Closes what [`open_v6`](Self::open_v6) opened.
    pub(super) fn close_v6(&mut self) {
        if self.v4.is_some() {
            self.v6 = None;
        }
    }

    /// A datagram and where it came from; `WouldBlock` when there is none. Also of a connected socket the source
    /// is asked for: what was in its queue before it was connected is from anybody.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        // Where IPv6 is open, it is what comes.
        let mut none = Err(io::ErrorKind::WouldBlock.into());
        for socket in [&self.v6, &self.v4].into_iter().flatten() {
            match socket.recv_from(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => none = Err(error),
                received => return received,
            }
        }
        none
    }

    pub(super) fn send(&self, to: SocketAddr, packet: &[u8]) -> io::Result<usize> {
        let socket = self.of_family(to)?;
        if self.connected == Some(to) {
            return socket.send(packet);
        }
        match self.source(to) {
            Some(source) => udp::send_from(socket, source, to, packet),
            None => socket.send_to(packet, to),
        }
    }

    /// The address from which we have to send there. Nothing leaves the host from its loopback interface, as the
    /// signalling of a proxy beside us does.
    fn source(&self, to: SocketAddr) -> Option<IpAddr> {
        let reaches = |local: &IpAddr| !local.is_loopback() || to.ip().is_loopback();
        self.local.filter(|local| local.is_ipv4() == to.is_ipv4()).filter(reaches)
    }

    /// Takes packets of that family from this source only: the kernel drops the others for us, and need not look up the
    /// route. It chooses an address of ours, too, and lets us hear at no other one; where that is not the one that the
    /// peer knows, the socket stays as it is.
    pub(super) fn connect(&mut self, source: SocketAddr) -> io::Result<()> {
        let socket = self.of_family(source)?;
        socket.connect(source)?;
        let chosen = socket.local_addr()?.ip();
        self.connected = Some(source);
        match self.source(source).is_none_or(|wanted| wanted == chosen) {
            true => Ok(()),
            false => self.release(),
        }
    }

    /// Takes packets from any source again.
    pub(super) fn release(&mut self) -> io::Result<()> {
        let Some(source) = self.connected.take() else { return Ok(()) };
        rustix::net::connect_unspec(self.of_family(source)?)?;
        Ok(())
    }

    /// Throws away what has come, `limit` datagrams at most.
    pub(super) fn forget_received(&self, limit: usize) {
        let mut buffer = [0; 1];
        for _ in 0..limit {
            match self.receive(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Ok(_) | Err(_) => {}
            }
        }
    }

    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let mut sockets = [&mut self.v4, &mut self.v6].into_iter().flatten();
        sockets.try_for_each(|socket| registry.register(socket, token, Interest::READABLE))
    }

    pub(super) fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        let mut sockets = [&mut self.v4, &mut self.v6].into_iter().flatten();
        sockets.try_for_each(|socket| registry.deregister(socket))
    }

    fn of_family(&self, address: SocketAddr) -> io::Result<&UdpSocket> {
        let socket = if address.is_ipv4() { &self.v4 } else { &self.v6 };
        socket.as_ref().ok_or_else(|| Errno::AFNOSUPPORT.into())
    }
}

fn bind_v6(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket2::Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_only_v6(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(UdpSocket::from_std(socket.into()))
}

fn has_no_ipv6(error: &io::Error) -> bool {
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
        let mut socket = Socket::bind(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port)).unwrap();
        socket.open_v6(mio::Poll::new().unwrap().registry(), Token(1)).unwrap();
        (socket, port)
    }

    #[test]
    fn a_port_speaks_both_families() {
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
            let (mut socket, port) = both_families();
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
                assert_eq!(received(&socket), (b"one".to_vec(), address));
            }
            assert_eq!(socket.connected.is_some(), known == "127.0.0.1", "the kernel chooses the same");
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
    fn ipv6_is_open_while_a_leg_wants_it_and_a_port_that_somebody_has_there_is_not_bound() {
        let (mut socket, port) = both_families();
        socket.close_v6();
        let phone = "[::1]:9".parse().unwrap();
        assert!(socket.send(phone, b"two").is_err());
        drop(socket);
        let _somebody = UdpSocket::bind(("::", port)).unwrap();
        let taken = Socket::bind(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port)).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn what_waited_when_the_socket_was_connected_is_not_taken_for_its_peers() {
        let mut socket = Socket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let local = socket.v4.as_ref().unwrap().local_addr().unwrap();
        let [peer, stranger] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        stranger.send_to(b"early", local).unwrap();
        socket.connect(peer.local_addr().unwrap()).unwrap();
        assert_eq!(received(&socket), (b"early".to_vec(), stranger.local_addr().unwrap()));
    }
}
