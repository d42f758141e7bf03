//! One media worker: `recv`, the session, `send`.

use std::{
    collections::{HashMap, VecDeque},
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        mpsc::{Receiver, TryRecvError},
    },
    time::Duration,
};

use jackfield_media::{Channel, Command, Event, Lease, LegId, Params, PortId, Session, Settings, WorkerId};
use jackfield_switch::Input;
use mio::{Events, Poll, Token, Waker};
use tracing::{debug, error, warn};

use super::{Options, socket::Socket};
use crate::shard::{Clock, Inbox};

const WAKE: Token = Token(usize::MAX);
/// Marks the token of a port's RTCP socket.
const CONTROL: usize = 1 << 32;
/// RTP fits an Ethernet frame; what is larger is no RTP of ours.
const PACKET: usize = 2048;
/// Sockets that lie ready for the next calls. They are used in turn, so this is also how many calls later what a
/// former caller still sends can reach somebody else.
const READY: usize = 256;
/// Packets that a socket keeps while nobody reads it; the kernel's buffer holds fewer.
const MAX_LATE: usize = 4096;
/// Packets of one socket before the others have their turn.
const BATCH: usize = 32;

pub(super) struct Start<P> {
    pub(super) id: WorkerId,
    pub(super) options: Options,
    pub(super) ports: P,
    pub(super) clock: Clock,
    pub(super) inbox: Inbox,
    pub(super) commands: Receiver<Command>,
    pub(super) seed: u64,
}

/// The addresses of [`Params`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Announced {
    remote: Option<SocketAddr>,
    peer: Option<IpAddr>,
    local: Option<IpAddr>,
}

/// A bound pair of sockets. They are polled from the moment that a leg uses them.
struct Port {
    socket: Socket,
    /// For RTCP, on the next number. Few packets come here, so it is never connected: the session judges their source.
    control: Socket,
    number: u16,
    /// What the leg was told of its peer's addresses, and of ours.
    announced: Option<Announced>,
    used: bool,
}

impl Port {
    /// Takes packets from any source again, and speaks from `local`.
    fn release(&mut self, local: Option<IpAddr>) {
        if let Err(error) = self.socket.release() {
            warn!(%error, port = self.number, "a media socket could not be released from its peer");
        }
        self.socket.speak_from(local);
        self.control.speak_from(local);
    }

    /// What came for a former call, or for none, is not for the next one.
    fn forget_received(&self) {
        self.socket.forget_received(MAX_LATE);
        self.control.forget_received(MAX_LATE);
    }
}

pub(super) struct Worker {
    id: WorkerId,
    options: Options,
    clock: Clock,
    inbox: Inbox,
    commands: Receiver<Command>,
    poll: Poll,
    waker: Arc<Waker>,
    session: Session,
    ports: Vec<Port>,
    /// Port numbers that are bound to no socket.
    unbound: VecDeque<u16>,
    /// Sockets that are leased and not used.
    ready: usize,
    legs: HashMap<LegId, PortId>,
    /// What the shard had no room for.
    outbox: VecDeque<Input>,
    /// Sockets that had more than a batch.
    unfinished: Vec<PortId>,
}

