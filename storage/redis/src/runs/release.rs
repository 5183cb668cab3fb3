//! Runs that are held are let go.

use zapjobs_model::{RunId, RunStatus};
use zapjobs_storage::{ReleaseResult, Result, check_batch};

use super::RUNS_PER_SCRIPT;
use crate::RedisStorage;
use crate::answer::Answer;
use crate::script::SCRIPTS;

/// What the script answers of a run that a limit holds, or that waits for others.
const HELD_BY_OTHERS: i64 = 70;

pub(super) async fn release(s: &RedisStorage, runs: &[RunId]) -> Result<Vec<ReleaseResult>> {
    const OPERATION: &str = "release runs";
    s.check_open(OPERATION)?;
    check_batch(OPERATION, runs.len())?;
    let mut results = Vec::with_capacity(runs.len());
    for runs in runs.chunks(RUNS_PER_SCRIPT) {
        let call = s.run_call(&SCRIPTS.release_runs, runs.iter().copied(), &[]);
        let answer = s.call(OPERATION, &call).await?;
        let answer = Answer::of(OPERATION, &answer);
        s.listeners.tell(answer.notices(1)?);
        for before in answer.at(0)?.items()? {
            let before = before.number()?;
            results.push(match RunStatus::from_code(before) {
                Some(RunStatus::Held) => ReleaseResult::Released,
                Some(status) => ReleaseResult::WrongStatus(status),
                None if before == HELD_BY_OTHERS => ReleaseResult::WrongStatus(RunStatus::Held),
                // There is none, or its record was set aside.
                None => ReleaseResult::NotFound,
            });
        }
    }
    Ok(results)
}
