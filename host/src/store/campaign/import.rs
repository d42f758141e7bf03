//! From rows of a file to contacts, in one transaction.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{Sqlite, Transaction};

use super::{DUPLICATE, to_json};
use crate::store::{Store, StoreError};

/// Rows of one statement: the exchange's own writes wait while a list is imported.
const BATCH: usize = 1000;

/// A list of contacts for a campaign.
#[derive(Clone, Debug)]
pub struct Import {
    /// The campaign.
    pub campaign: String,
    /// The plugin that runs it.
    pub plugin: String,
    /// The file, for the export.
    pub file: String,
    /// The rows.
    pub contacts: Vec<NewContact>,
    /// More contacts for a campaign that exists; otherwise that is an error.
    pub add: bool,
}

/// A row that can be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewContact {
    /// In the file, from 1.
    pub line: u64,
    /// Ready to be dialled.
    pub number: String,
    /// For people.
    pub name: String,
    /// Every column as it was written, by the header's names.
    pub fields: Vec<(String, String)>,
}

/// What became of the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Will be called.
    pub added: u64,
    /// Line, number, and the line that has that number already (0: an earlier file).
    pub duplicates: Vec<(u64, String, u64)>,
}

impl Store {
    /// Makes the campaign and its contacts, due at once. A number that the campaign has
    /// already is kept as a row with the outcome [`DUPLICATE`]. All rows or none.
    pub async fn import_contacts(&self, import: &Import, now: u64) -> Result<Imported, StoreError> {
        let mut transaction = self.writes.begin_with("BEGIN IMMEDIATE").await?;
        let campaign = find_or_create(&mut transaction, import, now).await?;
        let numbers: Vec<(String,)> = sqlx::query_as("SELECT number FROM contacts WHERE campaign = ?")
            .bind(campaign)
            .fetch_all(&mut *transaction)
            .await?;
        let mut known: HashMap<String, u64> = numbers.into_iter().map(|(number,)| (number, 0)).collect();
        let mut imported = Imported::default();
        for contacts in import.contacts.chunks(BATCH) {
            let mut rows = Vec::with_capacity(contacts.len());
            for contact in contacts {
                let former = known.get(&contact.number).copied();
                rows.push(row(contact, former.map(|_| DUPLICATE))?);
                match former {
                    Some(line) => imported.duplicates.push((contact.line, contact.number.clone(), line)),
                    None => {
                        imported.added += 1;
                        known.insert(contact.number.clone(), contact.line);
                    }
                }
            }
            insert(&mut transaction, campaign, &import.file, rows, now).await?;
        }
        transaction.commit().await?;
        Ok(imported)
    }
}

async fn find_or_create(
    transaction: &mut Transaction<'_, Sqlite>,
    import: &Import,
    now: u64,
) -> Result<i64, StoreError> {
    let found: Option<(i64, String)> = sqlx::query_as("SELECT id, plugin FROM campaigns WHERE name = ?")
        .bind(&import.campaign)
        .fetch_optional(&mut **transaction)
        .await?;
    match found {
        Some((id, plugin)) if import.add && plugin == import.plugin => Ok(id),
        Some((_, plugin)) if import.add => Err(StoreError::Refused(format!(
            "the campaign {} belongs to the plugin {plugin}",
            import.campaign
        ))),
        Some(_) => Err(StoreError::Refused(format!(
            "there is a campaign {} already: choose another name, or add these contacts to it with --add",
            import.campaign
        ))),
        None => {
            let made = sqlx::query("INSERT INTO campaigns (name, plugin, created_at) VALUES (?, ?, ?)")
                .bind(&import.campaign)
                .bind(&import.plugin)
                .bind(now as i64)
                .execute(&mut **transaction)
                .await?;
            Ok(made.last_insert_rowid())
        }
    }
}

/// Line, number, name, fields and outcome.
fn row(contact: &NewContact, outcome: Option<&str>) -> Result<serde_json::Value, sqlx::Error> {
    Ok(json!([contact.line, contact.number, contact.name, to_json(&contact.fields)?, outcome]))
}

async fn insert(
    transaction: &mut Transaction<'_, Sqlite>,
    campaign: i64,
    file: &str,
    rows: Vec<serde_json::Value>,
    now: u64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO contacts (campaign, file, due, line, number, name, fields, outcome)
         SELECT ?1, ?2, ?3, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4
         FROM json_each(?4) ORDER BY key",
    )
    .bind(campaign)
    .bind(file)
    .bind(now as i64)
    .bind(serde_json::Value::Array(rows).to_string())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
