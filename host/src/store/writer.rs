//! Writes what the switch asks for, in order, from one task. Bindings are committed
//! in groups; what somebody waits for is committed at once.

use std::{sync::Arc, time::Duration};

use jackfield_switch::{CallEvent, CallRecord, Input, Token, Write};
use sqlx::SqliteConnection;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};
use tracing::error;

use super::{Recordings, Store, bindings, campaign, events, records};
use crate::shard::Inbox;

/// Jobs that may wait.
const QUEUE: usize = 65_536;
/// How long a binding may wait for others to share its commit.
const GROUP: Duration = Duration::from_millis(100);
const GROUP_SIZE: usize = 1000;
/// After a fault of the database.
const AGAIN: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
pub enum Job {
    Write {
        token: Option<Token>,
        write: Write,
    },
    /// A call that is not over.
    Underway(CallRecord),
    Record(CallRecord),
    /// What happened to a call.
    Trace(CallEvent),
    /// A transfer has joined calls.
    Linked {
        from: String,
        to: String,
    },
}

impl Job {
    /// Nobody waits for it, and losing it costs a refresh, or a call that had hardly begun.
    fn can_wait(&self) -> bool {
        matches!(
            self,
            Job::Write { token: None, write: Write::Bindings { .. } }
                | Job::Underway(_)
                | Job::Trace(_)
                | Job::Linked { .. }
        )
    }

    /// An attempt or a call whose end is not written would be under way until the next start.
    fn must_not_be_lost(&self) -> bool {
        matches!(self, Job::Write { write: Write::AttemptEnded { .. }, .. } | Job::Record(_))
    }
}

/// The way to the writing task.
#[derive(Clone)]
pub struct Writer {
    jobs: mpsc::Sender<Job>,
    inbox: Inbox,
}

impl Writer {
    /// Starts the task. `offset` is Unix time minus the driver's time.
    pub fn start(
        store: Store,
        recordings: Recordings,
        events: u32,
        offset: Duration,
        inbox: Inbox,
    ) -> (Writer, tokio::task::JoinHandle<()>) {
        let (sender, jobs) = mpsc::channel(QUEUE);
        let recordings = Arc::new(recordings);
        let task = Task { store, recordings, events, offset, inbox: inbox.clone(), owed: Vec::new() };
        (Writer { jobs: sender, inbox }, tokio::spawn(task.run(jobs)))
    }

    pub fn submit(&self, job: Job) {
        let Err(refused) = self.jobs.try_send(job) else { return };
        error!("the database is {QUEUE} writes behind: {refused}");
        // Nobody shall wait for it for ever.
        if let Job::Write { token: Some(token), .. } = refused.into_inner() {
            let result = Err(format!("the database is {QUEUE} writes behind"));
            if self.inbox.try_post(Input::Stored { token, result }).is_err() {
                error!("the exchange is overloaded: who waits for a write is not told that it failed");
            }
        }
    }
}

struct Task {
    store: Store,
    recordings: Arc<Recordings>,
    /// That are kept.
    events: u32,
    offset: Duration,
    inbox: Inbox,
    /// What could not be written and must be.
    owed: Vec<Job>,
}

