//! One certain run for a worker.

use uuid::Uuid;
use zapjobs_model::{RunStatus, Timestamp, WorkerId};
use zapjobs_storage::{ClaimRunRequest, ClaimRunResult, ClaimedRun, Result};

use super::claim::claimed_runs;
use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::{corrupt, unexpected};
use crate::quarantine::set_aside;
use crate::record::Unreadable;
use crate::script::SCRIPTS;
use crate::storage::micros;

const OPERATION: &str = "claim the run";

pub(super) async fn claim_run(
    s: &RedisStorage,
    request: ClaimRunRequest,
) -> Result<ClaimRunResult> {
    let mut call = s.run_call(&SCRIPTS.claim_run, [request.run].into_iter(), &[]);
    call.arg(request.worker.0.as_bytes()).arg(micros(request.lease));
    let answer = s.call(OPERATION, &call).await?;
    let answer = Answer::of(OPERATION, &answer);
    let unreadable =
        |why: &str| corrupt(OPERATION, format!("run {} is unreadable: {why}", request.run));
    match answer.at(0)?.number()? {
        -1 => Ok(ClaimRunResult::NotFound),
        0 => match claimed_runs(answer.at(1)?)?.pop() {
            Some((_, Ok(run))) => Ok(ClaimRunResult::Claimed(Box::new(ClaimedRun { run }))),
            Some((id, Err(reason))) => {
                set_aside(s, id, &reason).await?;
                let Unreadable(why) = reason;
                Err(unreadable(&why))
            }
            None => Err(unreadable("it was set aside")),
        },
        1 => {
            let due_at = Timestamp::from_micros(answer.at(1)?.number()?);
            Ok(ClaimRunResult::NotDue { due_at })
        }
        2 => {
            let worker = Uuid::from_slice(answer.at(1)?.bytes()?);
            let worker = WorkerId(worker.map_err(|_| unexpected(OPERATION))?);
            Ok(ClaimRunResult::AlreadyAssigned { worker })
        }
        code => RunStatus::from_code(code)
            .map(ClaimRunResult::WrongStatus)
            .ok_or_else(|| unreadable("it was set aside")),
    }
}
