//! Logs of runs: each a sorted set whose members begin with the entry's place.

use async_trait::async_trait;
use redis::Value;
use zapjobs_model::{Lease, LogEntry, LogLine, RunId};
use zapjobs_storage::{
    LogPage, LogPageRequest, Logs, PruneRequest, Result, check_batch, check_page,
};

use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::describe;
use crate::record::encoded;
use crate::script::{Call, SCRIPTS};

/// Digits of a lease number or an index: so that names sort as their numbers.
const NUMBER_DIGITS: usize = 10;
/// Entries that one script appends at most.
const ENTRIES_PER_SCRIPT: usize = 500;
/// Scripts that are sent in one go at most.
const SCRIPTS_PER_PIPELINE: usize = 200;

#[async_trait]
impl Logs for RedisStorage {
    async fn append_logs(&self, entries: &[LogEntry]) -> Result<()> {
        const OPERATION: &str = "append to logs";
        self.check_open(OPERATION)?;
        check_batch(OPERATION, entries.len())?;
        let calls: Vec<Call> = entries
            .chunk_by(|a, b| a.run == b.run)
            .flat_map(|of_run| of_run.chunks(ENTRIES_PER_SCRIPT))
            .filter_map(|entries| Some(append(self, entries.first()?.run, entries)))
            .collect();
        for calls in calls.chunks(SCRIPTS_PER_PIPELINE) {
            let sent = self.link.call_all(calls).await;
            sent.map_err(|error| describe(OPERATION, &error))?;
        }
        Ok(())
    }

    async fn log_page(&self, request: LogPageRequest) -> Result<LogPage> {
        const OPERATION: &str = "read the log";
        self.check_open(OPERATION)?;
        check_page(OPERATION, request.limit)?;
        let mut command = redis::cmd("ZRANGEBYLEX");
        command.arg(self.keys.log(request.run)).arg(start(request.after)).arg("+");
        // One more than asked for tells whether there were more.
        command.arg("LIMIT").arg(0).arg(request.limit + 1);
        let answer = self.link.send(&command).await.map_err(|error| describe(OPERATION, &error))?;
        page(&request, Answer::of(OPERATION, &answer).list()?)
    }

    async fn prune_logs(&self, request: PruneRequest) -> Result<usize> {
        const OPERATION: &str = "prune logs";
        self.check_open(OPERATION)?;
        check_batch(OPERATION, request.limit)?;
        let (mut gone, mut place) = (0, Vec::new());
        while gone < request.limit {
            let mut call =
                self.run_call(&SCRIPTS.prune_logs, [].into_iter(), &[self.keys.named(PRUNED)]);
            call.arg(request.finished_before.as_micros()).arg(request.limit - gone);
            call.arg(PRUNED_PER_SCRIPT).arg(&place[..]);
            let answer = self.call(OPERATION, &call).await?;
            let answer = Answer::of(OPERATION, &answer);
            gone += answer.at(0)?.count()?;
            if answer.at(1)?.count()? < PRUNED_PER_SCRIPT {
                break;
            }
            place = answer.at(2)?.bytes()?.to_vec();
        }
        Ok(gone)
    }
}

/// Where the pruning of logs stopped.
const PRUNED: &str = "logs:pruned";
/// Runs that one script looks at, to prune their logs, at most.
const PRUNED_PER_SCRIPT: usize = 500;

/// Appends to one run's log.
fn append(s: &RedisStorage, run: RunId, entries: &[LogEntry]) -> Call {
    let mut call = Call::new(&SCRIPTS.log, 3);
    call.arg(s.keys.run(run)).arg(s.keys.log(run)).arg(s.keys.named(PRUNED));
    call.arg(s.options.log_entries_per_run_max).arg(s.options.log_ttl.as_secs());
    for entry in entries {
        call.arg(name(entry.lease, entry.index)).arg(encoded(&entry.line));
    }
    call
}

fn name(lease: Lease, index: u32) -> String {
    format!("{:0NUMBER_DIGITS$}{index:0NUMBER_DIGITS$}", lease.0)
}

/// Where a page begins: behind every member that begins with the name.
fn start(after: Option<(Lease, u32)>) -> Vec<u8> {
    let Some((lease, index)) = after else { return b"-".to_vec() };
    let mut start = format!("({}", name(lease, index)).into_bytes();
    // No text has this byte.
    start.push(0xff);
    start
}

fn page(request: &LogPageRequest, members: &[Value]) -> Result<LogPage> {
    let mut entries = Vec::with_capacity(members.len().min(request.limit));
    for member in members.iter().take(request.limit) {
        let bytes = Answer::of("read the log", member).bytes()?;
        match read_entry(request.run, bytes) {
            Some(entry) => entries.push(entry),
            None => tracing::error!(run = %request.run, "passed over an unreadable log entry"),
        }
    }
    Ok(LogPage { entries, has_more: members.len() > request.limit })
}

fn read_entry(run: RunId, member: &[u8]) -> Option<LogEntry> {
    let (name, line) = std::str::from_utf8(member).ok()?.split_at_checked(2 * NUMBER_DIGITS)?;
    let (lease, index) = name.split_at_checked(NUMBER_DIGITS)?;
    let line: LogLine = serde_json::from_str(line).ok()?;
    Some(LogEntry { run, lease: Lease(lease.parse().ok()?), index: index.parse().ok()?, line })
}
