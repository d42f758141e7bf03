//! Which thread is measured.

use std::{collections::BTreeSet, fs, thread, time::Duration};

/// The thread of that name that was not among those `before`. It gives itself the name when it begins.
#[expect(clippy::disallowed_methods, reason = "a thread begins in real time")]
pub(super) fn new(name: &str, before: &BTreeSet<u64>) -> u64 {
    for _ in 0..1000 {
        if let Some(tid) = named(name).difference(before).next() {
            return *tid;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("the thread {name} has not begun in a second");
}

/// The threads of this process with that name; those of former rounds may still be ending.
pub(super) fn named(name: &str) -> BTreeSet<u64> {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux lists the threads of a process");
    tasks
        .filter_map(Result::ok)
        .filter(|task| fs::read_to_string(task.path().join("comm")).is_ok_and(|comm| comm.trim() == name))
        .filter_map(|task| task.file_name().to_str()?.parse().ok())
        .collect()
}
