//! Leases by name.

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};
use zapjobs_model::{Timestamp, WorkerId};
use zapjobs_storage::{Coordinator, NamedLease, NamedLeaseRequest, Result};

use crate::SqliteStorage;
use crate::db::Db;
use crate::error::{DbResult, invalid};
use crate::writer::{Tx, WriteKind};

/// Bytes of a lease's name at most.
const NAME_BYTES_MAX: usize = 100;

const READ: &str = "SELECT owner, fence, expires_at FROM {prefix}named_leases WHERE name = ?1";
const WRITE: &str = "INSERT OR REPLACE INTO {prefix}named_leases (name, owner, fence, expires_at)
    VALUES (?1, ?2, ?3, ?4)";
// The row stays, and with it the fence.
const RELEASE: &str = "UPDATE {prefix}named_leases SET owner = NULL
    WHERE name = ?1 AND owner = ?2 AND expires_at > ?3";

#[async_trait]
impl Coordinator for SqliteStorage {
    async fn acquire(&self, request: NamedLeaseRequest) -> Result<Option<NamedLease>> {
        const OPERATION: &str = "acquire a named lease";
        if request.name.len() > NAME_BYTES_MAX {
            let bytes = request.name.len();
            return Err(invalid(
                OPERATION,
                format!("the lease's name has {bytes} bytes, {NAME_BYTES_MAX} are allowed"),
            ));
        }
        self.write(WriteKind::patient(OPERATION), move |tx| acquire(tx, &request)).await
    }

    async fn release(&self, name: &str, owner: WorkerId) -> Result<bool> {
        let name = name.to_owned();
        self.write(WriteKind::new("release a named lease", 0), move |tx| {
            let row = params![name, owner.0.as_bytes(), tx.now.as_micros()];
            Ok(tx.db.prepare(RELEASE)?.execute(row)? > 0)
        })
        .await
    }

    async fn named_lease(&self, name: &str) -> Result<Option<NamedLease>> {
        let name = name.to_owned();
        let now = self.clock().now();
        self.read("read a named lease", move |db| {
            let held = stored(db, &name)?.filter(|stored| stored.expires_at > now);
            let Some(Stored { owner: Some(owner), fence, expires_at }) = held else {
                return Ok(None);
            };
            let owner = WorkerId(uuid::Uuid::from_bytes(owner));
            let fence = fence.unsigned_abs();
            Ok(Some(NamedLease { name: name.clone(), owner, fence, expires_at }))
        })
        .await
    }
}

struct Stored {
    owner: Option<[u8; 16]>,
    fence: i64,
    expires_at: Timestamp,
}

fn stored(db: &Db, name: &str) -> DbResult<Option<Stored>> {
    let mut statement = db.prepare(READ)?;
    let row = statement.query_row([name], |row| {
        Ok(Stored {
            owner: row.get(0)?,
            fence: row.get(1)?,
            expires_at: Timestamp::from_micros(row.get(2)?),
        })
    });
    Ok(row.optional()?)
}

fn acquire(tx: &mut Tx<'_>, request: &NamedLeaseRequest) -> DbResult<Option<NamedLease>> {
    let stored = stored(tx.db, &request.name)?;
    let holder = stored.as_ref().filter(|stored| stored.expires_at > tx.now);
    let holder = holder.and_then(|stored| stored.owner);
    let last_fence = stored.as_ref().map_or(0, |stored| stored.fence);
    let asks = request.owner.0.into_bytes();
    let fence = match holder {
        Some(holder) if holder == asks => last_fence,
        Some(_) => return Ok(None),
        None => last_fence + 1,
    };
    let expires_at = tx.now.plus(request.ttl);
    let row = params![request.name, asks, fence, expires_at.as_micros()];
    tx.db.prepare(WRITE)?.execute(row)?;
    Ok(Some(NamedLease {
        name: request.name.clone(),
        owner: request.owner,
        fence: fence.unsigned_abs(),
        expires_at,
    }))
}
