//! Settles attempts whose lease has run out as lost.

use std::time::Duration;

use async_trait::async_trait;
use zapjobs_model::{Outcome, RetryPolicy, Usage, settle};
use zapjobs_storage::Result;

use super::Service;
use crate::host_core::Core;

const BATCH: usize = 500;

pub(crate) struct Rescue;

#[async_trait]
impl Service for Rescue {
    fn name(&self) -> &'static str {
        "rescue"
    }

    async fn run_once(&self, core: &Core) -> Result<Duration> {
        let now = core.storage.now().await?;
        let expired = core.storage.expired(BATCH).await?;
        let policy = RetryPolicy::default();
        let lost: Vec<_> = expired
            .iter()
            .map(|run| settle(run, Outcome::Lost, Usage::default(), now, &policy, rand::random()))
            .collect();
        if !lost.is_empty() {
            core.storage.apply(&lost).await?;
            tracing::warn!(runs = lost.len(), "runs of lost workers were taken back");
        }
        Ok(if lost.len() == BATCH { Duration::ZERO } else { core.options.lease / 3 })
    }
}
