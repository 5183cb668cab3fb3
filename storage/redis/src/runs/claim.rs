//! Runs for a worker.
//!
//! The cost depends on the number of lanes (queues of tenants with pending runs) and of runs
//! taken, and not on how many wait. Where tenants have shares, only their lanes are looked at.

use zapjobs_model::RunId;
use zapjobs_storage::{ClaimRequest, ClaimedRun, QueueSelection, Result, check_claim};

use super::RUNS_PER_SCRIPT;
use super::shares::Shares;
use crate::RedisStorage;
use crate::answer::{Answer, ReadRun};
use crate::error::unexpected;
use crate::quarantine::set_aside;
use crate::script::{Call, SCRIPTS};
use crate::storage::micros;

/// Bytes of inputs that one script answers, about; the run that crosses it is the last.
const SCRIPT_BYTES_MAX: usize = 8 << 20;
/// Bytes of inputs in one answer, about.
const CLAIM_BYTES_MAX: usize = 64 << 20;
/// Scripts in one claim at most, those that replace unreadable runs included.
const ROUNDS_MAX: usize = 1_000;

pub(super) async fn claim(s: &RedisStorage, request: &ClaimRequest) -> Result<Vec<ClaimedRun>> {
    const OPERATION: &str = "claim runs";
    s.check_open(OPERATION)?;
    check_claim(OPERATION, request)?;
    if request.queues == QueueSelection::Only(Vec::new()) {
        return Ok(Vec::new());
    }
    let mut shares = Shares::of(&request.tenants);
    let mut claimed = Vec::with_capacity(request.limit.min(1_000));
    let mut bytes = 0;
    for _ in 0..ROUNDS_MAX {
        let wanted = (request.limit - claimed.len()).min(RUNS_PER_SCRIPT);
        if wanted == 0 || bytes > CLAIM_BYTES_MAX || shares.are_used_up() {
            break;
        }
        let answer = match s.call(OPERATION, &call(s, request, &shares, wanted)).await {
            Ok(answer) => answer,
            // What the scripts before took is ours: it must reach the worker.
            Err(_) if !claimed.is_empty() => break,
            Err(error) => return Err(error),
        };
        let answer = Answer::of(OPERATION, &answer);
        let taken = take(s, answer.at(0)?).await?;
        bytes += taken.bytes;
        shares.note(&taken.runs);
        claimed.extend(taken.runs);
        // A share of which something was set aside is filled up.
        let is_short = taken.set_aside > 0 && shares.are_there();
        if answer.at(1)?.number()? == 0 && !is_short {
            break;
        }
    }
    shares.sort(&mut claimed);
    Ok(claimed)
}

fn call(s: &RedisStorage, request: &ClaimRequest, shares: &Shares, wanted: usize) -> Call {
    let mut call = s.run_call(&SCRIPTS.claim, [].into_iter(), &[]);
    call.arg(request.worker.0.as_bytes()).arg(micros(request.lease)).arg(wanted);
    call.arg(SCRIPT_BYTES_MAX);
    match &request.queues {
        QueueSelection::All => {
            call.arg("");
        }
        QueueSelection::Only(names) => {
            call.arg(names.len());
            names.iter().for_each(|name| {
                call.arg(name.as_str());
            });
        }
    }
    for share in shares.left() {
        call.arg(share.tenant.as_str()).arg(share.limit);
    }
    call
}

/// What one script claimed.
#[derive(Default)]
struct Taken {
    runs: Vec<ClaimedRun>,
    /// Of their inputs.
    bytes: usize,
    set_aside: usize,
}

/// Takes what one script claimed, and sets aside what cannot be read.
async fn take(s: &RedisStorage, answer: Answer<'_>) -> Result<Taken> {
    let mut taken = Taken::default();
    for (id, run) in claimed_runs(answer)? {
        match run {
            Ok(run) => {
                taken.bytes += run.input.as_str().len();
                taken.runs.push(ClaimedRun { run });
            }
            Err(reason) => {
                taken.set_aside += 1;
                set_aside(s, id, &reason).await?;
            }
        }
    }
    Ok(taken)
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
