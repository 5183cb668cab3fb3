//! The runs, and every index over them.
//!
//! **Invariant:** a run is indexed as its status calls for. [`Runs::insert`], [`Runs::change`]
//! and [`Runs::remove`] are the only ways in, on and out.

use std::collections::BTreeMap;
use std::ops::Bound;

use zapjobs_model::{LeaseKey, Run, RunId, RunStatus, Timestamp};

use crate::batches::BatchTable;
use crate::flow::Flow;
use crate::ready::ReadyLanes;
use crate::tally::Tally;
use crate::timeline::Timeline;

#[derive(Default)]
pub(crate) struct Runs {
    /// Boxed, so that the tree moves pointers when it grows.
    by_id: BTreeMap<RunId, Box<Run>>,
    indexes: Indexes,
    flow: Flow,
    batches: BatchTable,
}

/// Where to find runs by how they stand.
#[derive(Default)]
pub(crate) struct Indexes {
    /// Pending runs, in the order of claims.
    pub(crate) ready: ReadyLanes,
    /// Runs that wait for their time, by when they are due.
    pub(crate) delayed: Timeline,
    /// Running runs, by when their lease ends.
    pub(crate) leased: Timeline,
    /// Final runs, by when they ended.
    pub(crate) finished: Timeline,
    /// How many stand where.
    pub(crate) tally: Tally,
}

impl Runs {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn indexes(&self) -> &Indexes {
        &self.indexes
    }

    /// Limits, and what they hold.
    pub(crate) fn flow(&self) -> &Flow {
        &self.flow
    }

    /// The same, for changes of limits and admissions.
    pub(crate) fn flow_mut(&mut self) -> &mut Flow {
        &mut self.flow
    }

    /// Batches, with counts of the runs.
    pub(crate) fn batches(&self) -> &BatchTable {
        &self.batches
    }

    /// The same, to change them.
    pub(crate) fn batches_mut(&mut self) -> &mut BatchTable {
        &mut self.batches
    }

    pub(crate) fn get(&self, id: RunId) -> Option<&Run> {
        self.by_id.get(&id).map(Box::as_ref)
    }

    /// The run, if it is running under this very claim.
    pub(crate) fn held(&self, key: LeaseKey) -> Option<&Run> {
        self.get(key.run).filter(|run| is_held(run, key))
    }

    /// All runs before this id, or all, greatest id first.
    pub(crate) fn newest_first(&self, before: Option<RunId>) -> impl Iterator<Item = &Run> {
        let end = before.map_or(Bound::Unbounded, Bound::Excluded);
        self.by_id.range((Bound::Unbounded, end)).rev().map(|(_, run)| run.as_ref())
    }

    /// Takes a run that is not there yet.
    pub(crate) fn insert(&mut self, mut run: Run) {
        self.flow.enter(&mut run, false);
        self.batches.added(&run);
        self.indexes.insert(&run);
        self.by_id.insert(run.id, Box::new(run));
    }

    /// Changes a run and answers how it then stands; `None` if there is none.
    pub(crate) fn change(&mut self, id: RunId, change: impl FnOnce(&mut Run)) -> Option<&Run> {
        let run = self.by_id.get_mut(&id)?;
        self.indexes.remove(run);
        let was_in_line = self.flow.leave(run);
        let before = run.status;
        change(run);
        self.flow.enter(run, was_in_line);
        self.batches.shifted(run, before);
        self.indexes.insert(run);
        Some(run)
    }

    /// Changes a run that is running under this very claim.
    pub(crate) fn change_held(
        &mut self,
        key: LeaseKey,
        change: impl FnOnce(&mut Run),
    ) -> Option<&Run> {
        self.held(key)?;
        self.change(key.run, change)
    }

    pub(crate) fn remove(&mut self, id: RunId) {
        if let Some(run) = self.by_id.remove(&id) {
            self.indexes.remove(&run);
            self.flow.forget(&run);
        }
    }
}

impl Indexes {
    fn insert(&mut self, run: &Run) {
        self.tally.insert(run);
        match run.status {
            RunStatus::Pending => self.ready.insert(run),
            RunStatus::Scheduled | RunStatus::AwaitingRetry => {
                self.delayed.insert(run.due_at, run.id);
            }
            RunStatus::Running => self.leased.insert(lease_end(run), run.id),
            // Found by those alone who know of it.
            RunStatus::Held => {}
            RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled => {
                self.finished.insert(end(run), run.id);
            }
        }
    }

    fn remove(&mut self, run: &Run) {
        self.tally.remove(run);
        match run.status {
            RunStatus::Pending => self.ready.remove(run),
            RunStatus::Scheduled | RunStatus::AwaitingRetry => {
                self.delayed.remove(run.due_at, run.id);
            }
            RunStatus::Running => self.leased.remove(lease_end(run), run.id),
            RunStatus::Held => {}
            RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled => {
                self.finished.remove(end(run), run.id);
            }
        }
    }
}

fn lease_end(run: &Run) -> Timestamp {
    run.lease_expires_at.expect("a claim sets the end of its lease")
}

fn end(run: &Run) -> Timestamp {
    run.finished_at.expect("whatever ends a run sets when")
}

fn is_held(run: &Run, key: LeaseKey) -> bool {
    run.status == RunStatus::Running && run.lease == key.lease
}
