//! What time does to runs: those that wait become due, those whose worker is gone expire,
//! those that ended long ago are deleted.

use zapjobs_model::{Run, Timestamp};
use zapjobs_storage::{Promoted, PruneRequest, Result};

use crate::PostgresStorage;
use crate::error::DbResult;
use crate::quarantine::is_of_record;
use crate::row::{Columns, read_run, run_columns, run_joins};
use crate::session::Session;
use crate::storage::row_limit;

const PROMOTE: &str = "WITH due AS MATERIALIZED (
        SELECT id FROM {schema}.{prefix}runs
        WHERE (status = 1 OR status = 6) AND due_at <= {now}
        ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED),
    promoted AS (
        UPDATE {schema}.{prefix}runs SET status = 0
        WHERE id = ANY (ARRAY(SELECT id FROM due)) RETURNING queue)
    SELECT queue, count(*) FROM promoted GROUP BY queue";
const NEXT_DUE: &str = "SELECT min(due_at) FROM {schema}.{prefix}runs
    WHERE status = 1 OR status = 6";
const EXPIRED: &str = concat!(
    "SELECT ",
    run_columns!(),
    " FROM {schema}.{prefix}runs r",
    run_joins!(),
    "WHERE r.status = 2 AND r.lease_expires_at <= {now}
    ORDER BY r.lease_expires_at, r.id LIMIT $2"
);
/// Deletes the first of `$2` runs, as many as have `$3` log entries together, and one at least.
///
/// One pruning at a time, of runs or of logs: two that delete the same entries could deadlock.
const PRUNE: &str = "WITH alone AS MATERIALIZED (
        SELECT id FROM {schema}.{prefix}log_pruning FOR UPDATE),
    doomed AS MATERIALIZED (
        SELECT id, finished_at FROM {schema}.{prefix}runs
        WHERE (SELECT count(*) FROM alone) > 0 AND status BETWEEN 3 AND 5 AND finished_at < $1
        ORDER BY finished_at, id LIMIT $2 FOR UPDATE SKIP LOCKED),
    fitting AS MATERIALIZED (
        SELECT id FROM (
            SELECT id, sum(entries) OVER (ORDER BY finished_at, id) - entries AS entries_before
            FROM doomed CROSS JOIN LATERAL (
                SELECT count(*) AS entries FROM (SELECT 1 FROM {schema}.{prefix}logs l
                    WHERE l.id = doomed.id LIMIT $3) AS first) AS log) AS summed
        WHERE entries_before < $3),
    inputs AS (
        DELETE FROM {schema}.{prefix}inputs WHERE id = ANY (ARRAY(SELECT id FROM fitting))),
    outcomes AS (
        DELETE FROM {schema}.{prefix}outcomes WHERE id = ANY (ARRAY(SELECT id FROM fitting))),
    tags AS (
        DELETE FROM {schema}.{prefix}tags WHERE id = ANY (ARRAY(SELECT id FROM fitting))),
    logs AS (
        DELETE FROM {schema}.{prefix}logs WHERE id = ANY (ARRAY(SELECT id FROM fitting))),
    steps AS (
        DELETE FROM {schema}.{prefix}steps WHERE id = ANY (ARRAY(SELECT id FROM fitting))),
    signals AS (
        DELETE FROM {schema}.{prefix}signals WHERE id = ANY (ARRAY(SELECT id FROM fitting))),
    waits AS (
        DELETE FROM {schema}.{prefix}waits WHERE id = ANY (ARRAY(SELECT id FROM fitting))),
    gone AS (
        DELETE FROM {schema}.{prefix}runs WHERE id = ANY (ARRAY(SELECT id FROM fitting))
        RETURNING id, unique_key),
    keys AS (
        DELETE FROM {schema}.{prefix}keys k USING gone WHERE k.key = gone.unique_key
            AND k.run = gone.id AND k.expires_at IS NULL)
    SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM doomed)";

/// Runs deleted by one statement at most.
const PRUNE_RUNS_MAX: usize = 100;
/// Log entries deleted with them at most, beside those of the last run.
const PRUNE_ENTRIES_MAX: usize = 20_000;

impl PostgresStorage {
    pub(super) async fn promote_runs(
        &self,
        session: &mut Session<'_>,
        limit: usize,
    ) -> Result<Promoted> {
        let rows = session.rows(self.query(PROMOTE).bind(row_limit(limit))).await?;
        let mut promoted = Promoted::default();
        for row in &rows {
            let mut columns = Columns::new(row);
            let queue: String = session.told(columns.value())?;
            promoted.count += session.told(columns.bits())? as usize;
            self.events.ready_named(&queue);
        }
        let row = session.row(self.query(NEXT_DUE)).await?;
        let next = row.as_ref().map(|row| Columns::new(row).optional_time());
        promoted.next_due = session.told(next.transpose())?.flatten();
        Ok(promoted)
    }

    /// Unreadable records are set aside, or enough of them would hide all others. Each is met
    /// once, so that this ends.
    pub(super) async fn list_expired(
        &self,
        session: &mut Session<'_>,
        limit: usize,
    ) -> Result<Vec<Run>> {
        loop {
            let rows = session.rows(self.query(EXPIRED).bind(row_limit(limit))).await?;
            let mut unreadable = Vec::new();
            let mut runs: Vec<Run> = Vec::with_capacity(rows.len());
            for row in &rows {
                match read_run(row) {
                    Ok(run) => runs.push(run),
                    Err(error) if is_of_record(&error) => {
                        let id: DbResult<uuid::Uuid> = Columns::new(row).value();
                        unreadable.push((session.told(id)?, error));
                    }
                    Err(error) => return session.told(Err(error)),
                }
            }
            if unreadable.is_empty() {
                return Ok(runs);
            }
            self.set_aside(session, unreadable).await?;
        }
    }

    pub(super) async fn prune_runs(
        &self,
        session: &mut Session<'_>,
        request: PruneRequest,
    ) -> Result<usize> {
        let before: Timestamp = request.finished_before;
        let mut pruned = 0;
        // Each round deletes at least one run or ends.
        while pruned < request.limit {
            let part = (request.limit - pruned).min(PRUNE_RUNS_MAX);
            let query = self.query(PRUNE).bind(before.as_micros()).bind(row_limit(part));
            let row = session.row(query.bind(row_limit(PRUNE_ENTRIES_MAX))).await?;
            let Some(row) = row else { break };
            let mut columns = Columns::new(&row);
            let gone = session.told(columns.bits())? as usize;
            let found = session.told(columns.bits())? as usize;
            pruned += gone;
            if gone == 0 || (gone == found && found < part) {
                break;
            }
        }
        Ok(pruned)
    }
}
