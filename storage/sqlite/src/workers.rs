//! Which host processes are there.

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::params;
use zapjobs_model::WorkerId;
use zapjobs_storage::{Result, WorkerRecord, WorkerRegistry};

use crate::SqliteStorage;
use crate::error::DbResult;
use crate::quarantine::is_of_record;
use crate::row::Columns;
use crate::writer::WriteKind;

const HEARTBEAT: &str = "INSERT OR REPLACE INTO {prefix}workers (id, hostname, pid, version,
        started_at, seen_at, queues, concurrency, running)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const ALL: &str = "SELECT id, hostname, pid, version, started_at, seen_at, queues, concurrency,
    running FROM {prefix}workers ORDER BY id";
const REMOVE: &str = "DELETE FROM {prefix}workers WHERE id = ?1";
const STALE: &str = "SELECT id FROM {prefix}workers WHERE seen_at < ?1 ORDER BY id";
const REMOVE_STALE: &str = "DELETE FROM {prefix}workers WHERE seen_at < ?1";

#[async_trait]
impl WorkerRegistry for SqliteStorage {
    async fn heartbeat(&self, worker: &WorkerRecord) -> Result<()> {
        let worker = worker.clone();
        let queues = serde_json::to_string(&worker.queues).expect("names always serialise");
        self.write(WriteKind::patient("note a heartbeat"), move |tx| {
            tx.db.prepare(HEARTBEAT)?.execute(params![
                worker.id.0.as_bytes(),
                worker.hostname,
                worker.pid,
                worker.version,
                worker.started_at.as_micros(),
                tx.now.as_micros(),
                queues,
                worker.concurrency,
                worker.running,
            ])?;
            Ok(())
        })
        .await
    }

    async fn workers(&self) -> Result<Vec<WorkerRecord>> {
        self.read("list workers", |db| {
            let mut statement = db.prepare(ALL)?;
            let mut rows = statement.query([])?;
            let mut workers = Vec::new();
            while let Some(row) = rows.next()? {
                match read_worker(&mut Columns::new(row)) {
                    Ok(worker) => workers.push(worker),
                    Err(error) if is_of_record(&error) => {
                        tracing::error!(?error, "passed over an unreadable worker");
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(workers)
        })
        .await
    }

    async fn remove_worker(&self, worker: WorkerId) -> Result<bool> {
        self.write(WriteKind::new("forget a worker", 0), move |tx| {
            Ok(tx.db.prepare(REMOVE)?.execute([worker.0.as_bytes()])? > 0)
        })
        .await
    }

    async fn remove_stale_workers(&self, silence: Duration) -> Result<Vec<WorkerId>> {
        self.write(WriteKind::new("forget stale workers", 0), move |tx| {
            let since = tx.now.minus(silence).as_micros();
            let mut statement = tx.db.prepare(STALE)?;
            let rows = statement.query_map([since], |row| row.get::<_, [u8; 16]>(0))?;
            let stale = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            tx.db.prepare(REMOVE_STALE)?.execute([since])?;
            Ok(stale.into_iter().map(|id| WorkerId(uuid::Uuid::from_bytes(id))).collect())
        })
        .await
    }
}

fn read_worker(columns: &mut Columns<'_>) -> DbResult<WorkerRecord> {
    Ok(WorkerRecord {
        id: WorkerId(columns.uuid()?),
        hostname: columns.value()?,
        pid: columns.value()?,
        version: columns.value()?,
        started_at: columns.time()?,
        seen_at: columns.time()?,
        queues: columns.decoded("queues")?,
        concurrency: columns.value()?,
        running: columns.value()?,
    })
}
