//! The attempts that this host holds a lease for, and the way to stop each.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use zapjobs_model::port::{CancelReason, Cancellation};
use zapjobs_model::{Lease, LeaseKey, RunId};

/// The attempts under way, from claim to recorded result.
#[derive(Debug, Default)]
pub(crate) struct Held(Mutex<HashMap<RunId, (Lease, Arc<Cancellation>)>>);

impl Held {
    /// Notes a claim. An older attempt at the same run, whose lease must have run out, is told
    /// to stop.
    pub(crate) fn insert(&self, key: LeaseKey) -> Arc<Cancellation> {
        let cancellation = Arc::new(Cancellation::new());
        let older = self.0.lock().insert(key.run, (key.lease, Arc::clone(&cancellation)));
        if let Some((_, older)) = older {
            older.cancel(CancelReason::LeaseLost);
        }
        cancellation
    }

    /// Forgets a claim, unless the run was claimed here anew meanwhile.
    pub(crate) fn remove(&self, keys: impl IntoIterator<Item = LeaseKey>) {
        let mut held = self.0.lock();
        for key in keys {
            if held.get(&key.run).is_some_and(|(lease, _)| *lease == key.lease) {
                held.remove(&key.run);
            }
        }
    }

    /// All claims held now.
    pub(crate) fn keys(&self) -> Vec<LeaseKey> {
        let held = self.0.lock();
        held.iter().map(|(run, (lease, _))| LeaseKey { run: *run, lease: *lease }).collect()
    }

    /// How many claims are held now.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().len()
    }

    /// Tells a run's attempt to stop, if it is held here.
    pub(crate) fn cancel(&self, run: RunId, reason: CancelReason) {
        let held = self.0.lock().get(&run).map(|(_, cancellation)| Arc::clone(cancellation));
        if let Some(cancellation) = held {
            cancellation.cancel(reason);
        }
    }

    /// Tells every attempt to stop; answers how many.
    pub(crate) fn cancel_all(&self, reason: CancelReason) -> usize {
        let all: Vec<_> =
            self.0.lock().values().map(|(_, cancellation)| Arc::clone(cancellation)).collect();
        all.iter().for_each(|cancellation| cancellation.cancel(reason));
        all.len()
    }
}
