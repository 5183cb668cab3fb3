//! Deletes finished runs that have been kept long enough.

use std::time::Duration;

use async_trait::async_trait;
use zapjobs_storage::{PruneRequest, Result};

use super::Service;
use crate::host_core::Core;

/// Runs deleted in one step: small, so that claims never wait long.
const BATCH: usize = 500;
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
        let Some(retention) = core.options.retention else { return Ok(REST) };
        let finished_before = core.storage.now().await?.minus(retention);
        let gone = core.storage.prune(PruneRequest { finished_before, limit: BATCH }).await?;
        Ok(if gone == BATCH { REST_BETWEEN } else { REST })
    }
}
