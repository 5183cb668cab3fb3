//! What each operation does to one run.

use std::collections::HashSet;
use std::time::Duration;

use zapjobs_model::{
    Blame, ItemCounts, Lease, LeaseKey, NewRun, Progress, Run, RunError, RunId, RunStatus,
    Timestamp, Transition, Trigger, Usage, WorkerId, run::released,
};
use zapjobs_storage::{
    Activity, ApplyResult, CancelResult, ClaimRunResult, ClaimedRun, EnqueueResult, ErrorKind,
    ReleaseResult, Result, StorageError,
};

use crate::events::Hints;
use crate::state::NoRoom;
use crate::storage::Work;

impl Work<'_> {
    /// Which runs of a batch are new.
    pub(crate) fn sort_out(&self, runs: &[NewRun]) -> Vec<EnqueueResult> {
        let mut seen = HashSet::with_capacity(runs.len());
        let is_new = |run: &NewRun| seen.insert(run.id) && self.state.runs.get(run.id).is_none();
        let answers = runs.iter().map(is_new);
        let answer = |new| if new { EnqueueResult::Stored } else { EnqueueResult::Duplicate };
        answers.map(answer).collect()
    }

    pub(crate) fn make_room(&mut self, operation: &'static str, new_runs: usize) -> Result<()> {
        self.state.make_room(new_runs).map_err(|NoRoom { runs_max }| {
            let message = format!(
                "the memory storage keeps {runs_max} runs at most and too many of them wait: \
                 wait until some end, raise runs_max, or use a storage on disk"
            );
            StorageError::new(ErrorKind::Full, operation, message)
        })
    }

    /// Stores a run that is not there yet.
    pub(crate) fn store(&mut self, new: NewRun) {
        let run = Run::from_new(new, self.now);
        tell(&mut self.hints, &run);
        let enqueued = Activity { enqueued: 1, ..Activity::default() };
        self.state.statistics.count(&run, &enqueued, self.now);
        self.state.runs.insert(run);
    }

    /// Makes a waiting run a worker's.
    pub(crate) fn claim_one(
        &mut self,
        id: RunId,
        worker: WorkerId,
        lease: Duration,
    ) -> Option<ClaimedRun> {
        let now = self.now;
        let claimed = self.state.runs.change(id, |run| {
            run.status = RunStatus::Running;
            run.attempt += 1;
            run.lease = Lease(run.lease.0 + 1);
            run.lease_expires_at = Some(now.plus(lease));
            run.worker = Some(worker);
            run.started_at = Some(now);
            run.error = None;
            run.progress = Progress::default();
            run.counts = ItemCounts::default();
            run.usage = Usage::default();
        });
        let run = claimed?;
        let started = Activity { started: 1, ..Activity::default() };
        self.state.statistics.count(run, &started, now);
        Some(ClaimedRun { run: run.clone() })
    }

    /// Makes a run pending whose time has come; held where a limit applies to it.
    pub(crate) fn promote_one(&mut self, id: RunId) {
        let now = self.now;
        let run = self.state.runs.get(id);
        if run.is_some_and(|run| run.status.is_delayed() && run.due_at <= now) {
            self.state.runs.change(id, |run| run.status = RunStatus::Pending);
        }
    }

    /// Why a certain run cannot be claimed now; `None` if it can, or is not there.
    pub(crate) fn hindrance(&self, id: RunId) -> Option<ClaimRunResult> {
        let run = self.state.runs.get(id)?;
        match run.status {
            RunStatus::Pending => None,
            RunStatus::Scheduled | RunStatus::AwaitingRetry if run.due_at <= self.now => None,
            RunStatus::Scheduled | RunStatus::AwaitingRetry => {
                Some(ClaimRunResult::NotDue { due_at: run.due_at })
            }
            RunStatus::Running => {
                let worker = run.worker.expect("a claim sets its worker");
                Some(ClaimRunResult::AlreadyAssigned { worker })
            }
            other => Some(ClaimRunResult::WrongStatus(other)),
        }
    }

    pub(crate) fn apply_one(&mut self, transition: &Transition) -> ApplyResult {
        let LeaseKey { run, lease } = transition.key;
        let written = match self.state.runs.get(run) {
            None => return ApplyResult::NotFound,
            Some(run) if run.lease != lease => return ApplyResult::StaleLease,
            Some(run) if run.status != RunStatus::Running => {
                return ApplyResult::WrongStatus(run.status);
            }
            Some(run) if run.cancel_requested && transition.yields_to_cancel() => {
                return ApplyResult::CancelRequested;
            }
            Some(_) => self.state.runs.change(run, |run| write(run, transition)),
        };
        if let Some(run) = written {
            let activity = Activity::of_transition(transition);
            self.state.statistics.count(run, &activity, self.now);
            tell(&mut self.hints, run);
        }
        if transition.status.is_final() {
            self.end_noted(run, transition.status);
        }
        ApplyResult::Applied
    }

    pub(crate) fn release_one(&mut self, id: RunId) -> ReleaseResult {
        let now = self.now;
        match self.state.runs.get(id) {
            None => return ReleaseResult::NotFound,
            Some(run)
                if run.status == RunStatus::Held
                    && !self.state.links.waits(id)
                    && !self.state.runs.flow().holds(run) => {}
            Some(run) => return ReleaseResult::WrongStatus(run.status),
        }
        let run = self.state.runs.change(id, |run| {
            run.status = released(run.due_at, now);
            run.due_at = run.due_at.max(now);
        });
        if let Some(run) = run {
            tell(&mut self.hints, run);
        }
        ReleaseResult::Released
    }

    pub(crate) fn request_cancel(&mut self, id: RunId) -> CancelResult {
        let now = self.now;
        match self.state.runs.get(id).map(|run| run.status) {
            None => CancelResult::NotFound,
            Some(RunStatus::Running) => {
                self.state.runs.change(id, |run| run.cancel_requested = true);
                self.hints.cancel_requested(id);
                CancelResult::Requested
            }
            Some(status) if status.is_final() => CancelResult::Finished(status),
            Some(_) => {
                if let Some(run) = self.state.runs.change(id, |run| cancel_waiting(run, now)) {
                    let cancelled = Activity { cancelled: 1, ..Activity::default() };
                    self.state.statistics.count(run, &cancelled, now);
                }
                self.state.links.forget(id);
                self.end_noted(id, RunStatus::Cancelled);
                CancelResult::Cancelled
            }
        }
    }
}

