//! Turns the switch's crank: one thread that reads the UDP sockets itself and
//! takes everything else from one bounded queue.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use jackfield_sip::{Flow, FlowId, Transport, stun};
use jackfield_switch::{Input, Output, Switch};
use mio::{Events, Interest, Poll, Token, Waker};
use tokio::sync::mpsc;
use tracing::{debug, error, warn};

use crate::net::{Connections, udp};

/// Inputs that may wait; past that senders wait or are refused.
const QUEUE: usize = 65_536;
/// Datagrams of one socket, and inputs of the queue, before the others have their turn.
const BATCH: usize = 256;
const WAKE: Token = Token(usize::MAX);

/// Monotonic time of this process.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the daemon is where time comes from")]
    pub fn start() -> Clock {
        Clock(Instant::now())
    }

    pub fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

type Look = Box<dyn FnOnce(&Switch, Duration) + Send>;

enum Message {
    Input(Input),
    Connected(FlowId, mpsc::Sender<Bytes>),
    Disconnected(FlowId),
    /// A look at the switch, for the operator.
    Look(Look),
    Stop,
}

/// The sending end of the shard's queue.
#[derive(Clone)]
pub struct Inbox {
    sender: SyncSender<Message>,
    waker: Arc<Waker>,
    /// A wake-up is on its way: a burst costs one system call.
    woken: Arc<AtomicBool>,
}

/// The shard's queue is full.
#[derive(Debug)]
pub struct Full(pub Input);

impl Inbox {
    /// For those who cannot wait (media workers keep what is refused, guests get an error).
    pub fn try_post(&self, input: Input) -> Result<(), Box<Full>> {
        match self.try_send(Message::Input(input)).map_err(|message| *message) {
            Ok(()) => Ok(()),
            Err(Message::Input(input)) => Err(Box::new(Full(input))),
            // `try_send` gives back what it was given.
            Err(_) => Ok(()),
        }
    }

    /// For tasks: waits for a place.
    pub async fn post(&self, input: Input) {
        self.send(Message::Input(input)).await;
    }

    pub async fn sip(&self, flow: Flow, bytes: Bytes) {
        self.post(Input::Sip { flow, bytes }).await;
    }

    pub async fn connected(&self, flow: FlowId, sender: mpsc::Sender<Bytes>) {
        self.send(Message::Connected(flow, sender)).await;
    }

    pub async fn disconnected(&self, flow: FlowId) {
        self.send(Message::Disconnected(flow)).await;
    }

    /// Runs `look` on the shard's thread; none when the shard has ended.
    pub async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Switch, Duration) -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let look = move |switch: &Switch, now: Duration| {
            let _ = answer.send(look(switch, now));
        };
        self.send(Message::Look(Box::new(look))).await;
        answered.await.ok()
    }

    pub async fn stop(&self) {
        self.send(Message::Stop).await;
    }

    async fn send(&self, mut message: Message) {
        while let Err(refused) = self.try_send(message) {
            message = *refused;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn try_send(&self, message: Message) -> Result<(), Box<Message>> {
        match self.sender.try_send(message) {
            Ok(()) => {
                if !self.woken.swap(true, Ordering::AcqRel) {
                    let _ = self.waker.wake();
                }
                Ok(())
            }
            Err(TrySendError::Full(message)) => Err(Box::new(message)),
            // The shard has ended; so will the process.
            Err(TrySendError::Disconnected(_)) => Ok(()),
        }
    }
}

/// Carries out what the switch asks for and the shard cannot do itself.
pub trait Outlet: Send {
    fn output(&mut self, now: Duration, output: Output);
}

/// The queue and its poll, before the thread starts.
pub struct Gate {
    poll: Poll,
    receiver: Receiver<Message>,
    inbox: Inbox,
}

impl Gate {
    pub fn new() -> io::Result<Gate> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let (sender, receiver) = sync_channel(QUEUE);
        let inbox = Inbox { sender, waker, woken: Arc::new(AtomicBool::new(false)) };
        Ok(Gate { poll, receiver, inbox })
    }

    pub fn inbox(&self) -> Inbox {
        self.inbox.clone()
    }

    /// The next input, for who drives media workers without a switch (benchmarks).
    pub fn next_input(&self, wait: Duration) -> Option<Input> {
        self.inbox.woken.store(false, Ordering::Release);
        match self.receiver.recv_timeout(wait) {
            Ok(Message::Input(input)) => Some(input),
            _ => None,
        }
    }

    /// Makes the shard; [`Shard::run`] on a thread of its own turns it.
    pub fn shard<O: Outlet>(
        self,
        clock: Clock,
        switch: Switch,
        mut listeners: Vec<udp::Listener>,
        outlet: O,
    ) -> io::Result<Shard<O>> {
        for (index, listener) in listeners.iter_mut().enumerate() {
            self.poll.registry().register(&mut listener.socket, Token(index), Interest::READABLE)?;
        }
        Ok(Shard { gate: self, clock, switch, listeners, connections: Connections::default(), outlet })
    }
}

