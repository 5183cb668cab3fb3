//! What becomes of a run when an attempt ends: the whole life cycle on one screen.
//!
//! ```text
//!  submit ─► pending ──claim──► running ──► completed | failed | cancelled
//!    │         ▲  ▲                │
//!    └► scheduled  └── lost ◄──────┤
//!        ▲     awaiting-retry ◄────┘
//!        └──── snoozed, handed back, suspended
//!
//!  submit ─► held ──release──► pending | scheduled
//! ```

mod suspend;

pub use suspend::suspend;

use std::time::Duration;

use crate::{
    Blame, Digest, Json, LeaseKey, Outcome, RetryPolicy, Run, RunError, RunStatus, Timestamp, Usage,
};

/// After so many attempts lost or spoilt by hosts, a run fails: it may be what kills them.
pub const HOST_FAULTS_MAX: u32 = 20;
/// Wait after a host's fault before the run is tried again: this much more each time.
pub const HOST_FAULT_DELAY: Duration = Duration::from_secs(2);

/// A change of state, as data. A driver writes it if the run is still running under
/// `key.lease`, and decides nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// The run, and the claim that this transition ends.
    pub key: LeaseKey,
    /// When the attempt ended.
    pub at: Timestamp,
    /// Where the run stands now; never `Running`.
    pub status: RunStatus,
    /// When a run that is not final becomes, or became, ready.
    pub due_at: Option<Timestamp>,
    /// What it returned, if it completed.
    pub output: Option<Json>,
    /// Why it did not complete; `None` keeps no error.
    pub error: Option<RunError>,
    /// Attempts used.
    pub attempt: u32,
    /// Attempts that a host spoilt.
    pub host_faults: u32,
    /// What the attempt used.
    pub usage: Usage,
    /// Which code it ran, where it came to run any.
    pub digest: Option<Digest>,
}

impl Transition {
    /// Whether a cancellation that was requested meanwhile forbids it: a run that should stop
    /// must not go back to waiting. The driver then answers `CancelRequested` instead.
    pub const fn yields_to_cancel(&self) -> bool {
        !self.status.is_final()
    }
}

/// Decides what becomes of `run`, whose running attempt came to `outcome` at `now`. The caller
/// has set `run.digest` to the code that ran.
/// `random`, evenly spread over 0..1, moves the wait before a retry.
pub fn settle(
    run: &Run,
    outcome: Outcome,
    usage: Usage,
    now: Timestamp,
    policy: &RetryPolicy,
    random: f64,
) -> Transition {
    let ended = Ended { run, usage, now };
    match outcome {
        Outcome::Completed(output) => {
            Transition { output: Some(output), ..ended.finally(RunStatus::Completed, None) }
        }
        Outcome::Cancelled(error) => ended.finally(RunStatus::Cancelled, Some(error)),
        outcome if run.cancel_requested => ended.as_cancelled(&outcome),
        Outcome::Failed(error) => ended.finally(RunStatus::Failed, Some(error)),
        Outcome::Stopped { reason, error } if !reason.is_retryable() => {
            ended.finally(RunStatus::Failed, Some(error))
        }
        Outcome::Stopped { error, .. } | Outcome::Retry { error, .. }
            if !policy.retries(&error.error_type) =>
        {
            ended.finally(RunStatus::Failed, Some(error))
        }
        Outcome::Stopped { error, .. } => ended.retry(error, policy.delay(run.attempt, random)),
        Outcome::Retry { error, after_ms: None } => {
            ended.retry(error, policy.delay(run.attempt, random))
        }
        Outcome::Retry { error, after_ms: Some(ms) } => {
            ended.retry(error, Duration::from_millis(ms.min(crate::retry::DELAY_MS_MAX)))
        }
        Outcome::Snoozed { for_ms } => ended.hand_back(for_ms, None),
        Outcome::HandedBack { after_ms, error } => ended.hand_back(after_ms, error),
        Outcome::Lost => ended.spoilt(RunError::new(
            Blame::Host,
            "lost",
            "the worker died or lost touch with the storage, and its lease ran out",
        )),
        Outcome::HostFault(error) => ended.spoilt(error),
    }
}

/// A run whose attempt just ended.
struct Ended<'a> {
    run: &'a Run,
    usage: Usage,
    now: Timestamp,
}

impl Ended<'_> {
    fn finally(&self, status: RunStatus, error: Option<RunError>) -> Transition {
        Transition {
            key: self.run.lease_key(),
            at: self.now,
            status,
            due_at: None,
            output: None,
            error,
            attempt: self.run.attempt,
            host_faults: self.run.host_faults,
            usage: self.usage,
            digest: self.run.digest,
        }
    }

    fn waiting(&self, status: RunStatus, wait: Duration, error: Option<RunError>) -> Transition {
        let due_at = self.now.plus(wait);
        if self.run.deadline.is_some_and(|deadline| due_at > deadline) {
            return self.finally(RunStatus::Failed, Some(past_deadline(error)));
        }
        Transition { due_at: Some(due_at), ..self.finally(status, error) }
    }

    fn as_cancelled(&self, outcome: &Outcome) -> Transition {
        let message = match outcome {
            Outcome::Stopped { .. } | Outcome::HandedBack { .. } => "stopped on request",
            Outcome::Lost | Outcome::HostFault(_) => "stopped on request; its worker was lost",
            _ => "stopped on request; the attempt had failed already",
        };
        let error = RunError::new(Blame::Operator, "cancelled", message);
        self.finally(RunStatus::Cancelled, Some(error))
    }

    fn retry(&self, error: RunError, wait: Duration) -> Transition {
        if self.run.attempt >= self.run.max_attempts {
            return self.finally(RunStatus::Failed, Some(error));
        }
        self.waiting(RunStatus::AwaitingRetry, wait, Some(error))
    }

    fn hand_back(&self, after_ms: u64, error: Option<RunError>) -> Transition {
        let wait = Duration::from_millis(after_ms.min(crate::retry::DELAY_MS_MAX));
        let status = if wait.is_zero() { RunStatus::Pending } else { RunStatus::Scheduled };
        Transition {
            attempt: self.run.attempt.saturating_sub(1),
            ..self.waiting(status, wait, error)
        }
    }

    fn spoilt(&self, error: RunError) -> Transition {
        let host_faults = self.run.host_faults + 1;
        if host_faults > HOST_FAULTS_MAX {
            return Transition { host_faults, ..self.finally(RunStatus::Failed, Some(error)) };
        }
        let wait = HOST_FAULT_DELAY * self.run.host_faults;
        let status = if wait.is_zero() { RunStatus::Pending } else { RunStatus::Scheduled };
        Transition {
            host_faults,
            attempt: self.run.attempt.saturating_sub(1),
            ..self.waiting(status, wait, Some(error))
        }
    }
}

fn past_deadline(cause: Option<RunError>) -> RunError {
    let message = match &cause {
        Some(cause) => format!("the run's deadline leaves no time to try again after {cause}"),
        None => "the run's deadline leaves no time to run it later".to_owned(),
    };
    RunError {
        details: cause.as_ref().and_then(|cause| cause.details.clone()),
        ..RunError::new(cause.map_or(Blame::Guest, |cause| cause.blame), "deadline", message)
    }
}

#[cfg(test)]
mod tests;
