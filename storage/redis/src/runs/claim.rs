//! Runs for a worker.
//!
//! The cost depends on the number of queues and of runs taken, and not on how many wait.

use std::collections::BTreeSet;

use zapjobs_model::RunId;
use zapjobs_storage::{ClaimRequest, ClaimedRun, QueueSelection, Result};

use super::RUNS_PER_SCRIPT;
use crate::RedisStorage;
use crate::answer::{Answer, ReadRun};
use crate::error::unexpected;
use crate::quarantine::set_aside;
use crate::script::SCRIPTS;
use crate::storage::{check_batch, micros};

/// Bytes of inputs that one script answers, about; the run that crosses it is the last.
const SCRIPT_BYTES_MAX: usize = 8 << 20;
/// Bytes of inputs in one answer, about.
const CLAIM_BYTES_MAX: usize = 64 << 20;
/// Scripts in one claim at most, those that replace unreadable runs included.
const ROUNDS_MAX: usize = 1_000;

pub(super) async fn claim(s: &RedisStorage, request: &ClaimRequest) -> Result<Vec<ClaimedRun>> {
    const OPERATION: &str = "claim runs";
    s.check_open(OPERATION)?;
    check_batch(OPERATION, request.limit)?;
    let names: BTreeSet<&str> = match &request.queues {
        QueueSelection::All => BTreeSet::new(),
        QueueSelection::Only(names) if names.is_empty() => return Ok(Vec::new()),
        QueueSelection::Only(names) => names.iter().map(|name| name.as_str()).collect(),
    };
    let mut claimed = Vec::with_capacity(request.limit.min(1_000));
    let mut bytes = 0;
    for _ in 0..ROUNDS_MAX {
        let wanted = (request.limit - claimed.len()).min(RUNS_PER_SCRIPT);
        if wanted == 0 || bytes > CLAIM_BYTES_MAX {
            break;
        }
        let mut call = s.run_call(&SCRIPTS.claim, [].into_iter(), &[]);
        call.arg(request.worker.0.as_bytes()).arg(micros(request.lease)).arg(wanted);
        call.arg(SCRIPT_BYTES_MAX).arg(i32::from(request.queues == QueueSelection::All));
        names.iter().for_each(|name| {
            call.arg(*name);
        });
        let answer = match s.call(OPERATION, &call).await {
            Ok(answer) => answer,
            // What the scripts before took is ours: it must reach the worker.
            Err(_) if !claimed.is_empty() => break,
            Err(error) => return Err(error),
        };
        let answer = Answer::of(OPERATION, &answer);
        bytes += take(s, answer.at(0)?, &mut claimed).await?;
        if answer.at(1)?.number()? == 0 {
            break;
        }
    }
    Ok(claimed)
}

/// Takes what one script claimed, and sets aside what cannot be read. Answers how many bytes
/// of input there were.
async fn take(
    s: &RedisStorage,
    answer: Answer<'_>,
    claimed: &mut Vec<ClaimedRun>,
) -> Result<usize> {
    let mut bytes = 0;
    for (id, run) in claimed_runs(answer)? {
        match run {
            Ok(run) => {
                bytes += run.input.as_str().len();
                claimed.push(ClaimedRun { run });
            }
            Err(reason) => set_aside(s, id, &reason).await?,
        }
    }
    Ok(bytes)
}

/// The runs that a script claimed, as `take.lua` answers them.
pub(super) fn claimed_runs(answer: Answer<'_>) -> Result<Vec<(RunId, ReadRun)>> {
    let runs = answer.list()?.chunks_exact(3).map(|run| {
        let [id, state, fields] = run else { return Err(unexpected(answer.operation)) };
        let of = |value| Answer::of(answer.operation, value);
        let id = of(id).run_id()?;
        Ok((id, of(fields).claimed(id, of(state).bytes()?)?))
    });
    runs.collect()
}
