//! What hosts do from time to time: promote, find expired leases, prune.

use zapjobs_model::{Run, RunId, RunStatus, Timestamp};
use zapjobs_storage::{BATCH_MAX, Promoted, PruneRequest, Result, check_batch};

use super::RUNS_PER_SCRIPT;
use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::unexpected;
use crate::quarantine::set_aside;
use crate::read::{Detail, read_runs};
use crate::script::SCRIPTS;

pub(super) async fn promote(s: &RedisStorage, limit: usize) -> Result<Promoted> {
    const OPERATION: &str = "promote runs";
    let limit = limit.min(BATCH_MAX);
    let mut promoted = Promoted::default();
    loop {
        let wanted = (limit - promoted.count).min(RUNS_PER_SCRIPT);
        let mut call = s.run_call(&SCRIPTS.promote, [].into_iter(), &[]);
        call.arg(wanted);
        let answer = s.call(OPERATION, &call).await?;
        let answer = Answer::of(OPERATION, &answer);
        s.listeners.tell(answer.notices(3)?);
        promoted.count += answer.at(0)?.count()?;
        promoted.next_due = match answer.at(2)?.text()? {
            "" => None,
            due => {
                let due = due.parse().map_err(|_| unexpected(OPERATION))?;
                Some(Timestamp::from_micros(due))
            }
        };
        if answer.at(1)?.count()? < wanted || promoted.count >= limit {
            return Ok(promoted);
        }
    }
}

pub(super) async fn expired(s: &RedisStorage, limit: usize) -> Result<Vec<Run>> {
    const OPERATION: &str = "list expired leases";
    let limit = limit.min(BATCH_MAX);
    let mut runs = Vec::new();
    let mut passed = 0;
    while runs.len() < limit {
        let wanted = (limit - runs.len()).min(RUNS_PER_SCRIPT);
        let mut call = s.run_call(&SCRIPTS.expired, [].into_iter(), &[]);
        call.arg(passed).arg(wanted);
        let answer = s.call(OPERATION, &call).await?;
        let ids: Vec<RunId> =
            Answer::of(OPERATION, &answer).items()?.map(Answer::run_id).collect::<Result<_>>()?;
        for (id, run) in ids.iter().zip(read_runs(s, OPERATION, &ids, Detail::Whole).await?) {
            match run {
                // Set aside, it leaves the index: the next look starts one place earlier.
                Some(Err(reason)) => set_aside(s, *id, &reason).await?,
                run => {
                    passed += 1;
                    let run = run.and_then(std::result::Result::ok);
                    runs.extend(run.filter(|run| run.status == RunStatus::Running));
                }
            }
        }
        if ids.len() < wanted {
            break;
        }
    }
    Ok(runs)
}

pub(super) async fn prune(s: &RedisStorage, request: PruneRequest) -> Result<usize> {
    const OPERATION: &str = "prune runs";
    s.check_open(OPERATION)?;
    check_batch(OPERATION, request.limit)?;
    let mut deleted = 0;
    while deleted < request.limit {
        let wanted = (request.limit - deleted).min(RUNS_PER_SCRIPT);
        let mut call = s.run_call(&SCRIPTS.prune, [].into_iter(), &[]);
        call.arg(request.finished_before.as_micros()).arg(wanted);
        let answer = s.call(OPERATION, &call).await?;
        let answer = Answer::of(OPERATION, &answer);
        deleted += answer.at(0)?.count()?;
        if answer.at(1)?.count()? < wanted {
            break;
        }
    }
    Ok(deleted)
}
