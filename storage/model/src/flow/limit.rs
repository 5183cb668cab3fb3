//! What a limit allows, and how it is changed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{LimitKeyPointer, LimitScope};

/// Slots of one gate at most.
pub const CONCURRENCY_MAX: u32 = 100_000;
/// Runs per span of a rate at most, and runs of a burst.
pub const RATE_COUNT_MAX: u32 = 100_000;
/// The shortest span of a rate.
pub const RATE_PER_MIN: Duration = Duration::from_millis(1);
/// The longest span of a rate.
pub const RATE_PER_MAX: Duration = Duration::from_secs(24 * 3600);

/// How a rate is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "algorithm")]
pub enum RateAlgorithm {
    /// Runs begin evenly spread, with up to `burst` at once after a quiet time.
    TokenBucket {
        /// Runs at once at most, at least 1.
        burst: u32,
    },
    /// At most `count` begin within any span, and as many at once as that allows. An admission
    /// counts for up to 1 % longer than the span.
    SlidingWindow,
}

/// So many runs in a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// How many, 1 to [`RATE_COUNT_MAX`].
    pub count: u32,
    /// In what span, [`RATE_PER_MIN`] to [`RATE_PER_MAX`], in microseconds.
    pub per_us: u64,
    /// How it is kept.
    #[serde(flatten)]
    pub algorithm: RateAlgorithm,
}

impl Rate {
    /// A token bucket whose burst is what accrues in a tenth of the span, at least 1.
    pub fn new(count: u32, per: Duration) -> Self {
        let per_us = u64::try_from(per.as_micros()).unwrap_or(u64::MAX);
        let burst = (count / 10).max(1);
        Self { count, per_us, algorithm: RateAlgorithm::TokenBucket { burst } }
    }

    /// The same with another way to keep it.
    pub fn kept_by(self, algorithm: RateAlgorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// The span.
    pub const fn per(&self) -> Duration {
        Duration::from_micros(self.per_us)
    }
}

/// What one scope allows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FlowLimit {
    /// Runs pending or running at a time at most, 1 to [`CONCURRENCY_MAX`].
    pub concurrency: Option<u32>,
    /// How many begin in a span.
    pub rate: Option<Rate>,
    /// Whether none begins at all.
    pub paused: bool,
    /// Of a limit per key: where clients find the key in an input, unless the request names one.
    pub key_pointer: Option<LimitKeyPointer>,
}

/// A limit that makes no sense. Nothing was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFlowLimit {
    /// No slots, or too many.
    #[error("a concurrency of {0}: use 1 to {CONCURRENCY_MAX}; to stop all, pause")]
    Concurrency(u32),
    /// None, or too many.
    #[error("a rate of {0}: use 1 to {RATE_COUNT_MAX}; to stop all, pause")]
    Count(u32),
    /// Too short or too long a span.
    #[error("a rate per {} ms: use 1 ms to 1 day", .0.as_secs_f64() * 1e3)]
    Per(Duration),
    /// No burst, or too large a one.
    #[error("a burst of {0}: use 1 to {RATE_COUNT_MAX}")]
    Burst(u32),
    /// Faster than time is measured.
    #[error("a rate of more than 1,000 in a millisecond: leave it out")]
    TooFast,
    /// A pointer where there are no keys.
    #[error("a key pointer for {0}: only a limit per key has one")]
    PointerWithoutKeys(LimitScope),
    /// Nothing is limited.
    #[error("the limit of {0} limits nothing: name a concurrency or a rate, or remove it")]
    Nothing(LimitScope),
    /// Every key by itself cannot be paused.
    #[error("{0} cannot be paused: pause its job type")]
    PausedPerKey(LimitScope),
    /// Too many limits.
    #[error("there are {} limits already: remove some", super::LIMITS_MAX)]
    TooMany,
}

