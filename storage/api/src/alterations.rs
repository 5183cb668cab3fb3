//! Changes of many runs at once, as operators want them.

use std::collections::HashSet;

use async_trait::async_trait;
use zapjobs_model::{Json, Priority, QueueName, RunId, RunStatus};

use crate::{ErrorKind, RequeueResult, Result, StorageError};

/// What is done to runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alteration {
    /// As [`crate::RunStore::request_cancel`].
    Cancel,
    /// As [`crate::RunStore::requeue`], with another input where one is given.
    Requeue {
        /// The input, which the caller has checked.
        input: Option<Json>,
    },
    /// A run that has ended goes, with its log, its steps and its key.
    Delete,
    /// A run that waits gets into another queue, whose limits decide about one that was pending or
    /// held by those of the old one; one that was admitted already keeps its slots.
    Move(QueueName),
    /// A run that waits gets another priority.
    Prioritise(Priority),
    /// A run that waits for its time, scheduled or awaiting a retry, is pending, due now.
    RunNow,
}

/// What became of one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlterResult {
    /// It is done.
    Altered,
    /// The run is running, and its worker will be told to stop.
    Requested,
    /// The run stands so, which does not allow it. Nothing was written.
    WrongStatus(RunStatus),
    /// It must take its key again, which another run holds. Nothing was written.
    KeyHeld(RunId),
    /// There is no such run.
    NotFound,
}

impl From<RequeueResult> for AlterResult {
    fn from(result: RequeueResult) -> Self {
        match result {
            RequeueResult::Requeued => Self::Altered,
            RequeueResult::NotRequeuable(status) => Self::WrongStatus(status),
            RequeueResult::KeyHeld(holder) => Self::KeyHeld(holder),
            RequeueResult::NotFound => Self::NotFound,
        }
    }
}

impl Alteration {
    /// Whether it can be done to a run that stands so. A running run can be asked to stop.
    pub const fn takes(&self, status: RunStatus) -> bool {
        match self {
            Self::Cancel => !status.is_final(),
            Self::Requeue { .. } => matches!(status, RunStatus::Failed | RunStatus::Cancelled),
            Self::Delete => status.is_final(),
            Self::Move(_) | Self::Prioritise(_) => status.is_waiting(),
            Self::RunNow => status.is_delayed(),
        }
    }

    /// The statuses in which it can be done.
    pub fn statuses(&self) -> Vec<RunStatus> {
        RunStatus::ALL.into_iter().filter(|status| self.takes(*status)).collect()
    }
}

/// Changes of many runs.
#[async_trait]
pub trait Alterations: Send + Sync {
    /// Does one thing to runs, to each as far as its status allows. Listeners are told `Ready`
    /// where runs became pending or changed their queue while pending, and what
    /// [`crate::RunStore::request_cancel`] tells.
    ///
    /// *Atomicity:* each run by itself; a call that fails may have altered some of them.
    /// *On conflict:* see [`AlterResult`]. A batch that names a run twice is refused as
    /// `InvalidRequest`. Answers stand in the order of the batch.
    async fn alter(&self, runs: &[RunId], alteration: &Alteration) -> Result<Vec<AlterResult>>;
}

/// Refuses too many runs, and a run that stands there twice.
pub fn check_alter(operation: &'static str, runs: &[RunId]) -> Result<()> {
    crate::check_batch(operation, runs.len())?;
    let mut seen = HashSet::with_capacity(runs.len());
    match runs.iter().find(|run| !seen.insert(**run)) {
        None => Ok(()),
        Some(run) => {
            let message = format!("run {run} stands in the batch twice: name it once");
            Err(StorageError::new(ErrorKind::InvalidRequest, operation, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_alteration_says_which_runs_it_takes() {
        use RunStatus::{AwaitingRetry, Cancelled, Completed, Failed, Held, Pending, Scheduled};
        assert!(Alteration::Cancel.takes(RunStatus::Running) && Alteration::Cancel.takes(Held));
        assert_eq!(Alteration::Requeue { input: None }.statuses(), [Failed, Cancelled]);
        assert_eq!(Alteration::Delete.statuses(), [Completed, Failed, Cancelled]);
        let waiting = [Pending, Scheduled, AwaitingRetry, Held];
        assert_eq!(Alteration::Prioritise(Priority::MAX).statuses(), waiting);
        assert_eq!(Alteration::RunNow.statuses(), [Scheduled, AwaitingRetry]);
    }
}
