//! What all parts of a host share.
//!
//! **Invariant:** it knows none of the parts that use it. [`crate::Host`] makes it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::Mutex;
use tokio::sync::Notify;
use uuid::Uuid;
use zapjobs_model::{JobKey, Run, RunStatus, WorkerId};
use zapjobs_storage::Storage;

use crate::admission::Admitter;
use crate::calendars::CalendarCache;
use crate::catalog::Catalog;
use crate::client::Client;
use crate::config::HostOptions;
use crate::held::Held;
use crate::limit_keys::LimitKeys;
use crate::queue_parts::QueueParts;
use crate::recorder::Recorder;
use crate::store_clock::StoreClock;
use crate::tenants::Tenants;

/// What all parts of a host share.
pub(crate) struct Core {
    pub(crate) options: HostOptions,
    pub(crate) worker: WorkerId,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) clock: Arc<StoreClock>,
    pub(crate) held: Held,
    pub(crate) recorder: Arc<Recorder>,
    /// Takes what runs enqueue.
    pub(crate) client: Client,
    pub(crate) tenants: Tenants,
    pub(crate) admitter: Admitter,
    pub(crate) limit_keys: LimitKeys,
    pub(crate) calendars: CalendarCache,
    /// Where queues have weights.
    pub(crate) queue_parts: Option<QueueParts>,
    /// Permits are free again.
    pub(crate) freed: Notify,
    /// Runs may be ready.
    pub(crate) ready: Notify,
    /// A delayed run may be due earlier than thought.
    pub(crate) delayed: Notify,
    /// A run has ended that others wait for.
    pub(crate) ended: Notify,
    /// A member of a batch has ended here.
    pub(crate) members_ended: Notify,
    /// Counts hints that some attempt should stop. One that came while runs were being claimed
    /// found nobody to tell.
    pub(crate) cancel_hints: AtomicU64,
    last_statuses: Mutex<HashMap<JobKey, RunStatus>>,
}

impl Core {
    /// Asks the store for its time, and holds nothing yet.
    pub(crate) async fn new(
        options: HostOptions,
        storage: Arc<dyn Storage>,
        catalog: Arc<Catalog>,
    ) -> zapjobs_storage::Result<Self> {
        Ok(Self {
            worker: WorkerId(Uuid::now_v7()),
            clock: Arc::new(StoreClock::start(&*storage).await?),
            recorder: Arc::new(Recorder::new(Arc::clone(&storage))),
            held: Held::default(),
            client: Client::new(Arc::clone(&storage))
                .with_input_bytes_max(options.limits.input_bytes_max)
                .with_tenants(Arc::new(options.tenants.clone())),
            tenants: Tenants::new(options.tenants.clone()),
            admitter: Admitter::default(),
            limit_keys: LimitKeys::default(),
            calendars: CalendarCache::default(),
            queue_parts: QueueParts::of(&options),
            freed: Notify::new(),
            ready: Notify::new(),
            delayed: Notify::new(),
            ended: Notify::new(),
            members_ended: Notify::new(),
            cancel_hints: AtomicU64::new(0),
            last_statuses: Mutex::default(),
            storage,
            catalog,
            options,
        })
    }

    pub(crate) fn serves(&self, key: &JobKey) -> bool {
        self.catalog.get(key).is_some()
    }

    pub(crate) fn note_last_status(&self, run: &Run, status: RunStatus) {
        self.last_statuses.lock().insert(run.job_key(), status);
    }

    pub(crate) fn take_last_statuses(&self) -> Vec<(JobKey, RunStatus)> {
        self.last_statuses.lock().drain().collect()
    }
}
