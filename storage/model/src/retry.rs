//! How long a failed run waits before it is tried again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Attempts of one run at most, whatever is asked.
pub const ATTEMPTS_MAX: u32 = 1_000;
/// Longest wait between two attempts, whatever is asked: 30 days.
pub const DELAY_MS_MAX: u64 = 30 * 24 * 3_600_000;

/// Exponential backoff with full-range jitter: the wait before attempt *n + 1* is
/// `base * 2^(n-1)`, at most `cap`, then moved by up to ± `jitter` of itself, so that runs
/// that failed together do not come back together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// How often a run is tried, the first time included. 1 to [`ATTEMPTS_MAX`]; 3.
    pub max_attempts: u32,
    /// The first wait, in milliseconds. 1,000.
    pub base_ms: u64,
    /// The longest wait, in milliseconds, at most [`DELAY_MS_MAX`]. 3,600,000 (an hour).
    pub cap_ms: u64,
    /// The share of a wait by which it may be shorter or longer, 0 to 1. 0.2.
    pub jitter: f64,
}

impl Eq for RetryPolicy {}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { max_attempts: 3, base_ms: 1_000, cap_ms: 3_600_000, jitter: 0.2 }
    }
}

/// Which code a further attempt of a run executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryCode {
    /// The newest version: a fix reaches runs that wait for another attempt.
    #[default]
    Newest,
    /// The version of the attempt before, as long as it is kept; else the newest.
    SameDigest,
}

impl RetryCode {
    /// Whether the attempt with this number looks for the code of the one before. A first
    /// attempt never does, be it repeated for a fault of the host or asked for anew.
    pub const fn keeps(self, attempt: u32) -> bool {
        matches!(self, Self::SameDigest) && attempt > 1
    }
}

/// A retry policy out of bounds.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("invalid retry policy: {0}")]
pub struct InvalidRetryPolicy(&'static str);

impl RetryPolicy {
    /// Refuses what is out of bounds.
    pub fn checked(self) -> Result<Self, InvalidRetryPolicy> {
        if !(1..=ATTEMPTS_MAX).contains(&self.max_attempts) {
            return Err(InvalidRetryPolicy("max_attempts must be 1 to 1000"));
        }
        if self.base_ms > self.cap_ms || self.cap_ms > DELAY_MS_MAX {
            return Err(InvalidRetryPolicy("base_ms must not exceed cap_ms, nor cap_ms 30 days"));
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            return Err(InvalidRetryPolicy("jitter must be 0 to 1"));
        }
        Ok(self)
    }

    /// The wait after `attempts` attempts have failed. `random` is evenly spread over 0..1.
    pub fn delay(&self, attempts: u32, random: f64) -> Duration {
        let doublings = attempts.saturating_sub(1).min(62);
        let plain = self.base_ms.saturating_mul(1 << doublings).min(self.cap_ms);
        let factor = 1.0 + self.jitter * (2.0 * random - 1.0);
        let capped = self.cap_ms.min(DELAY_MS_MAX);
        // Within 0 to twice 30 days in milliseconds: exact in an f64.
        let moved = (plain as f64 * factor).round() as u64;
        Duration::from_millis(moved.min(capped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn waits_double_up_to_the_cap() {
        let policy = RetryPolicy { jitter: 0.0, cap_ms: 10_000, ..RetryPolicy::default() };
        let waits: Vec<u128> =
            (1..=6).map(|attempt| policy.delay(attempt, 0.5).as_millis()).collect();
        assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    }

    #[test]
    fn policies_out_of_bounds_are_refused() {
        let base = RetryPolicy::default();
        assert!(RetryPolicy { max_attempts: 0, ..base.clone() }.checked().is_err());
        assert!(RetryPolicy { jitter: f64::NAN, ..base.clone() }.checked().is_err());
        assert!(RetryPolicy { base_ms: 2, cap_ms: 1, ..base.clone() }.checked().is_err());
        assert!(base.checked().is_ok());
    }

    proptest! {
        #[test]
        fn a_wait_never_leaves_its_bounds(
            attempts in 0u32..2_000, random in 0.0f64..1.0, base in 0u64..=DELAY_MS_MAX,
            extra in 0u64..=DELAY_MS_MAX, jitter in 0.0f64..=1.0,
        ) {
            let cap_ms = (base + extra).min(DELAY_MS_MAX);
            let policy = RetryPolicy { max_attempts: 3, base_ms: base, cap_ms, jitter };
            let wait = policy.delay(attempts, random).as_millis();
            prop_assert!(wait <= u128::from(cap_ms));
        }
    }
}
