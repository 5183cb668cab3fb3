//! The run store: each operation is one request to the writer.

mod alter;
mod apply;
mod cancel;
mod claim;
mod enqueue;
mod keys;
pub(crate) mod lanes;
mod prune;
mod release;
mod renew;
mod standing;
mod sweep;

use std::time::Duration;

use async_trait::async_trait;
use zapjobs_model::{LeaseKey, NewRun, Run, RunId, RunStatus, Transition};
use zapjobs_storage::{
    ApplyResult, BATCH_MAX, CancelResult, ClaimRequest, ClaimRunRequest, ClaimRunResult,
    ClaimedRun, EnqueueResult, LeaseState, ProgressUpdate, Promoted, PruneRequest, ReleaseResult,
    RequeueResult, Result, RunStore, check_batch, check_claim, check_dependencies, check_members,
};

use crate::SqliteStorage;
use crate::error::invalid;
use crate::quarantine::set_aside;
use crate::statistics::fold;
use crate::writer::WriteKind;

pub(crate) use alter::make_ready;
pub(crate) use apply::{apply as apply_transitions, bytes_of as bytes_of_transitions};
pub(crate) use enqueue::{bytes_of, enqueue as enqueue_runs};
pub(crate) use release::{release as release_runs, release_standing};
pub(crate) use standing::{Standing, standing};
pub(crate) use sweep::{row_limit, stored_id};

/// Bytes of a claimed run's write, about.
const CLAIM_BYTES: usize = 200;
/// Log entries that one write deletes at most, so that claims get their turn in between.
pub(crate) const LOG_ENTRIES_MAX: usize = 1_000;
/// Writes after which one call of `prune` ends, once it has deleted a run.
const PRUNE_WRITES_MAX: usize = 100;
/// Writes that fold statistics in one call of `prune` at most.
const FOLD_WRITES_MAX: usize = 20;
const REST_BETWEEN_WRITES: Duration = Duration::from_millis(1);

