//! Runs in the order in which they ended: one walk along the index that pruning goes by.

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use uuid::Uuid;
use zapjobs_model::{JobType, Lease, QueueName, RunId, RunStatus, TenantId};
use zapjobs_storage::{ENDINGS_MAX, Ending, Endings, EndingsRequest, Result};

use crate::PostgresStorage;
use crate::error::DbResult;
use crate::quarantine::is_of_record;
use crate::row::Columns;

pub(crate) const ENDED: &str = "SELECT id, lease, tenant, job_type, queue, status, finished_at
    FROM {schema}.{prefix}runs
    WHERE status BETWEEN 3 AND 5 AND (finished_at, id) > ($1, $2) AND finished_at < $3
    ORDER BY finished_at, id LIMIT $4";

#[async_trait]
impl Endings for PostgresStorage {
    async fn endings(&self, request: &EndingsRequest) -> Result<Vec<Ending>> {
        let mut session = self.session("list runs that ended").await?;
        let after = request.after;
        let query = self
            .query(ENDED)
            .bind(after.map_or(i64::MIN, |place| place.ended_at.as_micros()))
            .bind(after.map_or_else(Uuid::nil, |place| place.run.0))
            .bind(request.before.map_or(i64::MAX, |instant| instant.as_micros()))
            .bind(request.limit.min(ENDINGS_MAX) as i64);
        let rows = session.rows(query).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            match ending(row) {
                Ok(ending) => found.push(ending),
                Err(error) if is_of_record(&error) => {
                    tracing::error!(?error, "passed over an unreadable run that ended");
                }
                Err(error) => return session.told(Err(error)),
            }
        }
        Ok(found)
    }
}

fn ending(row: &PgRow) -> DbResult<Ending> {
    let mut columns = Columns::new(row);
    Ok(Ending {
        // In the order of the columns: fields are evaluated as they stand here.
        run: RunId(columns.value()?),
        lease: Lease(columns.count()?),
        tenant: columns.name(TenantId::new)?,
        job_type: columns.name(JobType::new)?,
        queue: columns.name(QueueName::new)?,
        status: columns.code("status", RunStatus::from_code)?,
        ended_at: columns.time()?,
    })
}
