//! Keeps one instance of a service running and hands its state from version to version, by the rules of the
//! daemon.

use std::{sync::Arc, time::Duration};

use jackfield_plugin::Version;
use jackfield_switch::{InstanceEnd, InstanceId, StopReason};

/// A new version that fails this soon gives way to the former one.
const PROBATION: Duration = Duration::from_secs(10);
/// A service that is asked to stop has this long to return its state.
const STOP: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

type State = Option<Vec<u8>>;

/// One service.
pub(super) struct Supervisor {
    phase: Phase,
    /// Takes over when the present version fails soon.
    former: Option<Arc<Version>>,
    pause: Duration,
}

enum Phase {
    Running(Running),
    Stopping {
        running: Running,
        deadline: Duration,
        /// Started with the state; none: the service is not wanted any more.
        next: Option<Arc<Version>>,
    },
    Pausing {
        until: Duration,
        version: Arc<Version>,
        saved: State,
    },
    Gone,
}

#[derive(Clone)]
struct Running {
    instance: InstanceId,
    version: Arc<Version>,
    since: Duration,
    /// What it was started with.
    saved: State,
}

/// What is to be done.
pub(super) enum Step {
    Start {
        version: Arc<Version>,
        saved: State,
    },
    Stop {
        instance: InstanceId,
        reason: StopReason,
    },
    Drop {
        instance: InstanceId,
    },
    /// For the log.
    Say(String),
}

impl Supervisor {
    pub(super) fn new() -> Supervisor {
        Supervisor { phase: Phase::Gone, former: None, pause: FIRST_PAUSE }
    }

    /// Carried out what [`Step::Start`] asked for.
    pub(super) fn started(
        &mut self,
        now: Duration,
        instance: InstanceId,
        version: Arc<Version>,
        saved: State,
    ) {
        self.phase = Phase::Running(Running { instance, version, since: now, saved });
    }

    pub(super) fn runs(&self, instance: InstanceId) -> bool {
        match &self.phase {
            Phase::Running(running) | Phase::Stopping { running, .. } => running.instance == instance,
            Phase::Pausing { .. } | Phase::Gone => false,
        }
    }

    pub(super) fn next_timeout(&self) -> Option<Duration> {
        match &self.phase {
            Phase::Stopping { deadline, .. } => Some(*deadline),
            Phase::Pausing { until, .. } => Some(*until),
            Phase::Running(_) | Phase::Gone => None,
        }
    }

    /// The service is to run this version from now on, or not at all.
    pub(super) fn want(&mut self, now: Duration, wanted: Option<Arc<Version>>) -> Vec<Step> {
        let reason = if wanted.is_some() { StopReason::Reload } else { StopReason::Disabled };
        match std::mem::replace(&mut self.phase, Phase::Gone) {
            Phase::Running(running) => {
                let instance = running.instance;
                self.phase = Phase::Stopping { running, deadline: now + STOP, next: wanted };
                vec![Step::Stop { instance, reason }]
            }
            Phase::Stopping { running, deadline, .. } => {
                self.phase = Phase::Stopping { running, deadline, next: wanted };
                Vec::new()
            }
            Phase::Pausing { saved, .. } => {
                wanted.map(|version| Step::Start { version, saved }).into_iter().collect()
            }
            Phase::Gone => wanted.map(|version| Step::Start { version, saved: None }).into_iter().collect(),
        }
    }

    /// Its instance returned or failed.
    pub(super) fn ended(&mut self, now: Duration, end: Result<State, InstanceEnd>) -> Vec<Step> {
        match std::mem::replace(&mut self.phase, Phase::Gone) {
            Phase::Stopping { running, next, .. } => {
                let mut steps: Vec<Step> = end
                    .as_ref()
                    .err()
                    .map(|end| Step::Say(format!("it failed when asked to stop: {end:?}")))
                    .into_iter()
                    .collect();
                let saved = end.unwrap_or(running.saved);
                steps.extend(self.change(running.version, next, saved));
                steps
            }
            Phase::Running(running) => self.failed(now, running, end),
            phase => {
                self.phase = phase;
                Vec::new()
            }
        }
    }

    pub(super) fn timeout(&mut self, now: Duration) -> Vec<Step> {
        match std::mem::replace(&mut self.phase, Phase::Gone) {
            Phase::Stopping { running, deadline, next } if deadline <= now => {
                let mut steps = vec![
                    Step::Drop { instance: running.instance },
                    Step::Say(format!("it did not stop in {} s and was dropped", STOP.as_secs())),
                ];
                steps.extend(self.change(running.version, next, running.saved));
                steps
            }
            Phase::Pausing { until, version, saved } if until <= now => vec![Step::Start { version, saved }],
            phase => {
                self.phase = phase;
                Vec::new()
            }
        }
    }

    fn change(&mut self, former: Arc<Version>, next: Option<Arc<Version>>, saved: State) -> Option<Step> {
        self.former = Some(former);
        self.pause = FIRST_PAUSE;
        next.map(|version| Step::Start { version, saved })
    }

    fn failed(&mut self, now: Duration, running: Running, end: Result<State, InstanceEnd>) -> Vec<Step> {
        let soon = now.saturating_sub(running.since) < PROBATION;
        let said = match &end {
            Ok(_) => "the service returned unasked; it is started again".to_owned(),
            Err(end) => format!("the service failed: {end:?}"),
        };
        let mut steps = vec![Step::Say(said)];
        if soon
            && end.is_err()
            && let Some(back) = self.former.take()
        {
            steps.push(Step::Say(format!("the former version v{} is started again", back.number())));
            steps.push(Step::Start { version: back, saved: running.saved });
            return steps;
        }
        self.pause = if soon { (self.pause * 2).min(LONGEST_PAUSE) } else { FIRST_PAUSE };
        let saved = end.unwrap_or(running.saved);
        self.phase = Phase::Pausing { until: now + self.pause, version: running.version, saved };
        steps
    }
}
