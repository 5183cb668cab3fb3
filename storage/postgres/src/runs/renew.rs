//! Running attempts: their leases, progress and wishes to stop.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use uuid::Uuid;
use zapjobs_model::{Lease, LeaseKey, RunId};
use zapjobs_storage::{LeaseState, ProgressUpdate, Result};

use crate::PostgresStorage;
use crate::error::DbResult;
use crate::row::Columns;
use crate::session::{Bound, Session};
use crate::storage::span_micros;
use crate::text::to_stored;

const RENEW: &str = "WITH held AS MATERIALIZED (
        SELECT r.id FROM (SELECT DISTINCT * FROM unnest($3::uuid[], $4::int8[])) AS k (id, lease)
        JOIN {schema}.{prefix}runs r ON r.id = k.id AND r.lease = k.lease AND r.status = 2
        ORDER BY r.id FOR UPDATE OF r)
    UPDATE {schema}.{prefix}runs r SET lease_expires_at = {now+$2}
    FROM held WHERE r.id = held.id RETURNING r.id, r.lease, r.cancel_requested";
const CANCEL_REQUESTS: &str = "SELECT r.id, r.lease, r.cancel_requested
    FROM unnest($1::uuid[], $2::int8[]) AS k (id, lease)
    JOIN {schema}.{prefix}runs r ON r.id = k.id AND r.lease = k.lease AND r.status = 2
    WHERE r.cancel_requested";
/// Locked like all that ends an attempt, so that no report outlives it.
const REPORT: &str = "WITH given AS MATERIALIZED (
        SELECT * FROM unnest($1::uuid[], $2::int8[], $3::bool[], $4::int8[], $5::int8[],
            $6::text[], $7::bool[], $8::int8[], $9::int8[], $10::int8[])
        AS t (id, lease, has_progress, done, total, message, has_counts, processed, succeeded,
            failed)),
    held AS MATERIALIZED (
        SELECT given.* FROM given JOIN {schema}.{prefix}runs r
            ON r.id = given.id AND r.lease = given.lease AND r.status = 2
        ORDER BY r.id FOR UPDATE OF r)
    INSERT INTO {schema}.{prefix}outcomes AS o (id, lease, progress_done, progress_total,
        progress_message, items_processed, items_succeeded, items_failed)
    SELECT held.id, held.lease,
        CASE WHEN has_progress THEN done ELSE coalesce(kept.progress_done, 0) END,
        CASE WHEN has_progress THEN total ELSE kept.progress_total END,
        CASE WHEN has_progress THEN message ELSE coalesce(kept.progress_message, '') END,
        CASE WHEN has_counts THEN processed ELSE coalesce(kept.items_processed, 0) END,
        CASE WHEN has_counts THEN succeeded ELSE coalesce(kept.items_succeeded, 0) END,
        CASE WHEN has_counts THEN failed ELSE coalesce(kept.items_failed, 0) END
    FROM held
    LEFT JOIN {schema}.{prefix}outcomes kept ON kept.id = held.id AND kept.lease = held.lease
    ON CONFLICT (id) DO UPDATE SET lease = excluded.lease,
        progress_done = excluded.progress_done, progress_total = excluded.progress_total,
        progress_message = excluded.progress_message,
        items_processed = excluded.items_processed, items_succeeded = excluded.items_succeeded,
        items_failed = excluded.items_failed, output = NULL, error_type = NULL,
        error_message = NULL, error_blame = NULL, error_details = NULL, cpu_us = 0, wall_us = 0,
        memory_bytes_peak = 0, log_bytes = 0, log_lines = 0, log_lines_dropped = 0,
        output_bytes = 0, wait_us = 0, http_requests = 0, http_sent_bytes = 0,
        http_received_bytes = 0";

/// Keys by column.
fn key_columns(keys: &[LeaseKey]) -> (Vec<Uuid>, Vec<i64>) {
    keys.iter().map(|key| (key.run.0, i64::from(key.lease.0))).unzip()
}

