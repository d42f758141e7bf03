//! UDP listeners. A wildcard listener learns from the kernel at which of our
//! addresses a datagram arrived, and answers from there.

use std::{
    io::{self, IoSlice, IoSliceMut},
    net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6},
    os::fd::AsRawFd,
};

use jackfield_sip::{Flow, FlowId, Transport};
use mio::net::UdpSocket;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg, setsockopt, sockopt,
};

/// The largest UDP payload.
pub const MAX_DATAGRAM: usize = 65_535;

/// What the kernel is asked to queue while the shard is busy.
const RECEIVE_BUFFER: usize = 4 << 20;

#[derive(Debug)]
pub struct Listener {
    pub id: FlowId,
    pub socket: UdpSocket,
    local: SocketAddr,
    control: Vec<u8>,
}

impl Listener {
    pub fn bind(id: FlowId, address: SocketAddr) -> io::Result<Listener> {
        let socket = socket2::Socket::new(
            socket2::Domain::for_address(address),
            socket2::Type::DGRAM,
            Some(socket2::Protocol::UDP),
        )?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        // Best effort: the kernel's limit may be lower.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        if address.is_ipv4() {
            setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
        } else {
            setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
        }
        socket.bind(&address.into())?;
        let socket = UdpSocket::from_std(socket.into());
        let local = socket.local_addr()?;
        Ok(Listener {
            id,
            socket,
            local,
            control: nix::cmsg_space!(nix::libc::in6_pktinfo, nix::libc::in_pktinfo),
        })
    }

    /// As bound: the address may be a wildcard, the port is real.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// One datagram; `WouldBlock` when there is none.
    pub fn receive(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Flow)> {
        let mut slices = [IoSliceMut::new(buffer)];
        let message = recvmsg::<SockaddrStorage>(
            self.socket.as_raw_fd(),
            &mut slices,
            Some(&mut self.control),
            MsgFlags::MSG_DONTWAIT,
        )?;
        let length = message.bytes;
        let remote = message.address.as_ref().and_then(to_std).ok_or(io::ErrorKind::InvalidData)?;
        let mut local = self.local;
        for control in message.cmsgs()? {
            match control {
                ControlMessageOwned::Ipv4PacketInfo(info) => {
                    local.set_ip(IpAddr::V4(u32::from_be(info.ipi_addr.s_addr).into()));
                }
                ControlMessageOwned::Ipv6PacketInfo(info) => {
                    local.set_ip(IpAddr::V6(info.ipi6_addr.s6_addr.into()));
                }
                _ => {}
            }
        }
        Ok((length, Flow { id: self.id, transport: Transport::Udp, local, remote }))
    }

    /// Sends from the flow's local address. A full socket buffer loses the
    /// datagram, as the network might; SIP sends it again.
    pub fn send(&self, flow: &Flow, bytes: &[u8]) -> io::Result<usize> {
        if !self.local.ip().is_unspecified() {
            return self.socket.send_to(bytes, flow.remote);
        }
        send_from(&self.socket, flow.local.ip(), flow.remote, bytes)
    }
}

/// Sends a datagram from that one of our addresses. Both addresses are in the socket's own family: on one of IPv6, IPv4
/// is written as `::ffff:a.b.c.d`.
pub fn send_from(socket: &UdpSocket, source: IpAddr, to: SocketAddr, bytes: &[u8]) -> io::Result<usize> {
    let slices = [IoSlice::new(bytes)];
    let to = SockaddrStorage::from(to);
    let sent = match source {
        IpAddr::V4(source) => {
            let info = nix::libc::in_pktinfo {
                ipi_ifindex: 0,
                ipi_spec_dst: nix::libc::in_addr { s_addr: u32::from(source).to_be() },
                ipi_addr: nix::libc::in_addr { s_addr: 0 },
            };
            let control = [ControlMessage::Ipv4PacketInfo(&info)];
            sendmsg(socket.as_raw_fd(), &slices, &control, MsgFlags::MSG_DONTWAIT, Some(&to))
        }
        IpAddr::V6(source) => {
            let info = nix::libc::in6_pktinfo {
                ipi6_addr: nix::libc::in6_addr { s6_addr: source.octets() },
                ipi6_ifindex: 0,
            };
            let control = [ControlMessage::Ipv6PacketInfo(&info)];
            sendmsg(socket.as_raw_fd(), &slices, &control, MsgFlags::MSG_DONTWAIT, Some(&to))
        }
    };
    Ok(sent?)
}

/// The address from which the kernel would send to `remote`.
pub fn source_address(remote: SocketAddr) -> io::Result<IpAddr> {
    let domain = socket2::Domain::for_address(remote);
    let probe = socket2::Socket::new(domain, socket2::Type::DGRAM, Some(socket2::Protocol::UDP))?;
    probe.connect(&remote.into())?;
    let local = probe.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
    Ok(local.ip())
}

fn to_std(address: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = address.as_sockaddr_in() {
        return Some(SocketAddr::V4(SocketAddrV4::new(v4.ip(), v4.port())));
    }
    let v6 = address.as_sockaddr_in6()?;
    Some(SocketAddr::V6(SocketAddrV6::new(v6.ip(), v6.port(), v6.flowinfo(), v6.scope_id())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_listener_names_the_address_a_datagram_came_to_and_answers_from_there() {
        let mut listener = Listener::bind(FlowId(1), "0.0.0.0:0".parse().unwrap()).unwrap();
        let port = listener.local().port();
        #[expect(clippy::disallowed_methods, reason = "the phone of this test")]
        let phone = std::net::UdpSocket::bind("127.0.0.3:0").unwrap();
        phone.send_to(b"hello", ("127.0.0.2", port)).unwrap();

        let mut buffer = [0; 100];
        let (length, flow) = loop {
            match listener.receive(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
                other => break other.unwrap(),
            }
        };
        assert_eq!(&buffer[..length], b"hello");
        assert_eq!(flow.local, SocketAddr::new("127.0.0.2".parse().unwrap(), port));
        assert_eq!(flow.remote, phone.local_addr().unwrap());

        listener.send(&flow, b"answer").unwrap();
        let (length, from) = phone.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..length], from), (&b"answer"[..], flow.local));
    }
}
