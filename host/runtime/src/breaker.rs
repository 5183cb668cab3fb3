//! Takes code out of service whose runs keep trapping.
//!
//! ```text
//!            traps ≥ threshold within the window, none went well
//!   closed ─────────────────────────────────────────────► open
//!     ▲                                                    │ cool-down
//!     │ the probe did not trap                             ▼
//!     └──────────────────────────────────────────────── probing
//!                                     the probe trapped: open, twice as long
//! ```
//!
//! **Invariant:** the rules are pure: time comes in as an argument, and a refusal costs a run
//! nothing but time. [`shared`] lets hosts of one storage know of each other's.

mod shared;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use zapjobs_model::{Blame, Digest, JobKey, Outcome, StopReason, Timestamp};

pub use shared::lease_name;
pub(crate) use shared::{learn, share, unshare};

/// Code that is watched at most; beyond it, code that begins to trap is not watched.
const WATCHED_MAX: usize = 10_000;
/// A probe that has not ended after this long counts as lost, and another one may go.
const PROBE_MAX: Duration = Duration::from_secs(600);

/// When code is taken out of service, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerRules {
    /// Traps of one job type's code, none of its runs ending well in between, that take it out
    /// of service, 1 to 1,000; 0 never does. 20.
    pub threshold: usize,
    /// The time within which they come. 5 minutes.
    pub window: Duration,
    /// How long the code is out of service at first. 5 minutes.
    pub cool_down: Duration,
    /// How long at most: each probe that traps doubles the time. 1 hour.
    pub cool_down_max: Duration,
}

impl Default for BreakerRules {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self {
            threshold: 20,
            window: 5 * minute,
            cool_down: 5 * minute,
            cool_down_max: 60 * minute,
        }
    }
}

/// What an attempt's end says of its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// The code broke down.
    Trapped,
    /// The code did what it is meant to.
    Well,
    /// The code returned an error of its own, or asked for more time.
    Returned,
    /// Nothing.
    None,
}

impl Sign {
    /// Reads an outcome. A slow neighbour can use up the wall-clock time, so it says nothing.
    pub(crate) fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Completed(_) => Self::Well,
            Outcome::Retry { .. } | Outcome::Failed(_) | Outcome::Snoozed { .. } => Self::Returned,
            Outcome::Stopped { reason, error } => match reason {
                StopReason::WallTime => Self::None,
                _ if error.blame == Blame::Guest => Self::Trapped,
                _ => Self::None,
            },
            Outcome::Cancelled(_)
            | Outcome::Lost
            | Outcome::HostFault(_)
            | Outcome::HandedBack { .. } => Self::None,
        }
    }
}

/// Whether an attempt may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It may.
    Pass,
    /// The code is out of service until then, or until a probe has ended.
    Refuse {
        /// When it may be tried again.
        until: Timestamp,
    },
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// The code is out of service for this long.
    Opened(Duration),
    /// The code is in service again.
    Closed,
}

/// One job type's code.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Breaker {
    Closed { traps: VecDeque<Timestamp> },
    Open { until: Timestamp, cool_down: Duration },
    Probing { since: Timestamp, cool_down: Duration },
}

impl Breaker {
    fn admit(&mut self, now: Timestamp) -> Admission {
        match *self {
            Self::Closed { .. } => Admission::Pass,
            Self::Open { until, .. } if now < until => Admission::Refuse { until },
            Self::Probing { since, .. } if now.since(since) < PROBE_MAX => {
                Admission::Refuse { until: since.plus(PROBE_MAX) }
            }
            Self::Open { cool_down, .. } | Self::Probing { cool_down, .. } => {
                *self = Self::Probing { since: now, cool_down };
                Admission::Pass
            }
        }
    }

