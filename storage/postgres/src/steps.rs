//! Steps of runs.

use async_trait::async_trait;
use zapjobs_model::step::{STEPS_BYTES_MAX, STEPS_MAX};
use zapjobs_model::{Json, LeaseKey, RunId, Step, StepName};
use zapjobs_storage::{ErrorKind, RecordStepResult, Result, Steps, StorageError, check_step};

use crate::PostgresStorage;
use crate::row::Columns;

/// Two calls that record the same step at the same time are rare: the second one looks again.
const LOOKS_MAX: usize = 3;

/// The run is locked like by all that ends an attempt, so that no step outlives it. Answers
/// whether it is held, what was recorded before, whether there is room, and whether it was
/// written: not so with room if another call was faster.
const RECORD: &str = "WITH held AS MATERIALIZED (
        SELECT id FROM {schema}.{prefix}runs
        WHERE id = $2 AND lease = $3 AND status = 2 FOR UPDATE),
    earlier AS MATERIALIZED (
        SELECT result FROM {schema}.{prefix}steps WHERE id = $2 AND name = $4),
    sums AS MATERIALIZED (
        SELECT count(*) AS steps, coalesce(sum(bytes), 0)::int8 AS bytes
        FROM {schema}.{prefix}steps WHERE id = $2),
    room AS MATERIALIZED (
        SELECT steps FROM sums WHERE steps < $7 AND bytes + $6 <= $8),
    added AS (
        INSERT INTO {schema}.{prefix}steps (id, name, place, at, bytes, result)
        SELECT held.id, $4, room.steps, {now}, $6, $5 FROM held, room
        WHERE NOT EXISTS (SELECT FROM earlier) ON CONFLICT DO NOTHING RETURNING id)
    SELECT (SELECT count(*) FROM held), (SELECT result FROM earlier),
        (SELECT count(*) FROM room), (SELECT count(*) FROM added)";
const ALL: &str = "SELECT name, result, at FROM {schema}.{prefix}steps WHERE id = $1
    ORDER BY place, name";

#[async_trait]
impl Steps for PostgresStorage {
    async fn record_step(
        &self,
        key: LeaseKey,
        name: &StepName,
        result: &Json,
    ) -> Result<RecordStepResult> {
        const OPERATION: &str = "record the step";
        check_step(OPERATION, result)?;
        let mut session = self.session(OPERATION).await?;
        for _ in 0..LOOKS_MAX {
            let query = self.query(RECORD).bind(key.run.0).bind(i64::from(key.lease.0));
            let query = query.bind(name.as_str().to_owned()).bind(result.as_str().to_owned());
            let query = query.bind(signed(result.as_str().len() as u64));
            let query = query.bind(signed(STEPS_MAX)).bind(signed(STEPS_BYTES_MAX));
            let Some(row) = session.row(query).await? else { break };
            let mut columns = Columns::new(&row);
            let is_held = session.told(columns.bits())? > 0;
            let earlier = session.told(columns.optional_json("result"))?;
            let has_room = session.told(columns.bits())? > 0;
            let is_added = session.told(columns.bits())? > 0;
            match earlier {
                _ if !is_held => return Ok(RecordStepResult::Stale),
                Some(earlier) if earlier == *result => return Ok(RecordStepResult::Recorded),
                Some(earlier) => return Ok(RecordStepResult::Earlier(earlier)),
                None if is_added => return Ok(RecordStepResult::Recorded),
                None if !has_room => return Ok(RecordStepResult::Full),
                None => {}
            }
        }
        let message = "others recorded the same step at the same time: try again";
        Err(StorageError::new(ErrorKind::Busy, OPERATION, message))
    }

    async fn steps(&self, run: RunId) -> Result<Vec<Step>> {
        let mut session = self.session("read the steps").await?;
        let rows = session.rows(self.query(ALL).bind(run.0)).await?;
        let mut steps = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut columns = Columns::new(row);
            steps.push(Step {
                name: session.told(columns.name(StepName::new))?,
                result: session.told(columns.json("result"))?,
                at: session.told(columns.time())?,
            });
        }
        Ok(steps)
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
