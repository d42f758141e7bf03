//! What the operator sees: how far each campaign is, and the whole story of one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::{Pairs, from_json, millis};
use crate::store::{Store, StoreError};

/// One line of `jackfield campaign status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The campaign.
    pub name: String,
    /// Who runs it.
    pub plugin: String,
    /// Nobody is called until it is resumed.
    pub paused: bool,
    /// Rows, duplicates included.
    pub contacts: u64,
    /// Neither finished nor being called.
    pub waiting: u64,
    /// Being called.
    pub calling: u64,
    /// Calls so far, those under way included.
    pub attempts: u64,
    /// Attempts that were answered.
    pub answered: u64,
    /// Finished contacts by outcome.
    pub outcomes: BTreeMap<String, u64>,
    /// Unix milliseconds; when the next waiting contact is due.
    pub next_due: Option<u64>,
}

/// A contact with all that was done to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// As it was dialled.
    pub number: String,
    /// For people.
    pub name: String,
    /// Where it came from.
    pub file: String,
    /// In `file`, from 1.
    pub line: u64,
    /// Every column of the file, by name.
    pub fields: Vec<(String, String)>,
    /// None: not finished.
    pub outcome: Option<String>,
    /// In order.
    pub attempts: Vec<Attempt>,
}

/// One call. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When its INVITE left.
    pub started_at: u64,
    /// None: not answered.
    pub answered_at: Option<u64>,
    /// None: under way.
    pub ended_at: Option<u64>,
    /// `normal`, `busy`, ...; [`INTERRUPTED`](super::INTERRUPTED); empty while under way.
    pub cause: String,
    /// The SIP status, or 0.
    pub code: u16,
    /// What plugins said with `set-result`.
    pub results: Vec<(String, String)>,
}

impl Store {
    /// Every campaign, by name.
    pub async fn campaigns(&self) -> Result<Vec<Status>, StoreError> {
        let rows = sqlx::query(
            "SELECT campaigns.id, campaigns.name, plugin, paused, count(c.id) AS contacts,
                    count(*) FILTER (WHERE c.id IS NOT NULL AND outcome IS NULL AND NOT calling) AS waiting,
                    count(*) FILTER (WHERE calling) AS calling,
                    min(c.due) FILTER (WHERE outcome IS NULL AND NOT calling) AS next_due,
                    sum(tries) AS attempts, sum(answers) AS answered
             FROM campaigns
             LEFT JOIN (
                 SELECT contacts.*, count(attempts.id) AS tries, count(answered_at) AS answers,
                        count(attempts.id) > count(ended_at) AS calling
                 FROM contacts LEFT JOIN attempts ON attempts.contact = contacts.id GROUP BY contacts.id
             ) c ON c.campaign = campaigns.id
             GROUP BY campaigns.id ORDER BY campaigns.name",
        )
        .fetch_all(&self.pool)
        .await?;
        let mut campaigns = Vec::new();
        for row in rows {
            let number =
                |name: &str| Ok::<_, sqlx::Error>(millis(row.try_get::<Option<i64>, _>(name)?.unwrap_or(0)));
            campaigns.push(Status {
                name: row.try_get("name")?,
                plugin: row.try_get("plugin")?,
                paused: row.try_get("paused")?,
                contacts: number("contacts")?,
                waiting: number("waiting")?,
                calling: number("calling")?,
                attempts: number("attempts")?,
                answered: number("answered")?,
                outcomes: self.outcomes(row.try_get("id")?).await?,
                next_due: row.try_get::<Option<i64>, _>("next_due")?.map(millis),
            });
        }
        Ok(campaigns)
    }

    async fn outcomes(&self, campaign: i64) -> Result<BTreeMap<String, u64>, sqlx::Error> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT outcome, count(*) FROM contacts WHERE campaign = ? AND outcome IS NOT NULL GROUP BY outcome",
        )
        .bind(campaign)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(outcome, count)| (outcome, millis(count))).collect())
    }

    /// Calls nobody from now on, or goes on. Returns the plugin that runs the campaign.
    pub async fn pause_campaign(&self, name: &str, paused: bool) -> Result<String, StoreError> {
        let row: Option<(String,)> =
            sqlx::query_as("UPDATE campaigns SET paused = ? WHERE name = ? RETURNING plugin")
                .bind(paused)
                .bind(name)
                .fetch_optional(&self.writes)
                .await?;
        row.map(|(plugin,)| plugin).ok_or_else(|| StoreError::NotFound(format!("campaign {name}")))
    }

    /// Every contact of a campaign, in the order of the import.
    pub async fn campaign_history(&self, name: &str) -> Result<Vec<History>, StoreError> {
        // One snapshot for both questions.
        let mut transaction = self.pool.begin().await?;
        let found: Option<(i64,)> = sqlx::query_as("SELECT id FROM campaigns WHERE name = ?")
            .bind(name)
            .fetch_optional(&mut *transaction)
            .await?;
        let (campaign,) = found.ok_or_else(|| StoreError::NotFound(format!("campaign {name}")))?;
        let rows = sqlx::query(
            "SELECT id, file, line, number, name, fields, outcome FROM contacts WHERE campaign = ? ORDER BY id",
        )
        .bind(campaign)
        .fetch_all(&mut *transaction)
        .await?;
        let attempts = sqlx::query(
            "SELECT contact, started_at, answered_at, ended_at, cause, code, results FROM attempts
             WHERE contact IN (SELECT id FROM contacts WHERE campaign = ?) ORDER BY id",
        )
        .bind(campaign)
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let mut of_contact: BTreeMap<i64, Vec<Attempt>> = BTreeMap::new();
        for row in attempts {
            of_contact.entry(row.try_get("contact")?).or_default().push(Attempt::read(&row)?);
        }
        let mut histories = Vec::with_capacity(rows.len());
        for row in rows {
            histories.push(History {
                number: row.try_get("number")?,
                name: row.try_get("name")?,
                file: row.try_get("file")?,
                line: millis(row.try_get("line")?),
                fields: from_json(row.try_get("fields")?),
                outcome: row.try_get("outcome")?,
                attempts: of_contact.remove(&row.try_get("id")?).unwrap_or_default(),
            });
        }
        Ok(histories)
    }
}

impl Attempt {
    fn read(row: &sqlx::sqlite::SqliteRow) -> Result<Attempt, sqlx::Error> {
        let time = |name: &str| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(name)?.map(millis));
        let code: Option<i64> = row.try_get("code")?;
        let results: Pairs =
            row.try_get::<Option<String>, _>("results")?.map_or(Vec::new(), |text| from_json(&text));
        Ok(Attempt {
            started_at: time("started_at")?.unwrap_or_default(),
            answered_at: time("answered_at")?,
            ended_at: time("ended_at")?,
            cause: row.try_get::<Option<String>, _>("cause")?.unwrap_or_default(),
            code: code.and_then(|code| u16::try_from(code).ok()).unwrap_or_default(),
            results,
        })
    }
}
