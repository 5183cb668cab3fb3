//! Raises runs that have been ready for long, so that more urgent ones do not starve them.
//!
//! **Invariant:** a run that is raised stands before every run that became ready later, for nobody
//! can submit one that is more urgent. So no run waits longer than the time that is set, a round,
//! and those that were ready before it.

use std::time::Duration;

use async_trait::async_trait;
use zapjobs_model::Priority;
use zapjobs_storage::{AgedRequest, AlterResult, Alteration, Result};

use super::Service;
use crate::host_core::Core;

/// Runs that are raised in one round at most; where there are more, the next one follows at once.
const RAISED_MAX: usize = 500;
/// A round comes this often within the time that is set.
const ROUNDS: u32 = 4;
/// Shortest and longest rest between two rounds.
const REST_MIN: Duration = Duration::from_secs(1);
const REST_MAX: Duration = Duration::from_secs(60);

/// Raises what has been ready for so long.
pub(crate) struct Age(pub(crate) Duration);

#[async_trait]
impl Service for Age {
    fn name(&self) -> &'static str {
        "age"
    }

    async fn run_once(&self, core: &Core) -> Result<Duration> {
        let Self(aging) = *self;
        let now = core.storage.now().await?;
        let request = AgedRequest {
            queues: core.options.queue_selection(),
            ready_before: now.minus(aging),
            below: Priority::MAX,
            limit: RAISED_MAX,
        };
        let old = core.storage.aged(&request).await?;
        if !old.is_empty() {
            let raise = Alteration::Prioritise(Priority::MAX);
            let answers = core.storage.alter(&old, &raise).await?;
            let raised = answers.iter().filter(|answer| **answer == AlterResult::Altered).count();
            tracing::info!(raised, ?aging, "raised runs that were ready for long");
        }
        if old.len() >= RAISED_MAX {
            return Ok(Duration::ZERO);
        }
        Ok((aging / ROUNDS).clamp(REST_MIN, REST_MAX))
    }
}
