//! New runs.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;
use zapjobs_model::{Due, NewRun, RunId, RunStatus, Unique};
use zapjobs_storage::{EnqueueResult, Result};

use crate::PostgresStorage;
use crate::row::{Columns, encoded};
use crate::session::Session;
use crate::statistics::counting;
use crate::storage::span_micros;

/// Stores what is new, in the order of ids, so that equal batches do not deadlock. When a run
/// is due, and whether it must wait for that, is said as `Run::from_new` says it.
const INSERT: &str = concat!(
    "WITH given AS MATERIALIZED (
        SELECT *, greatest({now}, coalesce(due_at, {now+delay_us})) AS due, {now} AS created
        FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::int2[], $7::int2[],
            $8::text[], $9::int8[], $10::int8[], $11::int8[], $12::int8[], $13::text[],
            $14::uuid[], $15::text[], $16::text[], $19::bool[], $20::text[], $21::uuid[],
            $22::int2[], $23::uuid[])
        AS t (id, tenant, job_type, queue, priority, trigger_code, input, delay_us, due_at,
            deadline, max_attempts, correlation_id, parent, tags, metadata, held, limit_key,
            unique_key, unique_until, batch)),
    stored AS (
        INSERT INTO {schema}.{prefix}runs (id, due_at, input_bytes, priority, status,
            trigger_code, tenant, queue, job_type, limit_key, unique_key, unique_until, batch)
        SELECT id, due, octet_length(input), priority,
            CASE WHEN held THEN 7 WHEN due > created THEN 1 ELSE 0 END, trigger_code, tenant, queue,
            job_type, limit_key, unique_key, unique_until, batch
        FROM given ORDER BY id
        ON CONFLICT (id) DO NOTHING RETURNING id, status, tenant, queue),
    with_input AS (
        INSERT INTO {schema}.{prefix}inputs (id, created_at, max_attempts, deadline, parent,
            tenant, job_type, correlation_id, tags, metadata, input,
            batch)
        SELECT g.id, created, max_attempts, deadline, parent, g.tenant, job_type, correlation_id,
            tags, metadata, input, batch
        FROM given g JOIN stored USING (id)),
    with_tags AS (
        INSERT INTO {schema}.{prefix}tags (tag, id)
        SELECT t.tag, t.id FROM unnest($17::uuid[], $18::text[]) AS t (id, tag)
        JOIN stored USING (id) ON CONFLICT DO NOTHING),
    counted AS (",
    counting!("enqueued", "stored"),
    ")
    SELECT id, status FROM stored"
);

/// New runs by column. Of those with one id, the first.
#[derive(Default)]
pub(crate) struct NewRuns {
    ids: Vec<Uuid>,
    tenants: Vec<String>,
    job_types: Vec<String>,
    queues: Vec<String>,
    priorities: Vec<i16>,
    triggers: Vec<i16>,
    inputs: Vec<String>,
    delays_us: Vec<i64>,
    due_at: Vec<Option<i64>>,
    deadlines: Vec<Option<i64>>,
    max_attempts: Vec<i64>,
    correlation_ids: Vec<Option<String>>,
    parents: Vec<Option<Uuid>>,
    tags: Vec<Option<String>>,
    metadata: Vec<Option<String>>,
    limit_keys: Vec<Option<String>>,
    tagged: Vec<Uuid>,
    tag_names: Vec<String>,
    held: Vec<bool>,
    unique_keys: Vec<Option<Uuid>>,
    unique_until: Vec<Option<i16>>,
    batches: Vec<Option<Uuid>>,
}

impl NewRuns {
    pub(crate) fn of(runs: &[NewRun]) -> Self {
        let mut columns = Self::default();
        let mut seen = HashSet::with_capacity(runs.len());
        for run in runs.iter().filter(|run| seen.insert(run.id)) {
            columns.push(run);
        }
        columns
    }

