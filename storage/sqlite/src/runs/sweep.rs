//! What time does to runs: those that wait become due, those whose worker is gone expire,
//! those that ended long ago are deleted.

use rusqlite::params;
use zapjobs_model::{Run, RunId, Tag, Timestamp};
use zapjobs_storage::{Promoted, PruneRequest};

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

/// Runs deleted in one write at most, so that claims get their turn in between.
pub(crate) const PRUNE_RUNS_MAX: usize = 500;
/// Log entries after which a write deletes no further run.
const PRUNE_LOGS_MAX: usize = 20_000;

const ENDED: &str = "SELECT r.id, r.seq, i.tags FROM {prefix}runs r
        INDEXED BY {prefix}runs_finished LEFT JOIN {prefix}inputs i ON i.seq = r.seq
    WHERE r.status BETWEEN 3 AND 5 AND r.finished_at < ?1 ORDER BY r.finished_at, r.id LIMIT ?2";
const DELETE_RUN: &str = "DELETE FROM {prefix}runs WHERE id = ?1";
const DELETE_INPUT: &str = "DELETE FROM {prefix}inputs WHERE seq = ?1";
const DELETE_OUTCOME: &str = "DELETE FROM {prefix}outcomes WHERE seq = ?1";
const DELETE_LOGS: &str = "DELETE FROM {prefix}logs WHERE seq = ?1";
const DELETE_TAG: &str = "DELETE FROM {prefix}tags WHERE tag = ?1 AND id = ?2";

/// A run to be deleted: its id and number, and its tags as stored.
type Ended = (Vec<u8>, i64, Option<String>);

pub(crate) fn prune(tx: &mut Tx<'_>, request: PruneRequest) -> DbResult<usize> {
    let ended: Vec<Ended> = {
        let mut statement = tx.db.prepare(ENDED)?;
        let limits = params![request.finished_before.as_micros(), row_limit(request.limit)];
        let rows =
            statement.query_map(limits, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        rows.collect::<rusqlite::Result<_>>()?
    };
    let mut logs = 0;
    let mut pruned = 0;
    for (id, seq, tags) in ended {
        tx.db.prepare(DELETE_RUN)?.execute([&id])?;
        tx.db.prepare(DELETE_INPUT)?.execute([seq])?;
        tx.db.prepare(DELETE_OUTCOME)?.execute([seq])?;
        logs += tx.db.prepare(DELETE_LOGS)?.execute([seq])?;
        // Where the tags cannot be read, their entries stay, and lead nowhere.
        let tags = tags.and_then(|tags| serde_json::from_str::<Vec<Tag>>(&tags).ok());
        for tag in tags.unwrap_or_default() {
            tx.db.prepare(DELETE_TAG)?.execute(params![tag.as_str(), id])?;
        }
        pruned += 1;
        if logs > PRUNE_LOGS_MAX {
            break;
        }
    }
    Ok(pruned)
}

/// SQLite takes signed limits; no table holds more rows.
pub(crate) fn row_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A run's id as stored.
pub(crate) fn stored_id(id: RunId) -> [u8; 16] {
    id.0.into_bytes()
}
