//! Runs by their ids, a bounded number of bytes at a time.

use redis::Value;
use zapjobs_model::RunId;
use zapjobs_storage::Result;

use crate::RedisStorage;
use crate::answer::{Answer, ReadRun};
use crate::script::{Call, SCRIPTS};

/// Bytes that one script answers, about; the run that crosses it is the last.
const READ_BYTES_MAX: usize = 8 << 20;
/// Runs that one script reads at most.
const READ_RUNS_MAX: usize = 500;

/// How much of a run is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// All.
    Whole,
    /// All but input and output, which stand as `null`.
    WithoutTexts,
}

/// The runs with these ids, in their order; `None` where there is none.
pub(crate) async fn read_runs(
    s: &RedisStorage,
    operation: &'static str,
    ids: &[RunId],
    detail: Detail,
) -> Result<Vec<Option<ReadRun>>> {
    let mut runs = Vec::with_capacity(ids.len());
    while let Some(rest) = ids.get(runs.len()..).filter(|rest| !rest.is_empty()) {
        let rest = &rest[..rest.len().min(READ_RUNS_MAX)];
        let mut call = Call::new(&SCRIPTS.read, rest.len());
        rest.iter().for_each(|id| {
            call.arg(s.keys.run(*id));
        });
        call.arg(READ_BYTES_MAX).arg(i32::from(detail == Detail::WithoutTexts));
        let answer: Value = s.call(operation, &call).await?;
        let answers = Answer::of(operation, &answer).list()?;
        if answers.is_empty() {
            return Err(crate::error::unexpected(operation));
        }
        for (id, fields) in rest.iter().zip(answers) {
            runs.push(Answer::of(operation, fields).run(*id)?);
        }
    }
    Ok(runs)
}
