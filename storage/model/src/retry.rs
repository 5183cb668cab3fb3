//! How long a failed run waits before it is tried again.

mod overriding;
mod pattern;
mod words;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use overriding::RetryOverride;
pub use pattern::{ErrorPattern, InvalidPattern};

/// Attempts of one run at most, whatever is asked.
pub const ATTEMPTS_MAX: u32 = 1_000;
/// Longest wait between two attempts, whatever is asked: 30 days.
pub const DELAY_MS_MAX: u64 = 30 * 24 * 3_600_000;

/// Waits that a policy lists at most.
pub const LISTED_MAX: usize = 100;
/// Patterns of errors that a policy does not try again at most.
pub const NOT_RETRIED_MAX: usize = 32;

/// How often a run is tried, how long it waits in between, and after which errors it is not
/// tried again. Every wait is at most the cap, then moved by up to ± `jitter` of itself, so that
/// runs that failed together do not come back together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// How often a run is tried, the first time included. 1 to [`ATTEMPTS_MAX`]; 3.
    pub max_attempts: u32,
    /// The first wait, in milliseconds. 1,000. Without meaning for [`Backoff::Listed`].
    pub base_ms: u64,
    /// The longest wait, in milliseconds, at most [`DELAY_MS_MAX`]. 3,600,000 (an hour). Without
    /// meaning for [`Backoff::Listed`].
    pub cap_ms: u64,
    /// The share of a wait by which it may be shorter or longer, 0 to 1. 0.2.
    pub jitter: f64,
    /// How waits grow.
    #[serde(skip_serializing_if = "Backoff::is_exponential")]
    pub kind: Backoff,
    /// The waits of [`Backoff::Listed`], in milliseconds: 1 to [`LISTED_MAX`], each at most
    /// [`DELAY_MS_MAX`]. The last one is that of all further attempts. Else none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub delays_ms: Vec<u64>,
    /// Types of errors after which a run fails at once, at most [`NOT_RETRIED_MAX`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_retried: Vec<ErrorPattern>,
}

impl Eq for RetryPolicy {}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            base_ms: 1_000,
            cap_ms: 3_600_000,
            jitter: 0.2,
            kind: Backoff::default(),
            delays_ms: Vec::new(),
            not_retried: Vec::new(),
        }
    }
}

/// How the wait before attempt *n + 1* follows from *n*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backoff {
    /// `base * 2^(n-1)`.
    #[default]
    Exponential,
    /// `base * n`.
    Linear,
    /// `base`.
    Fixed,
    /// The *n*th of a list, or its last.
    Listed,
}

impl Backoff {
    const fn is_exponential(&self) -> bool {
        matches!(self, Self::Exponential)
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
        let is_listed = self.kind == Backoff::Listed;
        if !is_listed && (self.base_ms > self.cap_ms || self.cap_ms > DELAY_MS_MAX) {
            return Err(InvalidRetryPolicy("base_ms must not exceed cap_ms, nor cap_ms 30 days"));
        }
        if is_listed && !(1..=LISTED_MAX).contains(&self.delays_ms.len()) {
            return Err(InvalidRetryPolicy("delays_ms must list 1 to 100 waits"));
        }
        if !is_listed && !self.delays_ms.is_empty() {
            return Err(InvalidRetryPolicy("delays_ms are for kind = \"listed\" only"));
        }
        if self.delays_ms.iter().any(|delay| *delay > DELAY_MS_MAX) {
            return Err(InvalidRetryPolicy("delays_ms must not exceed 30 days each"));
        }
        if self.not_retried.len() > NOT_RETRIED_MAX {
            return Err(InvalidRetryPolicy("not_retried must name 32 types of errors at most"));
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            return Err(InvalidRetryPolicy("jitter must be 0 to 1"));
        }
        Ok(self)
    }

    /// The wait after `attempts` attempts have failed. `random` is evenly spread over 0..1.
    pub fn delay(&self, attempts: u32, random: f64) -> Duration {
        let nth = u64::from(attempts.max(1));
        let (plain, cap) = match self.kind {
            Backoff::Exponential => {
                let doublings = attempts.saturating_sub(1).min(62);
                (self.base_ms.saturating_mul(1 << doublings), self.cap_ms)
            }
            Backoff::Linear => (self.base_ms.saturating_mul(nth), self.cap_ms),
            Backoff::Fixed => (self.base_ms, self.cap_ms),
            Backoff::Listed => {
                let at = usize::try_from(nth - 1).unwrap_or(usize::MAX);
                let delay = self.delays_ms.get(at).or(self.delays_ms.last());
                (delay.copied().unwrap_or_default(), DELAY_MS_MAX)
            }
        };
        let cap = cap.min(DELAY_MS_MAX);
        let factor = 1.0 + self.jitter * (2.0 * random - 1.0);
        // Within 0 to twice 30 days in milliseconds: exact in an f64.
        let moved = (plain.min(cap) as f64 * factor).round() as u64;
        Duration::from_millis(moved.min(cap))
    }

    /// Whether an error of this type may be mended by another attempt.
    pub fn retries(&self, error_type: &str) -> bool {
        !self.not_retried.iter().any(|pattern| pattern.matches(error_type))
    }

    /// Whether plugins could have declared it: what they say is exponential.
    pub fn is_plain(&self) -> bool {
        self.kind.is_exponential() && self.not_retried.is_empty()
    }
}

#[cfg(test)]
mod tests;
