//! Steps of runs.

use std::collections::HashMap;

use async_trait::async_trait;
use zapjobs_model::step::has_room;
use zapjobs_model::{Json, LeaseKey, RunId, Step, StepName};
use zapjobs_storage::{RecordStepResult, Result, Steps, check_step};

use crate::MemoryStorage;
use crate::storage::Work;

/// The steps of all runs, in the order in which they were recorded.
#[derive(Default)]
pub(crate) struct RunSteps(HashMap<RunId, Vec<Step>>);

impl RunSteps {
    /// Deletes a run's steps.
    pub(crate) fn forget(&mut self, run: RunId) {
        self.0.remove(&run);
    }

    fn of(&self, run: RunId) -> &[Step] {
        self.0.get(&run).map_or(&[], Vec::as_slice)
    }

    /// What a step of a run came to, if it was recorded.
    pub(crate) fn result_of(&self, run: RunId, name: &StepName) -> Option<Json> {
        self.of(run).iter().find(|step| step.name == *name).map(|step| step.result.clone())
    }
}

impl Work<'_> {
    /// Records a step under its rules.
    pub(crate) fn record(
        &mut self,
        key: LeaseKey,
        name: &StepName,
        result: &Json,
    ) -> RecordStepResult {
        if self.state.runs.held(key).is_none() {
            return RecordStepResult::Stale;
        }
        if let Some(earlier) = self.state.steps.result_of(key.run, name) {
            return match earlier == *result {
                true => RecordStepResult::Recorded,
                false => RecordStepResult::Earlier(earlier),
            };
        }
        let kept = self.state.steps.of(key.run);
        let bytes = kept.iter().map(|step| step.result.as_str().len() as u64).sum();
        if !has_room(kept.len() as u64, bytes, result.as_str().len() as u64) {
            return RecordStepResult::Full;
        }
        let step = Step { name: name.clone(), result: result.clone(), at: self.now };
        self.state.steps.0.entry(key.run).or_default().push(step);
        RecordStepResult::Recorded
    }
}

#[async_trait]
impl Steps for MemoryStorage {
    async fn record_step(
        &self,
        key: LeaseKey,
        name: &StepName,
        result: &Json,
    ) -> Result<RecordStepResult> {
        const OPERATION: &str = "record the step";
        check_step(OPERATION, result)?;
        self.work(OPERATION, |work| Ok(work.record(key, name, result)))
    }

    async fn steps(&self, run: RunId) -> Result<Vec<Step>> {
        self.work("read the steps", |work| Ok(work.state.steps.of(run).to_vec()))
    }
}
