//! Limits, the lines of runs that they hold, and slots.
//!
//! **Invariant:** a run stands in a line exactly while it is held by a limit, and has slots only
//! while it is pending or running: every change of a run passes [`Flow::enter`] and
//! [`Flow::leave`].

mod control;
mod lines;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use zapjobs_model::flow::{GateUse, HeldRun, RateState};
use zapjobs_model::{FlowLimits, Line, Priority, Run, RunId, RunStatus, Timestamp};

use self::lines::{LineId, Lines};

type Place = (Reverse<Priority>, Timestamp, RunId);

#[derive(Default)]
pub(crate) struct Flow {
    /// Shared with looks, which change what is held meanwhile.
    limits: Arc<FlowLimits>,
    lines: Lines,
    /// The held runs of all lines in the order of claims.
    order: BTreeMap<Place, LineId>,
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
    pub(crate) fn holds(&self, run: &Run) -> bool {
        run.status == RunStatus::Held && self.order.contains_key(&place(run))
    }

    /// A run stands anew: one that a limit applies to is held instead of pending, and one that
    /// a limit held and that still is held goes back to its line.
    pub(crate) fn enter(&mut self, run: &mut Run, was_in_line: bool) {
        if self.must_hold(run) || was_in_line && run.status == RunStatus::Held {
            run.status = RunStatus::Held;
            let place = place(run);
            self.order.insert(place, self.lines.join(Line::of(run), place));
        }
        if !matches!(run.status, RunStatus::Pending | RunStatus::Running) {
            self.give_back(run.id);
        }
    }

    /// A run is about to stand otherwise. Answers whether a limit held it.
    pub(crate) fn leave(&mut self, run: &Run) -> bool {
        // Runs that wait for others are held too, and stand in no line.
        if run.status != RunStatus::Held {
            return false;
        }
        let place = place(run);
        let Some(line) = self.order.remove(&place) else { return false };
        self.lines.leave(line, &place);
        true
    }

    /// A run is gone.
    pub(crate) fn forget(&mut self, run: &Run) {
        self.leave(run);
        self.give_back(run.id);
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

    /// The first held runs of all lines.
    fn first_runs(&self, limit: usize) -> impl Iterator<Item = (LineId, HeldRun)> {
        self.order.iter().take(limit).map(|(place, line)| (*line, held_run(place)))
    }
}

fn held_run(&(Reverse(priority), due_at, id): &Place) -> HeldRun {
    HeldRun { id, priority, due_at }
}

fn place(run: &Run) -> Place {
    (Reverse(run.priority), run.due_at, run.id)
}