impl Worker {
    pub(super) fn new(start: Start<impl Iterator<Item = u16>>) -> io::Result<Worker> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let settings = Settings {
            seed: start.seed,
            media_timeout: start.options.media_timeout,
            max_legs: start.options.max_legs,
        };
        let mut worker = Worker {
            id: start.id,
            clock: start.clock,
            inbox: start.inbox,
            commands: start.commands,
            poll,
            waker,
            session: Session::new(settings),
            ports: Vec::new(),
            unbound: start.ports.collect(),
            ready: 0,
            legs: HashMap::new(),
            outbox: VecDeque::new(),
            unfinished: Vec::new(),
            options: start.options,
        };
        worker.lease();
        if worker.ready == 0 {
            return Err(io::Error::new(
                io::ErrorKind::AddrInUse,
                "no media port could be bound: are the ports of [media] taken?",
            ));
        }
        Ok(worker)
    }

    pub(super) fn waker(&self) -> Arc<Waker> {
        self.waker.clone()
    }

    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(1024);
        let mut buffer = [0; PACKET];
        loop {
            let wait = if !self.unfinished.is_empty() {
                Some(Duration::ZERO)
            } else if !self.outbox.is_empty() {
                Some(Duration::from_millis(1))
            } else {
                self.session.next_timeout().map(|at| at.saturating_sub(self.clock.now()))
            };
            if let Err(error) = self.poll.poll(&mut events, wait)
                && error.kind() != io::ErrorKind::Interrupted
            {
                error!(%error, "poll failed");
            }
            let again = std::mem::take(&mut self.unfinished);
            again.into_iter().for_each(|port| self.read(port, &mut buffer));
            for token in events.iter().map(|event| event.token().0).filter(|token| *token != WAKE.0) {
                let port = PortId(token as u32);
                match token & CONTROL {
                    0 => self.read(port, &mut buffer),
                    _ => self.read_control(port, &mut buffer),
                }
            }
            if !self.take_commands() {
                return;
            }
            let now = self.clock.now();
            if self.session.next_timeout().is_some_and(|at| at <= now) {
                self.session.handle_timeout(now);
            }
            self.drain(&mut buffer);
            self.lease();
            self.flush();
        }
    }

    fn read(&mut self, id: PortId, buffer: &mut [u8; PACKET]) {
        for _ in 0..BATCH {
            let Some(port) = self.ports.get(id.0 as usize) else { return };
            match port.socket.receive(buffer) {
                Ok((length, source)) => {
                    let now = self.clock.now();
                    let forward = self.session.handle_packet(now, id, source, buffer, length);
                    if let Some(forward) = forward {
                        self.send(forward.port, forward.to, &buffer[..forward.length]);
                    }
                    self.drain(buffer);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // A peer's port was closed: an ICMP message to what we sent earlier.
                Err(error) => debug!(%error, "receiving media"),
            }
        }
        self.unfinished.push(id);
    }

    fn read_control(&mut self, id: PortId, buffer: &mut [u8; PACKET]) {
        // All that waits: the next event comes with the next packet. The limit is that of the kernel's buffer.
        for _ in 0..MAX_LATE {
            let Some(port) = self.ports.get(id.0 as usize) else { return };
            match port.control.receive(buffer) {
                Ok((length, source)) => {
                    let now = self.clock.now();
                    self.session.handle_report(now, id, source, &mut buffer[..length]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => debug!(%error, "receiving RTCP"),
            }
        }
    }

    fn send_control(&self, port: PortId, to: SocketAddr, packet: &[u8]) {
        let Some(port) = self.ports.get(port.0 as usize) else { return };
        if let Err(error) = port.control.send(to, packet) {
            debug!(%to, %error, "sending RTCP");
        }
    }

    fn send(&self, port: PortId, to: SocketAddr, packet: &[u8]) {
        let Some(port) = self.ports.get(port.0 as usize) else { return };
        if let Err(error) = port.socket.send(to, packet) {
            debug!(%to, %error, "sending media");
        }
    }

    /// False when the daemon has let go of this worker.
    fn take_commands(&mut self) -> bool {
        loop {
            match self.commands.try_recv() {
                Ok(command) => self.command(command),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn command(&mut self, command: Command) {
        match &command {
            Command::Open { leg, port, params } => {
                self.open(*leg, *port);
                params.iter().for_each(|params| self.announced(*leg, params));
            }
            Command::Update { leg, params } => self.announced(*leg, params),
            _ => {}
        }
        self.session.handle_command(self.clock.now(), command);
    }

    fn open(&mut self, leg: LegId, id: PortId) {
        let Some(port) = self.ports.get_mut(id.0 as usize) else { return };
        if !port.used {
            port.used = true;
            self.ready = self.ready.saturating_sub(1);
            port.forget_received();
            let registry = self.poll.registry();
            let token = id.0 as usize;
            let polled = port
                .socket
                .register(registry, Token(token))
                .and_then(|()| port.control.register(registry, Token(token | CONTROL)));
            if let Err(error) = polled {
                error!(%error, port = port.number, "a media socket could not be polled");
            }
        }
        self.legs.insert(leg, id);
    }

    /// The peer may move, and the latch opens: take packets from any source again, until one is latched.
    fn announced(&mut self, leg: LegId, params: &Params) {
        let Some(id) = self.legs.get(&leg) else { return };
        let Some(port) = self.ports.get_mut(id.0 as usize) else { return };
        let Params { remote, peer, local, .. } = *params;
        let announced = Announced { remote, peer, local };
        if port.announced != Some(announced) {
            port.announced = Some(announced);
            port.release(local);
        }
    }

    fn latch(&mut self, leg: LegId, source: SocketAddr) {
        let Some(id) = self.legs.get(&leg) else { return };
        let Some(port) = self.ports.get_mut(id.0 as usize) else { return };
        if let Err(error) = port.socket.connect(source) {
            debug!(%source, %error, "connecting a media socket");
        }
    }

    fn drain(&mut self, buffer: &mut [u8; PACKET]) {
        while let Some(transmit) = self.session.poll_transmit(buffer) {
            let packet = &buffer[..transmit.length];
            match transmit.channel {
                Channel::Rtp => self.send(transmit.port, transmit.to, packet),
                Channel::Rtcp => self.send_control(transmit.port, transmit.to, packet),
            }
        }
        while let Some(piece) = self.session.poll_piece() {
            self.options.tapes.iter().for_each(|tapes| tapes.write(piece.clone()));
        }
        while let Some(event) = self.session.poll_event() {
            match &event {
                Event::Latched { leg, source, for_good: true } => self.latch(*leg, *source),
                Event::Closed { leg, port, .. } => self.close(*leg, *port),
                _ => {}
            }
            self.outbox.push_back(Input::Media { worker: self.id, event });
        }
    }

    /// The switch may lease the socket out again from now on.
    fn close(&mut self, leg: LegId, id: PortId) {
        self.legs.remove(&leg);
        let Some(port) = self.ports.get_mut(id.0 as usize).filter(|port| port.used) else { return };
        port.used = false;
        port.announced = None;
        port.release(None);
        for socket in [&mut port.socket, &mut port.control] {
            if let Err(error) = socket.deregister(self.poll.registry()) {
                warn!(%error, port = port.number, "a media socket is still polled");
            }
        }
        self.ready += 1;
    }

    /// Binds sockets until enough lie ready, and lends them to the switch.
    fn lease(&mut self) {
        let mut leases = Vec::new();
        let mut tries = self.unbound.len().min(2 * READY);
        while self.ready < READY && tries > 0 {
            tries -= 1;
            let Some(number) = self.unbound.pop_front() else { break };
            match bind_pair(self.options.address, number) {
                Ok(pair) => leases.push(self.keep(pair, number)),
                // Somebody else has it now; it may be free later.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => self.unbound.push_back(number),
                Err(error) => {
                    warn!(%error, port = number, "a media port could not be bound");
                    self.unbound.push_back(number);
                    break;
                }
            }
        }
        if !leases.is_empty() {
            self.outbox.push_back(Input::Leases(leases));
            self.flush();
        }
    }

    fn keep(&mut self, (socket, control): (Socket, Socket), number: u16) -> Lease {
        self.ports.push(Port { socket, control, number, announced: None, used: false });
        self.ready += 1;
        Lease { worker: self.id, port: PortId(self.ports.len() as u32 - 1), number }
    }

    fn flush(&mut self) {
        while let Some(input) = self.outbox.pop_front() {
            if let Err(full) = self.inbox.try_post(input) {
                self.outbox.push_front(full.0);
                return;
            }
        }
    }
}

/// Sockets for RTP and, one number higher, RTCP (RFC 3550 11).
fn bind_pair(address: IpAddr, number: u16) -> io::Result<(Socket, Socket)> {
    let bind = |number| Socket::bind(SocketAddr::new(address, number));
    Ok((bind(number)?, bind(number + 1)?))
}
