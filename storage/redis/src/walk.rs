//! The ids that a listing goes through, newest first.
//!
//! Indexes in the order of ids are kept of each job type and of each label; those by status are
//! in the order in which runs are claimed, promoted or pruned. So few runs of the statuses asked
//! for are gathered and sorted here; where there are many, they are a good share of all runs,
//! and those are gone through, the job types merged.

use zapjobs_model::{RunId, RunStatus};
use zapjobs_storage::{Cursor, Result, RunFilter};

use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::describe;
use crate::queries::{Lane, LaneCount, lane_counts};

/// Ids that are read of one index at once at least.
const PART_MIN: usize = 16;
/// Runs that are gathered and sorted for one page at most.
const GATHERED_MAX: u64 = 20_000;

/// Ids in the order of a listing.
pub(crate) struct Walk<'a> {
    storage: &'a RedisStorage,
    operation: &'static str,
    source: Source,
}

enum Source {
    /// These, last first.
    Gathered(Vec<RunId>),
    /// Those of these indexes, before this one.
    Indexes { keys: Vec<Vec<u8>>, before: Option<RunId>, is_over: bool },
}

impl<'a> Walk<'a> {
    pub(crate) async fn new(
        storage: &'a RedisStorage,
        operation: &'static str,
        filter: &RunFilter,
        after: Option<Cursor>,
    ) -> Result<Self> {
        let before = after.map(|Cursor(id)| id);
        let source = match gathered(storage, operation, filter).await? {
            Some(mut ids) => {
                ids.retain(|id| before.is_none_or(|before| *id < before));
                ids.sort_unstable();
                ids.dedup();
                Source::Gathered(ids)
            }
            None => {
                let keys = indexes(storage, operation, filter).await?;
                Source::Indexes { keys, before, is_over: false }
            }
        };
        Ok(Self { storage, operation, source })
    }

    /// The next ids, up to so many; `None` at the end.
    pub(crate) async fn next(&mut self, limit: usize) -> Result<Option<Vec<RunId>>> {
        let ids = match &mut self.source {
            Source::Gathered(ids) => {
                let mut next = ids.split_off(ids.len().saturating_sub(limit));
                next.reverse();
                next
            }
            Source::Indexes { is_over: true, .. } => return Ok(None),
            Source::Indexes { keys, before, is_over } => {
                // Each index gives its share, and somewhat more.
                let share = limit.div_ceil(keys.len().max(1));
                let part = (2 * share).clamp(PART_MIN.min(limit), limit);
                let parts = read_parts(self.storage, self.operation, keys, *before, part).await?;
                let (mut ids, is_all) = merged(parts, part);
                *is_over = is_all && ids.len() <= limit;
                ids.truncate(limit);
                *before = ids.last().copied().or(*before);
                ids
            }
        };
        Ok((!ids.is_empty()).then_some(ids))
    }
}

/// The indexes in the order of ids in which all runs of a listing are.
async fn indexes(
    s: &RedisStorage,
    operation: &'static str,
    filter: &RunFilter,
) -> Result<Vec<Vec<u8>>> {
    if let Some(batch) = filter.batch {
        return Ok(vec![s.keys.members(batch)]);
    }
    if let Some(tag) = &filter.tag {
        return Ok(vec![s.keys.tag(tag).into()]);
    }
    if let Some(job_type) = &filter.job_type {
        return Ok(vec![s.keys.job_type(job_type).into()]);
    }
    let mut command = redis::cmd("SMEMBERS");
    command.arg(s.keys.named("types"));
    let answer = s.link.send(&command).await.map_err(|error| describe(operation, &error))?;
    let names = Answer::of(operation, &answer).items()?;
    names.map(|name| Ok(s.keys.named(&format!("type:{}", name.text()?)).into())).collect()
}

async fn read_parts(
    s: &RedisStorage,
    operation: &'static str,
    keys: &[Vec<u8>],
    before: Option<RunId>,
    part: usize,
) -> Result<Vec<Vec<RunId>>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut commands = redis::pipe();
    for key in keys {
        let command = commands.cmd("ZREVRANGEBYLEX").arg(key).arg(start(before)).arg("-");
        command.arg("LIMIT").arg(0).arg(part);
    }
    let answers = s.link.read(&commands).await.map_err(|error| describe(operation, &error))?;
    let ids = |answer| Answer::of(operation, answer).items()?.map(Answer::run_id).collect();
    answers.iter().map(ids).collect()
}

/// The ids of several indexes in one order, and whether these are all: only as far as each index
/// was read.
fn merged(parts: Vec<Vec<RunId>>, part: usize) -> (Vec<RunId>, bool) {
    let read_to = parts.iter().filter(|ids| ids.len() == part).filter_map(|ids| ids.last()).max();
    let read_to = read_to.copied();
    let mut ids: Vec<RunId> = parts.into_iter().flatten().collect();
    ids.retain(|id| read_to.is_none_or(|read_to| *id >= read_to));
    ids.sort_unstable_by(|a, b| b.cmp(a));
    (ids, read_to.is_none())
}

/// Where a part of an index begins, going down.
fn start(before: Option<RunId>) -> Vec<u8> {
    match before {
        Some(id) => [b"(", &id.0.as_bytes()[..]].concat(),
        None => b"+".to_vec(),
    }
}

/// All runs of the statuses asked for, in any order, where they are few; `None` where they are
/// many or no status is asked for.
async fn gathered(
    s: &RedisStorage,
    operation: &'static str,
    filter: &RunFilter,
) -> Result<Option<Vec<RunId>>> {
    if filter.statuses.is_empty() || filter.batch.is_some() {
        return Ok(None);
    }
    let counts = lane_counts(s, operation).await?;
    let is_asked = |status: RunStatus| {
        // Both wait for their time in one index.
        filter
            .statuses
            .iter()
            .any(|asked| *asked == status || asked.is_delayed() && status.is_delayed())
    };
    // Only pending runs have an index for each lane.
    let is_found = |count: &&LaneCount| {
        let is_elsewhere = count.status == RunStatus::Pending && !count.lane.is_taken(filter);
        is_asked(count.status) && !is_elsewhere
    };
    let found = counts.iter().filter(is_found);
    if found.clone().map(|count| count.count).sum::<u64>() > GATHERED_MAX {
        return Ok(None);
    }
    let mut keys: Vec<String> = found.map(|count| index(s, &count.lane, count.status)).collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let mut commands = redis::pipe();
    for key in &keys {
        // More may have come since they were counted.
        commands.cmd("ZRANGE").arg(key).arg(0).arg(2 * GATHERED_MAX);
    }
    let answers = s.link.read(&commands).await.map_err(|error| describe(operation, &error))?;
    let mut ids = Vec::new();
    for answer in &answers {
        for member in Answer::of(operation, answer).items()? {
            ids.push(member.ending_run_id()?);
        }
    }
    Ok(Some(ids))
}

/// Where the runs of a lane and a status are found, maybe with others.
fn index(s: &RedisStorage, lane: &Lane, status: RunStatus) -> String {
    match status {
        RunStatus::Pending => s.keys.pending(&lane.tenant, &lane.queue),
        RunStatus::Scheduled | RunStatus::AwaitingRetry => s.keys.named("delayed"),
        RunStatus::Running => s.keys.named("running"),
        RunStatus::Held => s.keys.named("held"),
        RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled => s.keys.ended(status),
    }
}
