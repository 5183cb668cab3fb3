//! Which code serves which job type now, and which is out of service.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use zapjobs_model::port::Plugin;
use zapjobs_model::{Digest, JobKey, Limits, QueueName, RetryPolicy};

use crate::breaker::Breakers;

/// A job type as it is served: the code, and the rules for its attempts.
pub struct Served {
    /// The code. An attempt keeps it until it ends, whatever is swapped meanwhile.
    pub plugin: Arc<dyn Plugin>,
    /// What an attempt may use.
    pub limits: Limits,
    /// How a failed attempt is tried again.
    pub retry: RetryPolicy,
    /// The queues whose runs it may execute; those of all where absent.
    pub queues: Option<Arc<[QueueName]>>,
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served")
            .field("digest", &self.plugin.digest())
            .field("limits", &self.limits)
            .field("retry", &self.retry)
            .finish()
    }
}

type Table = HashMap<JobKey, Arc<Served>>;
type Earlier = HashMap<(JobKey, Digest), Arc<Served>>;

/// Which code serves which job type. Readers never wait; a change appears as a whole.
#[derive(Debug, Default)]
pub struct Catalog {
    table: ArcSwap<Table>,
    /// Versions before, for runs whose further attempts stay with their code.
    earlier: ArcSwap<Earlier>,
    breakers: Breakers,
}

impl Catalog {
    /// An empty catalog.
    pub fn new() -> Self {
        Self::default()
    }

    /// The code that serves this job type, if any does.
    pub fn get(&self, key: &JobKey) -> Option<Arc<Served>> {
        self.table.load().get(key).cloned()
    }

    /// A version that served this job type before and is held ready.
    pub fn earlier(&self, key: &JobKey, digest: Digest) -> Option<Arc<Served>> {
        self.earlier.load().get(&(key.clone(), digest)).cloned()
    }

    /// Tenants whose job types are served, counted up to 2.
    pub(crate) fn tenants(&self) -> usize {
        let table = self.table.load();
        let mut tenants = table.keys().map(|key| &key.tenant);
        let Some(first) = tenants.next() else { return 0 };
        1 + usize::from(tenants.any(|tenant| tenant != first))
    }

    /// Adds, replaces and removes job types in one step.
    pub fn swap(&self, removed: &[JobKey], added: &[(JobKey, Arc<Served>)]) {
        self.table.rcu(|table| {
            let mut table = Table::clone(table);
            removed.iter().for_each(|key| drop(table.remove(key)));
            table.extend(added.iter().cloned());
            table
        });
    }

    /// Holds versions ready that do not serve any more.
    pub(crate) fn keep_earlier(&self, versions: &[(JobKey, Arc<Served>)]) {
        self.earlier.rcu(|earlier| {
            let mut earlier = Earlier::clone(earlier);
            earlier.extend(
                versions.iter().map(|(key, served)| {
                    ((key.clone(), served.plugin.digest()), Arc::clone(served))
                }),
            );
            earlier
        });
    }

    /// Lets go of versions held ready.
    pub(crate) fn drop_earlier(&self, keys: &BTreeSet<JobKey>, digests: &BTreeSet<Digest>) {
        self.earlier.rcu(|earlier| {
            let mut earlier = Earlier::clone(earlier);
            earlier.retain(|(key, digest), _| !(keys.contains(key) && digests.contains(digest)));
            earlier
        });
    }

    /// Which code is out of service.
    pub(crate) fn breakers(&self) -> &Breakers {
        &self.breakers
    }
}
