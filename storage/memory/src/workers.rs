//! Which host processes are there.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use zapjobs_model::WorkerId;
use zapjobs_storage::{Result, WorkerRecord, WorkerRegistry};

use crate::MemoryStorage;

#[derive(Default)]
pub(crate) struct WorkerTable(BTreeMap<WorkerId, WorkerRecord>);

#[async_trait]
impl WorkerRegistry for MemoryStorage {
    async fn heartbeat(&self, worker: &WorkerRecord) -> Result<()> {
        self.work("note a sign of life", |work| {
            let seen = WorkerRecord { seen_at: work.now, ..worker.clone() };
            work.state.workers.0.insert(worker.id, seen);
            Ok(())
        })
    }

    async fn workers(&self) -> Result<Vec<WorkerRecord>> {
        self.work("list workers", |work| Ok(work.state.workers.0.values().cloned().collect()))
    }

    async fn remove_worker(&self, worker: WorkerId) -> Result<bool> {
        self.work("remove the worker", |work| Ok(work.state.workers.0.remove(&worker).is_some()))
    }

    async fn remove_stale_workers(&self, silence: Duration) -> Result<Vec<WorkerId>> {
        self.work("remove stale workers", |work| {
            let oldest_kept = work.now.minus(silence);
            let is_stale = |_: &WorkerId, worker: &mut WorkerRecord| worker.seen_at < oldest_kept;
            let gone = work.state.workers.0.extract_if(.., is_stale);
            Ok(gone.map(|(id, _)| id).collect())
        })
    }
}
