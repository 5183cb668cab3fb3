//! What tenants may use on a host, and who may start how many runs in a round.
//!
//! **Invariant:** decisions are those of `zapjobs_model::fairness` and of the quotas; here is
//! only what they are asked with: who has runs ready, what runs under way use, what was used.

mod budget;
mod policy;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use zapjobs_model::fairness::{Demand, Ledger, allocate, reserve};
use zapjobs_model::{TenantId, TenantUse};
use zapjobs_storage::{QueueSelection, Storage, TENANT_SHARES_MAX, TenantSelection, TenantShare};

use budget::Budgets;
pub use policy::TenantPolicy;

/// The length of a scheduling round: while one tenant alone is known to have runs ready, and
/// more wait than there is room for, the store is asked at least this often whether another has.
pub(crate) const ROUND: Duration = Duration::from_millis(20);

/// The permits of a host at the beginning of a round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Permits that may be given in this round.
    pub(crate) free: usize,
    /// Permits that are free beside those.
    pub(crate) beside: usize,
    /// All permits of the host.
    pub(crate) concurrency: usize,
    /// Tenants whose job types the host serves.
    pub(crate) tenants_served: usize,
    /// Bytes that one run may have at most.
    pub(crate) memory_bytes_per_run: u64,
}

/// What a round comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Nobody has runs ready.
    NothingReady,
    /// Somebody has, but quotas, or permits kept for others, are in the way.
    HeldBack,
    /// Claim these.
    Claim {
        /// Whose.
        tenants: TenantSelection,
        /// How many in all.
        limit: usize,
    },
}

impl Choice {
    const fn all(room: Room) -> Self {
        Self::Claim { tenants: TenantSelection::All, limit: room.free }
    }
}

/// What a host knows of its tenants.
pub(crate) struct Tenants {
    policy: TenantPolicy,
    /// Whether any quota bounds starts: then every claim is for shares.
    has_quotas: bool,
    ledger: Mutex<Ledger>,
    budgets: Budgets,
    /// Whoever was the only one with runs ready when the store was last asked, and when.
    alone: Mutex<Option<(TenantId, Instant)>>,
    /// Rounds in which a tenant that had runs ready was passed over for its CPU of the hour.
    held_back: AtomicU64,
}

impl Tenants {
    pub(crate) fn new(policy: TenantPolicy) -> Self {
        Self {
            has_quotas: policy.bounds_starts(),
            policy,
            ledger: Mutex::default(),
            budgets: Budgets::default(),
            alone: Mutex::default(),
            held_back: AtomicU64::new(0),
        }
    }

    /// Rounds in which a tenant was passed over for its CPU of the hour.
    pub(crate) fn held_back(&self) -> u64 {
        self.held_back.load(Ordering::Relaxed)
    }

    /// A run of this tenant has started.
    pub(crate) fn started(&self, tenant: &TenantId) {
        self.ledger.lock().started(tenant, self.policy.of(tenant).weight);
    }

    /// A run of this tenant has ended and used so much CPU.
    pub(crate) fn ended(&self, tenant: &TenantId, cpu_us: u64) {
        self.ledger.lock().ended(tenant, cpu_us);
        self.budgets.used(tenant, cpu_us);
    }

    /// Whose runs to claim in this round. `backlog`
    /// says that the last claim took all that there was room for.
    pub(crate) async fn choose(
        &self,
        storage: &dyn Storage,
        queues: &QueueSelection,
        room: Room,
        backlog: bool,
    ) -> zapjobs_storage::Result<Choice> {
        if self.is_surely_alone(room, backlog) {
            return Ok(Choice::all(room));
        }
        let ready = ready_tenants(storage, queues).await?;
        if ready.is_empty() {
            return Ok(Choice::NothingReady);
        }
        if self.note_whether_alone(&ready, room) {
            return Ok(Choice::all(room));
        }
        self.share(storage, &ready, room).await
    }

