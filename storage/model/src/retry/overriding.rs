//! What an operator says of a job's retries, in place of what its plugin declares.

use serde::Deserialize;

use super::{Backoff, ErrorPattern, InvalidRetryPolicy, RetryPolicy};

/// Fields that take the place of a declared policy's; what is absent stays as declared.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryOverride {
    /// See [`RetryPolicy::max_attempts`].
    pub max_attempts: Option<u32>,
    /// See [`RetryPolicy::kind`].
    pub kind: Option<Backoff>,
    /// See [`RetryPolicy::base_ms`]. Where it exceeds the declared cap, it raises that too.
    pub base_ms: Option<u64>,
    /// See [`RetryPolicy::cap_ms`]. Where it is below the declared base, it lowers that too.
    pub cap_ms: Option<u64>,
    /// See [`RetryPolicy::jitter`].
    pub jitter: Option<f64>,
    /// See [`RetryPolicy::delays_ms`]; they make the kind [`Backoff::Listed`].
    pub delays_ms: Option<Vec<u64>>,
    /// See [`RetryPolicy::not_retried`].
    pub not_retried: Option<Vec<ErrorPattern>>,
}

impl Eq for RetryOverride {}

impl RetryOverride {
    /// The declared policy with these fields in place of its own.
    pub fn over(&self, declared: &RetryPolicy) -> Result<RetryPolicy, InvalidRetryPolicy> {
        let listed = self.delays_ms.is_some().then_some(Backoff::Listed);
        let kind = self.kind.or(listed).unwrap_or(declared.kind);
        let stays_listed = kind == Backoff::Listed && declared.kind == Backoff::Listed;
        let declared_delays = if stays_listed { declared.delays_ms.clone() } else { Vec::new() };
        let (base_ms, cap_ms) = match (self.base_ms, self.cap_ms) {
            (Some(base), Some(cap)) => (base, cap),
            (Some(base), None) => (base, declared.cap_ms.max(base)),
            (None, Some(cap)) => (declared.base_ms.min(cap), cap),
            (None, None) => (declared.base_ms, declared.cap_ms),
        };
        RetryPolicy {
            max_attempts: self.max_attempts.unwrap_or(declared.max_attempts),
            base_ms,
            cap_ms,
            jitter: self.jitter.unwrap_or(declared.jitter),
            kind,
            delays_ms: self.delays_ms.clone().unwrap_or(declared_delays),
            not_retried: self.not_retried.clone().unwrap_or_else(|| declared.not_retried.clone()),
        }
        .checked()
    }
}
