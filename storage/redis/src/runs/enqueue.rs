//! New runs.
//!
//! A batch is one script, for it is stored as a whole: the server does nothing else meanwhile.
//! Batches of about 1,000 cost little more for each run than larger ones.

use std::collections::HashSet;

use zapjobs_model::unique::plan::has_key;
use zapjobs_model::{BatchId, Due, NewRun};
use zapjobs_storage::{
    EnqueueResult, Result, StorageError, check_batch, check_dependencies, check_members, not_open,
    unknown_parent,
};

use super::keys;
use crate::RedisStorage;
use crate::answer::Answer;
use crate::dependencies::put_links;
use crate::error::{invalid, unexpected};
use crate::keys::lane;
use crate::record::{METADATA_BYTES_MAX, TAGS_MAX, packed_submission};
use crate::script::{Call, SCRIPTS};
use crate::storage::micros;

/// Bytes of inputs in one batch at most.
const ENQUEUE_BYTES_MAX: usize = 256 << 20;

pub(super) async fn enqueue(s: &RedisStorage, runs: &[NewRun]) -> Result<Vec<EnqueueResult>> {
    const OPERATION: &str = "enqueue runs";
    s.check_open(OPERATION)?;
    check_batch(OPERATION, runs.len())?;
    check_dependencies(OPERATION, runs)?;
    check_members(OPERATION, runs)?;
    check_bytes(OPERATION, runs)?;
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    if runs.iter().any(has_key) {
        return keys::enqueue(s, OPERATION, runs).await;
    }
    let mut results = vec![EnqueueResult::Stored; runs.len()];
    // The later of two runs with one id is a duplicate; the script is spared them.
    let mut seen = HashSet::with_capacity(runs.len());
    let sent: Vec<usize> = (0..runs.len()).filter(|at| seen.insert(runs[*at].id)).collect();
    let new = sent.iter().map(|at| &runs[*at]);
    let has_links = new.clone().any(|run| !run.after.is_empty());
    let script = if has_links { &SCRIPTS.enqueue_linked } else { &SCRIPTS.enqueue };
    let mut call = s.run_call(script, new.clone().map(|run| run.id), &[]);
    if has_links {
        put_links(&mut call, new);
    }
    for alike in sent.chunk_by(|a, b| are_alike(&runs[*a], &runs[*b])) {
        put_new_runs(OPERATION, &mut call, alike.iter().map(|at| &runs[*at]))?;
    }
    let answer = s.call(OPERATION, &call).await?;
    let answer = Answer::of(OPERATION, &answer);
    if is_refused(answer, -2)? {
        return Err(not_open(OPERATION, BatchId(answer.at(1)?.run_id()?.0)));
    }
    if has_links && is_refused(answer, -1)? {
        let run = sent.get(answer.at(1)?.count()?).ok_or_else(|| unexpected(OPERATION))?;
        return Err(unknown_parent(OPERATION, runs[*run].id, answer.at(2)?.run_id()?));
    }
    s.listeners.tell(answer.notices(1)?);
    if sent.len() < runs.len() {
        results.fill(EnqueueResult::Duplicate);
        sent.iter().for_each(|at| results[*at] = EnqueueResult::Stored);
    }
    for place in answer.at(0)?.items()? {
        let at = sent.get(place.count()?).ok_or_else(|| unexpected(OPERATION))?;
        results[*at] = EnqueueResult::Duplicate;
    }
    Ok(results)
}

/// Whether the script stored nothing, for this reason.
fn is_refused(answer: Answer<'_>, reason: i64) -> Result<bool> {
    Ok(answer.at(0)?.number().is_ok_and(|number| number == reason))
}

/// Whether two runs go to the same places of all indexes, save for their ids.
fn are_alike(a: &NewRun, b: &NewRun) -> bool {
    a.tenant == b.tenant
        && a.queue == b.queue
        && a.job_type == b.job_type
        && a.priority == b.priority
        && a.due == b.due
        && a.is_held() == b.is_held()
        && a.tags == b.tags
        && a.limit_key == b.limit_key
        && a.batch == b.batch
}

/// Puts the arguments of new runs that are alike behind a call's, as `store.lua` takes them.
pub(crate) fn put_new_runs<'a>(
    operation: &'static str,
    call: &mut Call,
    runs: impl ExactSizeIterator<Item = &'a NewRun> + Clone,
) -> Result<()> {
    let Some(first) = runs.clone().next() else { return Ok(()) };
    let (due_kind, due) = match first.due {
        Due::Now | Due::Held => ("now", 0),
        Due::In(delay) => ("in", i64::try_from(micros(delay)).unwrap_or(i64::MAX)),
        Due::At(time) => ("at", time.as_micros()),
    };
    let lane = lane(&first.tenant, &first.queue);
    call.arg(runs.len()).arg(lane).arg(first.job_type.as_str());
    call.arg(first.priority.get()).arg(due_kind).arg(due);
    let mut standing = vec![if first.is_held() { b'1' } else { b'0' }];
    standing.extend(first.batch.iter().flat_map(|batch| batch.0.as_bytes()));
    call.arg(standing);
    call.arg(first.tags.len()).arg(first.limit_key.as_ref().map_or("", |key| key.as_str()));
    first.tags.iter().for_each(|tag| {
        call.arg(tag.as_str());
    });
    for run in runs {
        let packed = packed_submission(run).ok_or_else(|| too_much(operation, run))?;
        call.arg(packed).arg(run.input.as_str());
    }
    Ok(())
}

fn too_much(operation: &'static str, run: &NewRun) -> StorageError {
    let message = format!(
        "run {} has {} labels and its metadata; {TAGS_MAX} labels and {METADATA_BYTES_MAX} bytes \
         of metadata are allowed",
        run.id,
        run.tags.len()
    );
    invalid(operation, message)
}

fn check_bytes(operation: &'static str, runs: &[NewRun]) -> Result<()> {
    let bytes: usize = runs.iter().map(|run| run.input.as_str().len()).sum();
    if bytes <= ENQUEUE_BYTES_MAX {
        return Ok(());
    }
    let message =
        format!("{bytes} bytes of inputs in one batch, {ENQUEUE_BYTES_MAX} are allowed: split it");
    Err(invalid(operation, message))
}
