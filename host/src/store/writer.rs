//! Writes what the switch asks for, in order, from one task. Bindings are committed
//! in groups; what somebody waits for is committed at once.

use std::{path::PathBuf, time::Duration};

use jackfield_switch::{CallRecord, Input, Token, Write};
use sqlx::SqliteConnection;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};
use tracing::error;

use super::{Store, bindings, campaign, records};
use crate::shard::Inbox;

/// Jobs that may wait.
const QUEUE: usize = 65_536;
/// How long a binding may wait for others to share its commit.
const GROUP: Duration = Duration::from_millis(100);
const GROUP_SIZE: usize = 1000;

#[derive(Debug)]
pub enum Job {
    Write { token: Option<Token>, write: Write },
    Record(CallRecord),
}

impl Job {
    /// Nobody waits for it, and losing it costs a refresh.
    fn can_wait(&self) -> bool {
        matches!(self, Job::Write { token: None, write: Write::Bindings { .. } })
    }
}

/// The way to the writing task.
#[derive(Clone, Debug)]
pub struct Writer(mpsc::Sender<Job>);

impl Writer {
    /// Starts the task. `offset` is Unix time minus the driver's time.
    pub fn start(
        store: Store,
        recordings: PathBuf,
        offset: Duration,
        inbox: Inbox,
    ) -> (Writer, tokio::task::JoinHandle<()>) {
        let (sender, jobs) = mpsc::channel(QUEUE);
        let task = Task { store, recordings, offset, inbox };
        (Writer(sender), tokio::spawn(task.run(jobs)))
    }

    pub fn submit(&self, job: Job) {
        if let Err(refused) = self.0.try_send(job) {
            error!("the database is {QUEUE} writes behind: {refused}");
        }
    }
}

struct Task {
    store: Store,
    recordings: PathBuf,
    offset: Duration,
    inbox: Inbox,
}

impl Task {
    async fn run(self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(first) = jobs.recv().await {
            let mut group = vec![first];
            let latest = Instant::now() + GROUP;
            while group.len() < GROUP_SIZE && group.iter().all(Job::can_wait) {
                match timeout_at(latest, jobs.recv()).await {
                    Ok(Some(job)) => group.push(job),
                    Ok(None) | Err(_) => break,
                }
            }
            while group.len() < GROUP_SIZE
                && let Ok(job) = jobs.try_recv()
            {
                group.push(job);
            }
            let results = self.commit(&group).await;
            for (job, result) in group.into_iter().zip(results) {
                if let Err(error) = &result {
                    error!("not written: {error}");
                }
                if let Job::Write { token: Some(token), .. } = job {
                    self.inbox.post(Input::Stored { token, result }).await;
                }
            }
        }
    }

    /// One result per job. A job that fails does not take the others of its group with it.
    async fn commit(&self, group: &[Job]) -> Vec<Result<(), String>> {
        let mut results = Vec::with_capacity(group.len());
        let committed = async {
            let mut transaction = self.store.writes.begin_with("BEGIN IMMEDIATE").await?;
            for job in group {
                results.push(self.carry_out(&mut transaction, job).await);
            }
            transaction.commit().await
        };
        match committed.await {
            Ok(()) => results,
            Err(error) => vec![Err(format!("database: {error}")); group.len()],
        }
    }

    async fn carry_out(&self, connection: &mut SqliteConnection, job: &Job) -> Result<(), String> {
        let write = match job {
            Job::Record(record) => return records::insert(connection, record).await.map_err(in_words),
            Job::Write { write, .. } => write,
        };
        match write {
            Write::Bindings { user, bindings, .. } => {
                bindings::replace(connection, user, bindings, self.offset).await.map_err(in_words)
            }
            Write::Recording { plugin, name, samples } => {
                self.save(plugin, name, samples).await.map_err(|error| format!("recording {name}: {error}"))
            }
            Write::AttemptStarted { launch, plugin, contact, target, at } => {
                campaign::started(connection, *launch, plugin, *contact, target, *at).await
            }
            Write::AttemptEnded { launch, answered_at, ended_at, info, results, .. } => {
                let ended = campaign::ended(connection, *launch, *answered_at, *ended_at, *info, results);
                ended.await.map_err(in_words)
            }
        }
    }

    async fn save(&self, plugin: &str, name: &str, samples: &[i16]) -> std::io::Result<()> {
        let path = self.recordings.join(plugin).join(format!("{name}.wav"));
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        tokio::fs::write(path, jackfield_media::to_wav(samples)).await
    }
}

fn in_words(error: sqlx::Error) -> String {
    format!("database: {error}")
}