/// Which of the keys are held, and whether each should stop.
type HeldKeys = HashMap<LeaseKey, bool>;

impl PostgresStorage {
    pub(super) async fn renew_leases(
        &self,
        session: &mut Session<'_>,
        keys: &[LeaseKey],
        lease: Duration,
    ) -> Result<Vec<LeaseState>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let (ids, leases) = key_columns(keys);
        let query = self.query(RENEW).bind(span_micros(lease)).bind(ids).bind(leases);
        let held = held_keys(session, query).await?;
        let state = |key| match held.get(key) {
            Some(cancel_requested) => LeaseState::Held { cancel_requested: *cancel_requested },
            None => LeaseState::Lost,
        };
        Ok(keys.iter().map(state).collect())
    }

    pub(super) async fn read_cancel_requests(
        &self,
        session: &mut Session<'_>,
        keys: &[LeaseKey],
    ) -> Result<Vec<LeaseKey>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let (ids, leases) = key_columns(keys);
        let query = self.query(CANCEL_REQUESTS).bind(ids).bind(leases);
        let asked = held_keys(session, query).await?;
        Ok(keys.iter().filter(|key| asked.contains_key(key)).copied().collect())
    }

    pub(super) async fn write_progress(
        &self,
        session: &mut Session<'_>,
        updates: &[ProgressUpdate],
    ) -> Result<()> {
        let mut left: Vec<&ProgressUpdate> = updates.iter().collect();
        while !left.is_empty() {
            let mut seen = HashSet::with_capacity(left.len());
            let (batch, later): (Vec<_>, Vec<_>) =
                left.into_iter().partition(|update| seen.insert(update.key.run));
            self.write_reports(session, &batch).await?;
            left = later;
        }
        if !updates.is_empty() {
            self.events.changed();
        }
        Ok(())
    }

    async fn write_reports(
        &self,
        session: &mut Session<'_>,
        updates: &[&ProgressUpdate],
    ) -> Result<()> {
        let mut reports = Reports::default();
        updates.iter().for_each(|update| reports.push(update));
        let query = self.query(REPORT).bind(reports.ids).bind(reports.leases);
        let query = query.bind(reports.has_progress).bind(reports.done).bind(reports.totals);
        let query = query.bind(reports.messages).bind(reports.has_counts);
        let [processed, succeeded, failed] = reports.counts;
        session.change(query.bind(processed).bind(succeeded).bind(failed)).await?;
        Ok(())
    }
}

/// Progress by column, no two of one run.
#[derive(Default)]
struct Reports {
    ids: Vec<Uuid>,
    leases: Vec<i64>,
    has_progress: Vec<bool>,
    done: Vec<i64>,
    totals: Vec<Option<i64>>,
    messages: Vec<String>,
    has_counts: Vec<bool>,
    counts: [Vec<i64>; 3],
}

impl Reports {
    fn push(&mut self, update: &ProgressUpdate) {
        let progress = update.progress.clone().unwrap_or_default();
        let counts = update.counts.unwrap_or_default();
        self.ids.push(update.key.run.0);
        self.leases.push(update.key.lease.0.into());
        self.has_progress.push(update.progress.is_some());
        self.done.push(progress.done.cast_signed());
        self.totals.push(progress.total.map(u64::cast_signed));
        self.messages.push(to_stored(&progress.message).into_owned());
        self.has_counts.push(update.counts.is_some());
        let values = [counts.processed, counts.succeeded, counts.failed];
        for (column, value) in self.counts.iter_mut().zip(values) {
            column.push(value.cast_signed());
        }
    }
}

async fn held_keys(session: &mut Session<'_>, query: Bound) -> Result<HeldKeys> {
    let rows = session.rows(query).await?;
    let read = rows.iter().map(|row| {
        let mut columns = Columns::new(row);
        let run = RunId(columns.value()?);
        let lease = Lease(columns.count()?);
        Ok((LeaseKey { run, lease }, columns.value()?))
    });
    session.told(read.collect::<DbResult<_>>())
}
