//! Runs in the order in which they ended: one walk along the index that pruning goes by.

use async_trait::async_trait;
use rusqlite::{Row, params};
use zapjobs_model::{JobType, Lease, QueueName, RunId, RunStatus, TenantId};
use zapjobs_storage::{ENDINGS_MAX, Ending, Endings, EndingsRequest, Result};

use crate::SqliteStorage;
use crate::db::Db;
use crate::error::DbResult;
use crate::row::Columns;
use crate::runs::row_limit;

pub(crate) const ENDED: &str = "SELECT id, lease, tenant, job_type, queue, status, finished_at
    FROM {prefix}runs INDEXED BY {prefix}runs_finished
    WHERE status BETWEEN 3 AND 5 AND (finished_at, id) > (?1, ?2) AND finished_at < ?3
    ORDER BY finished_at, id LIMIT ?4";

#[async_trait]
impl Endings for SqliteStorage {
    async fn endings(&self, request: &EndingsRequest) -> Result<Vec<Ending>> {
        let request = *request;
        self.read("list runs that ended", move |db| endings(db, &request)).await
    }
}

fn endings(db: &Db, request: &EndingsRequest) -> DbResult<Vec<Ending>> {
    let after = request.after;
    let ended_at = after.map_or(i64::MIN, |place| place.ended_at.as_micros());
    let id = after.map_or_else(Vec::new, |place| place.run.0.as_bytes().to_vec());
    let before = request.before.map_or(i64::MAX, |instant| instant.as_micros());
    let limit = row_limit(request.limit.min(ENDINGS_MAX));
    let mut statement = db.prepare(ENDED)?;
    let mut rows = statement.query(params![ended_at, id, before, limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        match ending(row) {
            Ok(ending) => found.push(ending),
            Err(error) => tracing::error!(?error, "passed over an unreadable run that ended"),
        }
    }
    Ok(found)
}

fn ending(row: &Row<'_>) -> DbResult<Ending> {
    let mut columns = Columns::new(row);
    Ok(Ending {
        // In the order of the columns: fields are evaluated as they stand here.
        run: RunId(columns.uuid()?),
        lease: Lease(columns.value()?),
        tenant: columns.name(TenantId::new)?,
        job_type: columns.name(JobType::new)?,
        queue: columns.name(QueueName::new)?,
        status: columns.code("status", RunStatus::from_code)?,
        ended_at: columns.time()?,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use rusqlite::types::Value;
    use zapjobs_model::Timestamp;

    use super::*;
    use crate::SqliteOptions;

    #[test]
    fn a_look_is_one_seek_into_the_index_without_sorting() {
        let db = Db::open_writer(&SqliteOptions::memory()).unwrap();
        crate::migrate::up(&db, Timestamp::from_micros(0)).unwrap();
        let explained = format!("EXPLAIN QUERY PLAN {}", db.expand(ENDED));
        let mut statement = db.conn.prepare(&explained).unwrap();
        let none = vec![Value::Null; statement.parameter_count()];
        let rows = statement
            .query_map(rusqlite::params_from_iter(none), |row| row.get::<_, String>(3))
            .unwrap();
        let plan: Vec<String> = rows.map(std::result::Result::unwrap).collect();
        let seek = "SEARCH zapjobs_runs USING INDEX zapjobs_runs_finished (";
        assert!(plan.len() == 1 && plan[0].starts_with(seek), "{plan:?}");
    }
}
