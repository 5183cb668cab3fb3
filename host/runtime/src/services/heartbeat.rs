//! Keeps this host's leases, its place among the workers, and its idea of the store's time.

use std::time::Duration;

use async_trait::async_trait;
use zapjobs_model::port::CancelReason;
use zapjobs_storage::{BATCH_MAX, LeaseState, Result, WorkerRecord};

use super::Service;
use crate::host_core::Core;
use crate::metrics::Asked;

/// A worker that has been silent for so many leases is forgotten.
const LEASES_UNTIL_STALE: u32 = 4;

pub(crate) struct Heartbeat {
    pub(crate) record: WorkerRecord,
}

#[async_trait]
impl Service for Heartbeat {
    fn name(&self) -> &'static str {
        "heartbeat"
    }

    async fn run_once(&self, core: &Core) -> Result<Duration> {
        renew_leases(core).await?;
        let running = u32::try_from(core.held.len()).unwrap_or(u32::MAX);
        let record = WorkerRecord { running, ..self.record.clone() };
        core.options.metrics.timed(Asked::Heartbeat, core.storage.heartbeat(&record)).await?;
        core.clock.synchronise(&*core.storage).await?;
        core.storage.remove_stale_workers(core.options.lease * LEASES_UNTIL_STALE).await?;
        Ok(core.options.lease / 3)
    }
}

/// Prolongs every lease held here, and stops attempts that lost theirs or were called off.
async fn renew_leases(core: &Core) -> Result<()> {
    for keys in core.held.keys().chunks(BATCH_MAX) {
        let states = core.storage.renew(keys, core.options.lease).await?;
        for (key, state) in keys.iter().zip(states) {
            match state {
                LeaseState::Held { cancel_requested: false } => {}
                LeaseState::Held { cancel_requested: true } => {
                    core.held.cancel(key.run, CancelReason::Requested);
                }
                LeaseState::Lost => core.held.cancel(key.run, CancelReason::LeaseLost),
            }
        }
    }
    Ok(())
}