#[async_trait]
impl RunStore for SqliteStorage {
    async fn enqueue(&self, runs: &[NewRun]) -> Result<Vec<EnqueueResult>> {
        const OPERATION: &str = "enqueue runs";
        check_batch(OPERATION, runs.len())?;
        check_dependencies(OPERATION, runs)?;
        check_members(OPERATION, runs)?;
        let kind = WriteKind::new(OPERATION, bytes_of(runs));
        let runs = runs.to_vec();
        self.write(kind, move |tx| enqueue::enqueue(tx, &runs)).await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<ClaimedRun>> {
        const OPERATION: &str = "claim runs";
        check_claim(OPERATION, &request)?;
        let kind = WriteKind::new(OPERATION, request.limit * CLAIM_BYTES);
        self.write(kind, move |tx| claim::claim(tx, &request)).await
    }

    async fn claim_run(&self, request: ClaimRunRequest) -> Result<ClaimRunResult> {
        let kind = WriteKind::new("claim a run", CLAIM_BYTES);
        self.write(kind, move |tx| claim::claim_run(tx, request)).await
    }

    async fn renew(&self, keys: &[LeaseKey], lease: Duration) -> Result<Vec<LeaseState>> {
        const OPERATION: &str = "renew leases";
        check_batch(OPERATION, keys.len())?;
        let keys = keys.to_vec();
        self.write(WriteKind::patient(OPERATION), move |tx| renew::renew(tx, &keys, lease)).await
    }

    async fn cancel_requests(&self, keys: &[LeaseKey]) -> Result<Vec<LeaseKey>> {
        const OPERATION: &str = "read cancellation requests";
        check_batch(OPERATION, keys.len())?;
        let keys = keys.to_vec();
        self.read(OPERATION, move |db| renew::cancel_requests(db, &keys)).await
    }

    async fn report_progress(&self, updates: &[ProgressUpdate]) -> Result<()> {
        const OPERATION: &str = "report progress";
        check_batch(OPERATION, updates.len())?;
        let updates = updates.to_vec();
        let kind = WriteKind::new(OPERATION, updates.len() * CLAIM_BYTES);
        self.write(kind, move |tx| renew::report_progress(tx, &updates)).await
    }

    async fn apply(&self, transitions: &[Transition]) -> Result<Vec<ApplyResult>> {
        const OPERATION: &str = "apply transitions";
        check_batch(OPERATION, transitions.len())?;
        if transitions.iter().any(|transition| transition.status == RunStatus::Running) {
            return Err(invalid(OPERATION, "a transition leaves its run running"));
        }
        let kind = WriteKind::new(OPERATION, apply::bytes_of(transitions));
        let transitions = transitions.to_vec();
        self.write(kind, move |tx| apply::apply(tx, &transitions)).await
    }

    async fn promote(&self, limit: usize) -> Result<Promoted> {
        let limit = limit.min(BATCH_MAX);
        let kind = WriteKind::new("promote runs", 0);
        self.write(kind, move |tx| sweep::promote(tx, limit)).await
    }

    async fn expired(&self, limit: usize) -> Result<Vec<Run>> {
        const OPERATION: &str = "list expired leases";
        let limit = limit.min(BATCH_MAX);
        loop {
            let now = self.clock().now();
            let expired = self.read(OPERATION, move |db| sweep::expired(db, now, limit)).await?;
            if expired.unreadable.is_empty() {
                return Ok(expired.runs);
            }
            // Out of the way, or enough of them would hide all others. Each is met once.
            let kind = WriteKind::new(OPERATION, 0);
            let unreadable = expired.unreadable;
            self.write(kind, move |tx| {
                unreadable.iter().try_for_each(|(id, reason)| set_aside(tx, id, reason))
            })
            .await?;
        }
    }

    async fn request_cancel(&self, run: RunId) -> Result<CancelResult> {
        let kind = WriteKind::new("request a cancellation", 0);
        self.write(kind, move |tx| cancel::request_cancel(tx, run)).await
    }

    async fn requeue(&self, run: RunId) -> Result<RequeueResult> {
        let kind = WriteKind::new("requeue a run", 0);
        self.write(kind, move |tx| cancel::requeue(tx, run)).await
    }

    async fn release_runs(&self, runs: &[RunId]) -> Result<Vec<ReleaseResult>> {
        const OPERATION: &str = "release runs";
        check_batch(OPERATION, runs.len())?;
        let runs = runs.to_vec();
        self.write(WriteKind::new(OPERATION, 0), move |tx| release::release(tx, &runs)).await
    }

    async fn prune(&self, request: PruneRequest) -> Result<usize> {
        const OPERATION: &str = "prune runs";
        check_batch(OPERATION, request.limit)?;
        let kind = WriteKind::new(OPERATION, 0);
        let mut pruned = 0;
        let mut writes = 0;
        // A run with a long log takes several writes, so that some delete no run.
        while pruned < request.limit && (pruned == 0 || writes < PRUNE_WRITES_MAX) {
            let part = PruneRequest { limit: request.limit - pruned, ..request };
            let gone = self.write(kind, move |tx| prune::prune(tx, part, LOG_ENTRIES_MAX)).await?;
            pruned += gone.runs;
            writes += 1;
            if !gone.has_more {
                break;
            }
            rest_between_writes().await;
        }
        self.prune_keys().await?;
        self.fold_statistics().await?;
        Ok(pruned)
    }
}

/// Between two writes of a sweep, so that another process gets the lock: it waits by trying
/// again.
pub(crate) async fn rest_between_writes() {
    tokio::time::sleep(REST_BETWEEN_WRITES).await;
}

impl SqliteStorage {
    async fn prune_keys(&self) -> Result<()> {
        let kind = WriteKind::new("prune keys", 0);
        for _ in 0..keys::PRUNE_WRITES_MAX {
            if !self.write(kind, keys::prune).await? {
                break;
            }
            rest_between_writes().await;
        }
        Ok(())
    }

    async fn fold_statistics(&self) -> Result<()> {
        let kind = WriteKind::new("fold statistics", 0);
        for _ in 0..FOLD_WRITES_MAX {
            if !self.write(kind, fold).await? {
                break;
            }
            rest_between_writes().await;
        }
        Ok(())
    }
}
