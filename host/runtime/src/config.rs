//! How a host works. Every setting has a default that serves, and bounds that hold.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use zapjobs_model::fairness::{WEIGHTED_QUEUES_MAX, Weight};
use zapjobs_model::{InvalidQuota, Limits, QueueName, RetryCode};
use zapjobs_storage::QueueSelection;

use crate::breaker::BreakerRules;
use crate::metrics::HostMetrics;
use crate::tenants::TenantPolicy;

/// Seconds after which runs are raised at most: 1 year.
const AGING_SECONDS_MAX: u32 = 366 * 24 * 3_600;

/// How a host works.
#[derive(Debug, Clone)]
pub struct HostOptions {
    /// The queues it serves; all where empty.
    pub queues: Vec<QueueName>,
    /// Attempts under way at once, 1 to 10,000. Waiting attempts count too. 128.
    pub concurrency: usize,
    /// OS threads that execute guests, 1 to 256. As many as the machine has cores.
    pub guest_threads: usize,
    /// How long a claim lasts unless it is renewed, 1 second to 1 hour. Renewed three times
    /// within it. A host that dies is noticed after this long. 30 seconds.
    pub lease: Duration,
    /// How often the store is asked for ready runs where no hint comes, 10 ms to 1 minute.
    /// 1 second.
    pub poll_interval: Duration,
    /// What one attempt may use unless its plugin's manifest narrows it.
    pub limits: Limits,
    /// How long finished runs are kept; for ever where absent. 7 days.
    pub retention: Option<Duration>,
    /// How long logs of finished runs are kept; as long as their runs where absent. Absent.
    pub log_retention: Option<Duration>,
    /// Which code a further attempt of a run executes. The newest.
    pub retry_code: RetryCode,
    /// When code whose runs keep trapping is taken out of service.
    pub breaker: BreakerRules,
    /// What each tenant may use. Nothing is bounded, and all weigh the same.
    pub tenants: TenantPolicy,
    /// The parts of the host's claims that its queues get, by weight; those of `queues` that are
    /// absent weigh 1. Where empty, claims go by the runs alone. Of at most
    /// [`WEIGHTED_QUEUES_MAX`] queues. Empty.
    pub queue_weights: BTreeMap<QueueName, Weight>,
    /// After how long a pending run of its queues gets the greatest priority, 1 second to 1 year;
    /// never where absent. Absent.
    pub aging: Option<Duration>,
    /// Where what it does is counted. Its own.
    pub metrics: Arc<HostMetrics>,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            queues: Vec::new(),
            concurrency: 128,
            guest_threads: std::thread::available_parallelism().map_or(2, usize::from),
            lease: Duration::from_secs(30),
            poll_interval: Duration::from_secs(1),
            limits: Limits::default(),
            retention: Some(Duration::from_secs(7 * 24 * 3_600)),
            log_retention: None,
            retry_code: RetryCode::Newest,
            breaker: BreakerRules::default(),
            tenants: TenantPolicy::default(),
            queue_weights: BTreeMap::new(),
            aging: None,
            metrics: Arc::default(),
        }
    }
}

/// A setting out of its bounds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOptions {
    /// One of the host's own.
    #[error("{setting} is out of bounds: use {bounds}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// What may be set.
        bounds: &'static str,
    },
    /// A quota of a tenant.
    #[error("a quota of tenants is out of bounds: {0}")]
    Quota(#[from] InvalidQuota),
}

impl HostOptions {
    /// The queues it serves, as a storage is asked for them.
    pub(crate) fn queue_selection(&self) -> QueueSelection {
        match self.queues.as_slice() {
            [] => QueueSelection::All,
            some => QueueSelection::Only(some.to_vec()),
        }
    }

    /// Refuses settings out of their bounds.
    pub fn checked(self) -> Result<Self, InvalidOptions> {
        let second = Duration::from_secs(1);
        let checks = [
            ((1..=10_000).contains(&self.concurrency), "concurrency", "1 to 10,000"),
            ((1..=256).contains(&self.guest_threads), "guest_threads", "1 to 256"),
            ((second..=second * 3_600).contains(&self.lease), "lease", "1 second to 1 hour"),
            (
                (Duration::from_millis(10)..=second * 60).contains(&self.poll_interval),
                "poll_interval",
                "10 ms to 1 minute",
            ),
            (
                self.queue_weights.is_empty() || self.queues.len() <= WEIGHTED_QUEUES_MAX,
                "queues with weights",
                "32 at most",
            ),
            (
                self.queue_weights.keys().all(|queue| self.queues.contains(queue)),
                "queue_weights",
                "queues that are served",
            ),
            (
                self.aging
                    .is_none_or(|aging| (second..=second * AGING_SECONDS_MAX).contains(&aging)),
                "aging",
                "1 second to 1 year",
            ),
            (self.breaker.threshold <= 1_000, "breaker.threshold", "0 to 1,000"),
        ];
        match checks.into_iter().find(|(holds, _, _)| !holds) {
            Some((_, setting, bounds)) => Err(InvalidOptions::Setting { setting, bounds }),
            None => Ok(Self { tenants: self.tenants.checked()?, ..self }),
        }
    }
}
