//! Call records.

use jackfield_switch::CallRecord;
use sqlx::SqliteConnection;

use super::{Store, StoreError};

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    record: &CallRecord,
) -> Result<(), sqlx::Error> {
    let text = serde_json::to_string(record).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query("INSERT OR REPLACE INTO calls (id, started_at, ended_at, record) VALUES (?, ?, ?, ?)")
        .bind(&record.id)
        .bind(record.started_at as i64)
        .bind(record.ended_at as i64)
        .bind(text)
        .execute(connection)
        .await?;
    Ok(())
}

impl Store {
    /// The newest records first.
    pub async fn records(&self, limit: u32) -> Result<Vec<CallRecord>, StoreError> {
        let rows: Vec<(String,)> =
            sqlx::query_as("SELECT record FROM calls ORDER BY started_at DESC LIMIT ?")
                .bind(limit)
                .fetch_all(&self.pool)
                .await?;
        Ok(rows.into_iter().filter_map(|(text,)| serde_json::from_str(&text).ok()).collect())
    }
}
