//! The runs that new runs wait for.
//!
//! **Invariant:** a run waits for runs of its own tenant alone: those of others are not there for
//! it, and it is told so in the words for a run that was never stored.

use std::collections::HashMap;

use zapjobs_model::{Dependency, NewRun, RunId, TenantId};
use zapjobs_storage::{Result, Storage, unknown_parent};

/// Refuses a batch in which a run waits for one that is another tenant's or is not there. Reads
/// each of these that is not in the batch, once; nothing where no run waits.
pub(crate) async fn check(storage: &dyn Storage, runs: &[NewRun]) -> Result<()> {
    const OPERATION: &str = "enqueue runs";
    if runs.iter().all(|run| run.after.is_empty()) {
        return Ok(());
    }
    let mut tenants: HashMap<RunId, TenantId> =
        runs.iter().map(|run| (run.id, run.tenant.clone())).collect();
    for run in runs {
        for Dependency { run: parent, .. } in &run.after {
            if !tenants.contains_key(parent)
                && let Some(stored) = storage.run(*parent).await?
            {
                tenants.insert(*parent, stored.tenant);
            }
            if tenants.get(parent) != Some(&run.tenant) {
                return Err(unknown_parent(OPERATION, run.id, *parent));
            }
        }
    }
    Ok(())
}
