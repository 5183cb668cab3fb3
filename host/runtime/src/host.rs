//! A host: all parts, started in order and stopped in order.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use zapjobs_model::WorkerId;
use zapjobs_model::port::CancelReason;
use zapjobs_storage::{Storage, StorageError, WorkerRecord};

use crate::catalog::Catalog;
use crate::completer::{RESULTS_BUFFERED_MAX, complete};
use crate::config::{HostOptions, InvalidOptions};
use crate::dispatcher::Dispatcher;
use crate::guests::Guests;
use crate::host_core::Core;
use crate::listener::listen;
use crate::services::{self, Heartbeat};

/// Time that attempts have to end once they were told to at shutdown, and results to be
/// recorded after that.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// A running host. [`Host::shutdown`] stops it; dropping it kills what is under way, whose
/// leases then run out.
pub struct Host {
    core: Arc<Core>,
    permits: Arc<Semaphore>,
    stop_claiming: CancellationToken,
    stop_services: CancellationToken,
    stop_upkeep: CancellationToken,
    dispatcher: JoinSet<()>,
    completer: JoinSet<()>,
    services: JoinSet<()>,
    /// What attempts under way need until the last of them has ended.
    upkeep: JoinSet<()>,
    guests: Guests,
}

/// Why a host did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is out of bounds.
    #[error(transparent)]
    Options(#[from] InvalidOptions),
    /// The storage failed.
    #[error("failed to {0}")]
    Storage(#[from] StorageError),
    /// The machine gave no threads.
    #[error("failed to start guest threads: {0}")]
    Threads(std::io::Error),
}

impl Host {
    /// Starts claiming and executing runs of the job types in the catalog.
    pub async fn start(
        options: HostOptions,
        storage: Arc<dyn Storage>,
        catalog: Arc<Catalog>,
    ) -> Result<Self, StartError> {
        let options = options.checked()?;
        let guests = Guests::start(options.guest_threads).map_err(StartError::Threads)?;
        let core = Arc::new(Core::new(options, storage, catalog).await?);
        let spawner = guests.spawner();
        let permits = Arc::new(Semaphore::new(core.options.concurrency));
        let (results, queued_results) = mpsc::channel(RESULTS_BUFFERED_MAX);
        let mut host = Self {
            permits: Arc::clone(&permits),
            stop_claiming: CancellationToken::new(),
            stop_services: CancellationToken::new(),
            stop_upkeep: CancellationToken::new(),
            dispatcher: JoinSet::new(),
            completer: JoinSet::new(),
            services: JoinSet::new(),
            upkeep: JoinSet::new(),
            core: Arc::clone(&core),
            guests,
        };
        // Before the first look at the store, so that no hint falls between.
        let notices = core.storage.subscribe();
        host.upkeep.spawn(listen(Arc::clone(&core), notices, host.stop_upkeep.clone()));
        services::start(&core, &host.stop_services, &mut host.services);
        let heartbeat = Heartbeat { record: worker_record(&core) };
        services::spawn(heartbeat, &core, &host.stop_upkeep, &mut host.upkeep);
        services::spawn(services::Record, &core, &host.stop_upkeep, &mut host.upkeep);
        host.completer.spawn(complete(Arc::clone(&core), queued_results));
        let stop = host.stop_claiming.clone();
        let dispatcher = Dispatcher { core, permits, guests: spawner, results, stop };
        host.dispatcher.spawn(dispatcher.run());
        Ok(host)
    }

    /// Its name among the workers.
    pub fn worker(&self) -> WorkerId {
        self.core.worker
    }

    /// Attempts under way.
    pub fn running(&self) -> usize {
        self.core.held.len()
    }

    /// Rounds in which a tenant was passed over because its CPU of the hour was used up.
    pub fn rounds_held_back(&self) -> u64 {
        self.core.tenants.held_back()
    }

    /// Stops claiming, lets attempts under way end within `drain`, hands back the rest with
    /// their attempt unconsumed, and signs off. Answers how many were told to stop.
    pub async fn shutdown(mut self, drain: Duration) -> usize {
        self.stop_claiming.cancel();
        self.dispatcher.join_all().await;
        self.stop_services.cancel();
        let all = u32::try_from(self.core.options.concurrency).unwrap_or(u32::MAX);
        let mut interrupted = 0;
        if tokio::time::timeout(drain, self.permits.acquire_many(all)).await.is_err() {
            interrupted = self.core.held.cancel_all(CancelReason::Shutdown);
            // What does not even stop now is left to its lease.
            let _ = tokio::time::timeout(STOP_WITHIN, self.permits.acquire_many(all)).await;
        }
        // Ends attempts that did not stop, and so their senders: the completer can end.
        drop(self.guests);
        if tokio::time::timeout(STOP_WITHIN, self.completer.join_all()).await.is_err() {
            tracing::error!("results were not recorded before shutdown; their runs run again");
        }
        self.services.shutdown().await;
        self.stop_upkeep.cancel();
        self.upkeep.shutdown().await;
        self.core.recorder.flush(self.core.clock.now()).await;
        sign_off(&self.core).await;
        interrupted
    }
}

async fn sign_off(core: &Core) {
    let latest = core.take_last_statuses();
    let noted = core.storage.note_last_status(&latest).await;
    let removed = core.storage.remove_worker(core.worker).await;
    if let Err(error) = noted.and(removed.map(drop)) {
        tracing::warn!(%error, "this worker did not sign off");
    }
}

fn worker_record(core: &Core) -> WorkerRecord {
    let now = core.clock.now();
    WorkerRecord {
        id: core.worker,
        hostname: hostname(),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: now,
        seen_at: now,
        queues: core.options.queues.clone(),
        concurrency: u32::try_from(core.options.concurrency).unwrap_or(u32::MAX),
        running: 0,
    }
}

fn hostname() -> String {
    let named = std::fs::read_to_string("/etc/hostname").or_else(|_| std::env::var("HOSTNAME"));
    named.map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned())
}
