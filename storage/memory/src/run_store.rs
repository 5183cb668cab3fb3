//! The contract for those who submit and execute runs.

use std::time::Duration;

use async_trait::async_trait;
use zapjobs_model::unique::plan::has_key;
use zapjobs_model::{LeaseKey, NewRun, Run, RunId, RunStatus, Transition};
use zapjobs_storage::{
    ApplyResult, BATCH_MAX, CancelResult, ClaimRequest, ClaimRunRequest, ClaimRunResult,
    ClaimedRun, EnqueueResult, LeaseState, ProgressUpdate, Promoted, PruneRequest, ReleaseResult,
    RequeueResult, Result, RunStore, check_batch, check_claim, check_dependencies, check_members,
};

use crate::MemoryStorage;
use crate::run_changes::{check_transitions, renew_finished};

#[async_trait]
impl RunStore for MemoryStorage {
    async fn enqueue(&self, runs: &[NewRun]) -> Result<Vec<EnqueueResult>> {
        const OPERATION: &str = "enqueue runs";
        check_batch(OPERATION, runs.len())?;
        check_dependencies(OPERATION, runs)?;
        check_members(OPERATION, runs)?;
        self.work(OPERATION, |work| {
            if runs.iter().any(has_key) {
                return work.enqueue_with_keys(OPERATION, runs);
            }
            let answers = work.sort_out(runs);
            let is_new = |answer: &EnqueueResult| *answer == EnqueueResult::Stored;
            let linked = runs.iter().zip(&answers);
            let linked: Vec<&NewRun> = linked
                .filter(|(run, answer)| is_new(answer) && !run.after.is_empty())
                .map(|(run, _)| run)
                .collect();
            work.check_parents(OPERATION, &linked, runs)?;
            let new = runs.iter().zip(&answers).filter(|(_, answer)| is_new(answer));
            let new: Vec<&NewRun> = new.map(|(run, _)| run).collect();
            work.check_open(OPERATION, &new)?;
            let stored = answers.iter().filter(|answer| **answer == EnqueueResult::Stored);
            work.make_room(OPERATION, stored.count())?;
            for (run, answer) in runs.iter().zip(&answers) {
                if *answer == EnqueueResult::Stored {
                    work.store(run.clone());
                }
            }
            work.link(&linked);
            Ok(answers)
        })
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<ClaimedRun>> {
        const OPERATION: &str = "claim runs";
        check_claim(OPERATION, &request)?;
        let ClaimRequest { worker, queues, tenants, limit, lease } = request;
        self.work(OPERATION, |work| {
            let ids = work.state.runs.indexes().ready.first(&queues, &tenants, limit);
            Ok(ids.into_iter().filter_map(|id| work.claim_one(id, worker, lease)).collect())
        })
    }

    async fn claim_run(&self, request: ClaimRunRequest) -> Result<ClaimRunResult> {
        let ClaimRunRequest { run, worker, lease } = request;
        self.work("claim the run", |work| {
            work.promote_one(run);
            if let Some(hindrance) = work.hindrance(run) {
                return Ok(hindrance);
            }
            let claimed = work.claim_one(run, worker, lease).map(Box::new);
            Ok(claimed.map_or(ClaimRunResult::NotFound, ClaimRunResult::Claimed))
        })
    }

    async fn renew(&self, keys: &[LeaseKey], lease: Duration) -> Result<Vec<LeaseState>> {
        const OPERATION: &str = "renew leases";
        check_batch(OPERATION, keys.len())?;
        self.work(OPERATION, |work| {
            let until = work.now.plus(lease);
            let renew = |key: &LeaseKey| {
                let prolong = |run: &mut Run| run.lease_expires_at = Some(until);
                match work.state.runs.change_held(*key, prolong) {
                    Some(run) => LeaseState::Held { cancel_requested: run.cancel_requested },
                    None => LeaseState::Lost,
                }
            };
            Ok(keys.iter().map(renew).collect())
        })
    }

    async fn cancel_requests(&self, keys: &[LeaseKey]) -> Result<Vec<LeaseKey>> {
        const OPERATION: &str = "look for cancellations";
        check_batch(OPERATION, keys.len())?;
        self.work(OPERATION, |work| {
            let runs = &work.state.runs;
            let asked = |key: &LeaseKey| runs.held(*key).is_some_and(|run| run.cancel_requested);
            Ok(keys.iter().copied().filter(asked).collect())
        })
    }

    async fn report_progress(&self, updates: &[ProgressUpdate]) -> Result<()> {
        const OPERATION: &str = "report progress";
        check_batch(OPERATION, updates.len())?;
        self.work(OPERATION, |work| {
            for update in updates {
                work.state.runs.change_held(update.key, |run| {
                    if let Some(progress) = &update.progress {
                        run.progress.clone_from(progress);
                    }
                    run.counts = update.counts.unwrap_or(run.counts);
                });
            }
            Ok(())
        })
    }

    async fn apply(&self, transitions: &[Transition]) -> Result<Vec<ApplyResult>> {
        const OPERATION: &str = "apply transitions";
        check_batch(OPERATION, transitions.len())?;
        check_transitions(OPERATION, transitions)?;
        self.work(OPERATION, |work| {
            let answers = transitions.iter().map(|transition| work.apply_one(transition)).collect();
            work.state.trim_finished();
            Ok(answers)
        })
    }

    async fn promote(&self, limit: usize) -> Result<Promoted> {
        self.work("promote runs", |work| {
            let due = work.state.runs.indexes().delayed.until(work.now);
            let due: Vec<RunId> = due.take(limit.min(BATCH_MAX)).collect();
            for id in &due {
                let promoted = work.state.runs.change(*id, |run| run.status = RunStatus::Pending);
                promoted.into_iter().for_each(|run| work.hints.ready(&run.queue));
            }
            let next_due = work.state.runs.indexes().delayed.first().map(|(due_at, _)| due_at);
            Ok(Promoted { count: due.len(), next_due })
        })
    }

    async fn expired(&self, limit: usize) -> Result<Vec<Run>> {
        self.work("list expired leases", |work| {
            let runs = &work.state.runs;
            let expired = runs.indexes().leased.until(work.now).take(limit.min(BATCH_MAX));
            Ok(expired.filter_map(|id| runs.get(id)).cloned().collect())
        })
    }

    async fn request_cancel(&self, run: RunId) -> Result<CancelResult> {
        self.work("cancel the run", |work| {
            let answer = work.request_cancel(run);
            work.state.trim_finished();
            Ok(answer)
        })
    }

    async fn requeue(&self, run: RunId) -> Result<RequeueResult> {
        self.work("requeue the run", |work| {
            let now = work.now;
            match work.state.runs.get(run).map(|run| run.status) {
                None => Ok(RequeueResult::NotFound),
                Some(RunStatus::Failed | RunStatus::Cancelled) => {
                    if let Some(holder) = work.retake_key(run) {
                        return Ok(RequeueResult::KeyHeld(holder));
                    }
                    let renewed = work.state.runs.change(run, |run| renew_finished(run, now));
                    renewed.into_iter().for_each(|run| work.hints.ready(&run.queue));
                    work.state.links.take_end_away(run);
                    Ok(RequeueResult::Requeued)
                }
                Some(status) => Ok(RequeueResult::NotRequeuable(status)),
            }
        })
    }

    async fn release_runs(&self, runs: &[RunId]) -> Result<Vec<ReleaseResult>> {
        const OPERATION: &str = "release runs";
        check_batch(OPERATION, runs.len())?;
        self.work(OPERATION, |work| Ok(runs.iter().map(|run| work.release_one(*run)).collect()))
    }

    async fn prune(&self, request: PruneRequest) -> Result<usize> {
        const OPERATION: &str = "prune runs";
        check_batch(OPERATION, request.limit)?;
        self.work(OPERATION, |work| {
            work.state.keys.prune(work.now);
            let drop_one = |_: &usize| work.state.drop_finished_before(request.finished_before);
            Ok((0..request.limit).take_while(drop_one).count())
        })
    }
}
