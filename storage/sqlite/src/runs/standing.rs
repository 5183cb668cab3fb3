//! How one run stands, for writes that depend on it.

use rusqlite::{CachedStatement, OptionalExtension};
use zapjobs_model::{Lease, RunStatus, Timestamp};

use crate::db::Db;
use crate::error::{DbError, DbResult};

pub(crate) const STANDING: &str = "SELECT seq, lease, status, cancel_requested, tenant,
    queue, due_at, followed FROM {prefix}runs WHERE id = ?1";

pub(crate) struct Standing {
    pub(crate) seq: i64,
    pub(crate) lease: Lease,
    /// `None` where the record was set aside.
    pub(crate) status: Option<RunStatus>,
    pub(crate) cancel_requested: bool,
    pub(crate) tenant: String,
    pub(crate) queue: String,
    pub(crate) due_at: Timestamp,
    /// Whether others wait for it, or did.
    pub(crate) followed: bool,
}

pub(crate) fn standing(db: &Db, id: &[u8; 16]) -> DbResult<Option<Standing>> {
    read_standing(&mut db.prepare(STANDING)?, id)
}

/// `statement` is [`STANDING`].
pub(crate) fn read_standing(
    statement: &mut CachedStatement<'_>,
    id: &[u8; 16],
) -> DbResult<Option<Standing>> {
    let row = statement.query_row([id], |row| {
        Ok(Standing {
            seq: row.get(0)?,
            lease: Lease(row.get(1)?),
            status: RunStatus::from_code(row.get(2)?),
            cancel_requested: row.get(3)?,
            tenant: row.get(4)?,
            queue: row.get(5)?,
            due_at: Timestamp::from_micros(row.get(6)?),
            followed: row.get(7)?,
        })
    });
    Ok(row.optional()?)
}

/// The status; an error where the record was set aside.
pub(crate) fn readable_status(standing: &Standing) -> DbResult<RunStatus> {
    standing
        .status
        .ok_or_else(|| DbError::corrupt("the run's record cannot be read and is set aside"))
}
