//! Lines of held runs.
//!
//! **Invariant:** a line is kept while it holds a run, and by its number as long.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use zapjobs_model::Line;
use zapjobs_model::flow::HeldRun;

use super::{Place, held_run};

/// The number of a line, by which it is found without its name.
pub(super) type LineId = usize;

#[derive(Default)]
pub(super) struct Lines {
    by_name: BTreeMap<String, LineId>,
    lines: Vec<HeldRuns>,
    /// Numbers without a line.
    free: Vec<LineId>,
}

struct HeldRuns {
    line: Line,
    runs: BTreeSet<Place>,
}

impl Lines {
    pub(super) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    pub(super) fn get(&self, id: LineId) -> &Line {
        &self.lines[id].line
    }

    /// Takes a run into its line.
    pub(super) fn join(&mut self, line: Line, place: Place) -> LineId {
        let name = line.to_string();
        let id = match self.by_name.get(&name) {
            Some(id) => *id,
            None => self.add(name, line),
        };
        self.lines[id].runs.insert(place);
        id
    }

    fn add(&mut self, name: String, line: Line) -> LineId {
        let held = HeldRuns { line, runs: BTreeSet::new() };
        let id = match self.free.pop() {
            Some(id) => {
                self.lines[id] = held;
                id
            }
            None => {
                self.lines.push(held);
                self.lines.len() - 1
            }
        };
        self.by_name.insert(name, id);
        id
    }

    /// Takes a run out of its line.
    pub(super) fn leave(&mut self, id: LineId, place: &Place) {
        let held = &mut self.lines[id];
        held.runs.remove(place);
        if held.runs.is_empty() {
            self.by_name.remove(&held.line.to_string());
            self.free.push(id);
        }
    }

    /// Up to `limit` lines behind this name, going round.
    pub(super) fn from(&self, after: &str, limit: usize) -> Vec<LineId> {
        let behind = self.by_name.range::<str, _>((Bound::Excluded(after), Bound::Unbounded));
        let before = self.by_name.range::<str, _>((Bound::Unbounded, Bound::Included(after)));
        behind.chain(before).take(limit).map(|(_, id)| *id).collect()
    }

    /// The first runs of a line.
    pub(super) fn heads(&self, id: LineId, limit: usize) -> Vec<HeldRun> {
        self.lines[id].runs.iter().take(limit).map(held_run).collect()
    }

    /// Every line, with how many runs it holds.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&Line, u64)> {
        self.by_name.values().map(|id| &self.lines[*id]).map(|it| (&it.line, it.runs.len() as u64))
    }
}
