//! Runs that have been ready for long.
//!
//! The index of claims stands in the order of priorities, and within each in the order in which
//! runs became ready: from one priority to the next it is one look, and what is old stands at the
//! beginning.

use async_trait::async_trait;
use zapjobs_model::RunId;
use zapjobs_storage::{AGED_MAX, AgedRequest, Aging, Result};

use crate::PostgresStorage;
use crate::error::DbResult;
use crate::lanes::queue_names;
use crate::row::Columns;

/// From one priority below `$1` to the next: of each, the runs that were ready before `$2`.
macro_rules! aged {
    ($queues:literal) => {
        concat!(
            "WITH RECURSIVE level AS (
                (SELECT priority FROM {schema}.{prefix}runs WHERE status = 0 AND priority < $1
                    ORDER BY priority DESC LIMIT 1)
                UNION ALL
                SELECT n.priority FROM level l CROSS JOIN LATERAL (
                    SELECT priority FROM {schema}.{prefix}runs
                    WHERE status = 0 AND priority < l.priority
                    ORDER BY priority DESC LIMIT 1) AS n)
            SELECT a.id FROM level l CROSS JOIN LATERAL (
                SELECT r.id FROM {schema}.{prefix}runs r
                WHERE r.status = 0 AND r.priority = l.priority AND r.due_at < $2",
            $queues,
            " ORDER BY r.priority DESC, r.due_at, r.id LIMIT $3) AS a LIMIT $3"
        )
    };
}
pub(crate) const AGED_OF_ALL: &str = aged!("");
pub(crate) const AGED_OF_QUEUES: &str = aged!(" AND r.queue = ANY ($4)");

#[async_trait]
impl Aging for PostgresStorage {
    async fn aged(&self, request: &AgedRequest) -> Result<Vec<RunId>> {
        let mut session = self.session("list runs that have been ready for long").await?;
        let bind = |template| {
            let query = self.query(template).bind(request.below.get());
            query.bind(request.ready_before.as_micros()).bind(request.limit.min(AGED_MAX) as i64)
        };
        let query = match queue_names(&request.queues) {
            Some(names) => bind(AGED_OF_QUEUES).bind(names),
            None => bind(AGED_OF_ALL),
        };
        let rows = session.rows(query).await?;
        let ids = rows.iter().map(|row| Columns::new(row).value().map(RunId));
        session.told(ids.collect::<DbResult<_>>())
    }
}
