//! Transitions of attempts that ended.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;
use zapjobs_model::{RunStatus, Transition};
use zapjobs_storage::{ApplyResult, Result};

use crate::PostgresStorage;
use crate::error::DbResult;
use crate::row::{Columns, blame_code};
use crate::session::Session;
use crate::text::to_stored;

/// Writes each transition whose run is running under its lease, and answers how each run stood.
///
/// The rows are locked first, in the order of ids; a row that changed meanwhile is looked at
/// anew, so that of two ends of one attempt the second finds it ended. They carry what is to be
/// written, for a second join with the batch would cost its square. Progress and counts of the
/// same attempt stay.
const APPLY: &str = "WITH given AS MATERIALIZED (
        SELECT * FROM unnest($2::uuid[], $3::int8[], $4::int2[], $5::int8[], $6::int8[],
            $7::int8[], $8::int8[], $9::bytea[], $10::text[], $11::text[], $12::text[],
            $13::int2[], $14::text[], $15::int8[], $16::int8[], $17::int8[], $18::int8[],
            $19::int8[], $20::int8[], $21::int8[], $22::int8[], $23::int8[], $24::int8[],
            $25::int8[])
        AS t (id, lease, status, attempt, host_faults, due_at, finished_at, digest, output,
            error_type, error_message, error_blame, error_details, cpu_us, wall_us,
            memory_bytes_peak, log_bytes, log_lines, log_lines_dropped, output_bytes, wait_us,
            http_requests, http_sent_bytes, http_received_bytes)),
    held AS MATERIALIZED (
        SELECT given.*, r.tenant, r.queue, r.followed, r.status AS stood, CASE WHEN r.lease <> given.lease THEN 1
            WHEN r.status <> 2 THEN 2
            WHEN r.cancel_requested AND given.finished_at IS NULL THEN 3 ELSE 0 END AS refusal
        FROM given JOIN {schema}.{prefix}runs r ON r.id = given.id
        ORDER BY r.id FOR UPDATE OF r),
    written AS (
        UPDATE {schema}.{prefix}runs r SET status = held.status, attempt = held.attempt,
            host_faults = held.host_faults, due_at = coalesce(held.due_at, r.due_at),
            finished_at = held.finished_at, lease_expires_at = NULL,
            digest = coalesce(held.digest, r.digest),
            cancel_requested = r.cancel_requested AND held.finished_at IS NOT NULL
        FROM held WHERE r.id = held.id AND held.refusal = 0),
    noted AS (
        INSERT INTO {schema}.{prefix}outcomes AS o (id, lease, output, error_type,
            error_message, error_blame, error_details, cpu_us, wall_us, memory_bytes_peak,
            log_bytes, log_lines, log_lines_dropped, output_bytes, wait_us, http_requests,
            http_sent_bytes, http_received_bytes)
        SELECT id, lease, output, error_type, error_message, error_blame, error_details, cpu_us,
            wall_us, memory_bytes_peak, log_bytes, log_lines, log_lines_dropped, output_bytes,
            wait_us, http_requests, http_sent_bytes, http_received_bytes
        FROM held WHERE refusal = 0
        ON CONFLICT (id) DO UPDATE SET lease = excluded.lease, output = excluded.output,
            error_type = excluded.error_type, error_message = excluded.error_message,
            error_blame = excluded.error_blame, error_details = excluded.error_details,
            cpu_us = excluded.cpu_us, wall_us = excluded.wall_us,
            memory_bytes_peak = excluded.memory_bytes_peak, log_bytes = excluded.log_bytes,
            log_lines = excluded.log_lines, log_lines_dropped = excluded.log_lines_dropped,
            output_bytes = excluded.output_bytes, wait_us = excluded.wait_us,
            http_requests = excluded.http_requests, http_sent_bytes = excluded.http_sent_bytes,
            http_received_bytes = excluded.http_received_bytes,
            progress_done = CASE WHEN o.lease = excluded.lease THEN o.progress_done ELSE 0 END,
            progress_total = CASE WHEN o.lease = excluded.lease THEN o.progress_total END,
            progress_message =
                CASE WHEN o.lease = excluded.lease THEN o.progress_message ELSE '' END,
            items_processed =
                CASE WHEN o.lease = excluded.lease THEN o.items_processed ELSE 0 END,
            items_succeeded =
                CASE WHEN o.lease = excluded.lease THEN o.items_succeeded ELSE 0 END,
            items_failed = CASE WHEN o.lease = excluded.lease THEN o.items_failed ELSE 0 END),
    ends AS (
        INSERT INTO {schema}.{prefix}ends (run, status, noted_at)
        SELECT id, status, {now} FROM held
        WHERE followed AND refusal = 0 AND finished_at IS NOT NULL
        ON CONFLICT (run) DO NOTHING),
    counted AS (
        INSERT INTO {schema}.{prefix}statistics AS s (span, from_us, tenant, queue, slot,
            completed, failed, cancelled, retried, put_back, cpu_us, wall_us)
        SELECT 0, {hour}, tenant, queue, {slot}, count(*) FILTER (WHERE status = 3),
            count(*) FILTER (WHERE status = 4), count(*) FILTER (WHERE status = 5),
            count(*) FILTER (WHERE status = 6), count(*) FILTER (WHERE status < 2 OR status = 7),
            least(sum(CASE WHEN cpu_us < 0 THEN 9223372036854775807 ELSE cpu_us END),
                9223372036854775807)::int8,
            least(sum(CASE WHEN wall_us < 0 THEN 9223372036854775807 ELSE wall_us END),
                9223372036854775807)::int8
        FROM held WHERE refusal = 0 GROUP BY tenant, queue ORDER BY tenant, queue
        ON CONFLICT (span, from_us, tenant, queue, slot) DO UPDATE SET
            completed = s.completed + excluded.completed, failed = s.failed + excluded.failed,
            cancelled = s.cancelled + excluded.cancelled, retried = s.retried + excluded.retried,
            put_back = s.put_back + excluded.put_back,
            cpu_us = least(s.cpu_us::numeric + excluded.cpu_us, 9223372036854775807)::int8,
            wall_us = least(s.wall_us::numeric + excluded.wall_us, 9223372036854775807)::int8)
    SELECT id, queue, stood, refusal, followed FROM held";

