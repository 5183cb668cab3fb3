//! Runs for a worker.
//!
//! All queues are one index in the order of claims, and so is one queue: what others hold
//! locked is passed over, and the cost depends on the runs taken, not on how many wait.
//! Several queues are merged: each gives candidates, of which the first are locked.

use zapjobs_model::Run;
use zapjobs_storage::{ClaimRequest, ClaimedRun, QueueSelection, Result};

use crate::PostgresStorage;
use crate::quarantine::{Unreadable, is_of_record};
use crate::row::{Columns, claimed_columns, read_claimed};
use crate::session::Session;
use crate::statistics::counting;
use crate::storage::{row_limit, span_micros};

/// Rounds in which unreadable runs are replaced by others at most.
const ROUNDS_MAX: usize = 100;
/// Candidates that each of several queues gives, as a multiple of the runs wanted: others may
/// have locked the first ones. More where the first try finds nothing.
const CANDIDATES_PER_RUN: [usize; 2] = [4, 64];

/// Takes what was picked, as far as 64 MiB of input go; the run that crosses that is the last.
macro_rules! take {
    ($pick:literal) => {
        concat!(
            "WITH picked AS MATERIALIZED (",
            $pick,
            "),
            fitting AS MATERIALIZED (
                SELECT id FROM (SELECT id, sum(input_bytes) OVER (
                        ORDER BY priority DESC, due_at, id) - input_bytes AS bytes_before
                    FROM picked) AS summed WHERE bytes_before <= 67108864),
            r AS (
                UPDATE {schema}.{prefix}runs taken SET status = 2, attempt = attempt + 1,
                    lease = lease + 1, worker = $2, started_at = {now},
                    lease_expires_at = {now+$3}
                WHERE taken.id = ANY (ARRAY(SELECT id FROM fitting)) RETURNING taken.*),
            counted AS (",
            counting!("started", "r"),
            ")
            SELECT ",
            claimed_columns!(),
            " FROM r LEFT JOIN {schema}.{prefix}inputs i ON i.id = r.id
            ORDER BY r.priority DESC, r.due_at, r.id"
        )
    };
}

const CLAIM_ALL: &str = take!(
    "SELECT id, priority, due_at, input_bytes FROM {schema}.{prefix}runs WHERE status = 0
        ORDER BY priority DESC, due_at, id LIMIT $4 FOR UPDATE SKIP LOCKED"
);
const CLAIM_ONE_QUEUE: &str = take!(
    "SELECT id, priority, due_at, input_bytes FROM {schema}.{prefix}runs
        WHERE status = 0 AND queue = $5
        ORDER BY priority DESC, due_at, id LIMIT $4 FOR UPDATE SKIP LOCKED"
);
const CLAIM_QUEUES: &str = take!(
    "SELECT p.id, p.priority, p.due_at, p.input_bytes
        FROM unnest($5::text[]) AS q (queue) CROSS JOIN LATERAL (
            SELECT id FROM {schema}.{prefix}runs w
            WHERE w.status = 0 AND w.queue = q.queue
            ORDER BY w.priority DESC, w.due_at, w.id LIMIT $6) AS candidate
        JOIN {schema}.{prefix}runs p ON p.id = candidate.id AND p.status = 0
        ORDER BY p.priority DESC, p.due_at, p.id LIMIT $4 FOR UPDATE OF p SKIP LOCKED"
);

impl PostgresStorage {
    pub(super) async fn claim_runs(
        &self,
        session: &mut Session<'_>,
        request: &ClaimRequest,
    ) -> Result<Vec<ClaimedRun>> {
        let mut claimed = Vec::new();
        for _ in 0..ROUNDS_MAX {
            let wanted = request.limit - claimed.len();
            if wanted == 0 {
                break;
            }
            let [few, many] = CANDIDATES_PER_RUN;
            let (mut runs, mut unreadable) = self.take(session, request, wanted, few).await?;
            let is_merged = matches!(&request.queues, QueueSelection::Only(all) if all.len() > 1);
            if is_merged && runs.is_empty() && unreadable.is_empty() {
                (runs, unreadable) = self.take(session, request, wanted, many).await?;
            }
            claimed.extend(runs.into_iter().map(|run| ClaimedRun { run }));
            if unreadable.is_empty() {
                break;
            }
            // Claimed like the others, and so nobody else's. Its place is filled up.
            self.set_aside(session, unreadable).await?;
        }
        if !claimed.is_empty() {
            self.events.changed();
        }
        Ok(claimed)
    }

    async fn take(
        &self,
        session: &mut Session<'_>,
        request: &ClaimRequest,
        wanted: usize,
        candidates_per_run: usize,
    ) -> Result<(Vec<Run>, Unreadable)> {
        let bind = |template| {
            let query = self.query(template).bind(request.worker.0);
            query.bind(span_micros(request.lease)).bind(row_limit(wanted))
        };
        let query = match &request.queues {
            QueueSelection::All => bind(CLAIM_ALL),
            QueueSelection::Only(queues) => match queues.as_slice() {
                [] => return Ok(Default::default()),
                [queue] => bind(CLAIM_ONE_QUEUE).bind(queue.as_str().to_owned()),
                queues => {
                    let mut names: Vec<String> =
                        queues.iter().map(|queue| queue.as_str().to_owned()).collect();
                    names.sort();
                    names.dedup();
                    let candidates = wanted.saturating_mul(candidates_per_run);
                    bind(CLAIM_QUEUES).bind(names).bind(row_limit(candidates))
                }
            },
        };
        let rows = session.rows(query).await?;
        let mut runs = Vec::with_capacity(rows.len());
        let mut unreadable = Vec::new();
        for row in &rows {
            match read_claimed(&mut Columns::new(row)) {
                Ok(run) => runs.push(run),
                Err(error) if is_of_record(&error) => {
                    let id = session.told(Columns::new(row).value())?;
                    unreadable.push((id, error));
                }
                Err(error) => return session.told(Err(error)),
            }
        }
        Ok((runs, unreadable))
    }
}
