//! What time does to runs: those that wait become due, those whose worker is gone expire. Those
//! that ended long ago are for [`super::prune`].

use rusqlite::params;
use zapjobs_model::{Run, RunId, Timestamp};
use zapjobs_storage::Promoted;

use super::apply::tell_ready;
use crate::db::Db;
use crate::error::{DbError, DbResult};
use crate::quarantine::is_of_record;
use crate::row::{RUN_COLUMNS, RUN_JOINS, read_run};
use crate::writer::Tx;

const DUE: &str = "SELECT id, queue FROM {prefix}runs INDEXED BY {prefix}runs_delayed
    WHERE (status = 1 OR status = 6) AND due_at <= ?1 ORDER BY due_at, id LIMIT ?2";
const PROMOTE: &str = "UPDATE {prefix}runs SET status = 0 WHERE id = ?1";
const NEXT_DUE: &str = "SELECT min(due_at) FROM {prefix}runs INDEXED BY {prefix}runs_delayed
    WHERE (status = 1 OR status = 6)";

pub(crate) fn promote(tx: &mut Tx<'_>, limit: usize) -> DbResult<Promoted> {
    let due: Vec<(Vec<u8>, String)> = {
        let mut statement = tx.db.prepare(DUE)?;
        let limits = params![tx.now.as_micros(), row_limit(limit)];
        let rows = statement.query_map(limits, |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<rusqlite::Result<_>>()?
    };
    for (id, queue) in &due {
        tx.db.prepare(PROMOTE)?.execute([id])?;
        tell_ready(tx, queue);
    }
    let next_due: Option<i64> = tx.db.prepare(NEXT_DUE)?.query_row([], |row| row.get(0))?;
    Ok(Promoted { count: due.len(), next_due: next_due.map(Timestamp::from_micros) })
}

/// Makes a run pending whose time has come.
pub(super) fn promote_one(tx: &Tx<'_>, id: &[u8; 16]) -> DbResult<()> {
    tx.db.prepare(PROMOTE)?.execute([id])?;
    Ok(())
}

/// Expired runs, and the records among them that cannot be read, as stored.
#[derive(Default)]
pub(crate) struct Expired {
    pub(crate) runs: Vec<Run>,
    pub(crate) unreadable: Vec<(Vec<u8>, DbError)>,
}

pub(crate) fn expired(db: &Db, now: Timestamp, limit: usize) -> DbResult<Expired> {
    let sql = format!(
        "SELECT {RUN_COLUMNS} FROM {{prefix}}runs r INDEXED BY {{prefix}}runs_running {RUN_JOINS}
         WHERE r.status = 2 AND r.lease_expires_at <= ?1
         ORDER BY r.lease_expires_at, r.id LIMIT ?2"
    );
    let mut statement = db.prepare_composed(&sql)?;
    let mut rows = statement.query(params![now.as_micros(), row_limit(limit)])?;
    let mut expired = Expired::default();
    while let Some(row) = rows.next()? {
        match read_run(row) {
            Ok(run) => expired.runs.push(run),
            Err(error) if is_of_record(&error) => {
                expired.unreadable.push((row.get(0)?, error));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(expired)
}

/// SQLite takes signed limits; no table holds more rows.
pub(crate) fn row_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A run's id as stored.
pub(crate) fn stored_id(id: RunId) -> [u8; 16] {
    id.0.into_bytes()
}
