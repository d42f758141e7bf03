//! Runs plugin instances: futures that are polled whenever they have been woken.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::future::BoxFuture;
use jackfield_plugin::Version;
use jackfield_switch::{InstanceEnd, InstanceId};

/// How a guest ended: one that served a call, or a service with what it returned.
pub(super) enum End {
    App(InstanceEnd),
    Service(Result<Option<Vec<u8>>, InstanceEnd>),
}

#[derive(Default)]
pub(super) struct Guests(BTreeMap<InstanceId, Guest>);

struct Guest {
    version: Arc<Version>,
    run: BoxFuture<'static, End>,
    woken: Arc<Flag>,
}

/// Raised when there is something to poll for.
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Relaxed);
    }
}

impl Guests {
    pub(super) fn spawn(
        &mut self,
        instance: InstanceId,
        version: Arc<Version>,
        run: BoxFuture<'static, End>,
    ) {
        let woken = Arc::new(Flag(AtomicBool::new(true)));
        self.0.insert(instance, Guest { version, run, woken });
    }

    /// Dropping a guest abandons the verb that it waits for.
    pub(super) fn drop(&mut self, instance: InstanceId) -> bool {
        self.0.remove(&instance).is_some()
    }

    /// The instances of a version.
    pub(super) fn of(&self, version: &Arc<Version>) -> Vec<InstanceId> {
        let own = self.0.iter().filter(|(_, guest)| Arc::ptr_eq(&guest.version, version));
        own.map(|(id, _)| *id).collect()
    }

    /// Polls all who were woken, in the order of their numbers; whether there was anyone, and who ended.
    pub(super) fn poll(&mut self) -> (bool, Vec<(InstanceId, Arc<Version>, End)>) {
        let mut moved = false;
        let mut ended = Vec::new();
        for (id, guest) in &mut self.0 {
            if !guest.woken.0.swap(false, Relaxed) {
                continue;
            }
            moved = true;
            if let Poll::Ready(end) = poll(&mut guest.run, &guest.woken) {
                ended.push((*id, guest.version.clone(), end));
            }
        }
        for (id, _, _) in &ended {
            self.0.remove(id);
        }
        (moved, ended)
    }
}

fn poll<T>(run: &mut BoxFuture<'static, T>, woken: &Arc<Flag>) -> Poll<T> {
    let waker = Waker::from(woken.clone());
    run.as_mut().poll(&mut Context::from_waker(&waker))
}

/// Runs what waits for nothing but its own fuel; none when it waits for more.
pub(super) fn finish<T>(mut run: BoxFuture<'static, T>) -> Option<T> {
    let woken = Arc::new(Flag(AtomicBool::new(true)));
    while woken.0.swap(false, Relaxed) {
        if let Poll::Ready(result) = poll(&mut run, &woken) {
            return Some(result);
        }
    }
    None
}
