//! Steps of runs: what an attempt has done for good, kept for the attempts after it.

use async_trait::async_trait;
use zapjobs_model::step::STEP_BYTES_MAX;
use zapjobs_model::{Json, LeaseKey, RunId, Step, StepName};

use crate::{ErrorKind, Result, StorageError};

/// What became of a step that was to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordStepResult {
    /// It is recorded with this result, by this call or by an earlier one.
    Recorded,
    /// It was recorded before with another result, which stands. Nothing was written.
    Earlier(Json),
    /// The run has as many steps or bytes as `zapjobs_model::step` allows. Nothing was written.
    Full,
    /// The attempt has lost its right to write: there is no such run, it was claimed anew, or
    /// it is not running. Nothing was written.
    Stale,
}

/// Steps of runs.
#[async_trait]
pub trait Steps: Send + Sync {
    /// Records a step of a run that is running under this lease number, with the store's now.
    /// Durable before it returns. Steps stay when the run is tried again, ends or is requeued;
    /// they go with the run when it is pruned. A result longer than
    /// [`STEP_BYTES_MAX`] is refused as `InvalidRequest`.
    ///
    /// *Atomicity:* all of it or nothing. *On conflict:* see [`RecordStepResult`]; a claim that
    /// is stale is found first, then a step of this name, whose first result stands, then
    /// whether there is room. Two attempts never write steps of one run at a time, because a
    /// claim makes those before it stale.
    ///
    /// *Cost:* grows with the number of the run's steps at most.
    async fn record_step(
        &self,
        key: LeaseKey,
        name: &StepName,
        result: &Json,
    ) -> Result<RecordStepResult>;

    /// All steps of a run, in the order in which they were recorded; none of a run that is not
    /// there.
    async fn steps(&self, run: RunId) -> Result<Vec<Step>>;
}

/// Refuses a result that is too long.
pub fn check_step(operation: &'static str, result: &Json) -> Result<()> {
    let bytes = result.as_str().len() as u64;
    if bytes <= STEP_BYTES_MAX {
        return Ok(());
    }
    let message = format!("a step's result of {bytes} bytes: use at most {STEP_BYTES_MAX}");
    Err(StorageError::new(ErrorKind::InvalidRequest, operation, message))
}
