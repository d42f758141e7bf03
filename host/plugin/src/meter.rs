//! What one instance has used of its limits.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use wasmtime::ResourceLimiter;

use crate::{
    engine::TICK,
    limits::Limits,
    units::{Size, Span},
};

/// Elements of all tables of an instance; it is the size of a slot in the pool too.
pub(crate) const TABLE_ELEMENTS: usize = 20_000;

/// A host call that waits costs the host about 10 µs, which no tick sees.
const HOST_CALLS_PER_TICK: u32 = 1000;

/// A limit was reached: ends the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Spent {
    #[error("memory limit of {}", Size(*.0))]
    Memory(usize),
    #[error("table limit of {0} elements")]
    Table(usize),
    #[error("limit of {} CPU between two host calls", Span(*.0))]
    CpuEvent(Duration),
    #[error("limit of {} CPU in one call", Span(*.0))]
    CpuCall(Duration),
    #[error("limit of {0} host calls in a second")]
    HostCalls(u32),
}

impl Spent {
    /// On another machine, or at another time, it would not have been reached.
    pub(crate) fn is_of_time(&self) -> bool {
        matches!(self, Spent::CpuEvent(_) | Spent::CpuCall(_) | Spent::HostCalls(_))
    }
}

/// Counts the ticks in which an instance was found running.
///
/// A guest yields once per tick, so each count is at most one tick of CPU, however long others kept it
/// waiting. A tick that passed while it waited in a host call is not counted: the guest is asleep then, and
/// only finds its deadline passed when it wakes. What the host does for a call that waits is counted by the number
/// of those calls.
pub(crate) struct Meter {
    /// The engine's count of ticks.
    clock: Arc<AtomicU64>,
    /// The tick at which the running guest is stopped next.
    deadline: AtomicU64,
    /// The deadline passed in a host call.
    slept: AtomicBool,
    waiting: AtomicBool,
    event: AtomicU32,
    call: AtomicU32,
    /// Host calls since the last of them that counted as a tick.
    host_calls: AtomicU32,
    cpu_event: Duration,
    cpu_call: Option<Duration>,
}

impl Meter {
    /// `whole`: the limit for the whole call counts too.
    pub(crate) fn new(clock: Arc<AtomicU64>, limits: &Limits, whole: bool) -> Arc<Meter> {
        Arc::new(Meter {
            deadline: AtomicU64::new(clock.load(Relaxed) + 1),
            clock,
            slept: AtomicBool::new(false),
            waiting: AtomicBool::new(false),
            event: AtomicU32::new(0),
            call: AtomicU32::new(0),
            host_calls: AtomicU32::new(0),
            cpu_event: limits.cpu_event,
            cpu_call: whole.then_some(limits.cpu_call),
        })
    }

    /// The guest ran into its deadline.
    pub(crate) fn tick(&self) -> Result<(), Spent> {
        self.deadline.store(self.clock.load(Relaxed) + 1, Relaxed);
        if self.slept.swap(false, Relaxed) {
            return Ok(());
        }
        if self.event.fetch_add(1, Relaxed) >= ticks(self.cpu_event) {
            return Err(Spent::CpuEvent(self.cpu_event));
        }
        let used = self.call.fetch_add(1, Relaxed);
        match self.cpu_call {
            Some(limit) if used >= ticks(limit) => Err(Spent::CpuCall(limit)),
            _ => Ok(()),
        }
    }

    /// The guest sleeps in a host call.
    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting.load(Relaxed)
    }

    /// A guest that does little but call the host is not found running often enough.
    pub(crate) fn check(&self) -> Result<(), Spent> {
        match self.cpu_call {
            Some(limit) if self.call.load(Relaxed) > ticks(limit) => Err(Spent::CpuCall(limit)),
            _ => Ok(()),
        }
    }

    /// A host call that waits.
    pub(crate) async fn wait<F: Future>(&self, future: F) -> F::Output {
        self.waiting.store(true, Relaxed);
        let output = future.await;
        self.waiting.store(false, Relaxed);
        self.event.store(0, Relaxed);
        if self.host_calls.fetch_add(1, Relaxed) + 1 == HOST_CALLS_PER_TICK {
            self.host_calls.store(0, Relaxed);
            self.call.fetch_add(1, Relaxed);
        }
        if self.clock.load(Relaxed) >= self.deadline.load(Relaxed) {
            self.slept.store(true, Relaxed);
        }
        output
    }
}

fn ticks(time: Duration) -> u32 {
    time.as_nanos().div_ceil(TICK.as_nanos()).try_into().unwrap_or(u32::MAX)
}

