//! Keeps one instance of a service running, and hands its state from version to version.

use std::{sync::Arc, time::Duration};

use jackfield_plugin::{Host, Version};
use jackfield_switch::{Input, InstanceEnd, InstanceId, StopReason};
use tokio::{
    runtime,
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tracing::{error, info, warn};

use super::instances::Instances;
use crate::shard::Inbox;

/// A new version that fails this soon gives way to the former one.
const PROBATION: Duration = Duration::from_secs(10);
/// A service that is asked to stop has this long to return its state.
const STOP: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What a service should run: a version, or nothing any more.
pub type Wanted = Option<Arc<Version>>;

pub struct Supervisor {
    pub name: String,
    pub host: Host,
    pub inbox: Inbox,
    pub instances: Arc<Instances>,
    pub guests: runtime::Handle,
    pub wanted: watch::Receiver<Wanted>,
}

type End = Result<Option<Vec<u8>>, InstanceEnd>;

struct Running {
    instance: InstanceId,
    version: Arc<Version>,
    since: Instant,
    /// What it was started with.
    saved: Option<Vec<u8>>,
    task: JoinHandle<End>,
}

impl Supervisor {
    /// Until the service is no longer wanted.
    pub async fn run(mut self) {
        let mut former: Option<Arc<Version>> = None;
        let mut saved = None;
        let mut pause = FIRST_PAUSE;
        while let Some(version) = self.next_wanted().await {
            let mut running = self.start(version, saved.take()).await;
            loop {
                tokio::select! {
                    end = &mut running.task => {
                        let end = end.unwrap_or_else(|panic| Err(InstanceEnd::Trapped(panic.to_string())));
                        self.gone(&running).await;
                        let soon = running.since.elapsed() < PROBATION;
                        self.log_end(&running.version, &end);
                        let state = running.saved.take();
                        if soon && end.is_err() && let Some(back) = former.take() {
                            let (failed, number) = (running.version.number(), back.number());
                            let text = format!("v{failed} failed within {} s as a service: v{number} runs again", PROBATION.as_secs());
                            warn!(plugin = self.name, "{text}");
                            self.instances.refuse(&self.name, text);
                            running = self.start(back, state).await;
                            continue;
                        }
                        pause = if soon { (pause * 2).min(LONGEST_PAUSE) } else { FIRST_PAUSE };
                        let version = running.version.clone();
                        tokio::select! {
                            () = sleep(pause) => {}
                            _ = self.wanted.changed() => { saved = state; break; }
                        }
                        running = self.start(version, end.unwrap_or(state)).await;
                    }
                    changed = self.wanted.changed() => {
                        let reason = match (&changed, &*self.wanted.borrow()) {
                            (Ok(()), Some(_)) => StopReason::Reload,
                            (Ok(()), None) => StopReason::Disabled,
                            (Err(_), _) => StopReason::Shutdown,
                        };
                        saved = self.stop(&mut running, reason).await;
                        if reason == StopReason::Shutdown {
                            return;
                        }
                        former = Some(running.version);
                        pause = FIRST_PAUSE;
                        break;
                    }
                }
            }
        }
    }

    async fn next_wanted(&mut self) -> Wanted {
        let wanted = self.wanted.wait_for(Option::is_some).await.ok()?.clone();
        self.wanted.mark_unchanged();
        wanted
    }

    async fn start(&self, version: Arc<Version>, saved: Option<Vec<u8>>) -> Running {
        let instance = self.instances.next_service();
        let (plugin, max_events) = (self.name.clone(), version.limits().max_events);
        self.inbox.post(Input::ServiceStarted { instance, plugin, max_events }).await;
        let task = self.guests.spawn(version.serve(&self.host, instance, saved.clone()));
        info!(plugin = self.name, version = version.number(), "service started");
        Running { instance, version, since: Instant::now(), saved, task }
    }

    /// Asks it to stop; the state that it returns, or what it was started with.
    async fn stop(&self, running: &mut Running, reason: StopReason) -> Option<Vec<u8>> {
        let instance = running.instance;
        self.inbox.post(Input::StopService { instance, reason }).await;
        let state = match timeout(STOP, &mut running.task).await {
            Ok(Ok(Ok(state))) => state,
            Ok(Ok(Err(end))) => {
                warn!(plugin = self.name, "it failed when asked to stop: {end:?}");
                running.saved.take()
            }
            Ok(Err(_)) | Err(_) => {
                running.task.abort();
                warn!(plugin = self.name, "it did not stop in {} s and was dropped", STOP.as_secs());
                running.saved.take()
            }
        };
        self.gone(running).await;
        state
    }

    async fn gone(&self, running: &Running) {
        let end = InstanceEnd::Returned;
        self.inbox.post(Input::InstanceEnded { instance: running.instance, end }).await;
    }

    fn log_end(&self, version: &Version, end: &End) {
        let number = version.number();
        match end {
            Ok(_) => warn!(
                plugin = self.name,
                version = number,
                "the service returned unasked; it is started again"
            ),
            Err(
                InstanceEnd::Trapped(reason) | InstanceEnd::Failed(reason) | InstanceEnd::NotStarted(reason),
            ) => {
                error!(plugin = self.name, version = number, "the service failed: {reason}");
            }
            Err(InstanceEnd::Returned) => {}
        }
    }
}
