//! Decides about batches whose members have ended, and lets their callbacks go.
//!
//! **Invariant:** what is decided here can be decided again: the storage writes a decision once.
//! Any number of hosts may do the same at the same time, and one that dies loses nothing.

use std::time::Duration;

use async_trait::async_trait;
use zapjobs_model::batch::decide;
use zapjobs_storage::{Result, SettleResult};

use super::Service;
use crate::host_core::Core;

/// Batches looked at in one round.
const BATCHES: usize = 200;
/// Longest rest: another host may have recorded the last member.
const REST_MAX: Duration = Duration::from_secs(1);
/// Rest after a round in which other hosts were quicker.
const REST_AFTER_CHANGE: Duration = Duration::from_millis(5);

pub(crate) struct SettleBatches;

#[async_trait]
impl Service for SettleBatches {
    fn name(&self) -> &'static str {
        "settle-batches"
    }

    async fn run_once(&self, core: &Core) -> Result<Duration> {
        let due = core.storage.ended_batches(BATCHES).await?;
        if due.is_empty() {
            return Ok(REST_MAX);
        }
        let mut written = 0;
        for batch in due {
            let Some(settlement) = decide(&batch) else { continue };
            let answer = core.storage.settle_batch(batch.id, settlement).await?;
            written += usize::from(answer == SettleResult::Settled);
        }
        // A batch within another may have made something due about that.
        Ok(if written > 0 { Duration::ZERO } else { REST_AFTER_CHANGE })
    }

    async fn woken(&self, core: &Core) {
        core.members_ended.notified().await;
    }
}
