//! Waits of runs, and signals to them: what is told to a run from outside, and how a run waits
//! for it without anyone's attention.
//!
//! **Invariant:** no wake-up is lost. Sending a signal and suspending a run are each one decision
//! about the run as it stands, and never happen at the same time: a run that is suspended either
//! finds the signal, or is found by it.

use async_trait::async_trait;
use zapjobs_model::signal::SIGNAL_BYTES_MAX;
use zapjobs_model::{
    Json, LeaseKey, RunId, RunStatus, Signal, SignalName, StepName, Suspension, Wait,
};

use crate::{ApplyResult, ErrorKind, Result, StorageError};

/// What became of a signal that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendSignalResult {
    /// It is kept for the run, which did not wait for it.
    Kept,
    /// It is kept for the run, which waited for it and is ready now.
    Woke,
    /// The run has ended so, and takes no signals. Nothing was written.
    Ended(RunStatus),
    /// The run has as many signals to take as `zapjobs_model::signal` allows. Nothing was written.
    Full,
    /// There is no such run.
    NotFound,
}

/// What became of a wish to take a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakeSignalResult {
    /// The step is recorded with this result, by this call or by an earlier one.
    Recorded(Json),
    /// No signal of this name is there. Nothing was written.
    Nothing,
    /// The run has as many steps or bytes as `zapjobs_model::step` allows. Nothing was written.
    Full,
    /// The attempt has lost its right to write. Nothing was written.
    Stale,
}

/// Waits of runs, and signals to them.
#[async_trait]
pub trait Signals: Send + Sync {
    /// Keeps a signal for a run that has not ended, behind those that came before, with the
    /// store's now. Where the run was suspended for a signal of this name and waits still, it is
    /// pending, due now, and listeners are told `Ready`. Durable before it returns. Signals stay
    /// until the run takes them or is deleted, also when it ends and is requeued.
    /// A payload longer than [`SIGNAL_BYTES_MAX`] is refused as `InvalidRequest`.
    ///
    /// *Atomicity:* all of it or nothing; never between the look and the write of
    /// [`Signals::suspend`]. *On conflict:* see [`SendSignalResult`]; a run that has ended is
    /// found first, then whether there is room. A call that is repeated sends twice.
    ///
    /// *Cost:* grows with the signals that the run has not taken at most.
    async fn send_signal(
        &self,
        run: RunId,
        name: &SignalName,
        payload: &Json,
    ) -> Result<SendSignalResult>;

    /// Takes the first signal of a name for a run that is running under this lease number, and
    /// records [`zapjobs_model::signal::received`] of it as the result of a step.
    /// Durable before it returns.
    ///
    /// *Atomicity:* both or nothing, so that no signal is taken twice or lost.
    /// *On conflict:* see [`TakeSignalResult`]; a claim that is stale is found first, then a step
    /// of this name, whose result stands and which takes nothing, then whether there is a signal,
    /// then whether there is room for the step.
    async fn take_signal(
        &self,
        key: LeaseKey,
        name: &SignalName,
        step: &StepName,
    ) -> Result<TakeSignalResult>;

    /// Ends an attempt that waits: applies the transition that [`Suspension::decide`] makes of it,
    /// by whether a signal that it waits for is there, as [`crate::RunStore::apply`] does, and
    /// keeps what it waits for.
    ///
    /// *Atomicity:* the look at signals, the transition and the wait are one; never at the same
    /// time as [`Signals::send_signal`] to the run. *On conflict:* see [`ApplyResult`]. A
    /// transition to another status than pending or scheduled is refused as `InvalidRequest`.
    async fn suspend(&self, suspension: &Suspension) -> Result<ApplyResult>;

    /// What a run waits for that was suspended, as long as the wait stands
    /// ([`zapjobs_model::wait::stands`]).
    async fn wait_of(&self, run: RunId) -> Result<Option<Wait>>;

    /// The signals that a run has not taken, in the order in which they were sent; none of a run
    /// that is not there.
    async fn signals(&self, run: RunId) -> Result<Vec<Signal>>;
}

/// Refuses a payload that is too long.
pub fn check_signal(operation: &'static str, payload: &Json) -> Result<()> {
    let bytes = payload.as_str().len() as u64;
    if bytes <= SIGNAL_BYTES_MAX {
        return Ok(());
    }
    let message =
        format!("a signal of {bytes} bytes: use at most {SIGNAL_BYTES_MAX}, or send a reference");
    Err(StorageError::new(ErrorKind::InvalidRequest, operation, message))
}

/// Refuses a suspension after which the run would not wait.
pub fn check_suspension(operation: &'static str, suspension: &Suspension) -> Result<()> {
    if matches!(suspension.transition.status, RunStatus::Pending | RunStatus::Scheduled) {
        return Ok(());
    }
    let message = format!("a suspended run cannot be {}", suspension.transition.status);
    Err(StorageError::new(ErrorKind::InvalidRequest, operation, message))
}
