//! What a plugin sees and says of its contacts (`contacts` of the contract).

use jackfield_plugin::Contact;
use jackfield_switch::HangupInfo;
use sqlx::{Row, sqlite::SqliteRow};

use super::{attempts::to_info, from_json, millis};
use crate::store::{Store, StoreError};

/// Rows that one question may return.
const MOST: u32 = 1000;

impl Store {
    /// Neither finished nor being called, due at `now` or before, oldest first. Nobody of a
    /// paused campaign, of another plugin's, or of one that does not exist (yet).
    pub async fn contacts_due(
        &self,
        plugin: &str,
        campaign: &str,
        now: u64,
        limit: u32,
    ) -> Result<Vec<Contact>, StoreError> {
        let rows = sqlx::query(
            "SELECT c.id, c.number, c.fields, c.due,
                    (SELECT count(*) FROM attempts WHERE contact = c.id) AS attempts,
                    last.started_at, last.cause, last.code, last.by_peer
             FROM campaigns
             JOIN contacts c ON c.campaign = campaigns.id
             LEFT JOIN attempts last ON last.id = (SELECT max(id) FROM attempts WHERE contact = c.id)
             WHERE campaigns.plugin = ? AND campaigns.name = ? AND NOT campaigns.paused
               AND c.outcome IS NULL AND c.due <= ?
               AND (last.id IS NULL OR last.ended_at IS NOT NULL)
             ORDER BY c.due, c.id LIMIT ?",
        )
        .bind(plugin)
        .bind(campaign)
        .bind(i64::try_from(now).unwrap_or(i64::MAX))
        .bind(limit.min(MOST))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(contact).collect::<Result<_, _>>()?)
    }

    /// When the next of those is due. None: nobody is left, apart from those being called.
    pub async fn contacts_next_due(&self, plugin: &str, campaign: &str) -> Result<Option<u64>, StoreError> {
        let (due,): (Option<i64>,) = sqlx::query_as(
            "SELECT min(c.due) FROM campaigns JOIN contacts c ON c.campaign = campaigns.id
             WHERE campaigns.plugin = ? AND campaigns.name = ? AND NOT campaigns.paused AND c.outcome IS NULL
               AND NOT EXISTS (SELECT 1 FROM attempts WHERE contact = c.id AND ended_at IS NULL)",
        )
        .bind(plugin)
        .bind(campaign)
        .fetch_one(&self.pool)
        .await?;
        Ok(due.map(millis))
    }

    /// Not before then.
    pub async fn postpone_contact(&self, plugin: &str, contact: u64, until: u64) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE contacts SET due = ?3
             WHERE id = ?2 AND campaign IN (SELECT id FROM campaigns WHERE plugin = ?1)",
        );
        let until = i64::try_from(until).unwrap_or(i64::MAX);
        let changed = query.bind(plugin).bind(contact as i64).bind(until).execute(&self.writes).await?;
        found(changed.rows_affected(), contact)
    }

    /// Never again; the outcome goes to the export.
    pub async fn finish_contact(&self, plugin: &str, contact: u64, outcome: &str) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE contacts SET outcome = ?3
             WHERE id = ?2 AND campaign IN (SELECT id FROM campaigns WHERE plugin = ?1)",
        );
        let changed = query.bind(plugin).bind(contact as i64).bind(outcome).execute(&self.writes).await?;
        found(changed.rows_affected(), contact)
    }
}

fn found(rows: u64, contact: u64) -> Result<(), StoreError> {
    if rows > 0 { Ok(()) } else { Err(StoreError::NotFound(format!("contact {contact}"))) }
}

fn contact(row: &SqliteRow) -> Result<Contact, sqlx::Error> {
    let last: Option<HangupInfo> = match row.try_get::<Option<String>, _>("cause")? {
        Some(cause) => Some(to_info(&cause, row.try_get("code")?, row.try_get("by_peer")?)),
        None => None,
    };
    Ok(Contact {
        id: millis(row.try_get("id")?),
        number: row.try_get("number")?,
        fields: from_json(row.try_get("fields")?),
        attempts: row.try_get("attempts")?,
        last_start: row.try_get::<Option<i64>, _>("started_at")?.map(millis),
        last,
        due: millis(row.try_get("due")?),
    })
}
