//! Steps of attempts.
//!
//! **Invariant:** a step is told as recorded once the storage keeps it. What a step did outside
//! has happened by then, so that recording is tried until it succeeds, the run is lost, or the
//! attempt is stopped.

use std::sync::Arc;
use std::time::Duration;

use zapjobs_model::port::{BoxFuture, StepLog};
use zapjobs_model::{Json, LeaseKey, Step, StepError, StepErrorKind, StepName};
use zapjobs_storage::{RecordStepResult, Storage, StorageError};

/// First and longest pause before a storage that failed is tried again.
pub(crate) const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

/// Keeps the steps of one attempt.
pub(crate) struct AttemptSteps {
    storage: Arc<dyn Storage>,
    key: LeaseKey,
}

impl AttemptSteps {
    /// Those of the attempt with this right to write.
    pub(crate) const fn of(storage: Arc<dyn Storage>, key: LeaseKey) -> Self {
        Self { storage, key }
    }

    async fn load(&self) -> Result<Vec<Step>, StepError> {
        self.storage.steps(self.key.run).await.map_err(|error| failed(&error))
    }

    async fn keep(&self, name: StepName, result: Json) -> Result<Json, StepError> {
        let mut pause = PAUSE.0;
        loop {
            match self.storage.record_step(self.key, &name, &result).await {
                Ok(RecordStepResult::Recorded) => return Ok(result),
                Ok(RecordStepResult::Earlier(earlier)) => return Ok(earlier),
                Ok(RecordStepResult::Full) => return Err(StepError::full(&name)),
                Ok(RecordStepResult::Stale) => return Err(lost()),
                Err(error) if error.is_retryable() => {
                    tracing::warn!(run = %self.key.run, %error, "a step waits for the storage");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE.1);
                }
                Err(error) => return Err(failed(&error)),
            }
        }
    }
}

impl StepLog for AttemptSteps {
    fn steps(&self) -> BoxFuture<'_, Result<Vec<Step>, StepError>> {
        Box::pin(self.load())
    }

    fn record(&self, name: StepName, result: Json) -> BoxFuture<'_, Result<Json, StepError>> {
        Box::pin(self.keep(name, result))
    }
}

pub(crate) fn lost() -> StepError {
    let message = "this attempt has lost its run: another attempt goes on with it";
    StepError::new(StepErrorKind::Lost, message)
}

/// The guest is not told what the storage said: that may name machines.
pub(crate) fn failed(error: &StorageError) -> StepError {
    tracing::warn!(%error, "a run could not read or record its steps");
    let message = "the host cannot reach its storage now: try again later";
    StepError::new(StepErrorKind::Unavailable, message)
}