    /// Whether one tenant without quotas was alone when the store was last asked, in this round;
    /// or whatever is ready finds room, so that nobody has to wait for another.
    fn is_surely_alone(&self, room: Room, backlog: bool) -> bool {
        let alone = self.alone.lock();
        let is_fresh = alone.as_ref().is_some_and(|(_, at)| !backlog || at.elapsed() < ROUND);
        is_fresh && self.may_be_alone(room) && self.ledger.lock().tenants() < 2
    }

    /// Notes whether one tenant, of all that this host knows of, is there to be served.
    fn note_whether_alone(&self, ready: &[TenantId], room: Room) -> bool {
        let [tenant] = ready else {
            *self.alone.lock() = None;
            return false;
        };
        let mut alone = self.alone.lock();
        let was_alone = alone.as_ref().is_some_and(|(known, _)| known == tenant);
        let ledger = self.ledger.lock();
        let is_known = was_alone || ledger.running(tenant) > 0;
        let is_alone = self.may_be_alone(room)
            && (ledger.tenants() == 0 || (ledger.tenants() == 1 && is_known));
        *alone = is_alone.then(|| (tenant.clone(), Instant::now()));
        is_alone
    }

    const fn may_be_alone(&self, room: Room) -> bool {
        room.tenants_served < 2 && !self.has_quotas
    }

    async fn share(
        &self,
        storage: &dyn Storage,
        ready: &[TenantId],
        room: Room,
    ) -> zapjobs_storage::Result<Choice> {
        let mut cpu_this_hour = Vec::with_capacity(ready.len());
        for tenant in ready {
            let is_bounded = self.policy.of(tenant).cpu_seconds_per_hour_max.is_some();
            let used = if is_bounded { self.budgets.this_hour(storage, tenant).await? } else { 0 };
            cpu_this_hour.push(used);
        }
        let weighed: Vec<_> =
            ready.iter().map(|it| (it.clone(), self.policy.of(it).weight)).collect();
        let (standings, known) = {
            let mut ledger = self.ledger.lock();
            (ledger.round(&weighed), ledger.tenants())
        };
        let mut demands = Vec::with_capacity(ready.len());
        for (((tenant, weight), standing), cpu_us) in
            weighed.into_iter().zip(standings).zip(cpu_this_hour)
        {
            let quotas = self.policy.of(&tenant);
            let now = TenantUse {
                running: standing.running,
                memory_bytes_per_run: room.memory_bytes_per_run,
                cpu_us_this_hour: cpu_us,
                cpu_us_per_run: standing.expected_us as u64,
            };
            if quotas.is_out_of_cpu(cpu_us) {
                self.held_back.fetch_add(1, Ordering::Relaxed);
                self.budgets.warn_once(&tenant, quotas.cpu_seconds_per_hour_max);
            }
            demands.push(Demand {
                tenant,
                weight,
                virtual_us: standing.virtual_us,
                expected_us: standing.expected_us,
                running: standing.running,
                most: quotas.starts_left(&now),
            });
        }
        let kept = reserve(room.concurrency, known.max(room.tenants_served));
        let grants = allocate(room.free, kept.saturating_sub(room.beside), &demands);
        let shares: Vec<TenantShare> = grants
            .into_iter()
            .take(TENANT_SHARES_MAX)
            .map(|grant| TenantShare { tenant: grant.tenant, limit: grant.permits })
            .collect();
        let limit = shares.iter().map(|share| share.limit).sum();
        if limit == 0 {
            return Ok(Choice::HeldBack);
        }
        Ok(Choice::Claim { tenants: TenantSelection::Shares(shares), limit })
    }
}

/// All tenants with runs ready, page by page.
async fn ready_tenants(
    storage: &dyn Storage,
    queues: &QueueSelection,
) -> zapjobs_storage::Result<Vec<TenantId>> {
    let mut ready = Vec::new();
    while ready.len() < READY_MAX {
        let page = storage.ready_tenants(queues, ready.last(), TENANT_SHARES_MAX).await?;
        let is_last = page.len() < TENANT_SHARES_MAX;
        ready.extend(page);
        if is_last {
            break;
        }
    }
    Ok(ready)
}

/// Tenants with runs ready that one round looks at, at most; those with the first names.
const READY_MAX: usize = 10_000;

#[cfg(test)]
mod tests;
