//! Steps of runs.

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};
use zapjobs_model::step::has_room;
use zapjobs_model::{Json, LeaseKey, RunId, Step, StepName};
use zapjobs_storage::{RecordStepResult, Result, Steps, check_step};

use crate::SqliteStorage;
use crate::db::Db;
use crate::error::DbResult;
use crate::row::Columns;
use crate::runs::stored_id;
use crate::writer::{Tx, WriteKind};

/// Bytes of a step beside its result, about.
const STEP_BYTES: usize = 100;

const HELD: &str = "SELECT seq FROM {prefix}runs WHERE id = ?1 AND lease = ?2 AND status = 2";
const EARLIER: &str = "SELECT result FROM {prefix}steps WHERE seq = ?1 AND name = ?2";
const SUMS: &str = "SELECT count(*), coalesce(sum(bytes), 0) FROM {prefix}steps WHERE seq = ?1";
const INSERT: &str = "INSERT INTO {prefix}steps (seq, name, place, at, bytes, result)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const ALL: &str = "SELECT s.name, s.result, s.at FROM {prefix}runs r
    JOIN {prefix}steps s ON s.seq = r.seq WHERE r.id = ?1 ORDER BY s.place";
const DELETE: &str = "DELETE FROM {prefix}steps WHERE seq = ?1";

#[async_trait]
impl Steps for SqliteStorage {
    async fn record_step(
        &self,
        key: LeaseKey,
        name: &StepName,
        result: &Json,
    ) -> Result<RecordStepResult> {
        const OPERATION: &str = "record the step";
        check_step(OPERATION, result)?;
        let kind = WriteKind::new(OPERATION, STEP_BYTES + result.as_str().len());
        let (name, result) = (name.clone(), result.clone());
        self.write(kind, move |tx| record(tx, key, &name, &result)).await
    }

    async fn steps(&self, run: RunId) -> Result<Vec<Step>> {
        self.read("read the steps", move |db| all(db, run)).await
    }
}

/// Deletes the steps of a run.
pub(crate) fn delete_steps(db: &Db, seq: i64) -> DbResult<()> {
    db.prepare(DELETE)?.execute([seq])?;
    Ok(())
}

/// The number of a run that is running under this lease.
pub(crate) fn held_seq(db: &Db, key: LeaseKey) -> DbResult<Option<i64>> {
    let held = params![stored_id(key.run), key.lease.0];
    Ok(db.prepare(HELD)?.query_row(held, |row| row.get(0)).optional()?)
}

/// What a step came to, if it was recorded.
pub(crate) fn earlier_result(db: &Db, seq: i64, name: &StepName) -> DbResult<Option<Json>> {
    let mut statement = db.prepare(EARLIER)?;
    let mut rows = statement.query(params![seq, name.as_str()])?;
    rows.next()?.map(|row| Columns::new(row).json("result")).transpose()
}

/// Records a step under its rules.
pub(crate) fn record(
    tx: &mut Tx<'_>,
    key: LeaseKey,
    name: &StepName,
    result: &Json,
) -> DbResult<RecordStepResult> {
    let Some(seq) = held_seq(tx.db, key)? else { return Ok(RecordStepResult::Stale) };
    if let Some(earlier) = earlier_result(tx.db, seq, name)? {
        return Ok(match earlier == *result {
            true => RecordStepResult::Recorded,
            false => RecordStepResult::Earlier(earlier),
        });
    }
    let (steps, bytes): (i64, i64) =
        tx.db.prepare(SUMS)?.query_row([seq], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let more = result.as_str().len() as i64;
    if !has_room(steps as u64, bytes as u64, more as u64) {
        return Ok(RecordStepResult::Full);
    }
    let at = tx.now.as_micros();
    let step = params![seq, name.as_str(), steps, at, more, result.as_str()];
    tx.db.prepare(INSERT)?.execute(step)?;
    Ok(RecordStepResult::Recorded)
}

fn all(db: &Db, run: RunId) -> DbResult<Vec<Step>> {
    let mut statement = db.prepare(ALL)?;
    let mut rows = statement.query([stored_id(run)])?;
    let mut steps = Vec::new();
    while let Some(row) = rows.next()? {
        let mut columns = Columns::new(row);
        steps.push(Step {
            name: columns.name(StepName::new)?,
            result: columns.json("result")?,
            at: columns.time()?,
        });
    }
    Ok(steps)
}
