//! How hosts of one storage learn what another one took out of service: a named lease that
//! ends with the cool-down.
//!
//! **Invariant:** a storage that does not answer changes nothing: each host still has its own
//! breakers.

use std::time::Duration;

use zapjobs_model::{Digest, JobKey};
use zapjobs_storage::{NamedLeaseRequest, Storage};

use crate::host_core::Core;

/// The lease that says that this code is out of service for this job type.
pub fn lease_name(key: &JobKey, digest: Digest) -> String {
    // A job's key can be longer than a lease's name.
    format!("breaker/{}", Digest::of(format!("{key}@{digest}").as_bytes()))
}

/// Tells other hosts that this one took code out of service.
pub(crate) async fn share(core: &Core, key: &JobKey, digest: Digest, cool_down: Duration) {
    let request =
        NamedLeaseRequest { name: lease_name(key, digest), owner: core.worker, ttl: cool_down };
    if let Err(error) = core.storage.acquire(request).await {
        tracing::warn!(job = %key, %error, "other hosts were not told that code is out of service");
    }
}

/// Takes back what was told, whichever host told it.
pub(crate) async fn unshare(storage: &dyn Storage, key: &JobKey, digest: Digest) {
    let name = lease_name(key, digest);
    let released = match storage.named_lease(&name).await {
        Ok(Some(lease)) => storage.release(&name, lease.owner).await.map(drop),
        other => other.map(drop),
    };
    if let Err(error) = released {
        tracing::warn!(job = %key, %error, "other hosts still take this code for out of service");
    }
}

/// Asks, after a trap here, whether another host has taken the code out of service.
pub(crate) async fn learn(core: &Core, key: &JobKey, digest: Digest) {
    let lease = match core.storage.named_lease(&lease_name(key, digest)).await {
        Ok(Some(lease)) if lease.owner != core.worker => lease,
        Ok(_) => return,
        Err(error) => {
            tracing::debug!(job = %key, %error, "not asked whether code is out of service");
            return;
        }
    };
    let now = core.clock.now();
    if core.catalog.breakers().adopt(key, digest, lease.expires_at, now) {
        tracing::warn!(
            job = %key, digest = %digest.short(), until = %lease.expires_at,
            "this code is out of service: another host saw it trap again and again"
        );
    }
}
