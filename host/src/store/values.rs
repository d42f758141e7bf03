//! The plugins' key-value store: one namespace per plugin name.
//!
//! `now` is Unix time in milliseconds; a value whose time is over is as good as gone.

use std::time::Duration;

use sqlx::{Sqlite, SqliteConnection, Transaction};

use super::{Store, StoreError};

/// The largest value, in bytes.
pub const MAX_VALUE: usize = 256 << 10;
/// The longest key, in bytes.
pub const MAX_KEY: usize = 512;

impl Store {
    pub async fn value(&self, plugin: &str, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(read(&mut *self.pool.acquire().await?, plugin, key, now).await?)
    }

    /// `quota` is the most that all keys and values of the plugin may take, in bytes; each counts 64 more than it has.
    pub async fn set_value(
        &self,
        plugin: &str,
        key: &str,
        value: &[u8],
        ttl: Option<Duration>,
        now: u64,
        quota: usize,
    ) -> Result<(), StoreError> {
        let expires_at = ttl.map(|ttl| now.saturating_add(ttl.as_millis() as u64) as i64);
        let mut change = self.change(plugin, now).await?;
        write(&mut change, plugin, key, value, expires_at).await?;
        within(&mut change, plugin, quota).await?;
        Ok(change.commit().await?)
    }

    /// Whether it was there.
    pub async fn delete_value(&self, plugin: &str, key: &str, now: u64) -> Result<bool, StoreError> {
        let mut change = self.change(plugin, now).await?;
        let deleted = sqlx::query("DELETE FROM plugin_values WHERE plugin = ? AND key = ?")
            .bind(plugin)
            .bind(key)
            .execute(&mut *change)
            .await?;
        change.commit().await?;
        Ok(deleted.rows_affected() > 0)
    }

    /// Atomic; a missing key counts as 0. The value is its decimal text. Its time stays as it is.
    pub async fn add_value(
        &self,
        plugin: &str,
        key: &str,
        delta: i64,
        now: u64,
        quota: usize,
    ) -> Result<i64, StoreError> {
        let mut change = self.change(plugin, now).await?;
        let present = read(&mut change, plugin, key, now).await?;
        let number = match &present {
            None => Some(0),
            Some(value) => str::from_utf8(value).ok().and_then(|text| text.trim().parse::<i64>().ok()),
        };
        let number =
            number.ok_or_else(|| StoreError::Refused(format!("the value of {key} is not a number")))?;
        let sum = number
            .checked_add(delta)
            .ok_or_else(|| StoreError::Refused(format!("the number {key} would be too large")))?;
        replace(&mut change, plugin, key, sum.to_string().as_bytes()).await?;
        within(&mut change, plugin, quota).await?;
        change.commit().await?;
        Ok(sum)
    }

    /// Writes only when the present value equals `old`. The value's time stays as it is.
    pub async fn swap_value(
        &self,
        plugin: &str,
        key: &str,
        old: Option<&[u8]>,
        new: &[u8],
        now: u64,
        quota: usize,
    ) -> Result<bool, StoreError> {
        let mut change = self.change(plugin, now).await?;
        if read(&mut change, plugin, key, now).await?.as_deref() != old {
            return Ok(false);
        }
        replace(&mut change, plugin, key, new).await?;
        within(&mut change, plugin, quota).await?;
        change.commit().await?;
        Ok(true)
    }

    /// Keys in order, after `after`.
    pub async fn keys(
        &self,
        plugin: &str,
        prefix: &str,
        after: &str,
        limit: u32,
        now: u64,
    ) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT key FROM plugin_values
             WHERE plugin = ?1 AND substr(key, 1, length(?2)) = ?2 AND key > ?3
               AND (expires_at IS NULL OR expires_at > ?5)
             ORDER BY key LIMIT ?4",
        )
        .bind(plugin)
        .bind(prefix)
        .bind(after)
        .bind(limit)
        .bind(now as i64)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(key,)| key).collect())
    }

    /// A change to a plugin's values that nobody else can come between. What has expired goes first.
    async fn change(&self, plugin: &str, now: u64) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        let mut change = self.writes.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("DELETE FROM plugin_values WHERE plugin = ? AND expires_at <= ?")
            .bind(plugin)
            .bind(now as i64)
            .execute(&mut *change)
            .await?;
        Ok(change)
    }
}

