//! One run at a time, with every reason why not told apart: for tools and bridges. Hosts work in
//! batches, by [`RunStore`](crate::RunStore).

use thiserror::Error;
use zapjobs_model::{NewRun, Run, RunId, RunStatus, Timestamp, Transition, WorkerId};

use crate::{
    ApplyResult, ClaimRunRequest, ClaimRunResult, ClaimedRun, EnqueueResult, ErrorKind, Storage,
    StorageError,
};

/// Why one run could not be created, read, claimed or updated.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SingleRunError {
    /// The run breaks a rule of the contract: see the message.
    #[error("invalid run: {0}")]
    InvalidRun(String),
    /// The text is no run id.
    #[error("invalid run id {0:?}: a run id is a UUID")]
    InvalidId(String),
    /// A run with this id, or one that has its key, is stored already.
    #[error("run {0} exists already")]
    AlreadyExists(RunId),
    /// No run has this id.
    #[error("there is no run {0}")]
    NotFound(RunId),
    /// Another worker executes it.
    #[error("run {run} is already assigned to worker {worker}")]
    AlreadyAssigned {
        /// Which run.
        run: RunId,
        /// Who executes it.
        worker: WorkerId,
    },
    /// Its status does not allow it.
    #[error("run {run} is {status}")]
    WrongStatus {
        /// Which run.
        run: RunId,
        /// How it stands.
        status: RunStatus,
    },
    /// Its time has not come: it is scheduled, or its retry delay is not over.
    #[error("run {run} is not due before {due_at}")]
    NotDue {
        /// Which run.
        run: RunId,
        /// When it will be.
        due_at: Timestamp,
    },
    /// The attempt has lost the run: it was claimed anew.
    #[error("run {0} was claimed anew: the lease is stale")]
    StaleLease(RunId),
    /// Someone asked the run to stop, and the update would make it wait.
    #[error("run {0} was asked to stop")]
    CancelRequested(RunId),
    /// The stored record cannot be read.
    #[error("run {run} cannot be read: {reason}")]
    Corrupt {
        /// Which run.
        run: RunId,
        /// What is wrong with it.
        reason: String,
    },
    /// The storage failed.
    #[error(transparent)]
    Storage(StorageError),
}

impl dyn Storage + '_ {
    /// Stores one new run.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`, `InvalidRun`, or those of the storage.
    pub async fn create_run(&self, run: NewRun) -> Result<(), SingleRunError> {
        let id = run.id;
        let answers = self.enqueue(&[run]).await.map_err(|error| sorted(id, error))?;
        match answers.as_slice() {
            [EnqueueResult::Stored] => Ok(()),
            [result] => Err(SingleRunError::AlreadyExists(result.survivor(id))),
            _ => Err(SingleRunError::AlreadyExists(id)),
        }
    }

    /// The run of an id, as people write it.
    ///
    /// # Errors
    ///
    /// `InvalidId`, `NotFound`, `Corrupt`, or those of the storage.
    pub async fn read_run(&self, id: &str) -> Result<Run, SingleRunError> {
        let id: RunId = id.parse().map_err(|_| SingleRunError::InvalidId(shortened(id)))?;
        let found = self.run(id).await.map_err(|error| sorted(id, error))?;
        found.ok_or(SingleRunError::NotFound(id))
    }

    /// Takes one certain run for a worker.
    ///
    /// # Errors
    ///
    /// `NotFound`, `AlreadyAssigned`, `WrongStatus`, `NotDue`, `Corrupt`, or those of the storage.
    pub async fn take_run(&self, request: ClaimRunRequest) -> Result<ClaimedRun, SingleRunError> {
        let run = request.run;
        match self.claim_run(request).await.map_err(|error| sorted(run, error))? {
            ClaimRunResult::Claimed(claimed) => Ok(*claimed),
            ClaimRunResult::NotFound => Err(SingleRunError::NotFound(run)),
            ClaimRunResult::AlreadyAssigned { worker } => {
                Err(SingleRunError::AlreadyAssigned { run, worker })
            }
            ClaimRunResult::WrongStatus(status) => Err(SingleRunError::WrongStatus { run, status }),
            ClaimRunResult::NotDue { due_at } => Err(SingleRunError::NotDue { run, due_at }),
        }
    }

    /// Writes what became of one attempt.
    ///
    /// # Errors
    ///
    /// `NotFound`, `StaleLease`, `WrongStatus`, `CancelRequested`, `Corrupt`, or those of the
    /// storage.
    pub async fn update_run(&self, transition: &Transition) -> Result<(), SingleRunError> {
        let run = transition.key.run;
        let answers = self.apply(std::slice::from_ref(transition)).await;
        match answers.map_err(|error| sorted(run, error))?.first() {
            Some(ApplyResult::Applied) => Ok(()),
            Some(ApplyResult::StaleLease) => Err(SingleRunError::StaleLease(run)),
            Some(ApplyResult::WrongStatus(status)) => {
                Err(SingleRunError::WrongStatus { run, status: *status })
            }
            Some(ApplyResult::CancelRequested) => Err(SingleRunError::CancelRequested(run)),
            Some(ApplyResult::NotFound) | None => Err(SingleRunError::NotFound(run)),
        }
    }
}

/// A failure of the storage, told apart where it is about this run.
fn sorted(run: RunId, error: StorageError) -> SingleRunError {
    match error.kind() {
        ErrorKind::Corrupt => SingleRunError::Corrupt { run, reason: error.to_string() },
        ErrorKind::InvalidRequest => SingleRunError::InvalidRun(error.to_string()),
        _ => SingleRunError::Storage(error),
    }
}

fn shortened(id: &str) -> String {
    const SHOWN_MAX: usize = 80;
    id.chars().take(SHOWN_MAX).collect()
}
