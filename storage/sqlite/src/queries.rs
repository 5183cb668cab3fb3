//! Runs, for those who look.

use std::collections::BTreeMap;

use async_trait::async_trait;
use rusqlite::{params, params_from_iter};
use zapjobs_model::{QueueName, Run, RunId, RunStatus, TenantId};
use zapjobs_storage::{
    Counts, Cursor, Page, QueueCounts, QueueSelection, Result, RunFilter, RunPageRequest,
    RunQueries, TENANT_SHARES_MAX, check_page,
};

use crate::SqliteStorage;
use crate::db::Db;
use crate::error::DbResult;
use crate::filter::Conditions;
use crate::quarantine::is_of_record;
use crate::row::{RUN_COLUMNS, RUN_JOINS, SELECT_RUN, read_run};
use crate::runs::{lanes, row_limit, stored_id};

/// Bytes of inputs and outputs on one page, about; the run that crosses it is the last.
const PAGE_BYTES_MAX: usize = 64 << 20;

/// Every run by queue and status, from the partial indices alone: they hold each run once. A
/// queue of several tenants comes several times.
const QUEUE_COUNTS: &str = "
    SELECT queue, 0, count(*) FROM {prefix}runs INDEXED BY {prefix}runs_pending
        WHERE status = 0 GROUP BY tenant, queue
    UNION ALL SELECT queue, status, count(*) FROM {prefix}runs INDEXED BY {prefix}runs_delayed
        WHERE (status = 1 OR status = 6) GROUP BY queue, status
    UNION ALL SELECT queue, 7, count(*) FROM {prefix}runs INDEXED BY {prefix}runs_held
        WHERE status = 7 GROUP BY tenant, queue
    UNION ALL SELECT queue, 2, count(*) FROM {prefix}runs INDEXED BY {prefix}runs_running
        WHERE status = 2 GROUP BY queue
    UNION ALL SELECT queue, status, count(*) FROM {prefix}runs INDEXED BY {prefix}runs_finished
        WHERE status BETWEEN 3 AND 5 GROUP BY queue, status";

const PENDING_OF: &str = "SELECT count(*) FROM (
    SELECT 1 FROM {prefix}runs INDEXED BY {prefix}runs_pending
    WHERE status = 0 AND tenant = ?1 LIMIT ?2)";
const DELAYED_OF: &str = "SELECT count(*) FROM (
    SELECT 1 FROM {prefix}runs INDEXED BY {prefix}runs_delayed_of
    WHERE (status = 1 OR status = 6) AND tenant = ?1 LIMIT ?2)";

const HELD_OF: &str = "SELECT count(*) FROM (
    SELECT 1 FROM {prefix}runs INDEXED BY {prefix}runs_held
    WHERE status = 7 AND tenant = ?1 LIMIT ?2)";

#[async_trait]
impl RunQueries for SqliteStorage {
    async fn run(&self, id: RunId) -> Result<Option<Run>> {
        self.read("read a run", move |db| {
            let mut statement = db.prepare(SELECT_RUN)?;
            let mut rows = statement.query([stored_id(id)])?;
            rows.next()?.map(read_run).transpose()
        })
        .await
    }

    async fn runs(&self, request: RunPageRequest) -> Result<Page> {
        const OPERATION: &str = "list runs";
        check_page(OPERATION, request.limit)?;
        self.read(OPERATION, move |db| page(db, &request)).await
    }

    async fn counts(&self, filter: &RunFilter) -> Result<Counts> {
        let filter = filter.clone();
        self.read("count runs", move |db| {
            if is_by_queue(&filter) { counts_by_queue(db, &filter) } else { counts(db, &filter) }
        })
        .await
    }

    async fn queue_counts(&self) -> Result<Vec<QueueCounts>> {
        self.read("count runs by queue", |db| {
            let mut by_queue = BTreeMap::<QueueName, Counts>::new();
            each_queue_count(db, |queue, status, count| {
                *by_queue.entry(queue).or_default().of_mut(status) += count;
            })?;
            let counts = by_queue.into_iter();
            Ok(counts.map(|(queue, counts)| QueueCounts { queue, counts }).collect())
        })
        .await
    }