impl Task {
    async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(group) = self.next_group(&mut jobs).await {
            let results = self.commit(&group).await;
            for (job, result) in group.into_iter().zip(results) {
                if let Err(error) = &result {
                    error!("not written: {error}");
                }
                if result.is_err() && job.must_not_be_lost() {
                    self.owe(&job);
                }
                if let Job::Write { token: Some(token), .. } = job {
                    self.inbox.post(Input::Stored { token, result }).await;
                }
            }
        }
    }

    /// What is owed, and what waits; none at the end.
    async fn next_group(&mut self, jobs: &mut mpsc::Receiver<Job>) -> Option<Vec<Job>> {
        let mut group = std::mem::take(&mut self.owed);
        if group.is_empty() {
            group.push(jobs.recv().await?);
        } else if let Ok(job) = timeout(AGAIN, jobs.recv()).await {
            group.push(job?);
        }
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
        Some(group)
    }

    /// For later; who waits for it is told of the fault now.
    fn owe(&mut self, job: &Job) {
        let mut job = job.clone();
        if let Job::Write { token, .. } = &mut job {
            *token = None;
        }
        match self.owed.len() {
            0..QUEUE => self.owed.push(job),
            _ => error!("{QUEUE} ends of calls wait for the database: another is lost"),
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
            Job::Underway(call) => return records::begin(connection, call).await.map_err(in_words),
            Job::Trace(event) => {
                return events::insert(connection, event, self.events).await.map_err(in_words);
            }
            Job::Linked { from, to } => return records::link(connection, from, to).await.map_err(in_words),
            Job::Record(record) => return records::insert(connection, record).await.map_err(in_words),
            Job::Write { write, .. } => write,
        };
        match write {
            Write::Bindings { user, bindings, .. } => {
                bindings::replace(connection, user, bindings, self.offset).await.map_err(in_words)
            }
            Write::Recording { plugin, name, samples } => {
                let (recordings, plugin, file) = (self.recordings.clone(), plugin.clone(), name.clone());
                let samples = samples.clone();
                let save = move || recordings.save(&plugin, &file, &samples);
                let saved = tokio::task::spawn_blocking(save).await.map_err(std::io::Error::other);
                saved.and_then(|saved| saved).map_err(|error| format!("recording {name}: {error}"))
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
}

fn in_words(error: sqlx::Error) -> String {
    format!("database: {error}")
}

#[cfg(test)]
mod tests {
    use jackfield_switch::{Cause, HangupInfo};

    use super::*;
    use crate::{
        shard::Gate,
        store::campaign::{Import, NewContact},
    };

    // The gate is read on the test's own thread.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_end_of_an_attempt_is_written_when_the_database_can_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.db")).await.unwrap();
        let contact = NewContact { line: 2, number: "101".into(), name: String::new(), fields: Vec::new() };
        let (campaign, plugin, file) = ("spring".to_owned(), "campaign".to_owned(), "a.csv".to_owned());
        let import = Import { campaign, plugin: plugin.clone(), file, contacts: vec![contact], add: false };
        store.import_contacts(&import, 0).await.unwrap();

        let gate = Gate::new().unwrap();
        let recordings = Recordings::new(folder.path().into(), Box::new(|_| usize::MAX));
        let (writer, task) = Writer::start(store.clone(), recordings, 100, Duration::ZERO, gate.inbox());
        let (launch, contact, target) = (1, Some(1), "101".to_owned());
        let write = Write::AttemptStarted { launch, plugin, contact, target, at: 1000 };
        writer.submit(Job::Write { token: Some(Token(7)), write });
        let stored = gate.next_input(Duration::from_secs(10));
        assert!(matches!(stored, Some(Input::Stored { token: Token(7), result: Ok(()) })));

        sqlx::query("ALTER TABLE attempts RENAME TO elsewhere").execute(&store.writes).await.unwrap();
        let info = HangupInfo { cause: Cause::Busy, code: 486, by_peer: true };
        let results = Vec::new();
        let write = Write::AttemptEnded { launch, contact, answered_at: None, ended_at: 2000, info, results };
        writer.submit(Job::Write { token: Some(Token(8)), write });
        let stored = gate.next_input(Duration::from_secs(10));
        assert!(matches!(stored, Some(Input::Stored { token: Token(8), result: Err(_) })));
        sqlx::query("ALTER TABLE elsewhere RENAME TO attempts").execute(&store.writes).await.unwrap();
        loop {
            let history = store.campaign_history("spring").await.unwrap().remove(0);
            if history.attempts[0].ended_at == Some(2000) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        drop(writer);
        task.await.unwrap();
    }
}
