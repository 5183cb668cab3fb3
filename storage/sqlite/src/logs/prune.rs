//! Logs of runs that ended long ago are deleted, in small pieces.
//!
//! **Invariant:** the sweep goes on behind the place it has noted, and notes it in the write
//! that deletes.

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, params};
use zapjobs_storage::PruneRequest;

use crate::db::Db;
use crate::error::DbResult;
use crate::runs::row_limit;
use crate::writer::Tx;

/// Runs that one write looks at at most. Where so many have no log, the place is noted behind
/// them too, so that no later call looks at them again.
const RUNS_SEEN_MAX: usize = 1_000;
/// The sweep's name in the table of places.
const SWEEP: &str = "logs";

const PLACE: &str = "SELECT finished_at, id FROM {prefix}places WHERE sweep = ?1";
const NOTE_PLACE: &str = "INSERT OR REPLACE INTO {prefix}places (sweep, finished_at, id)
    VALUES (?1, ?2, ?3)";
const ENDED: &str = "SELECT finished_at, id, seq
    FROM {prefix}runs INDEXED BY {prefix}runs_finished
    WHERE status BETWEEN 3 AND 5 AND (finished_at, id) > (?1, ?2) AND finished_at < ?3
    ORDER BY finished_at, id LIMIT ?4";
const NTH: &str = "SELECT lease, idx FROM {prefix}logs WHERE seq = ?1 ORDER BY lease, idx
    LIMIT 1 OFFSET ?2";
const DELETE_BEFORE: &str = "DELETE FROM {prefix}logs WHERE seq = ?1 AND (lease, idx) < (?2, ?3)";
const DELETE_ALL: &str = "DELETE FROM {prefix}logs WHERE seq = ?1";

/// What one write deleted.
pub(crate) struct Deleted {
    pub(crate) entries: usize,
    /// Whether there is, or may be, more.
    pub(crate) has_more: bool,
}

/// Deletes the oldest entries of one run's log, at most so many.
pub(crate) fn delete_oldest(db: &Db, seq: i64, limit: usize) -> DbResult<Deleted> {
    // As stored, so that a damaged entry does not keep its run from being deleted.
    let first_kept: Option<(Value, Value)> = db
        .prepare(NTH)?
        .query_row(params![seq, row_limit(limit)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let entries = match &first_kept {
        Some((lease, index)) => db.prepare(DELETE_BEFORE)?.execute(params![seq, lease, index])?,
        None => db.prepare(DELETE_ALL)?.execute([seq])?,
    };
    Ok(Deleted { entries, has_more: first_kept.is_some() })
}

/// A run whose log may go: its place among those that ended, and its number.
struct Ended {
    finished_at: i64,
    id: Vec<u8>,
    seq: i64,
}

/// Deletes as much as one write may.
pub(crate) fn prune(tx: &mut Tx<'_>, request: PruneRequest) -> DbResult<Deleted> {
    let ended = ended_behind_place(tx, &request)?;
    let mut entries = 0;
    let mut emptied = None;
    for run in &ended {
        let log = delete_oldest(tx.db, run.seq, request.limit - entries)?;
        entries += log.entries;
        if log.entries > 0 && !log.has_more {
            emptied = Some(run);
        }
        if log.has_more || entries == request.limit {
            note_place(tx, emptied)?;
            return Ok(Deleted { entries, has_more: true });
        }
    }
    let has_more = ended.len() == RUNS_SEEN_MAX;
    note_place(tx, if has_more { ended.last() } else { emptied })?;
    Ok(Deleted { entries, has_more })
}

fn ended_behind_place(tx: &Tx<'_>, request: &PruneRequest) -> DbResult<Vec<Ended>> {
    let place: Option<(i64, Vec<u8>)> = tx
        .db
        .prepare(PLACE)?
        .query_row([SWEEP], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (finished_at, id) = place.unwrap_or((i64::MIN, Vec::new()));
    let before = request.finished_before.as_micros();
    let mut statement = tx.db.prepare(ENDED)?;
    let bounds = params![finished_at, id, before, row_limit(RUNS_SEEN_MAX)];
    let rows = statement.query_map(bounds, |row| {
        Ok(Ended { finished_at: row.get(0)?, id: row.get(1)?, seq: row.get(2)? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn note_place(tx: &Tx<'_>, run: Option<&Ended>) -> DbResult<()> {
    let Some(run) = run else { return Ok(()) };
    tx.db.prepare(NOTE_PLACE)?.execute(params![SWEEP, run.finished_at, run.id])?;
    Ok(())
}
