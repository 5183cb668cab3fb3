//! Signals to runs, and waits of runs.
//!
//! **Invariant:** every write here is one request to the only writer: nothing comes between a
//! look at signals and what is written by it.

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};
use zapjobs_model::signal::{SIGNALS_PENDING_MAX, received};
use zapjobs_model::wait::stands;
use zapjobs_model::{
    Json, Lease, LeaseKey, RunId, RunStatus, Signal, SignalName, StepName, Suspension, Wait,
};
use zapjobs_storage::{
    ApplyResult, RecordStepResult, Result, SendSignalResult, Signals, TakeSignalResult,
    check_signal, check_suspension,
};

use crate::SqliteStorage;
use crate::db::Db;
use crate::error::DbResult;
use crate::row::Columns;
use crate::runs::{apply_transitions, bytes_of_transitions, make_ready, standing, stored_id};
use crate::steps::{earlier_result, held_seq, record};
use crate::writer::{Tx, WriteKind};

/// Bytes of a signal beside its payload, about.
const SIGNAL_BYTES: usize = 100;

const KEPT: &str = "SELECT count(*), coalesce(max(place), -1) + 1 FROM {prefix}signals
    WHERE seq = ?1";
const KEEP: &str = "INSERT INTO {prefix}signals (seq, place, name, at, payload)
    VALUES (?1, ?2, ?3, ?4, ?5)";
const FIRST: &str = "SELECT place, payload FROM {prefix}signals WHERE seq = ?1 AND name = ?2
    ORDER BY place LIMIT 1";
const TAKE: &str = "DELETE FROM {prefix}signals WHERE seq = ?1 AND place = ?2";
const ALL: &str = "SELECT s.name, s.payload, s.at FROM {prefix}runs r
    JOIN {prefix}signals s ON s.seq = r.seq WHERE r.id = ?1 ORDER BY s.place";
const WAIT: &str = "INSERT INTO {prefix}waits (seq, lease, until, signal) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (seq) DO UPDATE SET lease = excluded.lease, until = excluded.until,
        signal = excluded.signal";
const WAIT_OF: &str = "SELECT w.lease, r.status, r.lease, w.until, w.signal FROM {prefix}runs r
    JOIN {prefix}waits w ON w.seq = r.seq WHERE r.id = ?1";
const DELETE_SIGNALS: &str = "DELETE FROM {prefix}signals WHERE seq = ?1";
const DELETE_WAIT: &str = "DELETE FROM {prefix}waits WHERE seq = ?1";

#[async_trait]
impl Signals for SqliteStorage {
    async fn send_signal(
        &self,
        run: RunId,
        name: &SignalName,
        payload: &Json,
    ) -> Result<SendSignalResult> {
        const OPERATION: &str = "send the signal";
        check_signal(OPERATION, payload)?;
        let kind = WriteKind::new(OPERATION, SIGNAL_BYTES + payload.as_str().len());
        let (name, payload) = (name.clone(), payload.clone());
        self.write(kind, move |tx| send(tx, run, &name, &payload)).await
    }

    async fn take_signal(
        &self,
        key: LeaseKey,
        name: &SignalName,
        step: &StepName,
    ) -> Result<TakeSignalResult> {
        let kind = WriteKind::new("take a signal", SIGNAL_BYTES);
        let (name, step) = (name.clone(), step.clone());
        self.write(kind, move |tx| take(tx, key, &name, &step)).await
    }

    async fn suspend(&self, suspension: &Suspension) -> Result<ApplyResult> {
        const OPERATION: &str = "suspend the run";
        check_suspension(OPERATION, suspension)?;
        let bytes = bytes_of_transitions(std::slice::from_ref(&suspension.transition));
        let suspension = suspension.clone();
        let kind = WriteKind::new(OPERATION, bytes + SIGNAL_BYTES);
        self.write(kind, move |tx| suspend(tx, &suspension)).await
    }

    async fn wait_of(&self, run: RunId) -> Result<Option<Wait>> {
        self.read("read what the run waits for", move |db| wait_of(db, run)).await
    }

    async fn signals(&self, run: RunId) -> Result<Vec<Signal>> {
        self.read("read the signals", move |db| all(db, run)).await
    }
}

/// Deletes the signals of a run, and what it waits for.
pub(crate) fn delete_signals(db: &Db, seq: i64) -> DbResult<()> {
    db.prepare(DELETE_SIGNALS)?.execute([seq])?;
    db.prepare(DELETE_WAIT)?.execute([seq])?;
    Ok(())
}

