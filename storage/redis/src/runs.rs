//! The contract for those who submit and execute runs: one file per operation.

mod alter;
mod apply;
mod cancel;
mod claim;
mod claim_run;
mod enqueue;
mod held;
mod keys;
mod release;
mod shares;
mod sweep;

use std::time::Duration;

use async_trait::async_trait;
use zapjobs_model::{LeaseKey, NewRun, Run, RunId, Transition};
use zapjobs_storage::{
    ApplyResult, CancelResult, ClaimRequest, ClaimRunRequest, ClaimRunResult, ClaimedRun,
    EnqueueResult, LeaseState, ProgressUpdate, Promoted, PruneRequest, ReleaseResult,
    RequeueResult, Result, RunStore,
};

use crate::RedisStorage;

pub(crate) use apply::{apply_result, put_transition};
pub(crate) use enqueue::put_new_runs;

/// Runs that one script claims, writes or deletes at most, so that none holds the server for
/// long. A larger batch takes several scripts, one after the other.
pub(crate) const RUNS_PER_SCRIPT: usize = 500;

#[async_trait]
impl RunStore for RedisStorage {
    async fn enqueue(&self, runs: &[NewRun]) -> Result<Vec<EnqueueResult>> {
        enqueue::enqueue(self, runs).await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<ClaimedRun>> {
        claim::claim(self, &request).await
    }

    async fn claim_run(&self, request: ClaimRunRequest) -> Result<ClaimRunResult> {
        claim_run::claim_run(self, request).await
    }

    async fn renew(&self, keys: &[LeaseKey], lease: Duration) -> Result<Vec<LeaseState>> {
        held::renew(self, keys, lease).await
    }

    async fn cancel_requests(&self, keys: &[LeaseKey]) -> Result<Vec<LeaseKey>> {
        held::cancel_requests(self, keys).await
    }

    async fn report_progress(&self, updates: &[ProgressUpdate]) -> Result<()> {
        held::report_progress(self, updates).await
    }

    async fn apply(&self, transitions: &[Transition]) -> Result<Vec<ApplyResult>> {
        apply::apply(self, transitions).await
    }

    async fn promote(&self, limit: usize) -> Result<Promoted> {
        sweep::promote(self, limit).await
    }

    async fn expired(&self, limit: usize) -> Result<Vec<Run>> {
        sweep::expired(self, limit).await
    }

    async fn request_cancel(&self, run: RunId) -> Result<CancelResult> {
        cancel::request_cancel(self, run).await
    }

    async fn requeue(&self, run: RunId) -> Result<RequeueResult> {
        cancel::requeue(self, run).await
    }

    async fn release_runs(&self, runs: &[RunId]) -> Result<Vec<ReleaseResult>> {
        release::release(self, runs).await
    }

    async fn prune(&self, request: PruneRequest) -> Result<usize> {
        sweep::prune(self, request).await
    }
}
