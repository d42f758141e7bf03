//! What running makes, in SQLite: password digests, bindings, call records and the
//! plugins' values, and the campaigns. All SQL is in this room.

mod bindings;
pub mod campaign;
mod digests;
mod events;
mod recordings;
pub mod records;
mod values;
mod writer;

use std::{path::Path, time::Duration};

use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

pub use recordings::{Quota, Recordings};
pub use values::{MAX_KEY, MAX_VALUE};
pub use writer::{Job, Writer};

/// A fault of the database, in a sentence with its file.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{file}: {error}")]
    Open { file: String, error: sqlx::Error },
    #[error("the database cannot be brought to this version: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("database: {0}")]
    Sql(#[from] sqlx::Error),
    /// The row that was named does not exist.
    #[error("there is no {0}")]
    NotFound(String),
    /// What was asked for contradicts what is stored.
    #[error("{0}")]
    Refused(String),
    /// A plugin's quota is spent.
    #[error("{0}")]
    Limit(String),
    #[error(
        "the realm was \"{stored}\" at first start and the passwords depend on it: write realm = \"{stored}\" in \
         [exchange], or delete the database and give every user a new password"
    )]
    Realm { stored: String },
}

/// As plugins see it.
impl From<StoreError> for jackfield_switch::Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(what) => Self::NotFound(what),
            StoreError::Refused(why) => Self::Invalid(why),
            StoreError::Limit(which) => Self::Limit(which),
            error => Self::Unavailable(error.to_string()),
        }
    }
}

/// The open database; cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    /// For reading.
    pool: SqlitePool,
    /// One connection: writers queue here, in order, instead of polling SQLite's lock.
    writes: SqlitePool,
}

impl Store {
    /// Opens the file, makes it when it is missing, and brings it to this version.
    pub async fn open(file: &Path) -> Result<Store, StoreError> {
        let failed = |error| StoreError::Open { file: file.display().to_string(), error };
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(|error| failed(sqlx::Error::Io(error)))?;
        }
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10));
        let writes = SqlitePoolOptions::new().max_connections(1);
        let writes = writes.connect_with(options.clone()).await.map_err(failed)?;
        sqlx::migrate!("./migrations").run(&writes).await?;
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await.map_err(failed)?;
        Ok(Store { pool, writes })
    }

    /// The realm is what it was at first start.
    pub async fn fix_realm(&self, realm: &str) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO facts (name, value) VALUES ('realm', ?) ON CONFLICT DO NOTHING")
            .bind(realm)
            .execute(&self.writes)
            .await?;
        self.check_realm(realm).await
    }

    /// Whether a start would refuse that realm.
    pub async fn check_realm(&self, realm: &str) -> Result<(), StoreError> {
        let stored: Option<(String,)> =
            sqlx::query_as("SELECT value FROM facts WHERE name = 'realm'").fetch_optional(&self.pool).await?;
        match stored {
            Some((stored,)) if stored != realm => Err(StoreError::Realm { stored }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_realm_is_fixed_at_first_start() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("new/a.db")).await.unwrap();
        store.check_realm("school").await.unwrap();
        store.fix_realm("school").await.unwrap();
        store.fix_realm("school").await.unwrap();
        store.check_realm("other").await.unwrap_err();
        let error = store.fix_realm("other").await.unwrap_err().to_string();
        assert!(error.contains("realm = \"school\""), "{error}");
    }
}
