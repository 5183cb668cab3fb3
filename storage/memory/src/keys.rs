//! Keys of unique runs and of requests that may be repeated.

use std::collections::{BTreeSet, HashMap};

use zapjobs_model::unique::plan::{Known, Plan, plan};
use zapjobs_model::unique::{KeyRecord, Standing, Term};
use zapjobs_model::{NewRun, Run, RunId, RunStatus, Timestamp, UniqueKey};
use zapjobs_storage::{EnqueueResult, Result, key_taken};

use crate::runs::Runs;
use crate::storage::Work;

/// Keys that end with their time and go in one pruning at most.
const KEYS_PRUNED_MAX: usize = 10_000;

/// What is stored under each key.
#[derive(Default)]
pub(crate) struct Keys {
    records: HashMap<UniqueKey, KeyRecord>,
    /// Those that end with their time, by when.
    ending: BTreeSet<(Timestamp, UniqueKey)>,
}

impl Keys {
    fn put(&mut self, key: UniqueKey, record: KeyRecord) {
        self.remove(key);
        if let Term::Before(end) = record.term {
            self.ending.insert((end, key));
        }
        self.records.insert(key, record);
    }

    fn remove(&mut self, key: UniqueKey) {
        if let Some(KeyRecord { term: Term::Before(end), .. }) = self.records.remove(&key) {
            self.ending.remove(&(end, key));
        }
    }

    /// What is known of a key, with how its run stands.
    fn known(&self, key: UniqueKey, runs: &Runs) -> Option<Known> {
        let record = *self.records.get(&key)?;
        Some((record, runs.get(record.run).map(standing)))
    }

    /// Forgets the key that a run which is deleted took, unless another has taken it since.
    pub(crate) fn forget(&mut self, run: &Run) {
        let Some(hold) = run.unique else { return };
        let is_its_own =
            |record: &KeyRecord| record.run == run.id && matches!(record.term, Term::Until(_));
        if self.records.get(&hold.key).is_some_and(is_its_own) {
            self.remove(hold.key);
        }
    }

    /// Forgets keys whose time is over, earliest first.
    pub(crate) fn prune(&mut self, now: Timestamp) {
        let over = self.ending.iter().take_while(|(end, _)| *end <= now).take(KEYS_PRUNED_MAX);
        let over: Vec<UniqueKey> = over.map(|(_, key)| *key).collect();
        over.into_iter().for_each(|key| self.remove(key));
    }
}

fn standing(run: &Run) -> Standing {
    Standing { status: run.status, was_started: run.started_at.is_some() }
}

impl Work<'_> {
    /// Stores a batch in which runs have keys.
    pub(crate) fn enqueue_with_keys(
        &mut self,
        operation: &'static str,
        runs: &[NewRun],
    ) -> Result<Vec<EnqueueResult>> {
        let stored = &self.state.runs;
        let known = |key| self.state.keys.known(key, stored);
        let planned = plan(runs, self.now, |id| stored.get(id).is_some(), known);
        let Plan { fates, stored, changes, records } =
            planned.map_err(|taken| key_taken(operation, taken))?;
        self.make_room(operation, stored.len())?;
        stored.into_iter().for_each(|run| self.store(run));
        for (id, change) in changes {
            let now = self.now;
            if let Some(run) = self.state.runs.change(id, |run| change.apply(run, now)) {
                if run.status == RunStatus::Pending {
                    self.hints.ready(&run.queue);
                } else {
                    self.hints.scheduled();
                }
            }
        }
        for (key, record) in records {
            self.state.keys.put(key, record);
        }
        Ok(fates.into_iter().map(EnqueueResult::from).collect())
    }

    /// Takes a finished run's key again; answers who holds it, if another does.
    pub(crate) fn retake_key(&mut self, id: RunId) -> Option<RunId> {
        let hold = self.state.runs.get(id)?.unique?;
        let known = self.state.keys.known(hold.key, &self.state.runs);
        if let Some((record, standing)) = known
            && let Some(holder) = record.obstacle(id, standing, self.now)
        {
            return Some(holder);
        }
        let record = KeyRecord { run: id, term: Term::Until(hold.until), fingerprint: None };
        self.state.keys.put(hold.key, record);
        None
    }
}
