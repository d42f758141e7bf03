//! One media worker: `recv`, the session, `send`.

use std::{
    collections::{HashMap, VecDeque},
    io,
    net::SocketAddr,
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

use super::{
    Options,
    handover::{Giver, Handover, Order, Taker},
    port::{MAX_LATE, Port},
};
use crate::shard::{Clock, Inbox};

const WAKE: Token = Token(usize::MAX);
/// RTP fits an Ethernet frame; what is larger is no RTP of ours.
const PACKET: usize = 2048;
/// Sockets that lie ready for the next calls. They are used in turn, so this is also how many calls later what a
/// former caller still sends can reach somebody else.
const READY: usize = 256;
/// Packets of one socket before the others have their turn.
const BATCH: usize = 32;

pub(super) struct Start<P> {
    pub(super) id: WorkerId,
    pub(super) options: Options,
    pub(super) ports: P,
    pub(super) clock: Clock,
    pub(super) inbox: Inbox,
    pub(super) orders: Receiver<Order>,
    pub(super) seed: u64,
}

pub(super) struct Worker {
    id: WorkerId,
    options: Options,
    clock: Clock,
    inbox: Inbox,
    orders: Receiver<Order>,
    /// What cannot be done yet; the orders behind it wait in their queue.
    halted: Option<Order>,
    poll: Poll,
    waker: Arc<Waker>,
    session: Session,
    /// By their ids, but for those that are bound to no socket or are at other workers.
    ports: Vec<Option<Box<Port>>>,
    /// Ports that are bound to no socket.
    unbound: VecDeque<(PortId, u16)>,
    /// Sockets that are leased and not used.
    ready: usize,
    legs: HashMap<LegId, PortId>,
    /// What the shard had no room for.
    outbox: VecDeque<Input>,
    /// Sockets that had more than a batch.
    unfinished: Vec<PortId>,
}

impl Worker {
    pub(super) fn new(start: Start<impl Iterator<Item = (PortId, u16)>>) -> io::Result<Worker> {
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
            orders: start.orders,
            halted: None,
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
            for token in events.iter().map(mio::event::Event::token).filter(|token| *token != WAKE) {
                match Port::of_token(token) {
                    (port, false) => self.read(port, &mut buffer),
                    (port, true) => self.read_control(port, &mut buffer),
                }
            }
            if !self.take_orders(&mut buffer) {
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
            let Some(port) = self.port(id) else { return };
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
            let Some(port) = self.port(id) else { return };
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
        let Some(port) = self.port(port) else { return };
        if let Err(error) = port.control.send(to, packet) {
            debug!(%to, %error, "sending RTCP");
        }
    }

    fn send(&self, port: PortId, to: SocketAddr, packet: &[u8]) {
        let Some(port) = self.port(port) else { return };
        if let Err(error) = port.socket.send(to, packet) {
            debug!(%to, %error, "sending media");
        }
    }

    /// False when the daemon has let go of this worker.
    fn take_orders(&mut self, buffer: &mut [u8; PACKET]) -> bool {
        loop {
            let order = match self.halted.take() {
                Some(order) => Ok(order),
                None => self.orders.try_recv(),
            };
            self.halted = match order {
                Ok(Order::Command(command)) => {
                    self.command(command);
                    None
                }
                Ok(Order::Give(leg, to)) => self.give(leg, to, buffer),
                Ok(Order::Take(from)) => self.take(from),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            };
            if self.halted.is_some() {
                return true;
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
        let Some(port) = self.ports.get_mut(id.0 as usize).and_then(Option::as_mut) else { return };
        if !port.used {
            port.used = true;
            self.ready = self.ready.saturating_sub(1);
            port.forget_received();
            port.poll_by(self.poll.registry());
        }
        self.legs.insert(leg, id);
    }

    fn announced(&mut self, leg: LegId, params: &Params) {
        let Some(id) = self.legs.get(&leg) else { return };
        let port = self.ports.get_mut(id.0 as usize).and_then(Option::as_mut);
        port.into_iter().for_each(|port| port.announce(params, self.poll.registry()));
    }

    fn latch(&mut self, leg: LegId, source: SocketAddr) {
        let Some(port) = self.port_of(leg) else { return };
        if let Err(error) = port.socket.connect(source) {
            debug!(%source, %error, "connecting a media socket");
        }
    }

    /// Hands a leg over, once the switch has been told all that was before.
    fn give(&mut self, leg: LegId, to: Giver, buffer: &mut [u8; PACKET]) -> Option<Order> {
        self.drain(buffer);
        self.flush();
        if !self.outbox.is_empty() {
            return Some(Order::Give(leg, to));
        }
        // A leg that has been closed meanwhile does not come. One that is open has its port here: both come and go
        // together.
        let moved = self.session.take(leg)?;
        self.legs.remove(&leg);
        let mut port = self.ports.get_mut(moved.port().0 as usize)?.take()?;
        port.leave(self.poll.registry());
        if let Err(handover) = to.give(Box::new(Handover { leg, moved, port })) {
            // The other worker has died.
            self.adopt(*handover);
            self.session.handle_command(self.clock.now(), Command::Close { leg });
        }
        None
    }

    /// Takes the leg of another worker, if it has come, or else waits for it.
    fn take(&mut self, from: Taker) -> Option<Order> {
        match from.try_recv() {
            Ok(handover) => self.adopt(*handover),
            Err(TryRecvError::Empty) => return Some(Order::Take(from)),
            Err(TryRecvError::Disconnected) => {}
        }
        None
    }

    fn adopt(&mut self, Handover { leg, moved, mut port }: Handover) {
        debug!(?leg, port = port.number, worker = self.id.0, "a leg has come from another media worker");
        // What has come to the sockets on the way is read as if it came now.
        port.poll_by(self.poll.registry());
        self.legs.insert(leg, port.id);
        self.keep(port);
        self.session.adopt(self.clock.now(), moved);
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
        let port = self.ports.get_mut(id.0 as usize).and_then(Option::as_mut);
        let Some(port) = port.filter(|port| port.used) else { return };
        port.leave(self.poll.registry());
        port.release();
        self.ready += 1;
    }

    /// Binds sockets until enough lie ready, and lends them to the switch.
    fn lease(&mut self) {
        let mut leases = Vec::new();
        let mut tries = self.unbound.len().min(2 * READY);
        while self.ready < READY && tries > 0 {
            tries -= 1;
            let Some((id, number)) = self.unbound.pop_front() else { break };
            match Port::bind(self.options.address, id, number) {
                Ok(port) => {
                    self.keep(Box::new(port));
                    self.ready += 1;
                    leases.push(Lease { worker: self.id, port: id, number });
                }
                // Somebody else has it now; it may be free later.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    self.unbound.push_back((id, number))
                }
                Err(error) => {
                    warn!(%error, port = number, "a media port could not be bound");
                    self.unbound.push_back((id, number));
                    break;
                }
            }
        }
        if !leases.is_empty() {
            self.outbox.push_back(Input::Leases(leases));
            self.flush();
        }
    }

    fn keep(&mut self, port: Box<Port>) {
        let index = port.id.0 as usize;
        if index >= self.ports.len() {
            self.ports.resize_with(index + 1, || None);
        }
        self.ports[index] = Some(port);
    }

    fn port(&self, id: PortId) -> Option<&Port> {
        self.ports.get(id.0 as usize)?.as_deref()
    }

    fn port_of(&mut self, leg: LegId) -> Option<&mut Port> {
        let id = self.legs.get(&leg)?;
        self.ports.get_mut(id.0 as usize)?.as_deref_mut()
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
