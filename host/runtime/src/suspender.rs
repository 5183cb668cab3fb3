//! Records attempts that ended to wait.
//!
//! **Invariant:** as that of the completer. Each suspension is one decision of the storage, which
//! looks for the signal that the run waits for.

use std::time::Duration;

use futures_util::future::join_all;
use zapjobs_model::{Suspension, Transition, Wait, settle};
use zapjobs_storage::{ApplyResult, StorageError};

use crate::attempt::Finished;
use crate::completer::after_apply;
use crate::host_core::Core;

/// First and longest pause before a storage that failed is tried again.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

/// Records attempts that ended to wait, side by side.
pub(crate) async fn suspend(core: &Core, waiting: Vec<(Finished, Wait)>) {
    join_all(waiting.into_iter().map(|(finished, wait)| suspend_one(core, finished, wait))).await;
}

async fn suspend_one(core: &Core, mut finished: Finished, wait: Wait) {
    let mut pause = PAUSE.0;
    loop {
        let now = core.clock.now();
        let transition = settle::suspend(&finished.run, &wait, finished.usage, now);
        match write(core, &transition, &wait).await {
            Ok(result) => {
                // A cancellation may have overtaken it: it is settled anew, and that stands.
                match after_apply(core, vec![finished], &[transition], &[result]).pop() {
                    Some(again) => finished = again,
                    None => return,
                }
            }
            Err(error) if error.is_retryable() => {
                tracing::warn!(%error, "a suspension waits for the storage");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE.1);
            }
            Err(error) => {
                tracing::error!(%error, run = %finished.run.id, "a suspension was not recorded");
                return;
            }
        }
    }
}

async fn write(
    core: &Core,
    transition: &Transition,
    wait: &Wait,
) -> Result<ApplyResult, StorageError> {
    if transition.status.is_final() {
        let results = core.storage.apply(std::slice::from_ref(transition)).await?;
        return Ok(results.first().copied().unwrap_or(ApplyResult::NotFound));
    }
    let suspension = Suspension { transition: transition.clone(), wait: wait.clone() };
    core.storage.suspend(&suspension).await
}
