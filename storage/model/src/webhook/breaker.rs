//! When a target that keeps failing is left alone, and when it is tried again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Failures in a row after which a target is left alone.
pub const FAILURES_MAX: u32 = 5;
/// The first and the longest rest: 10 seconds and 10 minutes. Each one is twice the one before.
const REST_MS: (u64, u64) = (10_000, 600_000);
/// By how much a rest is lengthened at most, by chance: a fifth.
const JITTER: f64 = 0.2;

/// How a target has done lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Breaker {
    /// Failures since it last took a message.
    pub failures: u32,
    /// Until when it is left alone; then one message tries it.
    pub open_until: Option<Timestamp>,
    /// How long the latest rest is, in milliseconds.
    #[serde(default)]
    rest_ms: u64,
}

/// What may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Whatever there is.
    Open,
    /// One message, to see whether it is taken.
    Probe,
    /// Nothing before this instant.
    Closed(Timestamp),
}

impl Breaker {
    /// What may be sent at `now`.
    pub fn gate(&self, now: Timestamp) -> Gate {
        match self.open_until {
            None => Gate::Open,
            Some(until) if until > now => Gate::Closed(until),
            Some(_) => Gate::Probe,
        }
    }

    /// It took a message.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// It did not take a message. `random`, 0 to 1, lengthens the rest. Answers whether it rests
    /// from now on and did not before.
    pub fn failed(&mut self, now: Timestamp, random: f64) -> bool {
        self.failures = self.failures.saturating_add(1);
        if self.failures < FAILURES_MAX {
            return false;
        }
        let rests = self.open_until.is_some_and(|until| until > now);
        if rests {
            // Others that were under way: they say nothing new.
            return false;
        }
        let is_first = self.open_until.is_none();
        self.rest_ms = match self.rest_ms {
            0 => REST_MS.0,
            rest => rest.saturating_mul(2).min(REST_MS.1),
        };
        let rest = self.rest_ms as f64 * (1.0 + JITTER * random.clamp(0.0, 1.0));
        self.open_until = Some(now.plus(Duration::from_millis(rest as u64)));
        is_first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn failures_in_a_row_close_the_gate_and_one_success_opens_it() {
        let mut breaker = Breaker::default();
        for _ in 1..FAILURES_MAX {
            assert!(!breaker.failed(NOW, 0.0));
            assert_eq!(breaker.gate(NOW), Gate::Open);
        }
        assert!(breaker.failed(NOW, 0.0), "it is told once");
        let until = NOW.plus(seconds(10));
        assert_eq!(breaker.gate(NOW), Gate::Closed(until));
        assert!(!breaker.failed(NOW, 0.0), "one that was under way lengthens nothing");
        assert_eq!(breaker.gate(until), Gate::Probe);
        breaker.succeeded();
        assert_eq!(breaker, Breaker::default());
        assert_eq!(breaker.gate(until), Gate::Open);
    }

    #[test]
    fn rests_double_up_to_ten_minutes() {
        let mut breaker = Breaker { failures: FAILURES_MAX - 1, ..Breaker::default() };
        let mut now = NOW;
        let mut rests = Vec::new();
        for _ in 0..9 {
            breaker.failed(now, 0.0);
            let until = breaker.open_until.expect("it rests");
            rests.push(until.since(now).as_secs());
            now = until;
        }
        assert_eq!(rests, [10, 20, 40, 80, 160, 320, 600, 600, 600]);
        assert!(!breaker.failed(now, 1.0), "it was closed before");
        assert_eq!(breaker.open_until, Some(now.plus(seconds(720))));
    }

    #[test]
    fn a_success_in_between_begins_the_count_anew() {
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            for _ in 1..FAILURES_MAX {
                breaker.failed(NOW, 0.0);
            }
            assert_eq!(breaker.gate(NOW), Gate::Open);
            breaker.succeeded();
        }
    }
}