impl FlowLimit {
    /// Only so many at a time.
    pub fn concurrency(slots: u32) -> Self {
        Self { concurrency: Some(slots), ..Self::default() }
    }

    /// Only so many in a span.
    pub fn rate(rate: Rate) -> Self {
        Self { rate: Some(rate), ..Self::default() }
    }

    /// Refuses what makes no sense for this scope.
    pub fn check(&self, scope: &LimitScope) -> Result<(), InvalidFlowLimit> {
        if let Some(slots) = self.concurrency.filter(|it| !(1..=CONCURRENCY_MAX).contains(it)) {
            return Err(InvalidFlowLimit::Concurrency(slots));
        }
        if let Some(rate) = &self.rate {
            rate.check()?;
        }
        let is_per_key = matches!(scope, LimitScope::PerKey(_));
        if self.key_pointer.is_some() && !is_per_key {
            return Err(InvalidFlowLimit::PointerWithoutKeys(scope.clone()));
        }
        if self.paused && is_per_key {
            return Err(InvalidFlowLimit::PausedPerKey(scope.clone()));
        }
        if self.concurrency.is_none() && self.rate.is_none() && !self.paused {
            return Err(InvalidFlowLimit::Nothing(scope.clone()));
        }
        Ok(())
    }
}

impl Rate {
    fn check(&self) -> Result<(), InvalidFlowLimit> {
        let per = self.per();
        if !(1..=RATE_COUNT_MAX).contains(&self.count) {
            return Err(InvalidFlowLimit::Count(self.count));
        }
        if !(RATE_PER_MIN..=RATE_PER_MAX).contains(&per) {
            return Err(InvalidFlowLimit::Per(per));
        }
        if u64::from(self.count) > self.per_us {
            return Err(InvalidFlowLimit::TooFast);
        }
        match self.algorithm {
            RateAlgorithm::TokenBucket { burst } if !(1..=RATE_COUNT_MAX).contains(&burst) => {
                Err(InvalidFlowLimit::Burst(burst))
            }
            _ => Ok(()),
        }
    }
}

/// What is done to the limit of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitChange {
    /// This concurrency, rate and key pointer in place of what was; a pause stays.
    Set {
        /// Runs at a time.
        concurrency: Option<u32>,
        /// Runs in a span.
        rate: Option<Rate>,
        /// Where keys are found.
        key_pointer: Option<LimitKeyPointer>,
    },
    /// No limit any more; a pause stays.
    Remove,
    /// None begins until it is resumed.
    Pause,
    /// The pause is over; what else is limited stays.
    Resume,
}

impl LimitChange {
    /// Sets what a limit holds but its pause.
    pub fn set(limit: FlowLimit) -> Self {
        let FlowLimit { concurrency, rate, key_pointer, paused: _ } = limit;
        Self::Set { concurrency, rate, key_pointer }
    }

    /// What becomes of a scope's limit; `None` where none is left.
    pub fn apply(
        &self,
        scope: &LimitScope,
        stored: Option<&FlowLimit>,
    ) -> Result<Option<FlowLimit>, InvalidFlowLimit> {
        let stored = stored.cloned().unwrap_or_default();
        let changed = match self.clone() {
            Self::Set { concurrency, rate, key_pointer } => {
                // Checked without the pause, so that an empty one is refused under a pause too.
                let set = FlowLimit { concurrency, rate, key_pointer, paused: false };
                set.check(scope)?;
                FlowLimit { paused: stored.paused, ..set }
            }
            Self::Remove => FlowLimit { paused: stored.paused, ..FlowLimit::default() },
            Self::Pause => FlowLimit { paused: true, ..stored },
            Self::Resume => FlowLimit { paused: false, ..stored },
        };
        let is_empty = changed.concurrency.is_none() && changed.rate.is_none() && !changed.paused;
        if is_empty {
            return Ok(None);
        }
        changed.check(scope)?;
        Ok(Some(changed))
    }
}
