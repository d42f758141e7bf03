//! Attempts: written before the INVITE leaves, ended with what became of it.

use jackfield_switch::{Cause, HangupInfo};
use sqlx::SqliteConnection;

use super::{INTERRUPTED, Pairs, to_json};
use crate::store::{Store, StoreError};

/// What cannot be begun, in a sentence for the plugin.
pub(in crate::store) async fn started(
    connection: &mut SqliteConnection,
    launch: u64,
    plugin: &str,
    contact: Option<u64>,
    target: &str,
    at: u64,
) -> Result<(), String> {
    let inserted = sqlx::query(
        "INSERT INTO attempts (launch, contact, plugin, target, started_at)
         SELECT ?1, ?2, ?3, ?4, ?5
         WHERE ?2 IS NULL OR EXISTS (
             SELECT 1 FROM contacts JOIN campaigns ON campaigns.id = contacts.campaign
             WHERE contacts.id = ?2 AND outcome IS NULL AND plugin = ?3 AND NOT paused)",
    )
    .bind(launch as i64)
    .bind(contact.map(|contact| contact as i64))
    .bind(plugin)
    .bind(target)
    .bind(at as i64)
    .execute(connection)
    .await;
    let contact = contact.unwrap_or_default();
    match inserted {
        Ok(done) if done.rows_affected() > 0 => Ok(()),
        Ok(_) => Err(format!("contact {contact} is finished, paused, or not of a campaign of {plugin}")),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
            Err(format!("contact {contact} is being called already"))
        }
        Err(error) => Err(format!("database: {error}")),
    }
}

/// Unknown launches are none of a campaign's: nothing to do.
pub(in crate::store) async fn ended(
    connection: &mut SqliteConnection,
    launch: u64,
    answered_at: Option<u64>,
    ended_at: u64,
    info: HangupInfo,
    results: &Pairs,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE attempts SET answered_at = ?, ended_at = ?, cause = ?, code = ?, by_peer = ?, results = ?
         WHERE launch = ? AND ended_at IS NULL",
    )
    .bind(answered_at.map(|at| at as i64))
    .bind(ended_at as i64)
    .bind(cause_name(info.cause))
    .bind(info.code)
    .bind(info.by_peer)
    .bind(to_json(results)?)
    .bind(launch as i64)
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// At start, before anything is launched: what was under way when the daemon ended is over.
    pub async fn close_open_attempts(&self, now: u64) -> Result<u64, StoreError> {
        let closed = sqlx::query(
            "UPDATE attempts SET ended_at = ?, cause = ?, code = 0, by_peer = 0, results = '[]' WHERE ended_at IS NULL",
        )
        .bind(now as i64)
        .bind(INTERRUPTED)
        .execute(&self.writes)
        .await?;
        Ok(closed.rows_affected())
    }
}

/// As in the contract: `no-answer`.
fn cause_name(cause: Cause) -> String {
    match serde_json::to_value(cause) {
        Ok(serde_json::Value::String(name)) => name,
        _ => "other".to_owned(),
    }
}

/// As it was written.
pub(super) fn to_info(cause: &str, code: Option<i64>, by_peer: Option<bool>) -> HangupInfo {
    HangupInfo {
        cause: serde_json::from_value(cause.into()).unwrap_or(Cause::Other),
        code: code.and_then(|code| u16::try_from(code).ok()).unwrap_or_default(),
        by_peer: by_peer.unwrap_or_default(),
    }
}
