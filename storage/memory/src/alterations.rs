//! Changes of many runs at once.

use async_trait::async_trait;
use zapjobs_model::{RunId, RunStatus};
use zapjobs_storage::{AlterResult, Alteration, Alterations, CancelResult, Result, check_alter};

use crate::MemoryStorage;
use crate::run_changes::{renew_finished, tell};
use crate::storage::Work;

impl Work<'_> {
    fn alter_one(&mut self, id: RunId, alteration: &Alteration) -> AlterResult {
        let Some(status) = self.state.runs.get(id).map(|run| run.status) else {
            return AlterResult::NotFound;
        };
        if !alteration.takes(status) {
            return AlterResult::WrongStatus(status);
        }
        let now = self.now;
        match alteration {
            Alteration::Cancel => {
                return match self.request_cancel(id) {
                    CancelResult::Requested => AlterResult::Requested,
                    _ => AlterResult::Altered,
                };
            }
            Alteration::Delete => {
                self.state.remove_run(id);
                return AlterResult::Altered;
            }
            Alteration::Requeue { .. } => {
                if let Some(holder) = self.retake_key(id) {
                    return AlterResult::KeyHeld(holder);
                }
                self.state.links.take_end_away(id);
            }
            Alteration::Move(_) | Alteration::Prioritise(_) | Alteration::RunNow => {}
        }
        let runs = &self.state.runs;
        let held_by_limit = runs.get(id).is_some_and(|run| runs.flow().holds(run));
        let altered = self.state.runs.change(id, |run| match alteration {
            Alteration::Requeue { input } => {
                renew_finished(run, now);
                if let Some(input) = input {
                    run.input = input.clone();
                }
            }
            Alteration::Move(queue) => {
                run.queue = queue.clone();
                if held_by_limit {
                    // Whether it still is, the limits of the new queue say.
                    run.status = RunStatus::Pending;
                }
            }
            Alteration::Prioritise(priority) => run.priority = *priority,
            Alteration::RunNow => {
                run.status = RunStatus::Pending;
                run.due_at = now;
            }
            Alteration::Cancel | Alteration::Delete => {}
        });
        altered.into_iter().for_each(|run| tell(&mut self.hints, run));
        AlterResult::Altered
    }
}

#[async_trait]
impl Alterations for MemoryStorage {
    async fn alter(&self, runs: &[RunId], alteration: &Alteration) -> Result<Vec<AlterResult>> {
        const OPERATION: &str = "alter runs";
        check_alter(OPERATION, runs)?;
        self.work(OPERATION, |work| {
            let answers = runs.iter().map(|run| work.alter_one(*run, alteration)).collect();
            work.state.trim_finished();
            Ok(answers)
        })
    }
}
