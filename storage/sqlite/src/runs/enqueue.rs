//! New runs.

use rusqlite::{CachedStatement, params};
use zapjobs_model::unique::plan::has_key;
use zapjobs_model::{NewRun, QueueName, RunStatus, Timestamp, Unique};
use zapjobs_storage::{Activity, EnqueueResult, Notice};

use super::keys;
use crate::batches::check_open;
use crate::db::Db;
use crate::dependencies::{check_parents, link};
use crate::error::DbResult;
use crate::row::encoded;
use crate::writer::Tx;

/// Bytes of a run beside its texts, about.
const RUN_BYTES: usize = 400;

// The writer alone inserts, so that the number cannot be taken in between.
const NEXT_SEQ: &str = "SELECT coalesce(max(seq), 0) + 1 FROM {prefix}inputs";
const INSERT_RUN: &str = "INSERT INTO {prefix}runs (id, seq, tenant, job_type, queue, priority,
        trigger_code, status, created_at, due_at, attempt, host_faults, lease, cancel_requested,
        limit_key, unique_key, unique_until, batch)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, 0, 0, 0, ?11, ?12, ?13, ?14)
    ON CONFLICT (id) DO NOTHING";
const INSERT_INPUT: &str = "INSERT INTO {prefix}inputs (seq, max_attempts, deadline,
        correlation_id, parent, tags, metadata, input)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const INSERT_TAG: &str =
    "INSERT INTO {prefix}tags (tag, id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";

pub(crate) fn enqueue(tx: &mut Tx<'_>, runs: &[NewRun]) -> DbResult<Vec<EnqueueResult>> {
    if runs.iter().any(has_key) {
        return keys::enqueue(tx, runs);
    }
    check_parents(tx.db, runs)?;
    check_open(tx.db, runs)?;
    insert(tx, runs)
}

/// Stores runs whatever keys they have.
pub(super) fn insert(tx: &mut Tx<'_>, runs: &[NewRun]) -> DbResult<Vec<EnqueueResult>> {
    let mut seq: i64 = tx.db.prepare(NEXT_SEQ)?.query_row([], |row| row.get(0))?;
    let mut inserter = Inserter::new(tx.db)?;
    let mut results = Vec::with_capacity(runs.len());
    for new in runs {
        let (status, due_at) = new.standing(tx.now);
        if inserter.insert(new, seq, (status, due_at), tx.now)? {
            seq += 1;
            let enqueued = Activity { enqueued: 1, ..Activity::default() };
            tx.count(new.tenant.as_str(), new.queue.as_str(), &enqueued);
            ready_or_scheduled(status, &new.queue).into_iter().for_each(|notice| tx.tell(notice));
            results.push(EnqueueResult::Stored);
        } else {
            results.push(EnqueueResult::Duplicate);
        }
    }
    // Once all are there.
    for (new, result) in runs.iter().zip(&results) {
        if !new.after.is_empty() && *result == EnqueueResult::Stored {
            link(tx, new)?;
        }
    }
    Ok(results)
}

/// About how many bytes these runs are.
pub(crate) fn bytes_of(runs: &[NewRun]) -> usize {
    runs.iter().map(|run| RUN_BYTES + run.input.as_str().len()).sum()
}

pub(super) fn ready_or_scheduled(status: RunStatus, queue: &QueueName) -> Option<Notice> {
    match status {
        RunStatus::Pending => Some(Notice::Ready(queue.clone())),
        status => status.is_delayed().then_some(Notice::Scheduled),
    }
}

/// Stores runs one by one, with statements that are looked up once.
struct Inserter<'a> {
    run: CachedStatement<'a>,
    input: CachedStatement<'a>,
    tag: CachedStatement<'a>,
}

impl<'a> Inserter<'a> {
    fn new(db: &'a Db) -> DbResult<Self> {
        Ok(Self {
            run: db.prepare(INSERT_RUN)?,
            input: db.prepare(INSERT_INPUT)?,
            tag: db.prepare(INSERT_TAG)?,
        })
    }

    /// Stores a run that stands so from `now` on. Answers whether it was new.
    fn insert(
        &mut self,
        run: &NewRun,
        seq: i64,
        (status, due_at): (RunStatus, Timestamp),
        now: Timestamp,
    ) -> DbResult<bool> {
        let id = run.id.0.as_bytes();
        let hold = run.unique.as_ref().and_then(Unique::hold);
        let inserted = self.run.execute(params![
            id,
            seq,
            run.tenant.as_str(),
            run.job_type.as_str(),
            run.queue.as_str(),
            run.priority.get(),
            run.trigger.code(),
            status.code(),
            now.as_micros(),
            due_at.as_micros(),
            run.limit_key.as_ref().map(|key| key.as_str()),
            hold.as_ref().map(|hold| hold.key.0.as_bytes()),
            hold.map(|hold| hold.until.code()),
            run.batch.as_ref().map(|batch| batch.0.as_bytes()),
        ])?;
        if inserted == 0 {
            return Ok(false);
        }
        self.input.execute(params![
            seq,
            run.max_attempts,
            run.deadline.map(|time| time.as_micros()),
            run.correlation_id.as_ref().map(|id| id.as_str()),
            run.parent.as_ref().map(|id| id.0.as_bytes()),
            encoded(&run.tags, run.tags.is_empty()),
            encoded(&run.metadata, run.metadata.is_empty()),
            run.input.as_str(),
        ])?;
        for tag in &run.tags {
            self.tag.execute(params![tag.as_str(), id])?;
        }
        Ok(true)
    }
}