    fn note(&mut self, sign: Sign, now: Timestamp, rules: &BreakerRules) -> Option<Change> {
        match (&mut *self, sign) {
            (Self::Closed { traps }, Sign::Trapped) => {
                traps.push_back(now);
                while traps.front().is_some_and(|first| now.since(*first) > rules.window) {
                    traps.pop_front();
                }
                (traps.len() >= rules.threshold).then(|| self.open(now, rules.cool_down))
            }
            (Self::Closed { traps }, Sign::Well) => {
                traps.clear();
                None
            }
            (Self::Probing { cool_down, .. }, Sign::Trapped) => {
                let longer = (*cool_down * 2).min(rules.cool_down_max).max(rules.cool_down);
                Some(self.open(now, longer))
            }
            (Self::Probing { .. }, Sign::Well | Sign::Returned) => {
                *self = Self::Closed { traps: VecDeque::new() };
                Some(Change::Closed)
            }
            // The probe told nothing: the next run is one.
            (Self::Probing { cool_down, .. }, Sign::None) => {
                *self = Self::Open { until: now, cool_down: *cool_down };
                None
            }
            // An attempt that began before.
            (Self::Open { .. }, _) | (Self::Closed { .. }, _) => None,
        }
    }

    fn open(&mut self, now: Timestamp, cool_down: Duration) -> Change {
        *self = Self::Open { until: now.plus(cool_down), cool_down };
        Change::Opened(cool_down)
    }

    /// Whether its last trap is too long ago to count.
    fn is_past(&self, now: Timestamp, rules: &BreakerRules) -> bool {
        let Self::Closed { traps } = self else { return false };
        traps.back().is_none_or(|last| now.since(*last) > rules.window)
    }

    fn is_idle(&self) -> bool {
        matches!(self, Self::Closed { traps } if traps.is_empty())
    }
}

/// All code that has trapped lately. Code that behaves costs one look into an empty table.
#[derive(Debug, Default)]
pub(crate) struct Breakers(Mutex<HashMap<(JobKey, Digest), Breaker>>);

impl Breakers {
    /// Whether an attempt may begin now.
    pub(crate) fn admit(&self, key: &JobKey, digest: Digest, now: Timestamp) -> Admission {
        let mut breakers = self.0.lock();
        if breakers.is_empty() {
            return Admission::Pass;
        }
        let breaker = breakers.get_mut(&(key.clone(), digest));
        breaker.map_or(Admission::Pass, |breaker| breaker.admit(now))
    }

    /// Notes how an attempt ended.
    pub(crate) fn note(
        &self,
        key: &JobKey,
        digest: Digest,
        sign: Sign,
        now: Timestamp,
        rules: &BreakerRules,
    ) -> Option<Change> {
        let mut breakers = self.0.lock();
        if rules.threshold == 0 || (breakers.is_empty() && sign != Sign::Trapped) {
            return None;
        }
        let name = (key.clone(), digest);
        if sign == Sign::Trapped && !breakers.contains_key(&name) {
            if breakers.len() >= WATCHED_MAX {
                breakers.retain(|_, breaker| !breaker.is_past(now, rules));
            }
            if breakers.len() >= WATCHED_MAX {
                tracing::warn!(job = %key, watched = WATCHED_MAX, "too much code traps to watch");
                return None;
            }
            breakers.insert(name.clone(), Breaker::Closed { traps: VecDeque::new() });
        }
        let breaker = breakers.get_mut(&name)?;
        let change = breaker.note(sign, now, rules);
        if breaker.is_idle() {
            breakers.remove(&name);
        }
        change
    }

    /// Takes code out of service because another host did; answers whether it was in service.
    pub(crate) fn adopt(
        &self,
        key: &JobKey,
        digest: Digest,
        until: Timestamp,
        now: Timestamp,
    ) -> bool {
        let mut breakers = self.0.lock();
        let breaker = breakers
            .entry((key.clone(), digest))
            .or_insert_with(|| Breaker::Closed { traps: VecDeque::new() });
        let was_closed = matches!(breaker, Breaker::Closed { .. });
        if was_closed {
            *breaker = Breaker::Open { until, cool_down: until.since(now) };
        }
        was_closed
    }

    /// Puts all code of these job types into service again; answers which was out of it.
    pub(crate) fn reset(&self, keys: &[JobKey]) -> Vec<(JobKey, Digest)> {
        let mut breakers = self.0.lock();
        let mut out = Vec::new();
        breakers.retain(|(key, digest), breaker| {
            let is_reset = keys.contains(key);
            if is_reset && !matches!(breaker, Breaker::Closed { .. }) {
                out.push((key.clone(), *digest));
            }
            !is_reset
        });
        out
    }
}

#[cfg(test)]
mod tests;
