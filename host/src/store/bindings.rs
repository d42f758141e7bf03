//! Registrations that outlive a restart. Those over TCP and TLS do not: their
//! connection is gone.

use std::{net::SocketAddr, time::Duration};

use jackfield_sip::{Binding, Flow, FlowId, Transport};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{Store, StoreError};

/// A user's bindings as they now stand; `offset` is Unix time minus the driver's time.
pub(super) async fn replace(
    connection: &mut SqliteConnection,
    user: &str,
    bindings: &[Binding],
    offset: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM bindings WHERE user = ?").bind(user).execute(&mut *connection).await?;
    for binding in bindings.iter().filter(|binding| binding.flow.transport == Transport::Udp) {
        sqlx::query("INSERT OR REPLACE INTO bindings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
            .bind(user)
            .bind(&binding.contact)
            .bind(binding.flow.transport.as_str())
            .bind(binding.flow.local.to_string())
            .bind(binding.flow.remote.to_string())
            .bind((offset + binding.expires).as_millis() as i64)
            .bind(&binding.call_id)
            .bind(i64::from(binding.cseq))
            .bind(i64::from(binding.q))
            .bind(&binding.instance)
            .bind(binding.path.join("\n"))
            .bind(i64::from(binding.reg_id.unwrap_or_default()))
            .bind(binding.is_translated)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

impl Store {
    /// The bindings that are still valid. `listener` gives the flow id of the UDP
    /// listener that owns a local address.
    pub async fn bindings(
        &self,
        offset: Duration,
        listener: impl Fn(SocketAddr) -> Option<FlowId>,
    ) -> Result<Vec<(String, Binding)>, StoreError> {
        let rows = sqlx::query("SELECT * FROM bindings WHERE expires_at > ?")
            .bind(offset.as_millis() as i64)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().filter_map(|row| read(row, offset, &listener)).collect())
    }
}

/// None for a row that no longer fits the listeners.
fn read(
    row: &SqliteRow,
    offset: Duration,
    listener: impl Fn(SocketAddr) -> Option<FlowId>,
) -> Option<(String, Binding)> {
    let text = |name: &str| row.try_get::<String, _>(name).ok();
    let number = |name: &str| row.try_get::<i64, _>(name).ok();
    let local: SocketAddr = text("local")?.parse().ok()?;
    let flow = Flow {
        id: listener(local)?,
        transport: Transport::Udp,
        local,
        remote: text("remote")?.parse().ok()?,
    };
    let expires_at = Duration::from_millis(u64::try_from(number("expires_at")?).ok()?);
    let binding = Binding {
        contact: text("contact")?,
        flow,
        expires: expires_at.checked_sub(offset)?,
        call_id: text("call_id")?,
        cseq: u32::try_from(number("cseq")?).ok()?,
        q: u16::try_from(number("q")?).ok()?,
        instance: row.try_get("instance").ok()?,
        reg_id: number("reg_id").and_then(|id| u32::try_from(id).ok()).filter(|id| *id > 0),
        is_translated: row.try_get("is_translated").ok()?,
        path: text("path")?.lines().map(str::to_owned).collect(),
    };
    Some((text("user")?, binding))
}
