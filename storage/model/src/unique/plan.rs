//! What becomes of a batch of new runs, some of which have keys.
//!
//! **Invariant:** runs are taken one after the other, as if each were a batch of its own, so that
//! two with one key in a batch meet as two in two batches do.
//!
//! A driver reads the records of all keys of the batch in a way that nobody else can take one
//! meanwhile, asks here, and writes what is answered.

use std::collections::{BTreeMap, HashMap};

use super::{KeyRecord, OnConflict, Standing, Term, Unique, UniqueKey, UniqueScope};
use crate::{Due, Json, NewRun, Priority, Run, RunId, RunStatus, Timestamp};

/// What becomes of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is stored.
    Stored,
    /// A run with its id is stored already, or stands earlier in the batch.
    Duplicate,
    /// Not stored: this run has its key.
    Existing(RunId),
    /// Not stored: this run has its key, and what it brought.
    Replaced(RunId),
}

/// What a run that was not stored brings to the one that has its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What the job is given.
    pub input: Json,
    /// Its place in the line.
    pub priority: Priority,
    /// When it becomes ready.
    pub due: Due,
    /// After this instant it is neither started nor tried again.
    pub deadline: Option<Timestamp>,
}

impl Change {
    /// Writes it into a run that waits and was never started, at `now`.
    pub fn apply(self, run: &mut Run, now: Timestamp) {
        (run.input, run.priority, run.deadline) = (self.input, self.priority, self.deadline);
        run.due_at = self.due.instant(now);
        run.status = if run.due_at > now { RunStatus::Scheduled } else { RunStatus::Pending };
    }
}

/// What is to be written.
#[derive(Debug, Default)]
pub struct Plan {
    /// What becomes of each run, in the order of the batch.
    pub fates: Vec<Fate>,
    /// The runs to store, in their order, as later ones of the batch changed them.
    pub stored: Vec<NewRun>,
    /// Stored runs that change.
    pub changes: BTreeMap<RunId, Change>,
    /// Records of keys that were taken, in place of what is there.
    pub records: BTreeMap<UniqueKey, KeyRecord>,
}

/// An idempotency key that was used for another request: the whole batch is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the idempotency key was used for another request, whose run is {run}: use a key of its own for \
     each request"
)]
pub struct KeyTaken {
    /// The run of the other request.
    pub run: RunId,
}

/// What is known of a key before the batch: its record, and how the record's run stands, if it
/// is stored and can be read.
pub type Known = (KeyRecord, Option<Standing>);

/// Whether a run has a key at all; if none of a batch has, there is nothing to plan.
pub const fn has_key(run: &NewRun) -> bool {
    run.unique.is_some() || run.idempotency.is_some()
}

/// Every key of a batch, each once, in order.
pub fn keys_of(runs: &[NewRun]) -> Vec<UniqueKey> {
    let keys = |run: &NewRun| {
        let unique = run.unique.as_ref().map(|unique| unique.key);
        unique.into_iter().chain(run.idempotency.as_ref().map(|idempotency| idempotency.key))
    };
    let mut all: Vec<UniqueKey> = runs.iter().flat_map(keys).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// What becomes of `runs` at `now`. `is_stored` tells which ids there are, `known` what there is
/// under a key.
pub fn plan(
    runs: &[NewRun],
    now: Timestamp,
    is_stored: impl Fn(RunId) -> bool,
    known: impl Fn(UniqueKey) -> Option<Known>,
) -> Result<Plan, KeyTaken> {
    let mut planner =
        Planner { now, is_stored, known, places: HashMap::new(), plan: Plan::default() };
    for run in runs {
        let fate = planner.fate(run)?;
        planner.plan.fates.push(fate);
    }
    Ok(planner.plan)
}

struct Planner<S, K> {
    now: Timestamp,
    is_stored: S,
    known: K,
    /// Where those of this batch stand in `plan.stored`.
    places: HashMap<RunId, usize>,
    plan: Plan,
}

impl<S, K> Planner<S, K>
where
    S: Fn(RunId) -> bool,
    K: Fn(UniqueKey) -> Option<Known>,
{
    fn fate(&mut self, run: &NewRun) -> Result<Fate, KeyTaken> {
        if self.places.contains_key(&run.id) || (self.is_stored)(run.id) {
            return Ok(Fate::Duplicate);
        }
        let Some(idempotency) = &run.idempotency else { return Ok(self.by_unique(run)) };
        if let Some((record, _)) = self.holder(idempotency.key) {
            if record.fingerprint != Some(idempotency.fingerprint) {
                return Err(KeyTaken { run: record.run });
            }
            return Ok(Fate::Existing(record.run));
        }
        let fate = self.by_unique(run);
        let survivor = match fate {
            Fate::Existing(id) | Fate::Replaced(id) => id,
            Fate::Stored | Fate::Duplicate => run.id,
        };
        let term = Term::Before(self.now.plus(idempotency.window));
        let fingerprint = Some(idempotency.fingerprint);
        self.plan.records.insert(idempotency.key, KeyRecord { run: survivor, term, fingerprint });
        Ok(fate)
    }

    fn by_unique(&mut self, run: &NewRun) -> Fate {
        let Some(unique) = run.unique else { return self.store(run) };
        let Some((record, standing)) = self.holder(unique.key) else {
            self.take(run.id, unique);
            return self.store(run);
        };
        let is_replaceable = standing.is_some_and(Standing::is_replaceable);
        if unique.on_conflict == OnConflict::Keep || !is_replaceable {
            return Fate::Existing(record.run);
        }
        self.change(record.run, run);
        Fate::Replaced(record.run)
    }

    /// Who holds a key now, and how it stands.
    fn holder(&self, key: UniqueKey) -> Option<Known> {
        let known = match self.plan.records.get(&key) {
            Some(record) => Some((*record, self.standing(record.run, key))),
            None => (self.known)(key),
        };
        known.filter(|(record, standing)| record.holds(*standing, self.now))
    }

    /// How the run of a record of this batch stands: as it was stored just now, or as before.
    fn standing(&self, run: RunId, key: UniqueKey) -> Option<Standing> {
        let Some(at) = self.places.get(&run) else {
            return (self.known)(key).and_then(|(_, standing)| standing);
        };
        let is_held = self.plan.stored.get(*at).is_some_and(NewRun::is_held);
        let status = if is_held { RunStatus::Held } else { RunStatus::Pending };
        Some(Standing { status, was_started: false })
    }

    fn take(&mut self, run: RunId, unique: Unique) {
        let term = match unique.scope {
            UniqueScope::Until(until) => Term::Until(until),
            UniqueScope::For(window) => Term::Before(self.now.plus(window)),
        };
        self.plan.records.insert(unique.key, KeyRecord { run, term, fingerprint: None });
    }

    fn store(&mut self, run: &NewRun) -> Fate {
        self.places.insert(run.id, self.plan.stored.len());
        self.plan.stored.push(run.clone());
        Fate::Stored
    }

    fn change(&mut self, survivor: RunId, by: &NewRun) {
        let change = Change {
            input: by.input.clone(),
            priority: by.priority,
            due: by.due,
            deadline: by.deadline,
        };
        match self.places.get(&survivor) {
            Some(place) => {
                let run = &mut self.plan.stored[*place];
                let Change { input, priority, due, deadline } = change;
                (run.input, run.priority) = (input, priority);
                (run.due, run.deadline) = (due, deadline);
            }
            None => {
                self.plan.changes.insert(survivor, change);
            }
        }
    }
}
