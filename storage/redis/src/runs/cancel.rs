//! Runs that are asked to stop, and runs that are asked to run again.

use zapjobs_model::{Blame, RunError, RunId, RunStatus, Trigger};
use zapjobs_storage::{CancelResult, Notice, RequeueResult, Result};

use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::corrupt;
use crate::record::encoded;
use crate::script::SCRIPTS;

pub(super) async fn request_cancel(s: &RedisStorage, run: RunId) -> Result<CancelResult> {
    const OPERATION: &str = "cancel the run";
    let mut call = s.run_call(&SCRIPTS.cancel, [run].into_iter(), &[]);
    call.arg(run.to_string());
    call.arg(encoded(&RunError::new(Blame::Operator, "cancelled", "cancelled on request")));
    let answer = s.call(OPERATION, &call).await?;
    let answer = Answer::of(OPERATION, &answer);
    s.listeners.tell(answer.notices(1)?);
    Ok(match status_before(OPERATION, run, answer.at(0)?)? {
        None => CancelResult::NotFound,
        Some(RunStatus::Running) => {
            s.listeners.tell(vec![Notice::CancelRequested(run)]);
            CancelResult::Requested
        }
        Some(status) if status.is_final() => CancelResult::Finished(status),
        Some(_) => CancelResult::Cancelled,
    })
}

pub(super) async fn requeue(s: &RedisStorage, run: RunId) -> Result<RequeueResult> {
    const OPERATION: &str = "requeue the run";
    let mut call = s.run_call(&SCRIPTS.requeue, [run].into_iter(), &[]);
    call.arg(Trigger::Retry.code());
    let answer = s.call(OPERATION, &call).await?;
    let answer = Answer::of(OPERATION, &answer);
    s.listeners.tell(answer.notices(1)?);
    if answer.at(0)?.number()? == -2 {
        return Ok(RequeueResult::KeyHeld(answer.at(3)?.run_id()?));
    }
    Ok(match status_before(OPERATION, run, answer.at(0)?)? {
        None => RequeueResult::NotFound,
        Some(RunStatus::Failed | RunStatus::Cancelled) => RequeueResult::Requeued,
        Some(status) => RequeueResult::NotRequeuable(status),
    })
}

/// How the run stood; `None` if there is none.
fn status_before(
    operation: &'static str,
    run: RunId,
    answer: Answer<'_>,
) -> Result<Option<RunStatus>> {
    match answer.number()? {
        -1 => Ok(None),
        code => RunStatus::from_code(code)
            .map(Some)
            .ok_or_else(|| corrupt(operation, format!("run {run} was set aside as unreadable"))),
    }
}
