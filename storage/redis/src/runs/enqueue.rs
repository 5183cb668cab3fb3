//! New runs.
//!
//! A batch is one script, for it is stored as a whole: the server does nothing else meanwhile.
//! Batches of about 1,000 cost little more for each run than larger ones.

use zapjobs_model::{Due, NewRun, Run, Timestamp};
use zapjobs_storage::{EnqueueResult, Result};

use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::invalid;
use crate::record::fields_of_run;
use crate::script::{Call, SCRIPTS};
use crate::storage::{check_batch, micros};

/// Bytes of inputs in one batch at most.
const ENQUEUE_BYTES_MAX: usize = 256 << 20;
/// What the script sets itself.
const SET_BY_SCRIPT: [&str; 3] = ["status", "created_at", "due_at"];

pub(super) async fn enqueue(s: &RedisStorage, runs: &[NewRun]) -> Result<Vec<EnqueueResult>> {
    const OPERATION: &str = "enqueue runs";
    s.check_open(OPERATION)?;
    check_batch(OPERATION, runs.len())?;
    check_bytes(OPERATION, runs)?;
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let mut call = s.run_call(&SCRIPTS.enqueue, runs.iter().map(|run| run.id), &[]);
    for run in runs {
        put_new_run(&mut call, run);
    }
    let answer = s.call(OPERATION, &call).await?;
    let answer = Answer::of(OPERATION, &answer);
    s.listeners.tell(answer.notices(1)?);
    let results = answer.at(0)?.items()?.map(|stored| match stored.number()? {
        1 => Ok(EnqueueResult::Stored),
        _ => Ok(EnqueueResult::Duplicate),
    });
    results.collect()
}

/// Puts a new run's arguments behind a call's, as `store.lua` takes them.
pub(crate) fn put_new_run(call: &mut Call, run: &NewRun) {
    let (due_kind, due) = match run.due {
        Due::Now => ("now", 0),
        Due::In(delay) => ("in", i64::try_from(micros(delay)).unwrap_or(i64::MAX)),
        Due::At(time) => ("at", time.as_micros()),
    };
    let whole = Run::from_new(run.clone(), Timestamp::from_micros(0));
    let fields = fields_of_run(&whole).without(&SET_BY_SCRIPT);
    call.arg(run.id.to_string()).arg(run.queue.as_str()).arg(run.job_type.as_str());
    call.arg(run.priority.get()).arg(due_kind).arg(due);
    call.arg(run.tags.len()).arg(2 * fields.len());
    for tag in &run.tags {
        call.arg(tag.as_str());
    }
    for (name, value) in fields.iter() {
        call.arg(name).arg(value);
    }
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
