//! Waits of attempts: sleeps, and waits for signals.
//!
//! **Invariant:** when a wait ends is recorded as a step before the attempt is told to end. So a
//! further attempt waits for the same instant, whatever died in between; and an attempt that is
//! to end does not begin another wait.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use zapjobs_model::port::{BoxFuture, StepLog, Waited, Waits};
use zapjobs_model::wait::{WAIT_MAX, limit_step, signal_step, sleep_step};
use zapjobs_model::{
    InvalidName, Json, LeaseKey, SignalName, StepError, StepErrorKind, StepName, Timestamp, Wait,
    signal,
};
use zapjobs_storage::{Storage, TakeSignalResult};

use crate::steps::{AttemptSteps, PAUSE, failed, lost};
use crate::store_clock::StoreClock;

/// The waits of one attempt.
pub(crate) struct AttemptWaits {
    storage: Arc<dyn Storage>,
    key: LeaseKey,
    steps: AttemptSteps,
    clock: Arc<StoreClock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What the attempt is to end for.
    wait: Option<Wait>,
    /// Sleeps that are over.
    over: HashSet<StepName>,
    /// Waits for each signal that are over.
    ended: HashMap<SignalName, u32>,
}

impl AttemptWaits {
    /// Those of the attempt with this right to write.
    pub(crate) fn of(storage: Arc<dyn Storage>, key: LeaseKey, clock: Arc<StoreClock>) -> Self {
        let steps = AttemptSteps::of(Arc::clone(&storage), key);
        Self { storage, key, steps, clock, state: Mutex::default() }
    }

    /// What the attempt was told to end for, if it was.
    pub(crate) fn registered(&self) -> Option<Wait> {
        self.state.lock().wait.clone()
    }

    async fn rest(&self, name: String, span: Duration) -> Result<bool, StepError> {
        let step = sleep_step(&name).map_err(|error| bad_name(&error))?;
        {
            let state = self.state.lock();
            if state.wait.is_some() || state.over.contains(&step) {
                return Ok(state.wait.is_none());
            }
        }
        let until = self.end_of(step.clone(), span).await?;
        let is_over = until <= self.clock.now();
        let mut state = self.state.lock();
        if is_over {
            state.over.insert(step);
        } else {
            state.wait = Some(Wait { signal: None, until });
        }
        Ok(is_over)
    }

    async fn receive(
        &self,
        name: SignalName,
        limit: Option<Duration>,
    ) -> Result<Waited, StepError> {
        let nth = {
            let state = self.state.lock();
            if state.wait.is_some() {
                return Ok(Waited::Suspended);
            }
            state.ended.get(&name).copied().unwrap_or_default() + 1
        };
        let step = signal_step(&name, nth).map_err(|error| bad_name(&error))?;
        let result = match self.take(&name, &step).await? {
            Some(result) => result,
            None => {
                let limited = limit_step(&name, nth).map_err(|error| bad_name(&error))?;
                let until = self.end_of(limited, limit.unwrap_or(WAIT_MAX)).await?;
                if until > self.clock.now() {
                    self.state.lock().wait = Some(Wait { signal: Some(name), until });
                    return Ok(Waited::Suspended);
                }
                self.steps.record(step, signal::timed_out()).await?
            }
        };
        let payload = signal::payload_of(&result).map_err(bad_result)?;
        self.state.lock().ended.insert(name, nth);
        Ok(payload.map_or(Waited::TimedOut, Waited::Signal))
    }

    /// What the step of a wait came to, be it that a signal is there now.
    async fn take(&self, name: &SignalName, step: &StepName) -> Result<Option<Json>, StepError> {
        let mut pause = PAUSE.0;
        loop {
            match self.storage.take_signal(self.key, name, step).await {
                Ok(TakeSignalResult::Recorded(result)) => return Ok(Some(result)),
                Ok(TakeSignalResult::Nothing) => return Ok(None),
                Ok(TakeSignalResult::Full) => return Err(StepError::full(step)),
                Ok(TakeSignalResult::Stale) => return Err(lost()),
                // Asked again without harm: what was taken is a step.
                Err(error) if error.is_retryable() => {
                    tracing::warn!(run = %self.key.run, %error, "a wait waits for the storage");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE.1);
                }
                Err(error) => return Err(failed(&error)),
            }
        }
    }

    /// When a wait ends: as its step says, which is recorded now if no attempt did before.
    async fn end_of(&self, step: StepName, span: Duration) -> Result<Timestamp, StepError> {
        let until = self.clock.now().plus(span.min(WAIT_MAX));
        let recorded = Json::trusted(until.as_micros().to_string());
        let stands = self.steps.record(step, recorded).await?;
        let micros = stands.as_str().parse().map_err(|_| bad_result(signal::NoWait))?;
        Ok(Timestamp::from_micros(micros))
    }
}

impl Waits for AttemptWaits {
    fn sleep(&self, name: String, span: Duration) -> BoxFuture<'_, Result<bool, StepError>> {
        Box::pin(self.rest(name, span))
    }

    fn signal(
        &self,
        name: SignalName,
        limit: Option<Duration>,
    ) -> BoxFuture<'_, Result<Waited, StepError>> {
        Box::pin(self.receive(name, limit))
    }
}

fn bad_name(error: &InvalidName) -> StepError {
    StepError::new(StepErrorKind::BadName, error.to_string())
}

fn bad_result(error: signal::NoWait) -> StepError {
    StepError::new(StepErrorKind::BadResult, error.to_string())
}
