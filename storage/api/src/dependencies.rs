//! Runs that wait for others: what a storage keeps of them, and how they go on.
//!
//! Whatever ends a run that others wait for notes its end in the same write. A service of the
//! hosts reads these ends, decides by `zapjobs_model::workflow`, and writes its decisions with
//! [`Dependencies::advance`], which takes an end away once nobody waits for it any more. So a
//! crash at any point loses nothing, and two hosts that do the same do it once.

use async_trait::async_trait;
use zapjobs_model::unique::plan::has_key;
use zapjobs_model::workflow::{Condition, Dependency, Step};
use zapjobs_model::{NewRun, RunId, RunStatus, workflow};

use crate::{BATCH_MAX, ErrorKind, Result, StorageError};

/// Ends of runs, and runs that wait for them, in one answer at most.
pub const ENDS_MAX: usize = 1_000;

/// A run that ended while others wait for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedParent {
    /// Which.
    pub run: RunId,
    /// How it ended.
    pub status: RunStatus,
    /// Those that wait for it, by id, as far as they are answered; maybe none.
    pub children: Vec<WaitingChild>,
}

/// A run that waits for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingChild {
    /// Which.
    pub run: RunId,
    /// How the other must have ended.
    pub on: Condition,
    /// For how many others it waits beside.
    pub others: u64,
}

/// What was decided about those that wait for a run that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdvanceRequest {
    /// The run that ended.
    pub parent: RunId,
    /// How, as it was answered.
    pub status: RunStatus,
    /// What becomes of those that wait for it, each once; maybe of none, to take the end away.
    pub steps: Vec<(RunId, Step)>,
}

/// What became of one decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdvanceResult {
    /// It is written.
    Done,
    /// The run waits for others than was thought, or the end was taken back. Nothing was
    /// written: look again.
    Changed,
    /// The run does not wait for this one, or for none any more. If it still seemed to, it does
    /// no longer.
    Gone,
}

/// Runs that wait for others.
#[async_trait]
pub trait Dependencies: Send + Sync {
    /// Up to `limit` runs that ended while others waited for them, by when their ends were noted,
    /// then by id, and together up to `limit` of those that wait: where that cuts, the answer
    /// ends, and the next one goes on once these have advanced. A limit above [`ENDS_MAX`]
    /// counts as that.
    ///
    /// *Cost:* grows with the answer. Where no run waits for another, next to nothing.
    async fn ended_parents(&self, limit: usize) -> Result<Vec<EndedParent>>;

    /// Writes decisions about those that wait for one run. `Wait` and `Release` are written only
    /// where others remain that the run waits for, or none do, as they say. A released run is
    /// then as after [`crate::RunStore::release_runs`], with the input given. One that ends has
    /// `finished_at` the store's now and the error given, waits for nothing more, and counts as
    /// cancelled or failed; its own end is noted if others wait for it. The run's end is taken
    /// away once nobody waits for it. Listeners are told `Ready`, `Scheduled` and `Ended`.
    ///
    /// *Atomicity:* each decision by itself, all made durable together. *On conflict:* see
    /// [`AdvanceResult`]; if the run's end is not noted as `status` any more, all are `Changed`.
    /// Answers stand in the order of the steps. An end that is not final is refused as
    /// `InvalidRequest`.
    async fn advance(&self, request: AdvanceRequest) -> Result<Vec<AdvanceResult>>;

    /// What a run still waits for, by id: nothing where nothing is decided about it any more.
    async fn dependencies(&self, run: RunId) -> Result<Vec<Dependency>>;
}

/// Refuses runs that wait for too many, for one twice, or for each other in a circle; and a batch
/// in which runs wait for others and runs have keys: which of them there will be is not known.
pub fn check_dependencies(operation: &'static str, runs: &[NewRun]) -> Result<()> {
    if runs.iter().any(|run| !run.after.is_empty()) && runs.iter().any(has_key) {
        let message = "runs that wait for others and runs with keys (unique, idempotency) cannot \
                       stand in one batch: submit those with keys first";
        return Err(StorageError::new(ErrorKind::InvalidRequest, operation, message));
    }
    workflow::graph::check(runs)
        .map_err(|error| StorageError::new(ErrorKind::InvalidRequest, operation, error.to_string()))
}

/// Refuses too many decisions, and an end that is none.
pub fn check_advance(operation: &'static str, request: &AdvanceRequest) -> Result<()> {
    crate::check_batch(operation, request.steps.len())?;
    let is_end = |step: &Step| match step {
        Step::End { status, .. } => matches!(status, RunStatus::Cancelled | RunStatus::Failed),
        Step::Wait | Step::Release { .. } => true,
    };
    if request.steps.iter().all(|(_, step)| is_end(step)) {
        return Ok(());
    }
    let message = "a run that does not begin ends as cancelled or failed";
    Err(StorageError::new(ErrorKind::InvalidRequest, operation, message))
}

/// The error where a run waits for one that is not there.
pub fn unknown_parent(operation: &'static str, run: RunId, parent: RunId) -> StorageError {
    StorageError::new(ErrorKind::InvalidRequest, operation, unknown_parent_message(run, parent))
}

/// What that error says.
pub fn unknown_parent_message(run: RunId, parent: RunId) -> String {
    format!(
        "run {run} waits for run {parent}, which is not there: it was never stored, or was deleted"
    )
}

const _: () = assert!(ENDS_MAX <= BATCH_MAX);
