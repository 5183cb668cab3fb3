//! Keys of unique runs and of requests that may be repeated.
//!
//! **Invariant:** the writer alone writes, so that nobody takes a key between what is read here
//! and what is written.

use std::collections::{HashMap, HashSet};

use rusqlite::{CachedStatement, OptionalExtension, params};
use uuid::Uuid;
use zapjobs_model::unique::plan::{Change, Known, Plan, keys_of, plan};
use zapjobs_model::unique::{Fingerprint, KeyRecord, Standing, Term};
use zapjobs_model::{NewRun, RunId, RunStatus, Timestamp, UniqueHold, UniqueKey, Until};
use zapjobs_storage::{EnqueueResult, ErrorKind};

use super::enqueue::{insert, ready_or_scheduled};
use super::sweep::row_limit;
use crate::error::{DbError, DbResult};
use crate::row::{SELECT_RUN, read_run};
use crate::writer::Tx;

/// Keys that end with their time and go in one write at most.
const KEYS_PRUNED_MAX: usize = 1_000;
/// Such writes in one pruning at most.
pub(super) const PRUNE_WRITES_MAX: usize = 100;

const KNOWN: &str = "SELECT k.run, k.until, k.expires_at, k.fingerprint, r.status,
        r.started_at IS NOT NULL
    FROM {prefix}keys k LEFT JOIN {prefix}runs r ON r.id = k.run WHERE k.key = ?1";
const IS_STORED: &str = "SELECT 1 FROM {prefix}runs WHERE id = ?1";
const HOLD: &str = "SELECT unique_key, unique_until FROM {prefix}runs
    WHERE id = ?1 AND unique_key IS NOT NULL";
const TAKE: &str = "INSERT OR REPLACE INTO {prefix}keys (key, run, until, expires_at, fingerprint)
    VALUES (?1, ?2, ?3, ?4, ?5)";
const CHANGE_RUN: &str = "UPDATE {prefix}runs SET priority = ?2, due_at = ?3, status = ?4
    WHERE id = ?1";
const CHANGE_INPUT: &str = "UPDATE {prefix}inputs SET input = ?2, deadline = ?3
    WHERE seq = (SELECT seq FROM {prefix}runs WHERE id = ?1)";
const FORGET: &str = "DELETE FROM {prefix}keys
    WHERE key = ?1 AND run = ?2 AND expires_at IS NULL";
const PRUNE: &str = "DELETE FROM {prefix}keys WHERE key IN (
    SELECT key FROM {prefix}keys INDEXED BY {prefix}keys_expiring
    WHERE expires_at IS NOT NULL AND expires_at <= ?1 ORDER BY expires_at LIMIT ?2)";

/// Stores a batch in which runs have keys.
pub(super) fn enqueue(tx: &mut Tx<'_>, runs: &[NewRun]) -> DbResult<Vec<EnqueueResult>> {
    let there = stored_ids(tx, runs)?;
    let mut known = HashMap::new();
    for key in keys_of(runs) {
        known.extend(known_of(&mut tx.db.prepare(KNOWN)?, key)?.map(|it| (key, it)));
    }
    let planned = plan(runs, tx.now, |id| there.contains(&id), |key| known.get(&key).copied());
    let Plan { fates, stored, changes, records } =
        planned.map_err(|taken| DbError::Told(ErrorKind::Conflict, taken.to_string()))?;
    insert(tx, &stored)?;
    for (id, change) in changes {
        write_change(tx, id, change)?;
    }
    for (key, record) in records {
        write_record(tx, key, record)?;
    }
    Ok(fates.into_iter().map(EnqueueResult::from).collect())
}

/// Takes a finished run's key again; answers who holds it, if another does.
pub(super) fn retake(tx: &mut Tx<'_>, run: RunId) -> DbResult<Option<RunId>> {
    let mut statement = tx.db.prepare(HOLD)?;
    let hold = statement.query_row([run.0.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)));
    let Some((key, until)) = hold.optional()? else { return Ok(None) };
    let hold = UniqueHold { key: UniqueKey(Uuid::from_bytes(key)), until: term(until)? };
    if let Some((record, standing)) = known_of(&mut tx.db.prepare(KNOWN)?, hold.key)?
        && let Some(holder) = record.obstacle(run, standing, tx.now)
    {
        return Ok(Some(holder));
    }
    let record = KeyRecord { run, term: Term::Until(hold.until), fingerprint: None };
    write_record(tx, hold.key, record)?;
    Ok(None)
}

