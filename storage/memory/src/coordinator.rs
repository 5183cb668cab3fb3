//! Leases by name.

use std::collections::BTreeMap;

use async_trait::async_trait;
use zapjobs_model::{Timestamp, WorkerId};
use zapjobs_storage::{
    Coordinator, ErrorKind, NamedLease, NamedLeaseRequest, Result, StorageError,
};

use crate::MemoryStorage;

/// Bytes of a lease's name at most.
const NAME_BYTES_MAX: usize = 100;

/// Every lease ever taken, so that its fence number never falls. Names come from the program,
/// not from jobs: they are few.
#[derive(Default)]
pub(crate) struct NamedLeases(BTreeMap<String, Fenced>);

#[derive(Default)]
struct Fenced {
    fence: u64,
    /// Who holds it and until when; `None` after a release.
    holder: Option<(WorkerId, Timestamp)>,
}

impl Fenced {
    /// Who holds it at this instant, and until when.
    fn held(&self, now: Timestamp) -> Option<(WorkerId, Timestamp)> {
        self.holder.filter(|(_, expires_at)| *expires_at > now)
    }

    /// Who holds it at this instant.
    fn holder(&self, now: Timestamp) -> Option<WorkerId> {
        self.held(now).map(|(owner, _)| owner)
    }

    /// The lease of this name, if it is held at this instant.
    fn named(&self, name: &str, now: Timestamp) -> Option<NamedLease> {
        let (owner, expires_at) = self.held(now)?;
        Some(NamedLease { name: name.to_owned(), owner, fence: self.fence, expires_at })
    }
}

#[async_trait]
impl Coordinator for MemoryStorage {
    async fn acquire(&self, request: NamedLeaseRequest) -> Result<Option<NamedLease>> {
        const OPERATION: &str = "acquire the lease";
        if request.name.len() > NAME_BYTES_MAX {
            let message =
                format!("its name has {} bytes, {NAME_BYTES_MAX} are allowed", request.name.len());
            return Err(StorageError::new(ErrorKind::InvalidRequest, OPERATION, message));
        }
        self.work(OPERATION, |work| {
            let lease = work.state.named_leases.0.entry(request.name.clone()).or_default();
            match lease.holder(work.now) {
                Some(holder) if holder != request.owner => return Ok(None),
                Some(_) => {}
                None => lease.fence += 1,
            }
            let expires_at = work.now.plus(request.ttl);
            lease.holder = Some((request.owner, expires_at));
            let NamedLeaseRequest { name, owner, .. } = request;
            Ok(Some(NamedLease { name, owner, fence: lease.fence, expires_at }))
        })
    }

    async fn release(&self, name: &str, owner: WorkerId) -> Result<bool> {
        self.work("release the lease", |work| {
            let lease = work.state.named_leases.0.get_mut(name);
            let held = lease.filter(|lease| lease.holder(work.now) == Some(owner));
            Ok(held.map(|lease| lease.holder = None).is_some())
        })
    }

    async fn named_lease(&self, name: &str) -> Result<Option<NamedLease>> {
        self.work("read the lease", |work| {
            let lease = work.state.named_leases.0.get(name);
            Ok(lease.and_then(|lease| lease.named(name, work.now)))
        })
    }
}
