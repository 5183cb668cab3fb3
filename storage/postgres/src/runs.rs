//! The run store: each operation is one statement, or one per bounded part.

mod alter;
mod apply;
mod cancel;
mod claim;
mod claim_run;
mod enqueue;
mod keys;
mod release;
mod renew;
mod sweep;

use std::time::Duration;

use async_trait::async_trait;
use zapjobs_model::unique::plan::has_key;
use zapjobs_model::{LeaseKey, NewRun, Run, RunId, RunStatus, Transition};
use zapjobs_storage::{
    ApplyResult, BATCH_MAX, CancelResult, ClaimRequest, ClaimRunRequest, ClaimRunResult,
    ClaimedRun, EnqueueResult, LeaseState, ProgressUpdate, Promoted, PruneRequest, ReleaseResult,
    RequeueResult, Result, RunStore, check_batch, check_claim, check_dependencies, check_members,
};

use crate::PostgresStorage;
use crate::error::invalid;

pub(crate) use enqueue::{NewRuns, Stored};

#[async_trait]
impl RunStore for PostgresStorage {
    async fn enqueue(&self, runs: &[NewRun]) -> Result<Vec<EnqueueResult>> {
        const OPERATION: &str = "enqueue runs";
        check_batch(OPERATION, runs.len())?;
        check_dependencies(OPERATION, runs)?;
        check_members(OPERATION, runs)?;
        let mut session = self.session(OPERATION).await?;
        if runs.iter().any(has_key) {
            return self.enqueue_with_keys(&mut session, OPERATION, runs).await;
        }
        let stored = if runs.iter().all(|run| run.after.is_empty() && run.batch.is_none()) {
            self.insert(&mut session, &NewRuns::of(runs)).await?
        } else {
            self.insert_linked(OPERATION, &mut session, runs).await?
        };
        drop(session);
        self.tell_stored(runs, &stored);
        Ok(stored.answers(runs))
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<ClaimedRun>> {
        const OPERATION: &str = "claim runs";
        check_claim(OPERATION, &request)?;
        let mut session = self.session(OPERATION).await?;
        self.claim_runs(&mut session, &request).await
    }

    async fn claim_run(&self, request: ClaimRunRequest) -> Result<ClaimRunResult> {
        let mut session = self.session("claim a run").await?;
        self.claim_certain(&mut session, &request).await
    }

    async fn renew(&self, keys: &[LeaseKey], lease: Duration) -> Result<Vec<LeaseState>> {
        const OPERATION: &str = "renew leases";
        check_batch(OPERATION, keys.len())?;
        let mut session = self.session(OPERATION).await?;
        self.renew_leases(&mut session, keys, lease).await
    }

    async fn cancel_requests(&self, keys: &[LeaseKey]) -> Result<Vec<LeaseKey>> {
        const OPERATION: &str = "read cancellation requests";
        check_batch(OPERATION, keys.len())?;
        let mut session = self.session(OPERATION).await?;
        self.read_cancel_requests(&mut session, keys).await
    }

    async fn report_progress(&self, updates: &[ProgressUpdate]) -> Result<()> {
        const OPERATION: &str = "report progress";
        check_batch(OPERATION, updates.len())?;
        let mut session = self.session(OPERATION).await?;
        self.write_progress(&mut session, updates).await
    }

    async fn apply(&self, transitions: &[Transition]) -> Result<Vec<ApplyResult>> {
        const OPERATION: &str = "apply transitions";
        check_batch(OPERATION, transitions.len())?;
        if transitions.iter().any(|transition| transition.status == RunStatus::Running) {
            return Err(invalid(OPERATION, "a transition leaves its run running"));
        }
        let mut session = self.session(OPERATION).await?;
        self.apply_transitions(&mut session, transitions).await
    }

    async fn promote(&self, limit: usize) -> Result<Promoted> {
        let mut session = self.session("promote runs").await?;
        self.promote_runs(&mut session, limit.min(BATCH_MAX)).await
    }

    async fn expired(&self, limit: usize) -> Result<Vec<Run>> {
        let mut session = self.session("list expired leases").await?;
        self.list_expired(&mut session, limit.min(BATCH_MAX)).await
    }

    async fn request_cancel(&self, run: RunId) -> Result<CancelResult> {
        let mut session = self.session("request a cancellation").await?;
        self.ask_to_stop(&mut session, run).await
    }

    async fn requeue(&self, run: RunId) -> Result<RequeueResult> {
        let mut session = self.session("requeue a run").await?;
        self.requeue_run(&mut session, run).await
    }

    async fn release_runs(&self, runs: &[RunId]) -> Result<Vec<ReleaseResult>> {
        const OPERATION: &str = "release runs";
        check_batch(OPERATION, runs.len())?;
        let mut session = self.session(OPERATION).await?;
        self.release_held(&mut session, runs).await
    }

    async fn prune(&self, request: PruneRequest) -> Result<usize> {
        const OPERATION: &str = "prune runs";
        check_batch(OPERATION, request.limit)?;
        let mut session = self.session(OPERATION).await?;
        self.fold(&mut session).await?;
        self.prune_keys(&mut session).await?;
        self.prune_runs(&mut session, request).await
    }
}