/// Forgets the key that a run which is deleted took, unless another has taken it since.
pub(super) fn forget(tx: &Tx<'_>, key: &[u8], run: &[u8]) -> DbResult<()> {
    tx.db.prepare(FORGET)?.execute(params![key, run])?;
    Ok(())
}

/// Forgets keys whose time is over, earliest first. Answers whether there may be more.
pub(super) fn prune(tx: &mut Tx<'_>) -> DbResult<bool> {
    let limits = params![tx.now.as_micros(), row_limit(KEYS_PRUNED_MAX)];
    Ok(tx.db.prepare(PRUNE)?.execute(limits)? == KEYS_PRUNED_MAX)
}

fn stored_ids(tx: &Tx<'_>, runs: &[NewRun]) -> DbResult<HashSet<RunId>> {
    let mut is_stored = tx.db.prepare(IS_STORED)?;
    let mut there = HashSet::new();
    for run in runs {
        if is_stored.exists([run.id.0.as_bytes()])? {
            there.insert(run.id);
        }
    }
    Ok(there)
}

/// `statement` is [`KNOWN`].
fn known_of(statement: &mut CachedStatement<'_>, key: UniqueKey) -> DbResult<Option<Known>> {
    let row = statement.query_row([key.0.as_bytes()], |row| {
        Ok(Row {
            run: row.get(0)?,
            until: row.get(1)?,
            expires_at: row.get(2)?,
            fingerprint: row.get(3)?,
            status: row.get(4)?,
            was_started: row.get(5)?,
        })
    });
    row.optional()?.map(|row| row.read()).transpose()
}

/// A key as it is stored, with how its run stands.
struct Row {
    run: [u8; 16],
    until: Option<i64>,
    expires_at: Option<i64>,
    fingerprint: Option<[u8; 16]>,
    status: Option<i64>,
    was_started: bool,
}

impl Row {
    fn read(self) -> DbResult<Known> {
        let term = match (self.until, self.expires_at) {
            (_, Some(end)) => Term::Before(Timestamp::from_micros(end)),
            (until, None) => Term::Until(term(until.unwrap_or(-1))?),
        };
        let fingerprint = self.fingerprint.map(|it| Fingerprint(Uuid::from_bytes(it)));
        let run = RunId(Uuid::from_bytes(self.run));
        // A run that was set aside has a status that is none: it holds nothing.
        let status = self.status.and_then(RunStatus::from_code);
        let standing = status.map(|status| Standing { status, was_started: self.was_started });
        Ok((KeyRecord { run, term, fingerprint }, standing))
    }
}

fn term(code: i64) -> DbResult<Until> {
    Until::from_code(code).ok_or_else(|| DbError::corrupt(format!("unknown term of a key {code}")))
}

fn write_record(tx: &Tx<'_>, key: UniqueKey, record: KeyRecord) -> DbResult<()> {
    let (until, end) = match record.term {
        Term::Until(until) => (Some(until.code()), None),
        Term::Before(end) => (None, Some(end.as_micros())),
    };
    let fingerprint = record.fingerprint.map(|it| it.0.into_bytes());
    let row = params![key.0.as_bytes(), record.run.0.as_bytes(), until, end, fingerprint];
    tx.db.prepare(TAKE)?.execute(row)?;
    Ok(())
}

/// The run waits and was never started, or the plan would not change it.
fn write_change(tx: &mut Tx<'_>, id: RunId, change: Change) -> DbResult<()> {
    let id = id.0.as_bytes();
    let mut run = tx.db.prepare(SELECT_RUN)?.query_row([id], |row| Ok(read_run(row)))??;
    change.apply(&mut run, tx.now);
    let (due_at, status) = (run.due_at.as_micros(), run.status.code());
    tx.db.prepare(CHANGE_RUN)?.execute(params![id, run.priority.get(), due_at, status])?;
    let deadline = run.deadline.map(|time| time.as_micros());
    tx.db.prepare(CHANGE_INPUT)?.execute(params![id, run.input.as_str(), deadline])?;
    ready_or_scheduled(run.status, &run.queue).into_iter().for_each(|notice| tx.tell(notice));
    Ok(())
}
