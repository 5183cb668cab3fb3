//! Runs, for those who look.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sqlx::QueryBuilder;
use sqlx::postgres::PgRow;
use uuid::Uuid;
use zapjobs_model::{QueueName, Run, RunId, RunStatus, TenantId};
use zapjobs_storage::{
    Counts, Cursor, Page, QueueCounts, QueueSelection, Result, RunFilter, RunPageRequest,
    RunQueries, check_page,
};

use crate::PostgresStorage;
use crate::error::DbResult;
use crate::filter::{push_conditions, tables};
use crate::quarantine::is_of_record;
use crate::row::{Columns, SELECT_RUN, read_run, run_columns};
use crate::session::Session;
use crate::storage::row_limit;

/// Bytes of inputs and outputs on one page, about; the run that crosses it is the last.
const PAGE_BYTES_MAX: usize = 64 << 20;
/// Rows read at once for a page.
const ROWS_PER_READ: usize = 200;

const QUEUE_COUNTS: &str = "SELECT queue, status, count(*) FROM {schema}.{prefix}runs
    WHERE status BETWEEN 0 AND 7 GROUP BY queue, status";

#[async_trait]
impl RunQueries for PostgresStorage {
    async fn run(&self, id: RunId) -> Result<Option<Run>> {
        let mut session = self.session("read a run").await?;
        let row = session.row(self.query(SELECT_RUN).bind(id.0)).await?;
        session.told(row.as_ref().map(read_run).transpose())
    }

    async fn runs(&self, request: RunPageRequest) -> Result<Page> {
        const OPERATION: &str = "list runs";
        check_page(OPERATION, request.limit)?;
        let mut session = self.session(OPERATION).await?;
        self.page(&mut session, &request).await
    }

    async fn counts(&self, filter: &RunFilter) -> Result<Counts> {
        let from = tables(filter, false);
        let select = format!("SELECT r.status, count(*) FROM {from} WHERE ");
        let mut sql = QueryBuilder::new(self.names.expand(&select));
        push_conditions(&mut sql, filter);
        sql.push(" GROUP BY r.status");
        let mut session = self.session("count runs").await?;
        let rows = session.composed(sql).await?;
        let mut counts = Counts::default();
        for row in &rows {
            let mut columns = Columns::new(row);
            let status = session.told(columns.code("status", RunStatus::from_code))?;
            *counts.of_mut(status) = session.told(columns.bits())?;
        }
        Ok(counts)
    }

    async fn queue_counts(&self) -> Result<Vec<QueueCounts>> {
        let mut session = self.session("count runs by queue").await?;
        let rows = session.rows(self.query(QUEUE_COUNTS)).await?;
        let mut by_queue = BTreeMap::<QueueName, Counts>::new();
        for row in &rows {
            let mut columns = Columns::new(row);
            let queue: String = session.told(columns.value())?;
            let status = session.told(columns.code("status", RunStatus::from_code))?;
            // An unreadable queue's runs are set aside once they are claimed.
            if let Ok(queue) = QueueName::new(&queue) {
                let count = session.told(columns.bits())?;
                *by_queue.entry(queue).or_default().of_mut(status) += count;
            }
        }
        let counts = by_queue.into_iter();
        Ok(counts.map(|(queue, counts)| QueueCounts { queue, counts }).collect())
    }

    async fn ready_tenants(
        &self,
        queues: &QueueSelection,
        after: Option<&TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>> {
        let mut session = self.session("list tenants with pending runs").await?;
        self.list_ready_tenants(&mut session, queues, after, limit).await
    }

    async fn waiting(&self, tenant: &TenantId, up_to: u64) -> Result<u64> {
        let mut session = self.session("count waiting runs").await?;
        self.count_waiting(&mut session, tenant, up_to).await
    }
}

impl PostgresStorage {
    /// Reads in parts, so that large inputs stay within the page's bytes.
    async fn page(&self, session: &mut Session<'_>, request: &RunPageRequest) -> Result<Page> {
        let mut page = Page { runs: Vec::new(), next: None };
        let mut last = request.after.map(|Cursor(id)| id);
        let (mut seen, mut bytes) = (0, 0);
        loop {
            // One more than asked for tells whether there is another page.
            let part = (request.limit + 1 - seen).min(ROWS_PER_READ);
            let rows = self.rows_after(session, &request.filter, last, part).await?;
            for row in &rows {
                if seen == request.limit || bytes > PAGE_BYTES_MAX {
                    page.next = last.map(Cursor);
                    return Ok(page);
                }
                seen += 1;
                let id: DbResult<Uuid> = Columns::new(row).value();
                last = Some(RunId(session.told(id)?));
                match read_run(row) {
                    Ok(run) => {
                        bytes += run.input.as_str().len();
                        bytes += run.output.as_ref().map_or(0, |output| output.as_str().len());
                        page.runs.push(run);
                    }
                    Err(error) if is_of_record(&error) => {
                        tracing::error!(run = ?last, ?error, "passed over an unreadable run");
                    }
                    Err(error) => return session.told(Err(error)),
                }
            }
            if rows.len() < part {
                return Ok(page);
            }
        }
    }

    async fn rows_after(
        &self,
        session: &mut Session<'_>,
        filter: &RunFilter,
        after: Option<RunId>,
        limit: usize,
    ) -> Result<Vec<PgRow>> {
        let from = tables(filter, true);
        let select = format!("SELECT {} FROM {from} WHERE ", run_columns!());
        let mut sql = QueryBuilder::new(self.names.expand(&select));
        push_conditions(&mut sql, filter);
        if let Some(after) = after {
            sql.push(" AND r.id < ").push_bind(after.0);
        }
        sql.push(" ORDER BY r.id DESC LIMIT ").push_bind(row_limit(limit));
        session.composed(sql).await
    }
}
