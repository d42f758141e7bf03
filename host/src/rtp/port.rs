//! The sockets of one RTP port.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use jackfield_media::{Params, PortId};
use mio::{Registry, Token};
use tracing::{error, warn};

use super::socket::Socket;

/// Marks the token of a port's RTCP socket.
const CONTROL: usize = 1 << 32;
/// Packets that a socket keeps while nobody reads it; the kernel's buffer holds fewer.
pub(super) const MAX_LATE: usize = 4096;

/// The addresses of [`Params`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Announced {
    remote: Option<SocketAddr>,
    peer: Option<IpAddr>,
    local: Option<IpAddr>,
}

/// A bound pair of sockets, for RTP and RTCP. They are polled while a leg uses them.
pub(super) struct Port {
    pub(super) id: PortId,
    pub(super) number: u16,
    pub(super) socket: Socket,
    /// For RTCP, on the next number. Few packets come here, so it is never connected: the session judges their source.
    pub(super) control: Socket,
    /// What the leg was told of its peer's addresses, and of ours.
    announced: Option<Announced>,
    pub(super) used: bool,
}

impl Port {
    /// Binds the sockets for RTP and, one number higher, RTCP (RFC 3550 11).
    pub(super) fn bind(address: IpAddr, id: PortId, number: u16) -> io::Result<Port> {
        let bind = |number| Socket::bind(SocketAddr::new(address, number));
        let (socket, control) = (bind(number)?, bind(number + 1)?);
        Ok(Port { id, number, socket, control, announced: None, used: false })
    }

    /// The port of a token of its sockets, and whether it is that for RTCP.
    pub(super) fn of_token(token: Token) -> (PortId, bool) {
        (PortId(token.0 as u32), token.0 & CONTROL != 0)
    }

    /// Those of its sockets.
    fn tokens(&self) -> [Token; 2] {
        let token = self.id.0 as usize;
        [Token(token), Token(token | CONTROL)]
    }

    pub(super) fn poll_by(&mut self, registry: &Registry) {
        let [token, control] = self.tokens();
        let polled =
            self.socket.register(registry, token).and_then(|()| self.control.register(registry, control));
        if let Err(error) = polled {
            error!(%error, port = self.number, "a media socket could not be polled");
        }
    }

    pub(super) fn leave(&mut self, registry: &Registry) {
        for socket in [&mut self.socket, &mut self.control] {
            if let Err(error) = socket.deregister(registry) {
                warn!(%error, port = self.number, "a media socket is still polled");
            }
        }
    }

    /// The peer may move, and the latch opens: takes packets from any source again, until one is latched. The port is
    /// polled.
    pub(super) fn announce(&mut self, params: &Params, registry: &Registry) {
        let Params { remote, peer, local, .. } = *params;
        let announced = Announced { remote, peer, local };
        if self.announced == Some(announced) {
            return;
        }
        self.announced = Some(announced);
        self.open(local);
        let hosts = [remote.map(|remote| remote.ip()), peer, local];
        if hosts.into_iter().flatten().any(|host| host.to_canonical().is_ipv6()) {
            self.open_v6(registry);
        }
    }

    fn open_v6(&mut self, registry: &Registry) {
        let [token, control] = self.tokens();
        let opened = self.socket.open_v6(registry, token);
        if let Err(error) = opened.and_then(|()| self.control.open_v6(registry, control)) {
            error!(%error, port = self.number, "a media socket could not be opened for IPv6");
        }
    }

    /// What came for a former call, or for none, is not for the next one.
    pub(super) fn forget_received(&self) {
        self.socket.forget_received(MAX_LATE);
        self.control.forget_received(MAX_LATE);
    }

    /// No leg uses it any more, and nobody polls it.
    pub(super) fn release(&mut self) {
        self.used = false;
        self.announced = None;
        self.open(None);
        self.socket.close_v6();
        self.control.close_v6();
    }

    /// Takes packets from any source again, and speaks from `local`.
    fn open(&mut self, local: Option<IpAddr>) {
        if let Err(error) = self.socket.release() {
            warn!(%error, port = self.number, "a media socket could not be released from its peer");
        }
        self.socket.speak_from(local);
        self.control.speak_from(local);
    }
}
