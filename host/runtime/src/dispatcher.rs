//! Claims runs and starts attempts.
//!
//! **Invariant:** a permit comes before a claim, so this host never claims more than it can
//! execute. Wake-ups are hints: the dispatcher registers for one *before* it looks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use zapjobs_model::{EventKind, JobEvent};
use zapjobs_storage::{ClaimRequest, ClaimedRun};

use crate::attempt::{Finished, attempt};
use crate::guests::GuestSpawner;
use crate::host_core::Core;
use crate::listener::check_cancellations;
use crate::metrics::Asked;
use crate::tenants::{Choice, Room};

/// Runs claimed at once at most.
const CLAIM_MAX: usize = 256;
/// While the store is known to hold more runs than were claimed, this share of all permits is
/// awaited before the next claim, so that claims stay few and large.
const PERMITS_AWAITED_SHARE: usize = 4;
/// But never longer than this.
const PERMITS_AWAITED: Duration = Duration::from_millis(2);
/// First and longest pause before a storage that failed is asked again.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// What a round came to.
enum Claim {
    /// Runs are ready, but none may start.
    HeldBack,
    /// The runs that were claimed, and how many were asked for.
    Answered { claimed: Vec<ClaimedRun>, wanted: usize },
}

pub(crate) struct Dispatcher {
    pub(crate) core: Arc<Core>,
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) guests: GuestSpawner,
    pub(crate) results: mpsc::Sender<Finished>,
    pub(crate) stop: CancellationToken,
}

impl Dispatcher {
    /// Claims until it is stopped.
    pub(crate) async fn run(self) {
        let stop = self.stop.clone();
        // Dropped between two steps, never within one: a claim that was asked for is executed.
        let mut backlog = false;
        let mut pause = PAUSE.0;
        while !stop.is_cancelled() {
            let Some(permits) = self.permits(backlog).await else { break };
            let room = permits.num_permits();
            let ready = self.core.ready.notified();
            let freed = self.core.freed.notified();
            let cancel_hints = self.core.cancel_hints.load(Ordering::Acquire);
            match self.claim(room, backlog).await {
                Ok(Claim::HeldBack) => {
                    pause = PAUSE.0;
                    backlog = true;
                    drop(permits);
                    let changed = async {
                        tokio::select! {
                            () = ready => {}
                            () = freed => {}
                        }
                    };
                    self.rest(changed, self.rest_at_most()).await;
                }
                Ok(Claim::Answered { claimed, wanted }) => {
                    pause = PAUSE.0;
                    backlog = !claimed.is_empty() && claimed.len() == wanted;
                    let keys: Vec<_> = claimed.iter().map(ClaimedRun::key).collect();
                    self.start(claimed, permits);
                    if self.core.cancel_hints.load(Ordering::Acquire) != cancel_hints {
                        check_cancellations(&self.core, &keys).await;
                    }
                    if keys.is_empty() {
                        self.rest(ready, self.rest_at_most()).await;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "no runs are claimed for now");
                    drop(permits);
                    self.rest(std::future::pending(), pause).await;
                    pause = (pause * 2).min(PAUSE.1);
                }
            }
        }
    }

    /// Waits for room: one permit, and what else is free. `None` once it is stopped.
    async fn permits(&self, backlog: bool) -> Option<OwnedSemaphorePermit> {
        let one = Arc::clone(&self.permits).acquire_owned();
        let mut permits = tokio::select! {
            biased;
            () = self.stop.cancelled() => return None,
            permit = one => permit.ok()?,
        };
        // Those that long attempts hold will not be free soon.
        let others = self.core.options.concurrency.saturating_sub(self.guests.long_attempts());
        let awaited = (others / PERMITS_AWAITED_SHARE).saturating_sub(1);
        if backlog && self.permits.available_permits() < awaited {
            let some = Arc::clone(&self.permits).acquire_many_owned(permit_count(awaited));
            if let Ok(Ok(some)) = tokio::time::timeout(PERMITS_AWAITED, some).await {
                permits.merge(some);
            }
        }
        let more =
            self.permits.available_permits().min(CLAIM_MAX - permits.num_permits().min(CLAIM_MAX));
        if let Ok(more) = Arc::clone(&self.permits).try_acquire_many_owned(permit_count(more)) {
            permits.merge(more);
        }
        Some(permits)
    }

    async fn claim(&self, free: usize, backlog: bool) -> zapjobs_storage::Result<Claim> {
        let Core { options, storage, tenants, .. } = &*self.core;
        let queues = options.queue_selection();
        let now = self.core.clock.now();
        self.core.admitter.admit(&**storage, &queues, free, now).await?;
        let room = Room {
            free,
            beside: self.permits.available_permits(),
            concurrency: options.concurrency,
            tenants_served: self.core.catalog.tenants(),
            memory_bytes_per_run: options.limits.memory_bytes_max,
        };
        let (tenants, limit) = match tenants.choose(&**storage, &queues, room, backlog).await? {
            Choice::NothingReady => return Ok(Claim::Answered { claimed: Vec::new(), wanted: 0 }),
            Choice::HeldBack => return Ok(Claim::HeldBack),
            Choice::Claim { tenants, limit } => (tenants, limit),
        };
        let worker = self.core.worker;
        let request = ClaimRequest { worker, queues, tenants, limit, lease: options.lease };
        let metrics = &options.metrics;
        let claimed = match &self.core.queue_parts {
            Some(parts) => metrics.timed(Asked::Claim, parts.claim(&**storage, request)).await?,
            None => metrics.timed(Asked::Claim, storage.claim(request)).await?,
        };
        Ok(Claim::Answered { claimed, wanted: limit })
    }

    /// Starts an attempt for each run; permits that no run took are free again.
    fn start(&self, claimed: Vec<ClaimedRun>, mut permits: OwnedSemaphorePermit) {
        let now = self.core.clock.now();
        let started = claimed.iter().map(|it| JobEvent::of(&it.run, now, EventKind::Started));
        self.core.storage.publish(started.collect());
        for ClaimedRun { run } in claimed {
            let permit =
                permits.split(1).expect("a claim answers no more runs than it was asked for");
            let cancellation = self.core.held.insert(run.lease_key());
            self.core.tenants.started(&run.tenant);
            let (core, results) = (Arc::clone(&self.core), self.results.clone());
            let tenant = run.tenant.clone();
            self.guests.spawn(&tenant, async move {
                let finished = attempt(&core, run, cancellation).await;
                core.tenants.ended(&finished.run.tenant, finished.usage.cpu_us);
                // The completer lives as long as there are senders.
                let _ = results.send(finished).await;
                drop(permit);
                core.freed.notify_waiters();
            });
        }
    }

    fn rest_at_most(&self) -> Duration {
        self.core.admitter.rest_at_most(self.core.options.poll_interval)
    }

    async fn rest(&self, ready: impl Future<Output = ()>, at_most: Duration) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = ready => {}
            () = tokio::time::sleep(at_most) => {}
        }
    }
}

fn permit_count(permits: usize) -> u32 {
    u32::try_from(permits).unwrap_or(u32::MAX)
}
