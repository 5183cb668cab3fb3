//! Logs of runs that ended long ago are deleted; the runs stay.
//!
//! **Invariant:** each statement looks at a bounded number of runs and entries, and locks none
//! of the runs. The place where it goes on is moved with them.

use zapjobs_storage::{PruneRequest, Result};

use crate::PostgresStorage;
use crate::row::Columns;
use crate::session::Session;
use crate::storage::row_limit;

/// Entries that one statement deletes at most.
const ENTRIES_MAX: usize = 1_000;
/// Runs that one statement looks at at most.
const RUNS_MAX: usize = 1_000;

/// By itself: the statement after it then sees what the one that held the place did.
const LOCK: &str = "SELECT id FROM {schema}.{prefix}log_pruning FOR UPDATE";
/// Deletes up to `$3` entries of up to `$2` runs behind the place. The place moves to the last
/// run that lost its last entry; where none of that many runs had an entry, over all of them,
/// for else each call would look at them again.
const PRUNE: &str = "WITH place AS MATERIALIZED (
        SELECT finished_at, id FROM {schema}.{prefix}log_pruning),
    next AS MATERIALIZED (
        SELECT finished_at, id FROM {schema}.{prefix}runs
        WHERE status BETWEEN 3 AND 5 AND finished_at < $1
            AND (finished_at, id) > ((SELECT finished_at FROM place), (SELECT id FROM place))
        ORDER BY finished_at, id LIMIT $2),
    found AS MATERIALIZED (
        SELECT row_number() OVER (ORDER BY finished_at, id, lease, idx) AS number, *
        FROM (SELECT n.finished_at, n.id, l.lease, l.idx
            FROM (SELECT * FROM next ORDER BY finished_at, id) AS n
            CROSS JOIN LATERAL (
                SELECT lease, idx FROM {schema}.{prefix}logs e WHERE e.id = n.id
                ORDER BY lease, idx LIMIT $3 + 1) AS l
            ORDER BY n.finished_at, n.id, l.lease, l.idx LIMIT $3 + 1) AS first),
    gone AS (
        DELETE FROM {schema}.{prefix}logs l USING found
        WHERE found.number <= $3 AND l.id = found.id AND l.lease = found.lease
            AND l.idx = found.idx
        RETURNING l.id),
    reached AS (
        (SELECT finished_at, id FROM found
            WHERE NOT EXISTS (SELECT 1 FROM found AS rest
                WHERE rest.number > $3 AND rest.id = found.id)
            ORDER BY number DESC LIMIT 1)
        UNION ALL
        (SELECT finished_at, id FROM next
            WHERE NOT EXISTS (SELECT 1 FROM found) AND (SELECT count(*) FROM next) = $2
            ORDER BY finished_at DESC, id DESC LIMIT 1)),
    moved AS (
        UPDATE {schema}.{prefix}log_pruning SET finished_at = reached.finished_at,
            id = reached.id FROM reached)
    SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM next)";

impl PostgresStorage {
    pub(crate) async fn prune_entries(
        &self,
        session: &mut Session<'_>,
        request: PruneRequest,
    ) -> Result<usize> {
        let before = request.finished_before.as_micros();
        let mut pruned = 0;
        // Each round deletes an entry, moves the place behind many runs, or ends.
        while pruned < request.limit {
            let part = (request.limit - pruned).min(ENTRIES_MAX);
            session.begin().await?;
            session.row(self.query(LOCK)).await?;
            let query = self.query(PRUNE).bind(before);
            let query = query.bind(row_limit(RUNS_MAX)).bind(row_limit(part));
            let row = session.row(query).await?;
            session.commit().await?;
            let Some(row) = row else { break };
            let mut columns = Columns::new(&row);
            let gone = session.told(columns.bits())? as usize;
            let seen = session.told(columns.bits())? as usize;
            pruned += gone;
            if gone < part && seen < RUNS_MAX {
                break;
            }
        }
        if pruned > 0 {
            self.events.changed();
        }
        Ok(pruned)
    }
}
