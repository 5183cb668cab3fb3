//! Which host processes are there.

use std::time::Duration;

use async_trait::async_trait;
use zapjobs_model::WorkerId;
use zapjobs_storage::{Result, WorkerRecord, WorkerRegistry};

use crate::PostgresStorage;
use crate::error::DbResult;
use crate::quarantine::is_of_record;
use crate::row::Columns;
use crate::storage::span_micros;
use crate::text::to_stored;

const HEARTBEAT: &str = "INSERT INTO {schema}.{prefix}workers
        (id, hostname, pid, version, started_at, seen_at, queues, concurrency, running)
    VALUES ($2, $3, $4, $5, $6, {now}, $7, $8, $9)
    ON CONFLICT (id) DO UPDATE SET hostname = excluded.hostname, pid = excluded.pid,
        version = excluded.version, started_at = excluded.started_at,
        seen_at = excluded.seen_at, queues = excluded.queues,
        concurrency = excluded.concurrency, running = excluded.running";
const ALL: &str = "SELECT id, hostname, pid, version, started_at, seen_at, queues, concurrency,
    running FROM {schema}.{prefix}workers ORDER BY id";
const REMOVE: &str = "DELETE FROM {schema}.{prefix}workers WHERE id = $1";
const REMOVE_STALE: &str = "DELETE FROM {schema}.{prefix}workers
    WHERE seen_at < greatest({now}::numeric - $2, -9223372036854775807)::int8 RETURNING id";

#[async_trait]
impl WorkerRegistry for PostgresStorage {
    async fn heartbeat(&self, worker: &WorkerRecord) -> Result<()> {
        let queues = serde_json::to_string(&worker.queues).expect("names always serialise");
        let query = self.query(HEARTBEAT).bind(worker.id.0);
        let query = query.bind(to_stored(&worker.hostname).into_owned());
        let query = query.bind(i64::from(worker.pid));
        let query = query.bind(to_stored(&worker.version).into_owned());
        let query = query.bind(worker.started_at.as_micros()).bind(queues);
        let query = query.bind(i64::from(worker.concurrency)).bind(i64::from(worker.running));
        let mut session = self.session("note a heartbeat").await?;
        session.change(query).await.map(drop)
    }

    async fn workers(&self) -> Result<Vec<WorkerRecord>> {
        let mut session = self.session("list workers").await?;
        let rows = session.rows(self.query(ALL)).await?;
        let mut workers = Vec::with_capacity(rows.len());
        for row in &rows {
            match read_worker(&mut Columns::new(row)) {
                Ok(worker) => workers.push(worker),
                Err(error) if is_of_record(&error) => {
                    tracing::error!(?error, "passed over an unreadable worker");
                }
                Err(error) => return session.told(Err(error)),
            }
        }
        Ok(workers)
    }

    async fn remove_worker(&self, worker: WorkerId) -> Result<bool> {
        let mut session = self.session("forget a worker").await?;
        Ok(session.change(self.query(REMOVE).bind(worker.0)).await? > 0)
    }

    async fn remove_stale_workers(&self, silence: Duration) -> Result<Vec<WorkerId>> {
        let mut session = self.session("forget stale workers").await?;
        let rows = session.rows(self.query(REMOVE_STALE).bind(span_micros(silence))).await?;
        let ids = rows.iter().map(|row| Ok(WorkerId(Columns::new(row).value()?)));
        let mut ids = session.told(ids.collect::<DbResult<Vec<_>>>())?;
        ids.sort();
        Ok(ids)
    }
}

fn read_worker(columns: &mut Columns<'_>) -> DbResult<WorkerRecord> {
    Ok(WorkerRecord {
        id: WorkerId(columns.value()?),
        hostname: columns.text()?,
        pid: columns.count()?,
        version: columns.text()?,
        started_at: columns.time()?,
        seen_at: columns.time()?,
        queues: columns.decoded("queues")?,
        concurrency: columns.count()?,
        running: columns.count()?,
    })
}
