//! Deletes finished runs, logs of finished runs, and batches that have been kept long enough.

use std::time::Duration;

use async_trait::async_trait;
use zapjobs_model::batch::decide;
use zapjobs_model::{Batch, BatchId, RunStatus, Timestamp};
use zapjobs_storage::{PruneRequest, Result};

use super::Service;
use crate::host_core::Core;

/// Runs deleted in one step: small, so that claims never wait long.
const RUNS_PER_STEP: usize = 500;
/// Log entries deleted in one step, beside those that go with their runs.
const LOG_ENTRIES_PER_STEP: usize = 5_000;
/// Rest between two steps while there is more to delete.
const REST_BETWEEN: Duration = Duration::from_millis(20);
const REST: Duration = Duration::from_secs(60);
/// Batches deleted in one step.
const BATCHES_PER_STEP: usize = 100;

pub(crate) struct Prune;

#[async_trait]
impl Service for Prune {
    fn name(&self) -> &'static str {
        "prune"
    }

    async fn run_once(&self, core: &Core) -> Result<Duration> {
        let now = core.storage.now().await?;
        let mut gone = 0;
        // Where runs are kept for ever, keys whose time is over go all the same.
        let never = Timestamp::from_micros(i64::MIN);
        let finished_before = core.options.retention.map_or(never, |kept| now.minus(kept));
        let request = PruneRequest { finished_before, limit: RUNS_PER_STEP };
        gone += core.storage.prune(request).await?;
        if core.options.retention.is_some() {
            gone += prune_batches(core, finished_before).await?;
        }
        if let Some(retention) = core.options.log_retention {
            let finished_before = now.minus(retention);
            let request = PruneRequest { finished_before, limit: LOG_ENTRIES_PER_STEP };
            gone += core.storage.prune_logs(request).await?;
        }
        Ok(if gone > 0 { REST_BETWEEN } else { REST })
    }
}

/// Deletes old batches; a callback that was never let go is called off first, so that one that
/// dies in between leaves none behind. Answers how many went.
async fn prune_batches(core: &Core, finished_before: Timestamp) -> Result<usize> {
    let request = PruneRequest { finished_before, limit: BATCHES_PER_STEP };
    let old = core.storage.finished_batches(request).await?;
    // About some, members that ran again may just have made something due.
    let old: Vec<Batch> = old.into_iter().filter(|batch| decide(batch).is_none()).collect();
    for callback in old.iter().filter(|it| it.succeeded_at.is_none()).filter_map(|it| it.on_success)
    {
        let run = core.storage.run(callback).await?;
        if run.is_some_and(|run| run.status == RunStatus::Held) {
            core.storage.request_cancel(callback).await?;
        }
    }
    let ids: Vec<BatchId> = old.iter().map(|batch| batch.id).collect();
    if ids.is_empty() { Ok(0) } else { core.storage.delete_batches(&ids).await }
}
