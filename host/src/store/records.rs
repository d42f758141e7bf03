//! Call records, and the calls that are not over.

use jackfield_switch::CallRecord;
use sqlx::SqliteConnection;

use super::{Store, StoreError};

/// A call as it stands; its record takes its place.
pub(super) async fn begin(connection: &mut SqliteConnection, call: &CallRecord) -> Result<(), sqlx::Error> {
    write(connection, call, None).await
}

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    record: &CallRecord,
) -> Result<(), sqlx::Error> {
    write(connection, record, Some(record.ended_at)).await
}

async fn write(
    connection: &mut SqliteConnection,
    record: &CallRecord,
    ended_at: Option<u64>,
) -> Result<(), sqlx::Error> {
    let text = serde_json::to_string(record).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query(
        "INSERT OR REPLACE INTO calls (id, linked, started_at, ended_at, record) VALUES (?, ?, ?, ?, ?)",
    )
    .bind(&record.id)
    .bind(&record.linked)
    .bind(record.started_at as i64)
    .bind(ended_at.map(|at| at as i64))
    .bind(text)
    .execute(connection)
    .await?;
    Ok(())
}

/// Calls that transfers have joined have one linked id, and so have their events.
pub(super) async fn link(connection: &mut SqliteConnection, from: &str, to: &str) -> Result<(), sqlx::Error> {
    for table in
        ["UPDATE calls SET linked = ? WHERE linked = ?", "UPDATE events SET linked = ? WHERE linked = ?"]
    {
        sqlx::query(table).bind(to).bind(from).execute(&mut *connection).await?;
    }
    Ok(())
}

impl Store {
    /// The newest `limit` of the calls that have ended and began at `since` or later, the oldest first.
    pub async fn records(&self, since: u64, limit: u32) -> Result<Vec<CallRecord>, StoreError> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT record, linked, ended_at FROM calls WHERE ended_at IS NOT NULL AND started_at >= ?
             ORDER BY started_at DESC, rowid DESC LIMIT ?",
        )
        .bind(since as i64)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let read = |(text, linked, ended_at): (String, String, i64)| {
            // What may change later stands in columns.
            let record: CallRecord = serde_json::from_str(&text).ok()?;
            Some(CallRecord { linked, ended_at: ended_at as u64, ..record })
        };
        Ok(rows.into_iter().rev().filter_map(read).collect())
    }

    /// At start, before the first call: calls that were up when the daemon ended were interrupted. They
    /// lasted as long as the daemon is known to have lived: until the last thing that was written.
    pub async fn close_open_calls(&self) -> Result<u64, StoreError> {
        let closed = sqlx::query(
            "UPDATE calls SET ended_at = MAX(
                 COALESCE(json_extract(record, '$.ended_at'), started_at),
                 (SELECT COALESCE(MAX(at), 0) FROM events))
             WHERE ended_at IS NULL",
        )
        .execute(&self.writes)
        .await?;
        Ok(closed.rows_affected())
    }
}

#[cfg(test)]
mod tests {
    use jackfield_switch::{Cause, Direction, HangupInfo};

    use super::*;

    fn record(id: &str, started_at: u64, cause: Cause) -> CallRecord {
        CallRecord {
            id: id.to_owned(),
            linked: id.to_owned(),
            direction: Direction::Inbound,
            caller: "101".to_owned(),
            caller_name: String::new(),
            callee: "102".to_owned(),
            connected: None,
            started_at,
            answered_at: Some(started_at + 1000),
            ended_at: started_at + 3000,
            end: HangupInfo { cause, code: 0, by_peer: false },
            results: Vec::new(),
            legs: Vec::new(),
            recording: None,
        }
    }

    #[tokio::test]
    async fn a_call_that_was_up_at_the_last_end_was_interrupted() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.db")).await.unwrap();
        let mut connection = store.writes.acquire().await.unwrap();
        begin(&mut connection, &record("one", 10_000, Cause::Interrupted)).await.unwrap();
        begin(&mut connection, &record("two", 20_000, Cause::Interrupted)).await.unwrap();
        insert(&mut connection, &record("one", 10_000, Cause::Busy)).await.unwrap();
        drop(connection);
        let over = |records: Vec<CallRecord>| -> Vec<(String, Cause, u64)> {
            records.into_iter().map(|record| (record.id, record.end.cause, record.ended_at)).collect()
        };
        assert_eq!(over(store.records(0, 10).await.unwrap()), [("one".to_owned(), Cause::Busy, 13_000)]);
        assert_eq!(store.close_open_calls().await.unwrap(), 1);
        assert_eq!(store.close_open_calls().await.unwrap(), 0);
        let all = over(store.records(0, 10).await.unwrap());
        assert_eq!(all[1], ("two".to_owned(), Cause::Interrupted, 23_000));
        assert_eq!(over(store.records(15_000, 10).await.unwrap()), all[1..]);
        assert_eq!(over(store.records(0, 1).await.unwrap()), all[1..]);
    }
}
