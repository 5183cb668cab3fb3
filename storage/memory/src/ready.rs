//! Pending runs, by tenant and queue, in the order in which they are claimed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::ops::Bound;

use zapjobs_model::{Priority, QueueName, Run, RunId, TenantId, Timestamp};
use zapjobs_storage::{QueueSelection, TenantSelection};

/// A place in the line: the smallest goes first.
type Place = (Reverse<Priority>, Timestamp, RunId);
/// The line of one tenant and queue.
type Lane = BTreeSet<Place>;
/// The lanes of one tenant.
type Lanes = BTreeMap<QueueName, Lane>;

/// The lanes. An empty one is not kept, nor is a tenant without any.
#[derive(Default)]
pub(crate) struct ReadyLanes(BTreeMap<TenantId, Lanes>);

impl ReadyLanes {
    pub(crate) fn insert(&mut self, run: &Run) {
        // Looked up first, so that names are cloned only for a new lane.
        if let Some(lane) = self.0.get_mut(&run.tenant).and_then(|it| it.get_mut(&run.queue)) {
            lane.insert(place(run));
        } else {
            let lanes = self.0.entry(run.tenant.clone()).or_default();
            lanes.entry(run.queue.clone()).or_default().insert(place(run));
        }
    }

    pub(crate) fn remove(&mut self, run: &Run) {
        let Some(lanes) = self.0.get_mut(&run.tenant) else { return };
        if let Some(lane) = lanes.get_mut(&run.queue) {
            lane.remove(&place(run));
            if lane.is_empty() {
                lanes.remove(&run.queue);
            }
        }
        if lanes.is_empty() {
            self.0.remove(&run.tenant);
        }
    }

    /// The first `limit` runs of the selected queues and tenants. They stay in line.
    pub(crate) fn first(
        &self,
        queues: &QueueSelection,
        tenants: &TenantSelection,
        limit: usize,
    ) -> Vec<RunId> {
        let mut ids = Vec::with_capacity(limit.min(1_024));
        match tenants {
            TenantSelection::All => {
                let lanes = self.0.values().flat_map(|lanes| selected(lanes, queues));
                merge(lanes, limit, &mut ids);
            }
            TenantSelection::Shares(shares) => {
                for share in shares {
                    let lanes = self.0.get(&share.tenant);
                    let lanes = lanes.into_iter().flat_map(|lanes| selected(lanes, queues));
                    merge(lanes, share.limit.min(limit - ids.len()), &mut ids);
                }
            }
        }
        ids
    }

    /// Priority, due time and id of each run of the selected queues.
    pub(crate) fn places(
        &self,
        queues: &QueueSelection,
    ) -> impl Iterator<Item = (Priority, Timestamp, RunId)> {
        let lanes = self.0.values().flat_map(|lanes| selected(lanes, queues));
        lanes.flatten().map(|(Reverse(priority), due_at, id)| (*priority, *due_at, *id))
    }

    /// Tenants with a run in one of the selected queues, in the order of their names.
    pub(crate) fn tenants(
        &self,
        queues: &QueueSelection,
        after: Option<&TenantId>,
        limit: usize,
    ) -> Vec<TenantId> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let behind = self.0.range::<TenantId, _>((start, Bound::Unbounded));
        let ready = behind.filter(|(_, lanes)| match queues {
            QueueSelection::All => true,
            QueueSelection::Only(names) => names.iter().any(|name| lanes.contains_key(name)),
        });
        ready.take(limit).map(|(tenant, _)| tenant.clone()).collect()
    }
}

/// The selected lanes of a tenant, each once.
fn selected<'a>(lanes: &'a Lanes, queues: &QueueSelection) -> Vec<&'a Lane> {
    match queues {
        QueueSelection::All => lanes.values().collect(),
        QueueSelection::Only(names) => {
            let names: BTreeSet<&QueueName> = names.iter().collect();
            names.into_iter().filter_map(|name| lanes.get(name)).collect()
        }
    }
}

/// Adds the first `limit` runs of these lanes, taken together.
fn merge<'a>(lanes: impl Iterator<Item = &'a Lane>, limit: usize, ids: &mut Vec<RunId>) {
    // The head of each lane with the rest of it: the least of all heads goes next.
    let mut heads: BinaryHeap<Reverse<Head<'_>>> =
        lanes.filter_map(|lane| Head::of(lane.iter())).map(Reverse).collect();
    for _ in 0..limit {
        let Some(Reverse(head)) = heads.pop() else { break };
        ids.push(head.place.2);
        heads.extend(Head::of(head.rest).map(Reverse));
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
    fn of(mut lane: std::collections::btree_set::Iter<'a, Place>) -> Option<Self> {
        lane.next().map(|place| Self { place, rest: lane })
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
