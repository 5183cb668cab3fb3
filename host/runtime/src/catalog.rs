//! Which code serves which job type now.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use zapjobs_model::port::Plugin;
use zapjobs_model::{JobKey, Limits, RetryPolicy};

/// A job type as it is served: the code, and the rules for its attempts.
pub struct Served {
    /// The code. An attempt keeps it until it ends, whatever is swapped meanwhile.
    pub plugin: Arc<dyn Plugin>,
    /// What an attempt may use.
    pub limits: Limits,
    /// How a failed attempt is tried again.
    pub retry: RetryPolicy,
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

/// Which code serves which job type. Readers never wait; a change appears as a whole.
#[derive(Debug, Default)]
pub struct Catalog(ArcSwap<Table>);

impl Catalog {
    /// An empty catalog.
    pub fn new() -> Self {
        Self::default()
    }

    /// The code that serves this job type, if any does.
    pub fn get(&self, key: &JobKey) -> Option<Arc<Served>> {
        self.0.load().get(key).cloned()
    }

    /// Tenants whose job types are served, counted up to 2.
    pub(crate) fn tenants(&self) -> usize {
        let table = self.0.load();
        let mut tenants = table.keys().map(|key| &key.tenant);
        let Some(first) = tenants.next() else { return 0 };
        1 + usize::from(tenants.any(|tenant| tenant != first))
    }

    /// Adds, replaces and removes job types in one step.
    pub fn swap(&self, removed: &[JobKey], added: &[(JobKey, Arc<Served>)]) {
        self.0.rcu(|table| {
            let mut table = Table::clone(table);
            removed.iter().for_each(|key| drop(table.remove(key)));
            table.extend(added.iter().cloned());
            table
        });
    }
}