    fn push(&mut self, run: &NewRun) {
        let (delay_us, due_at) = match run.due {
            Due::Now | Due::Held => (0, None),
            Due::In(delay) => (span_micros(delay), None),
            Due::At(time) => (0, Some(time.as_micros())),
        };
        self.ids.push(run.id.0);
        self.tenants.push(run.tenant.as_str().to_owned());
        self.job_types.push(run.job_type.as_str().to_owned());
        self.queues.push(run.queue.as_str().to_owned());
        self.priorities.push(run.priority.get());
        self.triggers.push(run.trigger.code().into());
        self.inputs.push(run.input.as_str().to_owned());
        self.delays_us.push(delay_us);
        self.due_at.push(due_at);
        self.deadlines.push(run.deadline.map(|time| time.as_micros()));
        self.max_attempts.push(run.max_attempts.into());
        self.correlation_ids.push(run.correlation_id.as_ref().map(|id| id.as_str().to_owned()));
        self.parents.push(run.parent.map(|parent| parent.0));
        self.tags.push(encoded(&run.tags, run.tags.is_empty()));
        self.metadata.push(encoded(&run.metadata, run.metadata.is_empty()));
        self.limit_keys.push(run.limit_key.as_ref().map(|key| key.as_str().to_owned()));
        self.tagged.extend(run.tags.iter().map(|_| run.id.0));
        self.tag_names.extend(run.tags.iter().map(|tag| tag.as_str().to_owned()));
        self.held.push(run.is_held());
        let hold = run.unique.as_ref().and_then(Unique::hold);
        self.unique_keys.push(hold.map(|hold| hold.key.0));
        self.unique_until.push(hold.map(|hold| hold.until.code().into()));
        self.batches.push(run.batch.map(|batch| batch.0));
    }
}

/// The runs that were new, and how they stand.
pub(crate) struct Stored(pub(super) HashMap<Uuid, RunStatus>);

impl Stored {
    /// Whether this run was new.
    pub(crate) fn holds(&self, run: RunId) -> bool {
        self.0.contains_key(&run.0)
    }

    pub(crate) fn answers(&self, runs: &[NewRun]) -> Vec<EnqueueResult> {
        let mut seen = HashSet::with_capacity(runs.len());
        let mut is_new = |run: &NewRun| seen.insert(run.id) && self.0.contains_key(&run.id.0);
        let answer = |run| match is_new(run) {
            true => EnqueueResult::Stored,
            false => EnqueueResult::Duplicate,
        };
        runs.iter().map(answer).collect()
    }
}

impl PostgresStorage {
    pub(crate) async fn insert(&self, session: &mut Session<'_>, new: &NewRuns) -> Result<Stored> {
        if new.ids.is_empty() {
            return Ok(Stored(HashMap::new()));
        }
        let query = self.query(INSERT).bind(&new.ids).bind(&new.tenants).bind(&new.job_types);
        let query = query.bind(&new.queues).bind(&new.priorities).bind(&new.triggers);
        let query = query.bind(&new.inputs).bind(&new.delays_us).bind(&new.due_at);
        let query = query.bind(&new.deadlines).bind(&new.max_attempts);
        let query = query.bind(&new.correlation_ids).bind(&new.parents).bind(&new.tags);
        let query = query.bind(&new.metadata).bind(&new.tagged).bind(&new.tag_names);
        let query = query.bind(&new.held).bind(&new.limit_keys);
        let query = query.bind(&new.unique_keys).bind(&new.unique_until).bind(&new.batches);
        let rows = session.rows(query).await?;
        let read = rows.iter().map(|row| {
            let mut columns = Columns::new(row);
            Ok((columns.value()?, columns.code("status", RunStatus::from_code)?))
        });
        session.told(read.collect::<crate::error::DbResult<_>>()).map(Stored)
    }

    /// Tells listeners of what was stored, each queue once.
    pub(crate) fn tell_stored(&self, runs: &[NewRun], stored: &Stored) {
        let mut told = HashSet::new();
        let mut has_delayed = false;
        for run in runs {
            match stored.0.get(&run.id.0) {
                Some(RunStatus::Pending) if told.insert(&run.queue) => {
                    self.events.ready(&run.queue);
                }
                // A limit holds it: whoever serves the queue may admit it.
                Some(RunStatus::Held) if !run.is_held() && told.insert(&run.queue) => {
                    self.events.ready(&run.queue);
                }
                Some(status) if status.is_delayed() => has_delayed = true,
                _ => {}
            }
        }
        if has_delayed {
            self.events.scheduled();
        }
    }
}