async fn read(
    connection: &mut SqliteConnection,
    plugin: &str,
    key: &str,
    now: u64,
) -> Result<Option<Vec<u8>>, sqlx::Error> {
    let row: Option<(Vec<u8>,)> = sqlx::query_as(
        "SELECT value FROM plugin_values WHERE plugin = ? AND key = ? AND (expires_at IS NULL OR expires_at > ?)",
    )
    .bind(plugin)
    .bind(key)
    .bind(now as i64)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|(value,)| value))
}

async fn write(
    connection: &mut SqliteConnection,
    plugin: &str,
    key: &str,
    value: &[u8],
    expires_at: Option<i64>,
) -> Result<(), StoreError> {
    small(key, value)?;
    sqlx::query(
        "INSERT INTO plugin_values (plugin, key, value, expires_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (plugin, key) DO UPDATE SET value = ?3, expires_at = ?4",
    )
    .bind(plugin)
    .bind(key)
    .bind(value)
    .bind(expires_at)
    .execute(connection)
    .await?;
    Ok(())
}

async fn replace(
    connection: &mut SqliteConnection,
    plugin: &str,
    key: &str,
    value: &[u8],
) -> Result<(), StoreError> {
    small(key, value)?;
    sqlx::query(
        "INSERT INTO plugin_values (plugin, key, value) VALUES (?1, ?2, ?3)
         ON CONFLICT (plugin, key) DO UPDATE SET value = ?3",
    )
    .bind(plugin)
    .bind(key)
    .bind(value)
    .execute(connection)
    .await?;
    Ok(())
}

fn small(key: &str, value: &[u8]) -> Result<(), StoreError> {
    if key.len() > MAX_KEY {
        return Err(StoreError::Limit(format!("a key has at most {MAX_KEY} bytes")));
    }
    if value.len() > MAX_VALUE {
        return Err(StoreError::Limit(format!("a value has at most {MAX_VALUE} bytes")));
    }
    Ok(())
}

