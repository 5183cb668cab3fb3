//! Transitions, fenced.

use zapjobs_model::{RunStatus, Transition};
use zapjobs_storage::{ApplyResult, Result, check_batch};

use super::RUNS_PER_SCRIPT;
use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::{invalid, unexpected};
use crate::record::{encoded, packed_change, packed_result};
use crate::script::{Call, SCRIPTS};

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
        let first = results.len();
        results.resize(first + transitions.len(), ApplyResult::Applied);
        for refused in answer.at(0)?.list()?.chunks_exact(2) {
            let number = |at: usize| Answer::of(OPERATION, &refused[at]);
            let result = results.get_mut(first + number(0).count()?);
            *result.ok_or_else(|| unexpected(OPERATION))? = refusal(number(1).number()?);
        }
    }
    Ok(results)
}

/// What became of the only transition of a call, as `apply.lua` says it.
pub(crate) fn apply_result(refused: Answer<'_>) -> Result<ApplyResult> {
    match refused.list()? {
        [] => Ok(ApplyResult::Applied),
        _ => Ok(refusal(refused.at(1)?.number()?)),
    }
}

/// Why a transition was not written, as `apply.lua` says it.
fn refusal(code: i64) -> ApplyResult {
    match code {
        -2 => ApplyResult::StaleLease,
        -3 => ApplyResult::CancelRequested,
        // A record that was set aside is nobody's any more.
        code => RunStatus::from_code(code).map_or(ApplyResult::NotFound, ApplyResult::WrongStatus),
    }
}

/// Puts a transition's arguments behind a call's, as `apply.lua` takes them.
pub(crate) fn put_transition(call: &mut Call, transition: &Transition) {
    call.arg(packed_change(transition));
    if transition.status.is_final() {
        call.arg(transition.at.as_micros());
    } else {
        call.arg("");
    }
    call.arg(packed_result(transition.digest.as_ref(), &transition.usage));
    call.arg(transition.output.as_ref().map_or("", |output| output.as_str()));
    call.arg(transition.error.as_ref().map(encoded).unwrap_or_default());
}
