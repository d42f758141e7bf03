//! Media workers: a thread each, with its own poll loop, sockets and media session.

mod ports;
mod socket;
mod worker;

use std::{
    io,
    net::IpAddr,
    sync::Arc,
    sync::mpsc::{SyncSender, TrySendError, sync_channel},
    time::Duration,
};

use jackfield_media::{Command, WorkerId};
use mio::Waker;
use tracing::error;

use crate::{
    config::PortRange,
    shard::{Clock, Inbox},
    tapes::Tapes,
};

/// Commands that may wait for a worker.
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
    sender: SyncSender<Command>,
    waker: WakeAtEnd,
}

impl Handle {
    pub fn send(&self, command: Command) {
        match self.sender.try_send(command) {
            Ok(()) => {
                let _ = self.waker.0.wake();
            }
            // Thousands of commands behind: the thread hangs or has died.
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                error!("a media worker takes no more commands");
            }
        }
    }
}

/// The worker sees that its queue is closed, and ends.
struct WakeAtEnd(Arc<Waker>);

impl Drop for WakeAtEnd {
    fn drop(&mut self) {
        let _ = self.0.wake();
    }
}

/// Starts the workers. Their leases and events go to the shard.
pub fn start(options: &Options, clock: Clock, inbox: &Inbox, seed: u64) -> io::Result<Vec<Handle>> {
    let workers = ports::workers(options.ports, options.workers);
    (0..workers)
        .map(|index| {
            let (sender, commands) = sync_channel(QUEUE);
            let ports = ports::share(options.ports, index, workers);
            let worker = worker::Worker::new(worker::Start {
                id: WorkerId(index),
                options: options.clone(),
                ports,
                clock,
                inbox: inbox.clone(),
                commands,
                seed: seed.wrapping_add(u64::from(index)),
            })?;
            let waker = worker.waker();
            std::thread::Builder::new().name(format!("media-{index}")).spawn(move || worker.run())?;
            Ok(Handle { sender, waker: WakeAtEnd(waker) })
        })
        .collect()
}
