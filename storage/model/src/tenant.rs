//! What one tenant may use, so that tenants cannot harm each other.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::fairness::Weight;

/// What one tenant may use. A quota that is absent does not bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TenantQuotas {
    /// Its part of the CPU where tenants compete, against the weights of the others: 1 to 1,000.
    /// 1.
    pub weight: Weight,
    /// Runs under way at once on one host, 1 to 10,000.
    pub concurrent_runs_max: Option<u64>,
    /// Runs that wait (pending, scheduled, awaiting a retry) at once, 1 to 100,000,000.
    pub queued_runs_max: Option<u64>,
    /// Seconds of guest code in one hour of the store's clock, over all hosts, 1 to 10,000,000.
    pub cpu_seconds_per_hour_max: Option<u64>,
    /// Bytes that its runs under way may have together on one host, each counted with all that
    /// its limits allow, 1 MiB to 1 PiB.
    pub memory_bytes_max: Option<u64>,
    /// Plugins that it may have on one host, 1 to 100,000.
    pub plugins_max: Option<u64>,
}

/// A quota out of its bounds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{quota} is {value}: use {least} to {most}")]
pub struct InvalidQuota {
    /// Which.
    pub quota: &'static str,
    /// What it was to be.
    pub value: u64,
    least: u64,
    most: u64,
}

const MIB: u64 = 1 << 20;
const PIB: u64 = 1 << 50;
const MICROS_PER_SECOND: u64 = 1_000_000;

/// What a tenant uses now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TenantUse {
    /// Its runs under way on this host.
    pub running: usize,
    /// Bytes that each of its runs may have at most.
    pub memory_bytes_per_run: u64,
    /// Microseconds of guest code in this hour, over all hosts, as far as they are known.
    pub cpu_us_this_hour: u64,
    /// Microseconds of guest code that one of its runs is expected to use.
    pub cpu_us_per_run: u64,
}

impl TenantQuotas {
    /// Refuses quotas out of their bounds.
    pub fn checked(self) -> Result<Self, InvalidQuota> {
        let checks: [(&'static str, Option<u64>, RangeInclusive<u64>); 5] = [
            ("concurrent_runs_max", self.concurrent_runs_max, 1..=10_000),
            ("queued_runs_max", self.queued_runs_max, 1..=100_000_000),
            ("cpu_seconds_per_hour_max", self.cpu_seconds_per_hour_max, 1..=10_000_000),
            ("memory_bytes_max", self.memory_bytes_max, MIB..=PIB),
            ("plugins_max", self.plugins_max, 1..=100_000),
        ];
        for (quota, value, bounds) in checks {
            if let Some(value) = value.filter(|value| !bounds.contains(value)) {
                let (least, most) = bounds.into_inner();
                return Err(InvalidQuota { quota, value, least, most });
            }
        }
        Ok(self)
    }

    /// Whether any quota bounds which of its runs may start now.
    pub const fn bounds_starts(&self) -> bool {
        self.concurrent_runs_max.is_some()
            || self.memory_bytes_max.is_some()
            || self.cpu_seconds_per_hour_max.is_some()
    }

    /// Whether its CPU of this hour is used up.
    pub fn is_out_of_cpu(&self, cpu_us_this_hour: u64) -> bool {
        self.cpu_us_per_hour_max().is_some_and(|most| cpu_us_this_hour >= most)
    }

    /// How many more of its runs may start now.
    pub fn starts_left(&self, now: &TenantUse) -> usize {
        let by_count = self.concurrent_runs_max.unwrap_or(u64::MAX);
        let by_memory =
            self.memory_bytes_max.map_or(u64::MAX, |most| most / now.memory_bytes_per_run.max(1));
        let by_cpu = self.cpu_us_per_hour_max().map_or(u64::MAX, |most| {
            most.saturating_sub(now.cpu_us_this_hour).div_ceil(now.cpu_us_per_run.max(1))
        });
        let most = by_count.min(by_memory).min(by_cpu);
        usize::try_from(most).unwrap_or(usize::MAX).saturating_sub(now.running)
    }

    fn cpu_us_per_hour_max(&self) -> Option<u64> {
        self.cpu_seconds_per_hour_max.map(|seconds| seconds.saturating_mul(MICROS_PER_SECOND))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: TenantUse = TenantUse {
        running: 2,
        memory_bytes_per_run: 64 * MIB,
        cpu_us_this_hour: 3_000_000,
        cpu_us_per_run: 400_000,
    };

    #[test]
    fn a_tenant_without_quotas_starts_as_many_as_it_likes() {
        assert!(TenantQuotas::default().starts_left(&NOW) > 1_000_000);
        assert!(!TenantQuotas::default().bounds_starts());
    }

    #[test]
    fn each_quota_bounds_starts_by_itself_and_the_tightest_counts() {
        let count = TenantQuotas { concurrent_runs_max: Some(5), ..Default::default() };
        assert_eq!(count.starts_left(&NOW), 3);
        let memory = TenantQuotas { memory_bytes_max: Some(200 * MIB), ..count };
        assert_eq!(memory.starts_left(&NOW), 1, "three of 64 MiB fit into 200 MiB");
        let cpu = TenantQuotas { cpu_seconds_per_hour_max: Some(4), ..count };
        assert_eq!(cpu.starts_left(&NOW), 1, "a second is left, and each takes 0.4");
        assert_eq!(cpu.starts_left(&TenantUse { running: 3, ..NOW }), 0);
    }

    #[test]
    fn a_tenant_whose_cpu_is_used_up_starts_nothing() {
        let quotas = TenantQuotas { cpu_seconds_per_hour_max: Some(3), ..Default::default() };
        assert!(quotas.is_out_of_cpu(NOW.cpu_us_this_hour));
        assert_eq!(quotas.starts_left(&TenantUse { running: 0, ..NOW }), 0);
    }

    #[test]
    fn quotas_out_of_bounds_are_refused_by_name() {
        let none = TenantQuotas { concurrent_runs_max: Some(0), ..Default::default() };
        let error = none.checked().expect_err("nothing could ever run");
        assert_eq!(error.to_string(), "concurrent_runs_max is 0: use 1 to 10000");
        assert!(TenantQuotas::default().checked().is_ok());
    }

    #[test]
    fn quotas_are_read_with_their_names_and_nothing_else() {
        let read: TenantQuotas =
            serde_json::from_str(r#"{"weight": 3, "queued_runs_max": 7}"#).expect("good quotas");
        assert_eq!((read.weight.get(), read.queued_runs_max), (3, Some(7)));
        assert!(serde_json::from_str::<TenantQuotas>(r#"{"wieght": 3}"#).is_err());
        assert!(serde_json::from_str::<TenantQuotas>(r#"{"weight": 0}"#).is_err());
    }
}
