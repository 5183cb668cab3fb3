//! Decisions about runs that wait are written.

use std::collections::HashMap;

use uuid::Uuid;
use zapjobs_model::RunStatus;
use zapjobs_model::workflow::Step;
use zapjobs_storage::{AdvanceRequest, AdvanceResult, Result};

use crate::PostgresStorage;
use crate::error::DbResult;
use crate::row::{Columns, blame_code};
use crate::session::Session;
use crate::text::to_stored;

/// The one that ended and those that wait for it, in the order of ids, as all lock them.
const LOCK: &str = "SELECT id, status FROM {schema}.{prefix}runs WHERE id = ANY ($1)
    ORDER BY id FOR UPDATE";
const END: &str = "SELECT status FROM {schema}.{prefix}ends WHERE run = $1 FOR UPDATE";
/// For how many runs each waits, and whether this one is among them.
const EDGES: &str = "SELECT child, count(*), bool_or(parent = $1)
    FROM {schema}.{prefix}dependencies WHERE child = ANY ($2) GROUP BY child";
const CUT: &str = "DELETE FROM {schema}.{prefix}dependencies
    WHERE parent = $1 AND child = ANY ($2)";
const FORGET: &str = "DELETE FROM {schema}.{prefix}dependencies WHERE child = ANY ($1)";
const RELEASE: &str = "UPDATE {schema}.{prefix}runs SET due_at = greatest(due_at, {now}),
        status = CASE WHEN due_at > {now} THEN 1 ELSE 0 END
    WHERE id = ANY ($2) RETURNING queue, status";
const SET_INPUT: &str =
    "WITH given AS (SELECT * FROM unnest($1::uuid[], $2::text[]) AS t (id, input)),
    sized AS (UPDATE {schema}.{prefix}runs r SET input_bytes = octet_length(given.input)
        FROM given WHERE r.id = given.id)
    UPDATE {schema}.{prefix}inputs i SET input = given.input FROM given WHERE i.id = given.id";
const END_WAITING: &str = "WITH given AS MATERIALIZED (
        SELECT t.*, r.lease, r.tenant, r.queue, r.followed
        FROM unnest($2::uuid[], $3::int2[], $4::text[], $5::text[], $6::int2[], $7::text[])
            AS t (id, status, error_type, error_message, error_blame, error_details)
        JOIN {schema}.{prefix}runs r ON r.id = t.id),
    ended AS (
        UPDATE {schema}.{prefix}runs r SET status = given.status, finished_at = {now}
        FROM given WHERE r.id = given.id),
    noted AS (
        INSERT INTO {schema}.{prefix}outcomes (id, lease, error_type, error_message,
            error_blame, error_details)
        SELECT id, lease, error_type, error_message, error_blame, error_details FROM given
        ON CONFLICT (id) DO UPDATE SET lease = excluded.lease, error_type = excluded.error_type,
            error_message = excluded.error_message, error_blame = excluded.error_blame,
            error_details = excluded.error_details),
    counted AS (
        INSERT INTO {schema}.{prefix}statistics AS s (span, from_us, tenant, queue, slot, failed,
            cancelled)
        SELECT 0, {hour}, tenant, queue, {slot}, count(*) FILTER (WHERE status = 4),
            count(*) FILTER (WHERE status = 5)
        FROM given GROUP BY tenant, queue ORDER BY tenant, queue
        ON CONFLICT (span, from_us, tenant, queue, slot) DO UPDATE SET
            failed = s.failed + excluded.failed, cancelled = s.cancelled + excluded.cancelled)
    INSERT INTO {schema}.{prefix}ends (run, status, noted_at)
    SELECT id, status, {now} FROM given WHERE followed AND EXISTS (
        SELECT 1 FROM {schema}.{prefix}dependencies d WHERE d.parent = given.id)
    ON CONFLICT (run) DO NOTHING";
const CLEAR_END: &str = "DELETE FROM {schema}.{prefix}ends WHERE run = $1
    AND NOT EXISTS (SELECT 1 FROM {schema}.{prefix}dependencies WHERE parent = $1)";

/// What is written, by column.
#[derive(Default)]
struct Writes {
    cut: Vec<Uuid>,
    released: Vec<Uuid>,
    with_input: Vec<Uuid>,
    inputs: Vec<String>,
    ended: Vec<Uuid>,
    statuses: Vec<i16>,
    error_types: Vec<String>,
    error_messages: Vec<String>,
    error_blames: Vec<i16>,
    error_details: Vec<Option<String>>,
}

/// For how many runs one waits, this one included, and whether it is held.
struct Child {
    edges: i64,
    is_held: bool,
}

