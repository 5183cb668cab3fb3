//! Pending runs, by queue, in the order in which they are claimed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use zapjobs_model::{Priority, QueueName, Run, RunId, Timestamp};
use zapjobs_storage::QueueSelection;

/// A place in the line: the smallest goes first.
type Place = (Reverse<Priority>, Timestamp, RunId);

/// The lines. An empty one is not kept.
#[derive(Default)]
pub(crate) struct ReadyQueues(BTreeMap<QueueName, BTreeSet<Place>>);

impl ReadyQueues {
    pub(crate) fn insert(&mut self, run: &Run) {
        // Looked up first, so that the name is cloned only for a new queue.
        if let Some(line) = self.0.get_mut(&run.queue) {
            line.insert(place(run));
        } else {
            self.0.entry(run.queue.clone()).or_default().insert(place(run));
        }
    }

    pub(crate) fn remove(&mut self, run: &Run) {
        if let Some(line) = self.0.get_mut(&run.queue) {
            line.remove(&place(run));
            if line.is_empty() {
                self.0.remove(&run.queue);
            }
        }
    }

    /// The first `limit` runs of the selected queues, taken together. They stay in line.
    pub(crate) fn first(&self, queues: &QueueSelection, limit: usize) -> Vec<RunId> {
        // The head of each line with the rest of it: the least of all heads goes next.
        let mut heads: BinaryHeap<Reverse<Head<'_>>> = self
            .selected(queues)
            .into_iter()
            .filter_map(|line| Head::of(line.iter()))
            .map(Reverse)
            .collect();
        let mut ids = Vec::with_capacity(limit.min(1_024));
        while ids.len() < limit {
            let Some(Reverse(head)) = heads.pop() else { break };
            ids.push(head.place.2);
            heads.extend(Head::of(head.rest).map(Reverse));
        }
        ids
    }

    fn selected(&self, queues: &QueueSelection) -> Vec<&BTreeSet<Place>> {
        match queues {
            QueueSelection::All => self.0.values().collect(),
            QueueSelection::Only(names) => {
                let names: BTreeSet<&QueueName> = names.iter().collect();
                names.into_iter().filter_map(|name| self.0.get(name)).collect()
            }
        }
    }
}

fn place(run: &Run) -> Place {
    (Reverse(run.priority), run.due_at, run.id)
}

struct Head<'a> {
    place: &'a Place,
    rest: std::collections::btree_set::Iter<'a, Place>,
}

impl<'a> Head<'a> {
    fn of(mut line: std::collections::btree_set::Iter<'a, Place>) -> Option<Self> {
        line.next().map(|place| Self { place, rest: line })
    }
}

impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.place.cmp(other.place)
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place
    }
}

impl Eq for Head<'_> {}