/// An error rolls the change back.
async fn within(connection: &mut SqliteConnection, plugin: &str, quota: usize) -> Result<(), StoreError> {
    let sum: Option<(i64,)> = sqlx::query_as("SELECT bytes FROM plugin_sums WHERE plugin = ?")
        .bind(plugin)
        .fetch_optional(connection)
        .await?;
    if sum.is_some_and(|(bytes,)| bytes as u64 > quota as u64) {
        return Err(StoreError::Limit(format!(
            "the key-value store of {plugin} holds at most {quota} bytes"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: usize = 1000;

    async fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.db")).await.unwrap();
        (folder, store)
    }

    #[tokio::test]
    async fn values_are_kept_apart_counted_and_swapped() {
        let (_folder, store) = store().await;
        store.set_value("ivr", "k", b"v", None, 0, QUOTA).await.unwrap();
        assert_eq!(store.value("ivr", "k", 0).await.unwrap().as_deref(), Some(&b"v"[..]));
        assert_eq!(store.value("other", "k", 0).await.unwrap(), None);
        assert_eq!(store.add_value("ivr", "n", 2, 0, QUOTA).await.unwrap(), 2);
        assert_eq!(store.add_value("ivr", "n", -5, 0, QUOTA).await.unwrap(), -3);
        assert!(!store.swap_value("ivr", "k", Some(b"x"), b"y", 0, QUOTA).await.unwrap());
        assert!(store.swap_value("ivr", "k", Some(b"v"), b"y", 0, QUOTA).await.unwrap());
        assert!(!store.swap_value("ivr", "k", None, b"z", 0, QUOTA).await.unwrap());
        assert_eq!(store.keys("ivr", "", "k", 10, 0).await.unwrap(), ["n"]);
        assert!(store.delete_value("ivr", "k", 0).await.unwrap());
        assert!(!store.delete_value("ivr", "k", 0).await.unwrap());
    }

    #[tokio::test]
    async fn what_has_expired_is_gone_for_every_question() {
        let (_folder, store) = store().await;
        let set = async || {
            store.set_value("ivr", "t", b"7", Some(Duration::from_secs(1)), 5000, QUOTA).await.unwrap()
        };
        set().await;
        assert!(store.value("ivr", "t", 5999).await.unwrap().is_some());
        assert_eq!(store.value("ivr", "t", 6000).await.unwrap(), None);
        assert!(store.keys("ivr", "", "", 10, 6000).await.unwrap().is_empty());
        assert_eq!(store.add_value("ivr", "t", 1, 5999, QUOTA).await.unwrap(), 8);
        assert_eq!(store.add_value("ivr", "t", 1, 6000, QUOTA).await.unwrap(), 1);
        set().await;
        assert!(store.swap_value("ivr", "t", None, b"new", 6000, QUOTA).await.unwrap());
        set().await;
        assert!(!store.delete_value("ivr", "t", 6000).await.unwrap());
    }

    #[tokio::test]
    async fn a_plugin_cannot_write_past_its_quota() {
        let (_folder, store) = store().await;
        store.set_value("ivr", "a", &[0; 900], None, 0, QUOTA).await.unwrap();
        let full = store.set_value("ivr", "b", &[0; 200], None, 0, QUOTA).await.unwrap_err();
        assert_eq!(full.to_string(), "the key-value store of ivr holds at most 1000 bytes");
        assert_eq!(store.value("ivr", "b", 0).await.unwrap(), None, "nothing of it was written");
        store.set_value("other", "b", &[0; 200], None, 0, QUOTA).await.unwrap();
        store.set_value("ivr", "a", b"small", None, 0, QUOTA).await.unwrap();
        store.set_value("ivr", "b", &[0; 200], None, 0, QUOTA).await.unwrap();
    }

    #[tokio::test]
    async fn what_values_take_is_known_after_every_kind_of_change() {
        let (_folder, store) = store().await;
        let change = async || {
            let second = Some(Duration::from_secs(1));
            store.set_value("ivr", "é", b"12345", None, 0, QUOTA).await.unwrap();
            store.set_value("ivr", "é", b"1", second, 0, QUOTA).await.unwrap();
            store.add_value("ivr", "n", 9, 0, QUOTA).await.unwrap();
            store.add_value("ivr", "n", 90, 0, QUOTA).await.unwrap();
            store.swap_value("ivr", "s", None, b"new", 0, QUOTA).await.unwrap();
            store.set_value("ivr", "s", &[0; 2000], None, 0, QUOTA).await.unwrap_err();
            store.set_value("ivr", "t", b"1", second, 0, QUOTA).await.unwrap();
            store.set_value("ivr", "u", b"1", None, 1000, QUOTA).await.unwrap();
            store.delete_value("ivr", "u", 1000).await.unwrap();
        };
        change().await;
        change().await;
        let sum = async |sql| sqlx::query_as::<_, (i64,)>(sql).fetch_one(&store.pool).await.unwrap().0;
        // "n" and "s" are left: 198 and new.
        assert_eq!(sum("SELECT bytes FROM plugin_sums").await, 2 * (1 + 3 + 64));
        assert_eq!(sum("SELECT count(*) FROM plugin_values").await, 2);
    }

    #[tokio::test]
    async fn only_numbers_can_be_added_to() {
        let (_folder, store) = store().await;
        store.set_value("ivr", "word", b"seven", None, 0, QUOTA).await.unwrap();
        let error = store.add_value("ivr", "word", 1, 0, QUOTA).await.unwrap_err();
        assert_eq!(error.to_string(), "the value of word is not a number");
        store.add_value("ivr", "n", i64::MAX, 0, QUOTA).await.unwrap();
        let error = store.add_value("ivr", "n", 1, 0, QUOTA).await.unwrap_err();
        assert_eq!(error.to_string(), "the number n would be too large");
    }
}
