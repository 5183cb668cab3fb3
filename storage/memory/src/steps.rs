//! Steps of runs.

use std::collections::HashMap;

use async_trait::async_trait;
use zapjobs_model::step::has_room;
use zapjobs_model::{Json, LeaseKey, RunId, Step, StepName};
use zapjobs_storage::{RecordStepResult, Result, Steps, check_step};

use crate::MemoryStorage;

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
        self.work(OPERATION, |work| {
            if work.state.runs.held(key).is_none() {
                return Ok(RecordStepResult::Stale);
            }
            let kept = work.state.steps.of(key.run);
            if let Some(earlier) = kept.iter().find(|step| step.name == *name) {
                return Ok(match earlier.result == *result {
                    true => RecordStepResult::Recorded,
                    false => RecordStepResult::Earlier(earlier.result.clone()),
                });
            }
            let bytes = kept.iter().map(|step| step.result.as_str().len() as u64).sum();
            if !has_room(kept.len() as u64, bytes, result.as_str().len() as u64) {
                return Ok(RecordStepResult::Full);
            }
            let step = Step { name: name.clone(), result: result.clone(), at: work.now };
            work.state.steps.0.entry(key.run).or_default().push(step);
            Ok(RecordStepResult::Recorded)
        })
    }

    async fn steps(&self, run: RunId) -> Result<Vec<Step>> {
        self.work("read the steps", |work| Ok(work.state.steps.of(run).to_vec()))
    }
}
