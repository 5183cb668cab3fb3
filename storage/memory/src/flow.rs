//! Limits, the lines of runs that they hold, and slots.
//!
//! **Invariant:** a run stands in a line exactly while it is held by a limit, and has slots only
//! while it is pending or running: every change of a run passes [`Flow::enter`] and
//! [`Flow::leave`].

mod control;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use zapjobs_model::flow::{GateUse, HeldRun, RateState};
use zapjobs_model::{FlowLimits, Line, Priority, Run, RunId, RunStatus, Timestamp};

type Place = (Reverse<Priority>, Timestamp, RunId);

#[derive(Default)]
pub(crate) struct Flow {
    limits: FlowLimits,
    /// Held runs by the name of their line.
    lines: BTreeMap<Arc<str>, (Line, BTreeSet<Place>)>,
    /// All of them in the order of claims, with the names of their lines.
    order: BTreeMap<Place, Arc<str>>,
    /// Where each of them stands.
    held: HashMap<RunId, Place>,
    /// Admitted runs, with the gates they have a slot in.
    admitted: HashMap<RunId, Vec<Arc<str>>>,
    slots: HashMap<Arc<str>, usize>,
    /// What rates remember, and when that may be forgotten.
    rates: HashMap<String, (RateState, Timestamp)>,
    /// The line behind which the next look begins.
    looked_until: String,
}

impl Flow {
    /// Whether a run that stands so must be held instead.
    fn must_hold(&self, run: &Run) -> bool {
        run.status == RunStatus::Pending
            && !self.limits.is_empty()
            && !self.admitted.contains_key(&run.id)
            && self.limits.apply_to(&Line::of(run))
    }

    /// Whether a limit holds this run.
    pub(crate) fn holds(&self, id: RunId) -> bool {
        self.held.contains_key(&id)
    }

    /// A run stands anew: one that a limit applies to is held instead of pending, and one that
    /// a limit held and that still is held goes back to its line.
    pub(crate) fn enter(&mut self, run: &mut Run, was_in_line: bool) {
        if self.must_hold(run) || was_in_line && run.status == RunStatus::Held {
            run.status = RunStatus::Held;
            let (line, place) = (Line::of(run), place(run));
            let name = line.to_string();
            let name = match self.lines.get_key_value(name.as_str()) {
                Some((name, _)) => Arc::clone(name),
                None => name.into(),
            };
            let runs = self.lines.entry(Arc::clone(&name));
            runs.or_insert_with(|| (line, BTreeSet::new())).1.insert(place);
            self.order.insert(place, name);
            self.held.insert(run.id, place);
        }
        if !matches!(run.status, RunStatus::Pending | RunStatus::Running) {
            self.give_back(run.id);
        }
    }

    /// A run is about to stand otherwise. Answers whether a limit held it.
    pub(crate) fn leave(&mut self, id: RunId) -> bool {
        let Some(place) = self.held.remove(&id) else { return false };
        let Some(name) = self.order.remove(&place) else { return false };
        if let Some((_, runs)) = self.lines.get_mut(&name) {
            runs.remove(&place);
            if runs.is_empty() {
                self.lines.remove(&name);
            }
        }
        true
    }

    /// A run is gone.
    pub(crate) fn forget(&mut self, id: RunId) {
        self.leave(id);
        self.give_back(id);
    }

    /// Notes that a run may be pending, with a slot in these gates.
    fn note_admitted(&mut self, id: RunId, slots: Vec<Arc<str>>) {
        self.give_back(id);
        for gate in &slots {
            *self.slots.entry(Arc::clone(gate)).or_default() += 1;
        }
        self.admitted.insert(id, slots);
    }

    fn give_back(&mut self, id: RunId) {
        for gate in self.admitted.remove(&id).into_iter().flatten() {
            if let Some(in_use) = self.slots.get_mut(&gate) {
                *in_use -= 1;
                if *in_use == 0 {
                    self.slots.remove(&gate);
                }
            }
        }
    }

    fn used(&self, gate: &str) -> GateUse {
        GateUse {
            in_use: self.slots.get(gate).copied().unwrap_or(0),
            rate: self.rates.get(gate).map(|(rate, _)| rate.clone()),
        }
    }

    /// Up to `limit` lines behind the last look, going round.
    fn lines_from(&self, after: &str, limit: usize) -> Vec<Line> {
        let behind = self.lines.range::<str, _>((Bound::Excluded(after), Bound::Unbounded));
        let before = self.lines.range::<str, _>((Bound::Unbounded, Bound::Included(after)));
        behind.chain(before).take(limit).map(|(_, (line, _))| line.clone()).collect()
    }

    /// The first held runs of all lines.
    fn first_runs(&self, limit: usize) -> impl Iterator<Item = (Line, HeldRun)> {
        self.order.iter().take(limit).filter_map(|(place, name)| {
            let (line, _) = self.lines.get(name)?;
            Some((line.clone(), held_run(place)))
        })
    }

    fn heads(&self, line: &Line, limit: usize) -> Vec<HeldRun> {
        let runs = self.lines.get(line.to_string().as_str()).into_iter().flat_map(|(_, runs)| runs);
        runs.take(limit).map(held_run).collect()
    }
}

fn held_run(&(Reverse(priority), due_at, id): &Place) -> HeldRun {
    HeldRun { id, priority, due_at }
}

fn place(run: &Run) -> Place {
    (Reverse(run.priority), run.due_at, run.id)
}
