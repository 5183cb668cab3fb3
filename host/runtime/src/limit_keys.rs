//! The keys by which new runs share limits: what a limit's pointer finds in their input.
//!
//! **Invariant:** submitting runs asks the storage for limits once in [`KEPT`] at most. A pointer
//! that an operator sets is followed by every client that long after.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use zapjobs_model::{InvalidRequest, JobKey, JobRequest, LimitKeyPointer, LimitScope};
use zapjobs_storage::{Result, Storage};

/// How long pointers are taken to stand: 1 second.
const KEPT: Duration = Duration::from_secs(1);

/// The pointers of job types whose limit per key has one.
pub(crate) type Pointers = Arc<HashMap<JobKey, LimitKeyPointer>>;

/// The pointers, as they were read last.
#[derive(Default)]
pub(crate) struct LimitKeys(Mutex<Option<(Instant, Pointers)>>);

impl LimitKeys {
    /// The pointers of all job types.
    pub(crate) async fn pointers(&self, storage: &dyn Storage) -> Result<Pointers> {
        let kept = self.0.lock().clone();
        if let Some((read_at, pointers)) = kept
            && read_at.elapsed() < KEPT
        {
            return Ok(pointers);
        }
        let limits = storage.limits_in_force().await?;
        let pointers =
            limits.iter().filter_map(|(scope, limit)| match (scope, &limit.key_pointer) {
                (LimitScope::PerKey(job), Some(pointer)) => Some((job.clone(), pointer.clone())),
                _ => None,
            });
        let pointers: Pointers = Arc::new(pointers.collect());
        *self.0.lock() = Some((Instant::now(), Arc::clone(&pointers)));
        Ok(pointers)
    }
}

/// Gives a request the key that its job type's pointer finds, unless it names one itself.
pub(crate) fn find_limit_key(
    request: &mut JobRequest,
    pointers: &HashMap<JobKey, LimitKeyPointer>,
) -> std::result::Result<(), InvalidRequest> {
    if request.limit_key.is_some() || pointers.is_empty() {
        return Ok(());
    }
    let key = JobKey { tenant: request.tenant.clone(), job_type: request.job_type.clone() };
    if let Some(pointer) = pointers.get(&key) {
        let found = pointer.key_of(&request.input);
        request.limit_key = found
            .map_err(|error| InvalidRequest::LimitKey { pointer: pointer.to_string(), error })?;
    }
    Ok(())
}
