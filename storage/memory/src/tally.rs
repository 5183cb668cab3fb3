//! How many runs stand where, kept as they move.

use std::collections::BTreeMap;

use zapjobs_model::{QueueName, Run, RunStatus, TenantId};
use zapjobs_storage::{Counts, QueueCounts};

/// Counts by queue, and of each tenant those that wait. What has no runs is not kept.
#[derive(Default)]
pub(crate) struct Tally {
    queues: BTreeMap<QueueName, Counts>,
    waiting: BTreeMap<TenantId, u64>,
}

impl Tally {
    pub(crate) fn insert(&mut self, run: &Run) {
        // Looked up first, so that names are cloned only where they are new.
        if let Some(counts) = self.queues.get_mut(&run.queue) {
            *counts.of_mut(run.status) += 1;
        } else {
            let counts = self.queues.entry(run.queue.clone()).or_default();
            *counts.of_mut(run.status) += 1;
        }
        if waits(run) {
            if let Some(waiting) = self.waiting.get_mut(&run.tenant) {
                *waiting += 1;
            } else {
                self.waiting.insert(run.tenant.clone(), 1);
            }
        }
    }

    pub(crate) fn remove(&mut self, run: &Run) {
        let counts = self.queues.get_mut(&run.queue).expect("a stored run was counted");
        *counts.of_mut(run.status) -= 1;
        if *counts == Counts::default() {
            self.queues.remove(&run.queue);
        }
        if waits(run) {
            let waiting = self.waiting.get_mut(&run.tenant).expect("a waiting run was counted");
            *waiting -= 1;
            if *waiting == 0 {
                self.waiting.remove(&run.tenant);
            }
        }
    }

    pub(crate) fn of_all(&self) -> Counts {
        let mut sum = Counts::default();
        for counts in self.queues.values() {
            for status in RunStatus::ALL {
                *sum.of_mut(status) += counts.of(status);
            }
        }
        sum
    }

    pub(crate) fn by_queue(&self) -> Vec<QueueCounts> {
        let rows = self.queues.iter();
        rows.map(|(queue, counts)| QueueCounts { queue: queue.clone(), counts: *counts }).collect()
    }

    /// How many runs of a tenant wait.
    pub(crate) fn waiting(&self, tenant: &TenantId) -> u64 {
        self.waiting.get(tenant).copied().unwrap_or(0)
    }
}

fn waits(run: &Run) -> bool {
    run.status.is_waiting()
}
