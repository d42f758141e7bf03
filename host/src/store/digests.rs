//! Password digests: what a login is checked against. The passwords are nowhere.

use std::collections::BTreeMap;

use jackfield_sip::Digests;

use super::{Store, StoreError};

type Row = (String, Option<String>, Option<String>, Option<String>);

impl Store {
    pub async fn digests(&self) -> Result<BTreeMap<String, Digests>, StoreError> {
        let rows: Vec<Row> =
            sqlx::query_as("SELECT user, md5, sha256, sha512_256 FROM digests").fetch_all(&self.pool).await?;
        Ok(rows
            .into_iter()
            .map(|(user, md5, sha256, sha512_256)| (user, Digests { md5, sha256, sha512_256 }))
            .collect())
    }

    /// All of them, or none.
    pub async fn set_digests(&self, users: &[(&str, Digests)]) -> Result<(), StoreError> {
        let mut transaction = self.writes.begin().await?;
        for (user, digests) in users {
            sqlx::query("INSERT OR REPLACE INTO digests (user, md5, sha256, sha512_256) VALUES (?, ?, ?, ?)")
                .bind(*user)
                .bind(&digests.md5)
                .bind(&digests.sha256)
                .bind(&digests.sha512_256)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Removes a user's digests and bindings.
    pub async fn remove_user(&self, user: &str) -> Result<(), StoreError> {
        let mut transaction = self.writes.begin().await?;
        sqlx::query("DELETE FROM digests WHERE user = ?").bind(user).execute(&mut *transaction).await?;
        sqlx::query("DELETE FROM bindings WHERE user = ?").bind(user).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }
}
