//! What attempts came to: the table that a claim clears without a write.
//!
//! **Invariant:** a row counts only under its run's latest lease. Whoever writes one for a
//! newer lease first resets it.

use rusqlite::{CachedStatement, params};
use zapjobs_model::{ItemCounts, Lease, Progress, RunError, Transition};

use crate::db::Db;
use crate::error::DbResult;
use crate::row::blame_code;

/// The outcome of a run's latest lease.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutcomeKey {
    pub(crate) seq: i64,
    pub(crate) lease: Lease,
}

const RESET: &str = "INSERT INTO {prefix}outcomes (seq, lease) VALUES (?1, ?2)
    ON CONFLICT (seq) DO UPDATE SET lease = excluded.lease,
        error_type = NULL, error_message = NULL, error_blame = NULL, error_details = NULL,
        output = NULL, progress_done = 0, progress_total = NULL, progress_message = '',
        items_processed = 0, items_succeeded = 0, items_failed = 0, cpu_us = 0, wall_us = 0,
        memory_bytes_peak = 0, log_bytes = 0, log_lines = 0, log_lines_dropped = 0,
        output_bytes = 0, wait_us = 0, http_requests = 0, http_sent_bytes = 0,
        http_received_bytes = 0
    WHERE lease <> excluded.lease";
const INSERT: &str = "INSERT INTO {prefix}outcomes (seq, lease, error_type, error_message,
        error_blame, error_details, output, cpu_us, wall_us, memory_bytes_peak, log_bytes,
        log_lines, log_lines_dropped, output_bytes, wait_us, http_requests, http_sent_bytes,
        http_received_bytes)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
    ON CONFLICT (seq) DO NOTHING";
const UPDATE: &str = "UPDATE {prefix}outcomes SET error_type = ?3, error_message = ?4,
        error_blame = ?5, error_details = ?6, output = ?7, cpu_us = ?8, wall_us = ?9,
        memory_bytes_peak = ?10, log_bytes = ?11, log_lines = ?12, log_lines_dropped = ?13,
        output_bytes = ?14, wait_us = ?15, http_requests = ?16, http_sent_bytes = ?17,
        http_received_bytes = ?18
    WHERE seq = ?1 AND lease = ?2";
const SET_ERROR: &str = "UPDATE {prefix}outcomes SET error_type = ?2, error_message = ?3,
    error_blame = ?4, error_details = ?5 WHERE seq = ?1";
const SET_PROGRESS: &str = "UPDATE {prefix}outcomes SET progress_done = ?2, progress_total = ?3,
    progress_message = ?4 WHERE seq = ?1";
const SET_COUNTS: &str = "UPDATE {prefix}outcomes SET items_processed = ?2, items_succeeded = ?3,
    items_failed = ?4 WHERE seq = ?1";
const AS_NEW: &str = "UPDATE {prefix}outcomes SET error_type = NULL, error_message = NULL,
    error_blame = NULL, error_details = NULL, output = NULL, progress_done = 0,
    progress_total = NULL, progress_message = '', items_processed = 0, items_succeeded = 0,
    items_failed = 0 WHERE seq = ?1";

/// Writes what transitions say, with a statement that is looked up once; progress and counts
/// of the same attempt stay.
pub(crate) struct TransitionWriter<'a> {
    db: &'a Db,
    insert: CachedStatement<'a>,
}

impl<'a> TransitionWriter<'a> {
    pub(crate) fn new(db: &'a Db) -> DbResult<Self> {
        Ok(Self { db, insert: db.prepare(INSERT)? })
    }

    pub(crate) fn write(&mut self, seq: i64, transition: &Transition) -> DbResult<()> {
        // Few attempts report progress, so that most have no row yet.
        if bind_transition(&mut self.insert, seq, transition)? == 0 {
            reset(self.db, OutcomeKey { seq, lease: transition.key.lease })?;
            bind_transition(&mut self.db.prepare(UPDATE)?, seq, transition)?;
        }
        Ok(())
    }
}

fn bind_transition(
    statement: &mut CachedStatement<'_>,
    seq: i64,
    transition: &Transition,
) -> DbResult<usize> {
    let error = transition.error.as_ref();
    let usage = &transition.usage;
    Ok(statement.execute(params![
        seq,
        transition.key.lease.0,
        error.map(|error| error.error_type.as_str()),
        error.map(|error| error.message.as_str()),
        error.map(|error| blame_code(error.blame)),
        error.and_then(|error| error.details.as_ref()).map(|details| details.as_str()),
        transition.output.as_ref().map(|output| output.as_str()),
        usage.cpu_us.cast_signed(),
        usage.wall_us.cast_signed(),
        usage.memory_bytes_peak.cast_signed(),
        usage.log_bytes.cast_signed(),
        usage.log_lines.cast_signed(),
        usage.log_lines_dropped.cast_signed(),
        usage.output_bytes.cast_signed(),
        usage.wait_us.cast_signed(),
        usage.http_requests.cast_signed(),
        usage.http_sent_bytes.cast_signed(),
        usage.http_received_bytes.cast_signed(),
    ])?)
}

fn reset(db: &Db, key: OutcomeKey) -> DbResult<()> {
    db.prepare(RESET)?.execute(params![key.seq, key.lease.0])?;
    Ok(())
}

/// Notes an error and leaves the rest.
pub(crate) fn write_error(db: &Db, key: OutcomeKey, error: &RunError) -> DbResult<()> {
    reset(db, key)?;
    db.prepare(SET_ERROR)?.execute(params![
        key.seq,
        error.error_type,
        error.message,
        blame_code(error.blame),
        error.details.as_ref().map(|details| details.as_str()),
    ])?;
    Ok(())
}

/// Notes the progress of a running attempt.
pub(crate) fn write_progress(db: &Db, key: OutcomeKey, progress: &Progress) -> DbResult<()> {
    reset(db, key)?;
    db.prepare(SET_PROGRESS)?.execute(params![
        key.seq,
        progress.done.cast_signed(),
        progress.total.map(u64::cast_signed),
        progress.message,
    ])?;
    Ok(())
}

/// Notes the item counts of a running attempt.
pub(crate) fn write_counts(db: &Db, key: OutcomeKey, counts: ItemCounts) -> DbResult<()> {
    reset(db, key)?;
    db.prepare(SET_COUNTS)?.execute(params![
        key.seq,
        counts.processed.cast_signed(),
        counts.succeeded.cast_signed(),
        counts.failed.cast_signed(),
    ])?;
    Ok(())
}

/// Forgets what a requeued run had come to, save for what it used.
pub(crate) fn as_new(db: &Db, seq: i64) -> DbResult<()> {
    db.prepare(AS_NEW)?.execute([seq])?;
    Ok(())
}
