//! All that stands under the lock.

use zapjobs_model::{RunId, Timestamp};

use crate::MemoryOptions;
use crate::coordinator::NamedLeases;
use crate::definitions::DefinitionTable;
use crate::documents::DocumentTable;
use crate::keys::Keys;
use crate::links::Links;
use crate::logs::RunLogs;
use crate::runs::Runs;
use crate::schedules::ScheduleTable;
use crate::statistics::Sums;
use crate::steps::RunSteps;
use crate::workers::WorkerTable;

pub(crate) struct State {
    pub(crate) runs: Runs,
    pub(crate) links: Links,
    pub(crate) logs: RunLogs,
    pub(crate) steps: RunSteps,
    pub(crate) statistics: Sums,
    pub(crate) definitions: DefinitionTable,
    pub(crate) schedules: ScheduleTable,
    pub(crate) documents: DocumentTable,
    pub(crate) workers: WorkerTable,
    pub(crate) named_leases: NamedLeases,
    pub(crate) keys: Keys,
    runs_max: usize,
    finished_runs_max: usize,
}

/// The bound of runs that is in the way.
pub(crate) struct NoRoom {
    pub(crate) runs_max: usize,
}

impl State {
    pub(crate) fn new(options: &MemoryOptions) -> Self {
        Self {
            runs: Runs::default(),
            links: Links::default(),
            logs: RunLogs::new(options.log_entries_per_run_max),
            steps: RunSteps::default(),
            statistics: Sums::default(),
            definitions: DefinitionTable::default(),
            schedules: ScheduleTable::default(),
            documents: DocumentTable::default(),
            workers: WorkerTable::default(),
            named_leases: NamedLeases::default(),
            keys: Keys::default(),
            runs_max: options.runs_max,
            finished_runs_max: options.finished_runs_max,
        }
    }

    /// Drops the finished runs that ended first, until so many new runs have room. Drops
    /// nothing if that cannot make enough.
    pub(crate) fn make_room(&mut self, new_runs: usize) -> Result<(), NoRoom> {
        let unfinished = self.runs.len() - self.runs.indexes().finished.len();
        if unfinished + new_runs > self.runs_max {
            return Err(NoRoom { runs_max: self.runs_max });
        }
        while self.runs.len() + new_runs > self.runs_max {
            self.drop_first_finished();
        }
        Ok(())
    }

    /// Drops the finished runs that ended first, down to their bound.
    pub(crate) fn trim_finished(&mut self) {
        while self.runs.indexes().finished.len() > self.finished_runs_max {
            self.drop_first_finished();
        }
    }

    /// Drops the run that ended first, if that was before this instant.
    pub(crate) fn drop_finished_before(&mut self, instant: Timestamp) -> bool {
        let first = self.runs.indexes().finished.first();
        let gone = first.is_some_and(|(ended, _)| ended < instant);
        if gone {
            self.drop_first_finished();
        }
        gone
    }

    /// Deletes log entries of runs that ended before this instant; at most so many. Goes on
    /// behind the run whose log was deleted last.
    pub(crate) fn prune_logs(&mut self, finished_before: Timestamp, limit: usize) -> usize {
        let mut gone = 0;
        let ended = self.runs.indexes().finished.after(self.logs.pruned_until());
        for (ended, run) in ended.take_while(|(ended, _)| *ended < finished_before) {
            if gone == limit {
                break;
            }
            gone += self.logs.drop_first((ended, run), limit - gone);
        }
        gone
    }

    fn drop_first_finished(&mut self) -> Option<RunId> {
        let (_, id) = self.runs.indexes().finished.first()?;
        self.remove_run(id);
        Some(id)
    }

    /// Removes a run that has ended, and all that is kept of it.
    pub(crate) fn remove_run(&mut self, id: RunId) {
        if let Some(run) = self.runs.get(id) {
            self.keys.forget(run);
        }
        self.runs.remove(id);
        self.logs.forget(id);
        self.steps.forget(id);
    }
}
