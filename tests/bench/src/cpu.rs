//! CPU time as the kernel counts it: other work on the machine does not add to it.

use std::{fs, time::Duration};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeVal,
};

/// Of a thread of this process, so far.
pub(crate) fn of_thread(tid: u64) -> Duration {
    run_time(&format!("/proc/self/task/{tid}/schedstat"))
}

/// Of the calling thread, so far.
pub(crate) fn of_this_thread() -> Duration {
    run_time("/proc/thread-self/schedstat")
}

/// Of the processes that this one started and waited for.
pub(crate) fn of_children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the kernel tells it to everybody");
    let duration = |time: TimeVal| Duration::new(time.tv_sec() as u64, time.tv_usec() as u32 * 1000);
    duration(usage.user_time()) + duration(usage.system_time())
}

/// Nanoseconds on a processor are the first field. They are counted up to the last timer interrupt, so measure
/// hundreds of milliseconds.
fn run_time(schedstat: &str) -> Duration {
    let text = fs::read_to_string(schedstat).unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|field| field.parse().ok()).unwrap_or(0))
}
