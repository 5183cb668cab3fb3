//! Logs of runs, each bounded: the oldest entries go first.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use async_trait::async_trait;
use zapjobs_model::{Lease, LogEntry, LogLine, RunId, Timestamp};
use zapjobs_storage::{
    LogPage, LogPageRequest, Logs, PruneRequest, Result, check_batch, check_page,
};

use crate::MemoryStorage;

type Log = BTreeMap<(Lease, u32), LogLine>;

pub(crate) struct RunLogs {
    by_run: HashMap<RunId, Log>,
    entries_per_run_max: usize,
    /// The last run that `prune_logs` left without a log: when it ended, and which.
    pruned_until: Option<(Timestamp, RunId)>,
}

impl RunLogs {
    pub(crate) fn new(entries_per_run_max: usize) -> Self {
        Self { by_run: HashMap::new(), entries_per_run_max, pruned_until: None }
    }

    /// Deletes a run's log.
    pub(crate) fn forget(&mut self, run: RunId) {
        self.by_run.remove(&run);
    }

    /// Where the next `prune_logs` goes on: behind this run.
    pub(crate) fn pruned_until(&self) -> Option<(Timestamp, RunId)> {
        self.pruned_until
    }

    /// Deletes the oldest entries of an ended run, at most so many. Answers how many went, and
    /// notes the run's place once it has none left.
    pub(crate) fn drop_first(&mut self, place: (Timestamp, RunId), limit: usize) -> usize {
        let log = self.by_run.entry(place.1).or_default();
        let gone = (0..limit).map_while(|_| log.pop_first()).count();
        if log.is_empty() {
            self.forget(place.1);
            self.pruned_until = Some(place);
        }
        gone
    }

    fn append(&mut self, entry: &LogEntry) {
        let log = self.by_run.entry(entry.run).or_default();
        log.entry((entry.lease, entry.index)).or_insert_with(|| entry.line.clone());
        if log.len() > self.entries_per_run_max {
            log.pop_first();
        }
    }

    fn page(&self, request: LogPageRequest) -> LogPage {
        let start = request.after.map_or(Bound::Unbounded, Bound::Excluded);
        let log = self.by_run.get(&request.run);
        let mut lines = log.into_iter().flat_map(|log| log.range((start, Bound::Unbounded)));
        let entry = |(&(lease, index), line): (&(Lease, u32), &LogLine)| LogEntry {
            run: request.run,
            lease,
            index,
            line: line.clone(),
        };
        let entries = lines.by_ref().take(request.limit).map(entry).collect();
        LogPage { entries, has_more: lines.next().is_some() }
    }
}

#[async_trait]
impl Logs for MemoryStorage {
    async fn append_logs(&self, entries: &[LogEntry]) -> Result<()> {
        const OPERATION: &str = "append to logs";
        check_batch(OPERATION, entries.len())?;
        self.work(OPERATION, |work| {
            // A log without its run would never be pruned.
            let known = entries.iter().filter(|entry| work.state.runs.get(entry.run).is_some());
            known.for_each(|entry| work.state.logs.append(entry));
            Ok(())
        })
    }

    async fn log_page(&self, request: LogPageRequest) -> Result<LogPage> {
        const OPERATION: &str = "read the log";
        check_page(OPERATION, request.limit)?;
        self.work(OPERATION, |work| Ok(work.state.logs.page(request)))
    }

    async fn prune_logs(&self, request: PruneRequest) -> Result<usize> {
        const OPERATION: &str = "prune logs";
        check_batch(OPERATION, request.limit)?;
        self.work(OPERATION, |work| {
            Ok(work.state.prune_logs(request.finished_before, request.limit))
        })
    }
}
