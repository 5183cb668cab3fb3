//! What runs wait for, and what is decided of them.

use zapjobs_model::workflow::{Condition, Dependency, Step, decide};
use zapjobs_model::{Blame, RunError, RunId, RunStatus};
use zapjobs_storage::{AdvanceRequest, ENDS_MAX};

use super::{Chooser, IDS, Operation};
use crate::Fixture;
use crate::builders::{json, run_id};

impl Chooser {
    /// Most often nothing; else runs that may or may not be there.
    pub(super) fn after(&mut self) -> Vec<Dependency> {
        let count = self.random.one_of(&[0, 0, 0, 0, 0, 1, 1, 2]);
        let mut after: Vec<Dependency> = Vec::new();
        for _ in 0..count {
            let run = run_id(self.random.below(IDS));
            if after.iter().all(|of| of.run != run) {
                after.push(Dependency { run, on: self.random.one_of(&Condition::ALL) });
            }
        }
        after
    }

    /// Most often what the rules say of an end that is noted.
    pub(super) async fn advance(&mut self, reference: &Fixture) -> Operation {
        let ends = reference.storage.ended_parents(ENDS_MAX).await.expect("they are listed");
        let made_up = AdvanceRequest {
            parent: self.run(),
            status: RunStatus::Completed,
            steps: vec![(self.run(), Step::Wait)],
        };
        if ends.is_empty() || self.random.once_in(10) {
            return Operation::Advance(made_up);
        }
        let end = self.random.one_of(&ends);
        let mut steps: Vec<(RunId, Step)> = Vec::new();
        for child in &end.children {
            let others = if self.random.once_in(8) { 1 } else { child.others };
            let step = decide(end.run, end.status, child.on, others);
            steps.push((child.run, self.varied(step)));
        }
        if self.random.once_in(8) {
            steps.push((self.run(), Step::Wait));
        }
        let status = if self.random.once_in(10) { RunStatus::Failed } else { end.status };
        Operation::Advance(AdvanceRequest { parent: end.run, status, steps })
    }

    /// At times with another input, or as a failure.
    fn varied(&mut self, step: Step) -> Step {
        match step {
            Step::Release { .. } if self.random.once_in(3) => {
                Step::Release { input: Some(json("{\"out\":[1]}")) }
            }
            Step::Release { .. } if self.random.once_in(6) => {
                let error = RunError::new(Blame::Guest, "input", "broken");
                Step::End { status: RunStatus::Failed, error }
            }
            step => step,
        }
    }
}
