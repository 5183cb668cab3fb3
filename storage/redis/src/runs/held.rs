//! Runs that are being executed: their leases, their progress, whether they should stop.

use std::time::Duration;

use zapjobs_model::LeaseKey;
use zapjobs_storage::{LeaseState, ProgressUpdate, Result, check_batch};

use super::RUNS_PER_SCRIPT;
use crate::RedisStorage;
use crate::answer::Answer;
use crate::record::encoded;
use crate::script::SCRIPTS;
use crate::storage::micros;

pub(super) async fn renew(
    s: &RedisStorage,
    keys: &[LeaseKey],
    lease: Duration,
) -> Result<Vec<LeaseState>> {
    const OPERATION: &str = "renew leases";
    s.check_open(OPERATION)?;
    check_batch(OPERATION, keys.len())?;
    let mut states = Vec::with_capacity(keys.len());
    for keys in keys.chunks(RUNS_PER_SCRIPT) {
        let mut call = s.run_call(&SCRIPTS.renew, keys.iter().map(|key| key.run), &[]);
        call.arg(micros(lease));
        keys.iter().for_each(|key| {
            call.arg(&key.lease.0.to_be_bytes());
        });
        let answer = s.call(OPERATION, &call).await?;
        for state in Answer::of(OPERATION, &answer).items()? {
            states.push(match state.number()? {
                0 => LeaseState::Lost,
                state => LeaseState::Held { cancel_requested: state == 2 },
            });
        }
    }
    Ok(states)
}

pub(super) async fn cancel_requests(s: &RedisStorage, keys: &[LeaseKey]) -> Result<Vec<LeaseKey>> {
    const OPERATION: &str = "look for cancellations";
    s.check_open(OPERATION)?;
    check_batch(OPERATION, keys.len())?;
    let mut asked = Vec::new();
    for keys in keys.chunks(RUNS_PER_SCRIPT) {
        let mut call = s.run_call(&SCRIPTS.asked, keys.iter().map(|key| key.run), &[]);
        keys.iter().for_each(|key| {
            call.arg(&key.lease.0.to_be_bytes());
        });
        let answer = s.call(OPERATION, &call).await?;
        for (key, is_asked) in keys.iter().zip(Answer::of(OPERATION, &answer).items()?) {
            if is_asked.number()? == 1 {
                asked.push(*key);
            }
        }
    }
    Ok(asked)
}

pub(super) async fn report_progress(s: &RedisStorage, updates: &[ProgressUpdate]) -> Result<()> {
    const OPERATION: &str = "report progress";
    s.check_open(OPERATION)?;
    check_batch(OPERATION, updates.len())?;
    for updates in updates.chunks(RUNS_PER_SCRIPT) {
        let mut call = s.run_call(&SCRIPTS.progress, updates.iter().map(|u| u.key.run), &[]);
        for update in updates {
            call.arg(&update.key.lease.0.to_be_bytes());
            call.arg(update.progress.as_ref().map(encoded).unwrap_or_default());
            call.arg(update.counts.as_ref().map(encoded).unwrap_or_default());
        }
        s.call(OPERATION, &call).await?;
    }
    Ok(())
}
