//! Media workers: a thread each, with its own poll loop, sockets and media session.

mod handover;
mod port;
mod ports;
mod socket;
mod worker;

use std::{
    io,
    net::IpAddr,
    sync::mpsc::{SyncSender, TrySendError, sync_channel},
    time::Duration,
};

use handover::{Giver, Order, WakeAtEnd};
use jackfield_media::{Command, LegId, WorkerId};
use tracing::error;

use crate::{
    config::PortRange,
    shard::{Clock, Inbox},
    tapes::Tapes,
};

/// Orders that may wait for a worker.
const QUEUE: usize = 16_384;

/// What the media workers are started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where media sockets are bound; the address that peers see is the SIP flow's. `::` is both families.
    pub address: IpAddr,
    pub ports: PortRange,
    pub workers: u16,
    /// A leg that hears nothing for this long has lost its peer; zero: never.
    pub media_timeout: Duration,
    /// Legs of one worker.
    pub max_legs: usize,
    /// Who writes the recordings of calls.
    pub tapes: Option<Tapes>,
}

/// The way to a running worker.
pub struct Handle {
    /// Closed before the last wake-up: fields are dropped in their order.
    sender: SyncSender<Order>,
    waker: WakeAtEnd,
}

impl Handle {
    pub fn send(&self, command: Command) {
        self.order(Order::Command(command));
    }

    /// Hands a leg over to another worker, with its sockets. What this one was sent for it before is done before, and
    /// what the other one is sent from now on is done afterwards.
    pub fn hand_over(&self, leg: LegId, to: &Handle) {
        let (giver, taker) = Giver::new(to.waker.clone());
        // In this order: of two workers that wait for a leg of each other, one has the older order, and its leg comes.
        self.order(Order::Give(leg, giver));
        to.order(Order::Take(taker));
    }

    fn order(&self, order: Order) {
        match self.sender.try_send(order) {
            Ok(()) => self.waker.wake(),
            // Thousands of orders behind: the thread hangs or has died.
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                error!("a media worker takes no more orders");
            }
        }
    }
}

/// Starts the workers. Their leases and events go to the shard.
pub fn start(options: &Options, clock: Clock, inbox: &Inbox, seed: u64) -> io::Result<Vec<Handle>> {
    let workers = ports::workers(options.ports, options.workers);
    (0..workers)
        .map(|index| {
            let (sender, orders) = sync_channel(QUEUE);
            let ports = ports::share(options.ports, index, workers);
            let worker = worker::Worker::new(worker::Start {
                id: WorkerId(index),
                options: options.clone(),
                ports,
                clock,
                inbox: inbox.clone(),
                orders,
                seed: seed.wrapping_add(u64::from(index)),
            })?;
            let waker = worker.waker();
            std::thread::Builder::new().name(format!("media-{index}")).spawn(move || worker.run())?;
            Ok(Handle { sender, waker: WakeAtEnd::new(waker) })
        })
        .collect()
}