/// Transitions by column, no two of one run.
#[derive(Default)]
struct Batch {
    /// Where each stands in the whole call.
    places: Vec<usize>,
    ids: Vec<Uuid>,
    leases: Vec<i64>,
    statuses: Vec<i16>,
    attempts: Vec<i64>,
    host_faults: Vec<i64>,
    due_at: Vec<Option<i64>>,
    finished_at: Vec<Option<i64>>,
    digests: Vec<Option<Vec<u8>>>,
    outputs: Vec<Option<String>>,
    error_types: Vec<Option<String>>,
    error_messages: Vec<Option<String>>,
    error_blames: Vec<Option<i16>>,
    error_details: Vec<Option<String>>,
    usage: [Vec<i64>; 11],
}

impl Batch {
    fn push(&mut self, place: usize, transition: &Transition) {
        let error = transition.error.as_ref();
        let details = error.and_then(|error| error.details.as_ref());
        let finished_at = transition.status.is_final().then(|| transition.at.as_micros());
        self.places.push(place);
        self.ids.push(transition.key.run.0);
        self.leases.push(transition.key.lease.0.into());
        self.statuses.push(transition.status.code().into());
        self.attempts.push(transition.attempt.into());
        self.host_faults.push(transition.host_faults.into());
        self.due_at.push(transition.due_at.map(|time| time.as_micros()));
        self.finished_at.push(finished_at);
        self.digests.push(transition.digest.map(|digest| digest.as_bytes().to_vec()));
        self.outputs.push(transition.output.as_ref().map(|output| output.as_str().to_owned()));
        self.error_types.push(error.map(|error| to_stored(&error.error_type).into_owned()));
        self.error_messages.push(error.map(|error| to_stored(&error.message).into_owned()));
        self.error_blames.push(error.map(|error| blame_code(error.blame)));
        self.error_details.push(details.map(|details| details.as_str().to_owned()));
        self.push_usage(transition);
    }