pub struct Shard<O> {
    gate: Gate,
    clock: Clock,
    switch: Switch,
    listeners: Vec<udp::Listener>,
    connections: Connections,
    outlet: O,
}

impl<O: Outlet> Shard<O> {
    /// Until [`Inbox::stop`].
    pub fn run(mut self) {
        let mut events = Events::with_capacity(64);
        let mut buffer = vec![0; udp::MAX_DATAGRAM];
        // Listeners that stopped at the batch limit: the poll will not name them again.
        let mut unfinished = vec![false; self.listeners.len()];
        let mut behind = false;
        loop {
            let wait = if behind || unfinished.contains(&true) {
                Some(Duration::ZERO)
            } else {
                self.switch.next_timeout().map(|at| at.saturating_sub(self.clock.now()))
            };
            if let Err(error) = self.gate.poll.poll(&mut events, wait)
                && error.kind() != io::ErrorKind::Interrupted
            {
                error!(%error, "poll failed");
            }
            for event in &events {
                if let Some(flag) = unfinished.get_mut(event.token().0) {
                    *flag = true;
                }
            }
            for (index, flag) in unfinished.iter_mut().enumerate() {
                if *flag {
                    *flag = self.read(index, &mut buffer);
                }
            }
            match self.take() {
                Some(more) => behind = more,
                None => return,
            }
            let now = self.clock.now();
            if self.switch.next_timeout().is_some_and(|at| at <= now) {
                self.switch.handle_timeout(now);
                self.drain(now);
            }
        }
    }

    /// Reads one listener; true when there may be more.
    fn read(&mut self, index: usize, buffer: &mut [u8]) -> bool {
        for _ in 0..BATCH {
            match self.listeners[index].receive(buffer) {
                // Before SIP: a keep-alive of RFC 5626, whose answer costs nothing.
                Ok((length, flow)) if stun::is_stun(&buffer[..length]) => {
                    if let Some(answer) = stun::answer(&buffer[..length], flow.remote) {
                        self.send(index, &flow, &answer);
                    }
                }
                Ok((length, flow)) => {
                    let bytes = Bytes::copy_from_slice(&buffer[..length]);
                    self.handle(Input::Sip { flow, bytes });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                // A peer's port was closed: an ICMP message to what we sent earlier.
                Err(error) => debug!(%error, "receiving on UDP"),
            }
        }
        true
    }

    /// Takes a batch of the queue; true when there may be more, none to stop.
    fn take(&mut self) -> Option<bool> {
        self.gate.inbox.woken.store(false, Ordering::Release);
        for _ in 0..BATCH {
            match self.gate.receiver.try_recv() {
                Ok(Message::Input(input)) => self.handle(input),
                Ok(Message::Connected(flow, sender)) => self.connections.insert(flow, sender),
                Ok(Message::Disconnected(flow)) => {
                    self.connections.remove(flow);
                    self.handle(Input::FlowClosed { flow });
                }
                Ok(Message::Look(look)) => look(&self.switch, self.clock.now()),
                Ok(Message::Stop) => return None,
                Err(_) => return Some(false),
            }
        }
        Some(true)
    }

    fn handle(&mut self, input: Input) {
        let now = self.clock.now();
        self.switch.handle(now, input);
        self.drain(now);
    }

    fn drain(&mut self, now: Duration) {
        while let Some(output) = self.switch.poll_output() {
            match output {
                Output::Transmit { flow, bytes } => self.transmit(now, flow, bytes),
                other => self.outlet.output(now, other),
            }
        }
    }

    fn send(&self, listener: usize, flow: &Flow, bytes: &[u8]) {
        if let Err(error) = self.listeners[listener].send(flow, bytes) {
            debug!(remote = %flow.remote, %error, "sending on UDP");
        }
    }

    fn transmit(&mut self, now: Duration, flow: Flow, bytes: Bytes) {
        if flow.transport == Transport::Udp {
            if let Some(index) = self.listeners.iter().position(|listener| listener.id == flow.id) {
                self.send(index, &flow, &bytes);
            }
        } else if !self.connections.send(flow.id, bytes) {
            warn!(remote = %flow.remote, transport = %flow.transport, "the connection is gone or takes no more");
            self.switch.handle(now, Input::FlowClosed { flow: flow.id });
        }
    }
}
