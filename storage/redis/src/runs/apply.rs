//! Transitions, fenced.

use zapjobs_model::{RunStatus, Transition};
use zapjobs_storage::{ApplyResult, Result};

use super::RUNS_PER_SCRIPT;
use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::invalid;
use crate::record::fields_of_transition;
use crate::script::{Call, SCRIPTS};
use crate::storage::check_batch;

pub(super) async fn apply(
    s: &RedisStorage,
    transitions: &[Transition],
) -> Result<Vec<ApplyResult>> {
    const OPERATION: &str = "apply transitions";
    s.check_open(OPERATION)?;
    check_batch(OPERATION, transitions.len())?;
    if let Some(wrong) = transitions.iter().find(|t| t.status == RunStatus::Running) {
        let message = format!("the transition of run {} leaves it running", wrong.key.run);
        return Err(invalid(OPERATION, message));
    }
    let mut results = Vec::with_capacity(transitions.len());
    for transitions in transitions.chunks(RUNS_PER_SCRIPT) {
        let runs = transitions.iter().map(|transition| transition.key.run);
        let mut call = s.run_call(&SCRIPTS.apply, runs, &[]);
        transitions.iter().for_each(|transition| put_transition(&mut call, transition));
        let answer = s.call(OPERATION, &call).await?;
        let answer = Answer::of(OPERATION, &answer);
        s.listeners.tell(answer.notices(1)?);
        for result in answer.at(0)?.items()? {
            results.push(match result.number()? {
                0 => ApplyResult::Stale,
                1 => ApplyResult::Applied,
                _ => ApplyResult::CancelRequested,
            });
        }
    }
    Ok(results)
}

/// Puts a transition's arguments behind a call's, as `apply.lua` takes them.
fn put_transition(call: &mut Call, transition: &Transition) {
    let fields = fields_of_transition(transition);
    call.arg(transition.key.lease.0).arg(transition.status.code());
    call.arg(transition.at.as_micros());
    call.arg(transition.due_at.map(|due| due.as_micros().to_string()).unwrap_or_default());
    call.arg(i32::from(transition.output.is_none())).arg(2 * fields.len());
    for (name, value) in fields.iter() {
        call.arg(name).arg(value);
    }
}
