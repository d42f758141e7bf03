//! What happened to calls.

use jackfield_switch::CallEvent;
use sqlx::SqliteConnection;

use super::{Store, StoreError};

/// Events between two looks at how many there are.
const PRUNE_EVERY: i64 = 1000;

/// Keeps the newest `kept` events, give or take [`PRUNE_EVERY`].
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    event: &CallEvent,
    kept: u32,
) -> Result<(), sqlx::Error> {
    if kept == 0 {
        return Ok(());
    }
    let text = serde_json::to_string(event).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let id = sqlx::query("INSERT INTO events (at, call, linked, event) VALUES (?, ?, ?, ?)")
        .bind(event.at as i64)
        .bind(&event.call)
        .bind(&event.linked)
        .bind(text)
        .execute(&mut *connection)
        .await?
        .last_insert_rowid();
    if id % PRUNE_EVERY == 0 {
        let oldest = id - i64::from(kept);
        sqlx::query("DELETE FROM events WHERE id <= ?").bind(oldest).execute(connection).await?;
    }
    Ok(())
}

impl Store {
    /// The newest `limit` events, of one call, of the calls with one linked id, or of all, the oldest first.
    pub async fn events(&self, of: Option<&str>, limit: u32) -> Result<Vec<CallEvent>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT event, linked FROM events WHERE ?1 IS NULL OR call = ?1 OR linked = ?1
             ORDER BY id DESC LIMIT ?2",
        )
        .bind(of)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let read = |(text, linked): (String, String)| {
            let event: CallEvent = serde_json::from_str(&text).ok()?;
            Some(CallEvent { linked, ..event })
        };
        Ok(rows.into_iter().rev().filter_map(read).collect())
    }
}

#[cfg(test)]
mod tests {
    use jackfield_switch::Happened;

    use super::*;
    use crate::store::records;

    fn event(sequence: u64, call: &str) -> CallEvent {
        CallEvent {
            sequence,
            monotonic: sequence * 10,
            at: sequence,
            call: call.to_owned(),
            linked: call.to_owned(),
            leg: call.to_owned(),
            happened: Happened::Bridged { with: "x".to_owned() },
        }
    }

    #[tokio::test]
    async fn events_of_joined_calls_are_found_by_either_id_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.db")).await.unwrap();
        let mut connection = store.writes.acquire().await.unwrap();
        for (sequence, call) in [(1, "one"), (2, "two"), (3, "three"), (4, "one")] {
            insert(&mut connection, &event(sequence, call), 5000).await.unwrap();
        }
        insert(&mut connection, &event(9, "one"), 0).await.unwrap();
        records::link(&mut connection, "two", "one").await.unwrap();
        drop(connection);
        let sequences =
            |events: Vec<CallEvent>| events.iter().map(|event| event.sequence).collect::<Vec<_>>();
        let linked = store.events(Some("one"), 10).await.unwrap();
        assert!(linked.iter().all(|event| event.linked == "one"));
        assert_eq!(sequences(linked), [1, 2, 4]);
        assert_eq!(sequences(store.events(Some("two"), 10).await.unwrap()), [2]);
        assert_eq!(sequences(store.events(None, 2).await.unwrap()), [3, 4]);

        let mut connection = store.writes.acquire().await.unwrap();
        for sequence in 5..=1000 {
            insert(&mut connection, &event(sequence, "many"), 100).await.unwrap();
        }
        drop(connection);
        assert_eq!(store.events(None, 5000).await.unwrap().len(), 100);
    }
}
