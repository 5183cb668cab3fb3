//! Changes of many runs at once.

use async_trait::async_trait;
use zapjobs_model::{Blame, RunError, RunId, RunStatus, Trigger};
use zapjobs_storage::{AlterResult, Alteration, Alterations, Notice, Result, check_alter};

use super::RUNS_PER_SCRIPT;
use crate::RedisStorage;
use crate::answer::Answer;
use crate::record::encoded;
use crate::script::{Call, SCRIPTS};

#[async_trait]
impl Alterations for RedisStorage {
    async fn alter(&self, runs: &[RunId], alteration: &Alteration) -> Result<Vec<AlterResult>> {
        const OPERATION: &str = "alter runs";
        self.check_open(OPERATION)?;
        check_alter(OPERATION, runs)?;
        let mut results = Vec::with_capacity(runs.len());
        for runs in runs.chunks(RUNS_PER_SCRIPT) {
            let mut call = self.run_call(&SCRIPTS.alter, runs.iter().copied(), &[]);
            put_alteration(&mut call, alteration);
            runs.iter().for_each(|run| {
                call.arg(run.to_string());
            });
            let answer = self.call(OPERATION, &call).await?;
            let answer = Answer::of(OPERATION, &answer);
            self.listeners.tell(answer.notices(1)?);
            for (run, before) in runs.iter().zip(answer.at(0)?.items()?) {
                // Its status before, or the run that holds its key.
                let result = match before.run_id() {
                    Ok(holder) => AlterResult::KeyHeld(holder),
                    Err(_) => answered(before.number()?, alteration),
                };
                if result == AlterResult::Requested {
                    self.listeners.tell(vec![Notice::CancelRequested(*run)]);
                }
                results.push(result);
            }
        }
        Ok(results)
    }
}

fn answered(before: i64, alteration: &Alteration) -> AlterResult {
    match RunStatus::from_code(before) {
        // There is none, or its record was set aside.
        None => AlterResult::NotFound,
        Some(status) if !alteration.takes(status) => AlterResult::WrongStatus(status),
        Some(RunStatus::Running) => AlterResult::Requested,
        Some(_) => AlterResult::Altered,
    }
}

/// Puts an alteration behind a call's arguments, as `alter.lua` takes it.
fn put_alteration(call: &mut Call, alteration: &Alteration) {
    let statuses = alteration.statuses();
    let allowed: String = statuses.iter().map(|status| status.code().to_string()).collect();
    match alteration {
        Alteration::Cancel => {
            let error = RunError::new(Blame::Operator, "cancelled", "cancelled on request");
            call.arg("cancel").arg(allowed).arg(encoded(&error)).arg("")
        }
        Alteration::Requeue { input } => {
            let input = input.as_ref().map_or("", |input| input.as_str());
            call.arg("requeue").arg(allowed).arg(Trigger::Retry.code()).arg(input)
        }
        Alteration::Delete => call.arg("delete").arg(allowed).arg("").arg(""),
        Alteration::Move(queue) => call.arg("move").arg(allowed).arg(queue.as_str()).arg(""),
        Alteration::Prioritise(priority) => {
            call.arg("prioritise").arg(allowed).arg(priority.get()).arg("")
        }
        Alteration::RunNow => call.arg("run-now").arg(allowed).arg("").arg(""),
    };
}