fn send(
    tx: &mut Tx<'_>,
    run: RunId,
    name: &SignalName,
    payload: &Json,
) -> DbResult<SendSignalResult> {
    let Some(standing) = standing(tx.db, run.0.as_bytes())? else {
        return Ok(SendSignalResult::NotFound);
    };
    match standing.status {
        // Set aside: nobody's until a person mends it.
        None => return Ok(SendSignalResult::NotFound),
        Some(status) if status.is_final() => return Ok(SendSignalResult::Ended(status)),
        Some(_) => {}
    }
    let seq = standing.seq;
    let (kept, place): (i64, i64) =
        tx.db.prepare(KEPT)?.query_row([seq], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if kept as u64 >= SIGNALS_PENDING_MAX {
        return Ok(SendSignalResult::Full);
    }
    let signal = params![seq, place, name.as_str(), tx.now.as_micros(), payload.as_str()];
    tx.db.prepare(KEEP)?.execute(signal)?;
    if wait_of(tx.db, run)?.is_none_or(|wait| wait.signal.as_ref() != Some(name)) {
        return Ok(SendSignalResult::Kept);
    }
    make_ready(tx, run.0.as_bytes(), &standing)?;
    Ok(SendSignalResult::Woke)
}

fn take(
    tx: &mut Tx<'_>,
    key: LeaseKey,
    name: &SignalName,
    step: &StepName,
) -> DbResult<TakeSignalResult> {
    let Some(seq) = held_seq(tx.db, key)? else { return Ok(TakeSignalResult::Stale) };
    if let Some(earlier) = earlier_result(tx.db, seq, step)? {
        return Ok(TakeSignalResult::Recorded(earlier));
    }
    let Some((place, payload)) = first(tx.db, seq, name)? else {
        return Ok(TakeSignalResult::Nothing);
    };
    let result = received(&payload);
    match record(tx, key, step, &result)? {
        RecordStepResult::Full => return Ok(TakeSignalResult::Full),
        RecordStepResult::Stale => return Ok(TakeSignalResult::Stale),
        RecordStepResult::Recorded | RecordStepResult::Earlier(_) => {}
    }
    tx.db.prepare(TAKE)?.execute(params![seq, place])?;
    Ok(TakeSignalResult::Recorded(result))
}

fn suspend(tx: &mut Tx<'_>, suspension: &Suspension) -> DbResult<ApplyResult> {
    let key = suspension.transition.key;
    let seq = held_seq(tx.db, key)?;
    let has_signal = match (seq, &suspension.wait.signal) {
        (Some(seq), Some(name)) => first(tx.db, seq, name)?.is_some(),
        _ => false,
    };
    let answers = apply_transitions(tx, &[suspension.decide(has_signal)])?;
    let answer = answers.first().copied().unwrap_or(ApplyResult::NotFound);
    if let (ApplyResult::Applied, Some(seq)) = (answer, seq) {
        let Wait { signal, until } = &suspension.wait;
        let signal = signal.as_ref().map(SignalName::as_str);
        let wait = params![seq, key.lease.0, until.as_micros(), signal];
        tx.db.prepare(WAIT)?.execute(wait)?;
    }
    Ok(answer)
}

fn first(db: &Db, seq: i64, name: &SignalName) -> DbResult<Option<(i64, Json)>> {
    let mut statement = db.prepare(FIRST)?;
    let mut rows = statement.query(params![seq, name.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut columns = Columns::new(row);
    Ok(Some((columns.value()?, columns.json("payload")?)))
}

fn wait_of(db: &Db, run: RunId) -> DbResult<Option<Wait>> {
    let mut statement = db.prepare(WAIT_OF)?;
    let row = statement.query_row([stored_id(run)], |row| {
        let (wait_lease, status, lease) = (Lease(row.get(0)?), row.get(1)?, Lease(row.get(2)?));
        let is_there = RunStatus::from_code(status).is_some_and(|it| stands(wait_lease, it, lease));
        Ok((is_there, row.get(3)?, row.get::<_, Option<String>>(4)?))
    });
    let Some((true, until, signal)) = row.optional()? else { return Ok(None) };
    let signal = signal.map(|name| SignalName::new(&name)).transpose();
    let signal = signal.map_err(|error| crate::error::DbError::corrupt(error.to_string()))?;
    Ok(Some(Wait { signal, until: zapjobs_model::Timestamp::from_micros(until) }))
}

fn all(db: &Db, run: RunId) -> DbResult<Vec<Signal>> {
    let mut statement = db.prepare(ALL)?;
    let mut rows = statement.query([stored_id(run)])?;
    let mut signals = Vec::new();
    while let Some(row) = rows.next()? {
        let mut columns = Columns::new(row);
        signals.push(Signal {
            name: columns.name(SignalName::new)?,
            payload: columns.json("payload")?,
            at: columns.time()?,
        });
    }
    Ok(signals)
}