/// Counts the yields of a guest that runs on fuel: each is a tick.
pub(crate) struct OnFuel<F> {
    pub(crate) guest: F,
    pub(crate) meter: Arc<Meter>,
}

impl<T, F: Future<Output = wasmtime::Result<T>> + Unpin> Future for OnFuel<F> {
    type Output = wasmtime::Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = Pin::new(&mut self.guest).poll(cx);
        if polled.is_pending() && !self.meter.is_waiting() {
            self.meter.tick()?;
        }
        polled
    }
}

/// Linear memory and tables of one instance, over all its modules.
pub(crate) struct Memory {
    limit: usize,
    used: usize,
    elements: usize,
}

impl Memory {
    pub(crate) fn new(limit: usize) -> Memory {
        Memory { limit, used: 0, elements: 0 }
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, now: usize, wanted: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.used = self.used.saturating_sub(now).saturating_add(wanted);
        if self.used > self.limit { Err(Spent::Memory(self.limit).into()) } else { Ok(true) }
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(error)
    }

    fn table_growing(&mut self, now: usize, wanted: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.elements = self.elements.saturating_sub(now).saturating_add(wanted);
        if self.elements > TABLE_ELEMENTS { Err(Spent::Table(TABLE_ELEMENTS).into()) } else { Ok(true) }
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(error)
    }
}

/// Something counted per window of time, by the services' clock.
#[derive(Default)]
pub(crate) struct Rate {
    since: u64,
    used: usize,
}

impl Rate {
    /// Whether `amount` more fits into the window. The clock is read only when it does not.
    pub(crate) fn take(
        &mut self,
        amount: usize,
        limit: usize,
        window: u64,
        now: impl FnOnce() -> u64,
    ) -> bool {
        self.used = self.used.saturating_add(amount);
        if self.used <= limit {
            return true;
        }
        let now = now();
        if now.saturating_sub(self.since) < window {
            return false;
        }
        *self = Rate { since: now, used: amount };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(clock: &Arc<AtomicU64>) -> Arc<Meter> {
        let limits = Limits {
            cpu_event: Duration::from_millis(30),
            cpu_call: Duration::from_millis(60),
            ..Limits::default()
        };
        Meter::new(clock.clone(), &limits, true)
    }

    fn wait(meter: &Meter) {
        futures_util::FutureExt::now_or_never(meter.wait(async {})).expect("nothing to wait for");
    }

    #[test]
    fn a_guest_that_computes_reaches_the_limit_between_two_host_calls() {
        let meter = meter(&Arc::default());
        assert!((0..3).all(|_| meter.tick().is_ok()));
        assert_eq!(meter.tick(), Err(Spent::CpuEvent(Duration::from_millis(30))));
    }

    #[test]
    fn host_calls_do_not_lift_the_limit_of_the_whole_call() {
        let meter = meter(&Arc::default());
        for _ in 0..3 {
            assert_eq!((meter.tick(), meter.tick()), (Ok(()), Ok(())));
            wait(&meter);
        }
        assert_eq!(meter.tick(), Err(Spent::CpuCall(Duration::from_millis(60))));
    }

    #[test]
    fn ticks_that_pass_in_a_host_call_are_free() {
        let clock = Arc::new(AtomicU64::new(0));
        let meter = meter(&clock);
        for _ in 0..100 {
            clock.fetch_add(30, Relaxed);
            wait(&meter);
            assert_eq!(meter.tick(), Ok(()));
        }
        assert_eq!(meter.call.load(Relaxed), 0);
    }

    #[test]
    fn a_thousand_host_calls_count_as_a_tick() {
        let meter = meter(&Arc::default());
        (0..6 * HOST_CALLS_PER_TICK).for_each(|_| wait(&meter));
        assert_eq!(meter.check(), Ok(()));
        (0..HOST_CALLS_PER_TICK).for_each(|_| wait(&meter));
        assert_eq!(meter.check(), Err(Spent::CpuCall(Duration::from_millis(60))));
    }

    #[test]
    fn a_rate_starts_anew_when_its_window_is_over() {
        let mut rate = Rate::default();
        assert!((0..10).all(|_| rate.take(1, 10, 1000, || unreachable!())));
        assert!(rate.take(1, 10, 1000, || 5000), "the first window began long ago");
        assert!((0..9).all(|_| rate.take(1, 10, 1000, || unreachable!())));
        assert!(!rate.take(1, 10, 1000, || 5999));
        assert!(rate.take(1, 10, 1000, || 6000));
    }
}
