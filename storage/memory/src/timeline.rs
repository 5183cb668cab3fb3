//! Runs in the order of an instant: when they are due, when their lease ends, when they ended.

use std::collections::BTreeSet;
use std::ops::Bound;

use zapjobs_model::{RunId, Timestamp};

/// Runs by an instant, then by id.
#[derive(Default)]
pub(crate) struct Timeline(BTreeSet<(Timestamp, RunId)>);

impl Timeline {
    pub(crate) fn insert(&mut self, at: Timestamp, id: RunId) {
        self.0.insert((at, id));
    }

    pub(crate) fn remove(&mut self, at: Timestamp, id: RunId) {
        self.0.remove(&(at, id));
    }

    pub(crate) fn first(&self) -> Option<(Timestamp, RunId)> {
        self.0.first().copied()
    }

    /// The runs whose instant is not after `now`, earliest first.
    pub(crate) fn until(&self, now: Timestamp) -> impl Iterator<Item = RunId> {
        self.0.iter().take_while(move |(at, _)| *at <= now).map(|(_, id)| *id)
    }

    /// The runs behind this place, or all, earliest first.
    pub(crate) fn after(
        &self,
        place: Option<(Timestamp, RunId)>,
    ) -> impl Iterator<Item = (Timestamp, RunId)> {
        let start = place.map_or(Bound::Unbounded, Bound::Excluded);
        self.0.range((start, Bound::Unbounded)).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
