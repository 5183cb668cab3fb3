//! The CPU that tenants with such a quota have used in this hour.
//!
//! **Invariant:** the hour is the store's, and what all hosts used is read from the store's
//! statistics; what this host used since is added, so that no more than [`AGE_MAX`] of other
//! hosts' work, and what is under way, is not seen.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use zapjobs_model::{TenantId, Timestamp};
use zapjobs_storage::{Span, StatisticsRequest, Storage};

/// How old what was read may be.
const AGE_MAX: Duration = Duration::from_secs(1);
/// Tenants kept at most; beyond, all are read anew.
const KEPT_MAX: usize = 10_000;

#[derive(Default)]
pub(super) struct Budgets(Mutex<BTreeMap<TenantId, Budget>>);

struct Budget {
    read: Instant,
    hour: Timestamp,
    cpu_us: u64,
    used_since_us: u64,
    is_warned: bool,
}

impl Budgets {
    /// Microseconds used in this hour, over all hosts.
    pub(super) async fn this_hour(
        &self,
        storage: &dyn Storage,
        tenant: &TenantId,
    ) -> zapjobs_storage::Result<u64> {
        if let Some(budget) = self.0.lock().get(tenant)
            && budget.read.elapsed() < AGE_MAX
        {
            return Ok(budget.cpu_us + budget.used_since_us);
        }
        let read = Instant::now();
        let request = StatisticsRequest {
            span: Span::Hour,
            latest: 1,
            tenant: Some(tenant.clone()),
            queue: None,
        };
        let spans = storage.statistics(request).await?;
        let hour = Span::Hour.begin(storage.now().await?);
        let cpu_us =
            spans.iter().filter(|span| span.from == hour).map(|span| span.activity.cpu_us).sum();
        let mut budgets = self.0.lock();
        if budgets.len() >= KEPT_MAX {
            budgets.clear();
        }
        let is_warned =
            budgets.get(tenant).is_some_and(|budget| budget.hour == hour && budget.is_warned);
        let budget = Budget { read, hour, cpu_us, used_since_us: 0, is_warned };
        budgets.insert(tenant.clone(), budget);
        Ok(cpu_us)
    }

    /// A run of this tenant has used so much on this host.
    pub(super) fn used(&self, tenant: &TenantId, cpu_us: u64) {
        if let Some(budget) = self.0.lock().get_mut(tenant) {
            budget.used_since_us += cpu_us;
        }
    }

    /// Says once in an hour that a tenant has used up its CPU.
    pub(super) fn warn_once(&self, tenant: &TenantId, seconds: Option<u64>) {
        let mut budgets = self.0.lock();
        let Some(budget) = budgets.get_mut(tenant).filter(|budget| !budget.is_warned) else {
            return;
        };
        budget.is_warned = true;
        tracing::warn!(
            %tenant,
            cpu_seconds_per_hour_max = seconds,
            "the tenant's CPU of this hour is used up: its runs wait until the hour ends"
        );
    }
}

#[cfg(test)]
impl Budgets {
    /// As if what was read were old.
    pub(super) fn forget(&self) {
        self.0.lock().clear();
    }
}
