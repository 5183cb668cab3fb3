//! Deletes finished runs, and logs of finished runs, that have been kept long enough.

use std::time::Duration;

use async_trait::async_trait;
use zapjobs_model::Timestamp;
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
        if let Some(retention) = core.options.log_retention {
            let finished_before = now.minus(retention);
            let request = PruneRequest { finished_before, limit: LOG_ENTRIES_PER_STEP };
            gone += core.storage.prune_logs(request).await?;
        }
        Ok(if gone > 0 { REST_BETWEEN } else { REST })
    }
}
