//! Records what attempts came to, many at a time.
//!
//! **Invariant:** a result leaves memory only when the storage has taken it, has a newer claim
//! of the run, or cannot take it at all; then the lease runs out and the run is tried again.
//! A group forms while the one before is being written: no timer holds results back.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use zapjobs_model::{EventKind, JobEvent, Transition, settle};
use zapjobs_storage::{ApplyResult, StorageError};

use crate::attempt::Finished;
use crate::host_core::Core;
use crate::metrics::Asked;
use crate::suspender::suspend;

/// Results that wait to be recorded at most; attempts wait with theirs once it is full.
pub(crate) const RESULTS_BUFFERED_MAX: usize = 1_024;
/// Results recorded in one group at most.
const GROUP_MAX: usize = 512;
/// First and longest pause before a storage that failed is tried again.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

/// Records results until all senders are gone.
pub(crate) async fn complete(core: Arc<Core>, mut results: mpsc::Receiver<Finished>) {
    let mut group = Vec::with_capacity(GROUP_MAX);
    while results.recv_many(&mut group, GROUP_MAX).await > 0 {
        core.recorder.flush(core.clock.now()).await;
        record(&core, std::mem::take(&mut group)).await;
    }
}

async fn record(core: &Core, group: Vec<Finished>) {
    let keys: Vec<_> = group.iter().map(|finished| finished.run.lease_key()).collect();
    let (waiting, mut left): (Vec<_>, Vec<_>) =
        group.into_iter().partition(|finished| finished.wait.is_some());
    // A second round settles anew what a cancellation overtook; it cannot be overtaken again.
    while !left.is_empty() {
        let transitions: Vec<_> = left.iter().map(|finished| settled(core, finished)).collect();
        match apply(core, &transitions).await {
            Ok(results) => {
                left = after_apply(core, left, &transitions, &results);
                // Slots may be free, for which nobody else hints.
                if core.admitter.is_active() {
                    core.ready.notify_one();
                }
            }
            Err(error) => {
                tracing::error!(%error, runs = left.len(), "results were not recorded");
                break;
            }
        }
    }
    if !waiting.is_empty() {
        let waiting =
            waiting.into_iter().filter_map(|mut it| it.wait.take().map(|wait| (it, wait)));
        suspend(core, waiting.collect()).await;
        if core.admitter.is_active() {
            core.ready.notify_one();
        }
    }
    core.held.remove(keys);
}

fn settled(core: &Core, finished: &Finished) -> Transition {
    settle(
        &finished.run,
        finished.outcome.clone(),
        finished.usage,
        core.clock.now(),
        &finished.retry,
        rand::random(),
    )
}

/// Applies transitions, again and again while the storage's failure may pass.
async fn apply(core: &Core, transitions: &[Transition]) -> Result<Vec<ApplyResult>, StorageError> {
    let mut pause = PAUSE.0;
    loop {
        let applied = core.storage.apply(transitions);
        match core.options.metrics.timed(Asked::Apply, applied).await {
            Err(error) if error.is_retryable() => {
                tracing::warn!(%error, "results wait for the storage");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE.1);
            }
            outcome => return outcome,
        }
    }
}

/// Tells of what was applied; answers what must be settled again.
pub(crate) fn after_apply(
    core: &Core,
    group: Vec<Finished>,
    transitions: &[Transition],
    results: &[ApplyResult],
) -> Vec<Finished> {
    let mut again = Vec::new();
    let mut events = Vec::with_capacity(group.len());
    for ((mut finished, transition), result) in group.into_iter().zip(transitions).zip(results) {
        match result {
            ApplyResult::Applied => {
                core.options.metrics.note(&finished.run, transition);
                if transition.status.is_final() {
                    core.note_last_status(&finished.run, transition.status);
                    if finished.run.batch.is_some() {
                        core.members_ended.notify_one();
                    }
                }
                let kind = EventKind::Settled(transition.status);
                events.push(JobEvent::of(&finished.run, transition.at, kind));
            }
            ApplyResult::NotFound | ApplyResult::StaleLease | ApplyResult::WrongStatus(_) => {
                tracing::debug!(run = %finished.run.id, "a stale result was refused");
            }
            ApplyResult::CancelRequested => {
                finished.run.cancel_requested = true;
                again.push(finished);
            }
        }
    }
    core.storage.publish(events);
    again
}
