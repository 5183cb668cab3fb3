//! How many runs stand where, kept as they move.

use std::collections::BTreeMap;

use zapjobs_model::{QueueName, Run};
use zapjobs_storage::{Counts, QueueCounts};

/// Counts by queue. A queue without runs is not kept.
#[derive(Default)]
pub(crate) struct Tally(BTreeMap<QueueName, Counts>);

impl Tally {
    pub(crate) fn insert(&mut self, run: &Run) {
        // Looked up first, so that the name is cloned only for a new queue.
        if let Some(counts) = self.0.get_mut(&run.queue) {
            *counts.of_mut(run.status) += 1;
        } else {
            let counts = self.0.entry(run.queue.clone()).or_default();
            *counts.of_mut(run.status) += 1;
        }
    }

    pub(crate) fn remove(&mut self, run: &Run) {
        let counts = self.0.get_mut(&run.queue).expect("a stored run was counted");
        *counts.of_mut(run.status) -= 1;
        if *counts == Counts::default() {
            self.0.remove(&run.queue);
        }
    }

    pub(crate) fn of_all(&self) -> Counts {
        let mut sum = Counts::default();
        for counts in self.0.values() {
            for status in zapjobs_model::RunStatus::ALL {
                *sum.of_mut(status) += counts.of(status);
            }
        }
        sum
    }

    pub(crate) fn by_queue(&self) -> Vec<QueueCounts> {
        let rows = self.0.iter();
        rows.map(|(queue, counts)| QueueCounts { queue: queue.clone(), counts: *counts }).collect()
    }
}
