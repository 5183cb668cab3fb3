//! Makes runs ready whose time has come.

use std::time::Duration;

use async_trait::async_trait;
use zapjobs_storage::Result;

use super::Service;
use crate::host_core::Core;

const BATCH: usize = 1_000;
/// Longest rest: another host's run may be due before any that this one knows of.
const REST_MAX: Duration = Duration::from_secs(1);

pub(crate) struct Promote;

#[async_trait]
impl Service for Promote {
    fn name(&self) -> &'static str {
        "promote"
    }

    async fn run_once(&self, core: &Core) -> Result<Duration> {
        let promoted = core.storage.promote(BATCH).await?;
        if promoted.count == BATCH {
            return Ok(Duration::ZERO);
        }
        let now = core.clock.now();
        Ok(promoted.next_due.map_or(REST_MAX, |due| due.since(now)).min(REST_MAX))
    }

    async fn woken(&self, core: &Core) {
        core.delayed.notified().await;
    }
}
