//! What a rate remembers.
//!
//! A token bucket is one instant, that at which the bucket would be full again (GCRA). A sliding
//! window is the number of admissions in each hundredth of its span, which count until the last of
//! them is a span old: so no span ever holds more than the rate allows, and one that is used to
//! the full loses at most 1 %.

use serde::{Deserialize, Serialize};

use super::{Rate, RateAlgorithm};
use crate::Timestamp;

/// Parts of a sliding window: what it remembers at most, and how fine it counts.
const WINDOW_PARTS: i64 = 100;

/// What a rate remembers of its admissions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RateState {
    /// The instant at which the bucket is full again, in nanoseconds since 1970.
    FullAt(i64),
    /// How many were admitted in each part of the window that still counts, oldest first, with
    /// the instant of the last of them, in microseconds since 1970.
    Window(Vec<(i64, u32)>),
}

impl Rate {
    /// Nanoseconds in which one token accrues.
    fn interval(&self) -> i128 {
        i128::from(self.per_us) * 1_000 / i128::from(self.count)
    }

    /// Microseconds of one part of the window.
    fn part(&self) -> i64 {
        i64::try_from(self.per_us).unwrap_or(i64::MAX).div_euclid(WINDOW_PARTS).max(1)
    }

    /// When a part whose last admission was then no longer counts.
    fn forgotten(&self, last: i64) -> i64 {
        last.saturating_add(i64::try_from(self.per_us).unwrap_or(i64::MAX))
    }

    /// When the bucket is full again: no later than if it were empty, whatever limit there was
    /// before.
    fn full_at(&self, burst: u32, state: Option<&RateState>, now: i128) -> i128 {
        let of_empty = now + i128::from(burst) * self.interval();
        match state {
            Some(RateState::FullAt(full_at)) => i128::from(*full_at).clamp(now, of_empty),
            _ => now,
        }
    }

    fn counted<'a>(
        &'a self,
        state: Option<&'a RateState>,
        now: Timestamp,
    ) -> impl Iterator<Item = (i64, u32)> + 'a {
        let parts = match state {
            Some(RateState::Window(parts)) => parts.as_slice(),
            _ => &[],
        };
        let counts = move |&(part, _): &(i64, u32)| self.forgotten(part) > now.as_micros();
        parts.iter().copied().filter(counts)
    }

    /// How many may begin now.
    pub fn room(&self, state: Option<&RateState>, now: Timestamp) -> usize {
        match self.algorithm {
            RateAlgorithm::TokenBucket { burst } => {
                let now_ns = i128::from(now.as_micros()) * 1_000;
                let slack = i128::from(burst - 1) * self.interval();
                let left = now_ns + slack - self.full_at(burst, state, now_ns);
                if left < 0 { 0 } else { usize::try_from(left / self.interval() + 1).unwrap_or(0) }
            }
            RateAlgorithm::SlidingWindow => {
                let used: u64 = self.counted(state, now).map(|(_, count)| u64::from(count)).sum();
                usize::try_from(u64::from(self.count).saturating_sub(used)).unwrap_or(0)
            }
        }
    }

    /// The earliest instant at which one may begin.
    pub fn next_at(&self, state: Option<&RateState>, now: Timestamp) -> Timestamp {
        if self.room(state, now) > 0 {
            return now;
        }
        let at = match self.algorithm {
            RateAlgorithm::TokenBucket { burst } => {
                let now_ns = i128::from(now.as_micros()) * 1_000;
                let slack = i128::from(burst - 1) * self.interval();
                let at = self.full_at(burst, state, now_ns) - slack;
                i64::try_from((at + 999).div_euclid(1_000)).unwrap_or(i64::MAX)
            }
            RateAlgorithm::SlidingWindow => {
                let mut used: u64 =
                    self.counted(state, now).map(|(_, count)| u64::from(count)).sum();
                let mut at = now.as_micros();
                // More may count than the rate allows, where it was lowered.
                for (part, count) in self.counted(state, now) {
                    if used < u64::from(self.count) {
                        break;
                    }
                    used -= u64::from(count);
                    at = self.forgotten(part);
                }
                at
            }
        };
        Timestamp::from_micros(at)
    }

    /// The state after one began.
    pub fn taken(&self, state: Option<&RateState>, now: Timestamp) -> RateState {
        match self.algorithm {
            RateAlgorithm::TokenBucket { burst } => {
                let now_ns = i128::from(now.as_micros()) * 1_000;
                let full_at = self.full_at(burst, state, now_ns) + self.interval();
                RateState::FullAt(i64::try_from(full_at).unwrap_or(i64::MAX))
            }
            RateAlgorithm::SlidingWindow => {
                let mut parts: Vec<_> = self.counted(state, now).collect();
                let (now, part) = (now.as_micros(), self.part());
                match parts.last_mut() {
                    // A clock that went back counts in the latest part.
                    Some((last, count)) if last.div_euclid(part) >= now.div_euclid(part) => {
                        *last = now.max(*last);
                        *count = count.saturating_add(1);
                    }
                    _ => parts.push((now, 1)),
                }
                RateState::Window(parts)
            }
        }
    }

    /// When the state is no different from that of a gate nobody has passed.
    pub fn forgets_at(&self, state: &RateState) -> Timestamp {
        Timestamp::from_micros(match state {
            RateState::FullAt(full_at) => full_at.div_euclid(1_000).saturating_add(1),
            RateState::Window(parts) => parts.last().map_or(0, |(part, _)| self.forgotten(*part)),
        })
    }
}