    async fn ready_tenants(
        &self,
        queues: &QueueSelection,
        after: Option<&TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>> {
        let (queues, after) = (queues.clone(), after.cloned());
        self.read("list tenants with ready runs", move |db| {
            lanes::ready_tenants(db, &queues, after.as_ref(), limit.min(TENANT_SHARES_MAX))
        })
        .await
    }

    async fn waiting(&self, tenant: &TenantId, up_to: u64) -> Result<u64> {
        let tenant = tenant.as_str().to_owned();
        self.read("count a tenant's waiting runs", move |db| waiting(db, &tenant, up_to)).await
    }
}

/// Counts no further than asked, each kind of waiting from an index of its own.
fn waiting(db: &Db, tenant: &str, up_to: u64) -> DbResult<u64> {
    let mut counted = 0;
    for sql in [PENDING_OF, DELAYED_OF, HELD_OF] {
        let left = i64::try_from(up_to - counted).unwrap_or(i64::MAX);
        let count: i64 = db.prepare(sql)?.query_row(params![tenant, left], |row| row.get(0))?;
        counted += count.unsigned_abs();
    }
    Ok(counted)
}

fn page(db: &Db, request: &RunPageRequest) -> DbResult<Page> {
    let mut conditions = Conditions::of(&request.filter);
    if let Some(Cursor(after)) = request.after {
        conditions.and("r.id < ?", stored_id(after).to_vec());
    }
    let Conditions { from, where_clause, mut values, .. } = conditions;
    let sql = format!(
        "SELECT {RUN_COLUMNS} FROM {from} {RUN_JOINS} {where_clause} ORDER BY r.id DESC LIMIT ?"
    );
    // One more than asked for tells whether there is another page.
    values.push(row_limit(request.limit + 1).into());
    let mut statement = db.prepare_composed(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut page = Page { runs: Vec::new(), next: None };
    let mut last = None;
    let mut bytes = 0;
    let mut seen = 0;
    while let Some(row) = rows.next()? {
        if seen == request.limit || bytes > PAGE_BYTES_MAX {
            page.next = last.map(Cursor);
            break;
        }
        seen += 1;
        last = row.get(0).ok().map(|id| RunId(uuid::Uuid::from_bytes(id))).or(last);
        match read_run(row) {
            Ok(run) => {
                bytes += run.input.as_str().len();
                bytes += run.output.as_ref().map_or(0, |output| output.as_str().len());
                page.runs.push(run);
            }
            Err(error) if is_of_record(&error) => {
                tracing::error!(run = ?last, ?error, "passed over an unreadable run in a listing");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(page)
}

/// Whether the filter asks for nothing but statuses and a queue.
fn is_by_queue(filter: &RunFilter) -> bool {
    let rest = RunFilter { statuses: Vec::new(), queue: None, ..filter.clone() };
    rest == RunFilter::default()
}

fn counts_by_queue(db: &Db, filter: &RunFilter) -> DbResult<Counts> {
    let mut counts = Counts::default();
    each_queue_count(db, |queue, status, count| {
        let is_wanted = filter.statuses.is_empty() || filter.statuses.contains(&status);
        if is_wanted && filter.queue.as_ref().is_none_or(|wanted| *wanted == queue) {
            *counts.of_mut(status) += count;
        }
    })?;
    Ok(counts)
}

fn each_queue_count(db: &Db, mut take: impl FnMut(QueueName, RunStatus, u64)) -> DbResult<()> {
    let mut statement = db.prepare(QUEUE_COUNTS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let queue: String = row.get(0)?;
        // An unreadable queue's runs are set aside once they are claimed.
        if let (Ok(queue), Some(status)) =
            (QueueName::new(&queue), RunStatus::from_code(row.get(1)?))
        {
            take(queue, status, row.get::<_, i64>(2)?.unsigned_abs());
        }
    }
    Ok(())
}

fn counts(db: &Db, filter: &RunFilter) -> DbResult<Counts> {
    let Conditions { from, where_clause, values, needs_joins } = Conditions::of(filter);
    let joins = if needs_joins { RUN_JOINS } else { "" };
    let sql =
        format!("SELECT r.status, count(*) FROM {from} {joins} {where_clause} GROUP BY r.status");
    let mut statement = db.prepare_composed(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut counts = Counts::default();
    while let Some(row) = rows.next()? {
        if let Some(status) = RunStatus::from_code(row.get(0)?) {
            *counts.of_mut(status) = row.get::<_, i64>(1)?.unsigned_abs();
        }
    }
    Ok(counts)
}