impl Writes {
    /// Answers a step, and notes what it writes.
    fn take(&mut self, child: Uuid, stands: Option<&Child>, step: &Step) -> AdvanceResult {
        let Some(Child { edges, is_held }) = stands else { return AdvanceResult::Gone };
        if !is_held {
            self.cut.push(child);
            return AdvanceResult::Gone;
        }
        match step {
            Step::Wait if *edges <= 1 => return AdvanceResult::Changed,
            Step::Release { .. } if *edges > 1 => return AdvanceResult::Changed,
            Step::Wait => self.cut.push(child),
            Step::Release { input } => {
                self.cut.push(child);
                self.released.push(child);
                if let Some(input) = input {
                    self.with_input.push(child);
                    self.inputs.push(input.as_str().to_owned());
                }
            }
            Step::End { status, error } => {
                self.ended.push(child);
                self.statuses.push(status.code().into());
                self.error_types.push(to_stored(&error.error_type).into_owned());
                self.error_messages.push(to_stored(&error.message).into_owned());
                self.error_blames.push(blame_code(error.blame));
                let details = error.details.as_ref();
                self.error_details.push(details.map(|details| details.as_str().to_owned()));
            }
        }
        AdvanceResult::Done
    }
}

impl PostgresStorage {
    pub(super) async fn advance_children(
        &self,
        session: &mut Session<'_>,
        request: &AdvanceRequest,
    ) -> Result<Vec<AdvanceResult>> {
        session.begin().await?;
        let Some(mut children) = self.stand(session, request).await? else {
            session.roll_back().await?;
            return Ok(vec![AdvanceResult::Changed; request.steps.len()]);
        };
        let mut writes = Writes::default();
        let mut answers = Vec::with_capacity(request.steps.len());
        for (child, step) in &request.steps {
            let answer = writes.take(child.0, children.get(&child.0), step);
            // A second step of the same run finds it decided.
            if answer == AdvanceResult::Done {
                children.remove(&child.0);
            }
            answers.push(answer);
        }
        let told = self.write_steps(session, request, &writes).await?;
        session.commit().await?;
        for (queue, status) in told.ready {
            if status == 0 {
                self.events.ready_named(&queue);
            } else {
                self.events.scheduled();
            }
        }
        if told.has_ends {
            self.events.ended();
        }
        if !answers.is_empty() {
            self.events.changed();
        }
        Ok(answers)
    }

    /// How those stand that wait for the run; `None` where its end is not noted so any more.
    async fn stand(
        &self,
        session: &mut Session<'_>,
        request: &AdvanceRequest,
    ) -> Result<Option<HashMap<Uuid, Child>>> {
        let ids: Vec<Uuid> = request.steps.iter().map(|(child, _)| child.0).collect();
        let locked = [&ids[..], &[request.parent.0]].concat();
        let rows = session.rows(self.query(LOCK).bind(locked)).await?;
        let read = rows.iter().map(|row| {
            let mut columns = Columns::new(row);
            Ok((columns.value()?, columns.value()?))
        });
        let statuses: HashMap<Uuid, i16> = session.told(read.collect::<DbResult<_>>())?;
        let end = session.row(self.query(END).bind(request.parent.0)).await?;
        let end = end.as_ref().map(|row| Columns::new(row).value::<i16>());
        if session.told(end.transpose())? != Some(request.status.code().into()) {
            return Ok(None);
        }
        let query = self.query(EDGES).bind(request.parent.0).bind(ids);
        let rows = session.rows(query).await?;
        let held = i16::from(RunStatus::Held.code());
        let mut children = HashMap::new();
        for row in &rows {
            let mut columns = Columns::new(row);
            let child: Uuid = session.told(columns.value())?;
            let edges: i64 = session.told(columns.value())?;
            let is_awaited: bool = session.told(columns.value())?;
            if is_awaited {
                let is_held = statuses.get(&child) == Some(&held);
                children.insert(child, Child { edges, is_held });
            }
        }
        Ok(Some(children))
    }

    async fn write_steps(
        &self,
        session: &mut Session<'_>,
        request: &AdvanceRequest,
        writes: &Writes,
    ) -> Result<Told> {
        let parent = request.parent.0;
        let mut told = Told::default();
        if !writes.cut.is_empty() {
            session.change(self.query(CUT).bind(parent).bind(writes.cut.clone())).await?;
        }
        if !writes.inputs.is_empty() {
            let query = self.query(SET_INPUT).bind(writes.with_input.clone());
            session.change(query.bind(writes.inputs.clone())).await?;
        }
        if !writes.released.is_empty() {
            let query = self.query(RELEASE).bind(writes.released.clone());
            for row in &session.rows(query).await? {
                let mut columns = Columns::new(row);
                told.ready
                    .push((session.told(columns.value())?, session.told(columns.value::<i16>())?));
            }
        }
        if !writes.ended.is_empty() {
            session.change(self.query(FORGET).bind(writes.ended.clone())).await?;
            let query = self.query(END_WAITING).bind(writes.ended.clone());
            let query = query.bind(writes.statuses.clone()).bind(writes.error_types.clone());
            let query = query.bind(writes.error_messages.clone()).bind(writes.error_blames.clone());
            told.has_ends = session.change(query.bind(writes.error_details.clone())).await? > 0;
        }
        session.change(self.query(CLEAR_END).bind(parent)).await?;
        Ok(told)
    }
}

/// What listeners are told after the commit.
#[derive(Default)]
struct Told {
    /// Queues of released runs, and how these stand.
    ready: Vec<(String, i16)>,
    has_ends: bool,
}
