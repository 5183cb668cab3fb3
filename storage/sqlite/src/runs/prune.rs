//! Runs that ended long ago are deleted, in small pieces.
//!
//! **Invariant:** a run goes last, in the write that takes what was left of its log: while a run
//! is answered it is whole save for old log lines, and no log outlives its run.

use rusqlite::{OptionalExtension, params};
use zapjobs_model::Tag;
use zapjobs_storage::PruneRequest;

use super::sweep::row_limit;
use super::{LOG_ENTRIES_MAX, keys};
use crate::error::DbResult;
use crate::logs::delete_oldest;
use crate::signals::delete_signals;
use crate::steps::delete_steps;
use crate::writer::Tx;

/// Runs deleted in one write at most, so that claims get their turn in between.
const PRUNE_RUNS_MAX: usize = 200;

const ENDED: &str = "SELECT r.id, r.seq, i.tags, r.unique_key FROM {prefix}runs r
        INDEXED BY {prefix}runs_finished LEFT JOIN {prefix}inputs i ON i.seq = r.seq
    WHERE r.status BETWEEN 3 AND 5 AND r.finished_at < ?1 ORDER BY r.finished_at, r.id LIMIT ?2";
const TAGS: &str = "SELECT tags FROM {prefix}inputs WHERE seq = ?1";
const KEY: &str = "SELECT unique_key FROM {prefix}runs WHERE id = ?1";
const DELETE_RUN: &str = "DELETE FROM {prefix}runs WHERE id = ?1";
const DELETE_INPUT: &str = "DELETE FROM {prefix}inputs WHERE seq = ?1";
const DELETE_OUTCOME: &str = "DELETE FROM {prefix}outcomes WHERE seq = ?1";
const DELETE_TAG: &str = "DELETE FROM {prefix}tags WHERE tag = ?1 AND id = ?2";

/// What one write deleted.
pub(crate) struct Pruned {
    pub(crate) runs: usize,
    /// Whether another write may find more.
    pub(crate) has_more: bool,
}

/// A run to be deleted.
struct Ended {
    id: Vec<u8>,
    seq: i64,
    /// As stored.
    tags: Option<String>,
    key: Option<Vec<u8>>,
}

/// Deletes as much as one write may.
pub(crate) fn prune(
    tx: &mut Tx<'_>,
    request: PruneRequest,
    entries_max: usize,
) -> DbResult<Pruned> {
    let limit = request.limit.min(PRUNE_RUNS_MAX);
    let ended = ended(tx, PruneRequest { limit, ..request })?;
    let mut entries_left = entries_max;
    for (runs, run) in ended.iter().enumerate() {
        let log = delete_oldest(tx.db, run.seq, entries_left)?;
        if log.has_more {
            return Ok(Pruned { runs, has_more: true });
        }
        entries_left -= log.entries;
        delete(tx, run)?;
    }
    Ok(Pruned { runs: ended.len(), has_more: ended.len() == limit })
}

fn ended(tx: &Tx<'_>, request: PruneRequest) -> DbResult<Vec<Ended>> {
    let mut statement = tx.db.prepare(ENDED)?;
    let limits = params![request.finished_before.as_micros(), row_limit(request.limit)];
    let rows = statement.query_map(limits, |row| {
        Ok(Ended { id: row.get(0)?, seq: row.get(1)?, tags: row.get(2)?, key: row.get(3)? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Deletes a run that has ended, with its whole log.
pub(crate) fn delete_whole(tx: &mut Tx<'_>, id: &[u8; 16], seq: i64) -> DbResult<()> {
    while delete_oldest(tx.db, seq, LOG_ENTRIES_MAX)?.has_more {}
    let tags = tx.db.prepare(TAGS)?.query_row([seq], |row| row.get(0)).optional()?;
    let key = tx.db.prepare(KEY)?.query_row([id], |row| row.get(0)).optional()?;
    delete(tx, &Ended { id: id.to_vec(), seq, tags: tags.flatten(), key: key.flatten() })
}

fn delete(tx: &Tx<'_>, run: &Ended) -> DbResult<()> {
    tx.db.prepare(DELETE_RUN)?.execute([&run.id])?;
    tx.db.prepare(DELETE_INPUT)?.execute([run.seq])?;
    tx.db.prepare(DELETE_OUTCOME)?.execute([run.seq])?;
    if let Some(key) = &run.key {
        keys::forget(tx, key, &run.id)?;
    }
    delete_steps(tx.db, run.seq)?;
    delete_signals(tx.db, run.seq)?;
    // Where the tags cannot be read, their entries stay, and lead nowhere.
    let tags = run.tags.as_ref().and_then(|tags| serde_json::from_str::<Vec<Tag>>(tags).ok());
    for tag in tags.unwrap_or_default() {
        tx.db.prepare(DELETE_TAG)?.execute(params![tag.as_str(), run.id])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