    fn push_usage(&mut self, transition: &Transition) {
        let usage = &transition.usage;
        let values = [
            usage.cpu_us,
            usage.wall_us,
            usage.memory_bytes_peak,
            usage.log_bytes,
            usage.log_lines,
            usage.log_lines_dropped,
            usage.output_bytes,
            usage.wait_us,
            usage.http_requests,
            usage.http_sent_bytes,
            usage.http_received_bytes,
        ];
        for (column, value) in self.usage.iter_mut().zip(values) {
            column.push(value.cast_signed());
        }
    }
}

/// How a run stood when the statement met it.
struct Held {
    queue: String,
    status: i16,
    refusal: i32,
    followed: bool,
}

impl Held {
    fn answer(&self) -> ApplyResult {
        match self.refusal {
            0 => ApplyResult::Applied,
            1 => ApplyResult::StaleLease,
            3 => ApplyResult::CancelRequested,
            // A record that was set aside has a status that is none, and is there for nobody.
            _ => RunStatus::from_code(self.status.into())
                .map_or(ApplyResult::NotFound, ApplyResult::WrongStatus),
        }
    }
}

impl PostgresStorage {
    pub(crate) async fn apply_transitions(
        &self,
        session: &mut Session<'_>,
        transitions: &[Transition],
    ) -> Result<Vec<ApplyResult>> {
        let mut answers = vec![ApplyResult::NotFound; transitions.len()];
        let mut left: Vec<usize> = (0..transitions.len()).collect();
        let mut told = Told::default();
        // One statement, save where a run stands in the batch more than once: each by itself.
        while !left.is_empty() {
            let mut batch = Batch::default();
            let mut seen = HashSet::with_capacity(left.len());
            left.retain(|place| {
                let transition = &transitions[*place];
                let is_first = seen.insert(transition.key.run);
                if is_first {
                    batch.push(*place, transition);
                }
                !is_first
            });
            let held = self.write_batch(session, &batch).await?;
            for (place, id) in batch.places.iter().zip(&batch.ids) {
                let Some(held) = held.get(id) else { continue };
                answers[*place] = held.answer();
                if held.refusal == 0 {
                    told.note(transitions[*place].status, held);
                }
            }
        }
        self.tell(&told, answers.contains(&ApplyResult::Applied));
        Ok(answers)
    }

    async fn write_batch(
        &self,
        session: &mut Session<'_>,
        batch: &Batch,
    ) -> Result<HashMap<Uuid, Held>> {
        let query = self.query(APPLY).bind(&batch.ids).bind(&batch.leases).bind(&batch.statuses);
        let query = query.bind(&batch.attempts).bind(&batch.host_faults).bind(&batch.due_at);
        let query = query.bind(&batch.finished_at).bind(&batch.digests).bind(&batch.outputs);
        let query = query.bind(&batch.error_types).bind(&batch.error_messages);
        let mut query = query.bind(&batch.error_blames).bind(&batch.error_details);
        for column in &batch.usage {
            query = query.bind(column);
        }
        let rows = session.rows(query).await?;
        let read = rows.iter().map(|row| {
            let mut columns = Columns::new(row);
            let id = columns.value()?;
            let (queue, status) = (columns.value()?, columns.value()?);
            let (refusal, followed) = (columns.value()?, columns.value()?);
            Ok((id, Held { queue, status, refusal, followed }))
        });
        session.told(read.collect::<DbResult<_>>())
    }

    fn tell(&self, told: &Told, any: bool) {
        for queue in &told.ready {
            self.events.ready_named(queue);
        }
        if told.is_scheduled {
            self.events.scheduled();
        }
        if told.has_ends {
            self.events.ended();
        }
        if any {
            self.events.changed();
        }
    }
}

/// What to tell listeners, each once.
#[derive(Default)]
struct Told {
    ready: HashSet<String>,
    is_scheduled: bool,
    has_ends: bool,
}

impl Told {
    fn note(&mut self, status: RunStatus, held: &Held) {
        self.has_ends |= held.followed && status.is_final();
        if status == RunStatus::Pending {
            self.ready.insert(held.queue.clone());
        } else if status.is_delayed() {
            self.is_scheduled = true;
        }
    }
}