/// Tells of a run that waits for a worker or its time now.
pub(crate) fn tell(hints: &mut Hints, run: &Run) {
    if run.status == RunStatus::Pending {
        hints.ready(&run.queue);
    } else if run.status.is_delayed() {
        hints.scheduled();
    }
}

fn write(run: &mut Run, transition: &Transition) {
    run.status = transition.status;
    run.due_at = transition.due_at.unwrap_or(run.due_at);
    run.output.clone_from(&transition.output);
    run.error.clone_from(&transition.error);
    run.attempt = transition.attempt;
    run.host_faults = transition.host_faults;
    run.usage = transition.usage;
    run.digest = transition.digest.or(run.digest);
    run.lease_expires_at = None;
    if transition.status.is_final() {
        run.finished_at = Some(transition.at);
    } else {
        run.finished_at = None;
        run.cancel_requested = false;
    }
}

fn cancel_waiting(run: &mut Run, now: Timestamp) {
    run.status = RunStatus::Cancelled;
    run.finished_at = Some(now);
    run.error = Some(RunError::new(Blame::Operator, "cancelled", "cancelled on request"));
}

/// A finished run as it waits again: what its attempts left is cleared, the rest stays.
pub(crate) fn renew_finished(run: &mut Run, now: Timestamp) {
    run.status = RunStatus::Pending;
    run.due_at = now;
    run.trigger = Trigger::Retry;
    run.attempt = 0;
    run.host_faults = 0;
    run.error = None;
    run.output = None;
    run.started_at = None;
    run.finished_at = None;
    run.cancel_requested = false;
    run.progress = Progress::default();
    run.counts = ItemCounts::default();
}

/// Refuses a batch with a transition that leaves its run running, which `settle` never makes.
pub(crate) fn check_transitions(operation: &'static str, transitions: &[Transition]) -> Result<()> {
    match transitions.iter().find(|transition| transition.status == RunStatus::Running) {
        None => Ok(()),
        Some(Transition { key, .. }) => {
            let message = format!("the transition of run {} leaves it running", key.run);
            Err(StorageError::new(ErrorKind::InvalidRequest, operation, message))
        }
    }
}
