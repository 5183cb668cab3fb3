//! How often something may happen, as rules over time.
//!
//! **Invariant:** nothing here reads a clock. Time comes in as an argument: how long ago the
//! attempt began.

use std::time::Duration;

const SECOND_NS: u64 = 1_000_000_000;

/// So many at once after a silence, and so many each second from then on.
#[derive(Debug)]
pub(crate) struct Bucket {
    interval: Duration,
    /// How far ahead of the clock the bucket may be used up.
    tolerance: Duration,
    /// When the bucket is full again.
    full_at: Duration,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn new(per_second: u64, burst: u64) -> Self {
        let interval_ns = SECOND_NS.div_ceil(per_second.max(1));
        let tolerance_ns = interval_ns.saturating_mul(burst.saturating_sub(1));
        Self {
            interval: Duration::from_nanos(interval_ns),
            tolerance: Duration::from_nanos(tolerance_ns),
            full_at: Duration::ZERO,
        }
    }

    /// Takes one out, if there is one.
    pub(crate) fn take(&mut self, now: Duration) -> bool {
        let full_at = self.full_at.max(now);
        if full_at - now > self.tolerance {
            return false;
        }
        self.full_at = full_at.saturating_add(self.interval);
        true
    }
}

/// Passes on the first value at once and later ones at a pace. Of values that come faster,
/// only the newest is kept, and it is never lost.
#[derive(Debug)]
pub(crate) struct Pace<T> {
    interval: Duration,
    next_at: Duration,
    newest: Option<T>,
}

impl<T> Pace<T> {
    /// Nothing said yet.
    pub(crate) fn new(per_second: u64) -> Self {
        Self {
            interval: Duration::from_nanos(SECOND_NS.div_ceil(per_second.max(1))),
            next_at: Duration::ZERO,
            newest: None,
        }
    }

    /// Takes a new value, and answers it if it may be passed on now.
    pub(crate) fn offer(&mut self, value: T, now: Duration) -> Option<T> {
        self.newest = Some(value);
        self.due(now)
    }

    /// The value that was kept back, if it may be passed on now.
    pub(crate) fn due(&mut self, now: Duration) -> Option<T> {
        if now < self.next_at {
            return None;
        }
        let value = self.newest.take()?;
        self.next_at = now.saturating_add(self.interval);
        Some(value)
    }

    /// The value that was kept back, because there will be no other.
    pub(crate) fn rest(&mut self) -> Option<T> {
        self.newest.take()
    }

    /// Whether a value is kept back.
    pub(crate) const fn is_behind(&self) -> bool {
        self.newest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_burst_is_let_through_and_then_the_rate() {
        let mut bucket = Bucket::new(10, 5);
        let at_once = (0..100).filter(|_| bucket.take(ms(0))).count();
        assert_eq!(at_once, 5);
        assert!(!bucket.take(ms(99)));
        assert!(bucket.take(ms(100)));
        let in_a_second = (0..1_000).filter(|n| bucket.take(ms(101 + n))).count();
        assert_eq!(in_a_second, 10);
    }

    #[test]
    fn a_silence_fills_the_bucket_and_no_more() {
        let mut bucket = Bucket::new(1_000, 3);
        for start in [0, 10_000, 20_000] {
            let taken = (0..10).filter(|_| bucket.take(ms(start))).count();
            assert_eq!(taken, 3);
        }
    }

    #[test]
    fn odd_rates_let_no_more_through_than_they_say() {
        for rate in [1, 3, 7, 999, 700_000] {
            let mut bucket = Bucket::new(rate, 1);
            let second = (0..3 * rate).filter(|n| {
                bucket.take(
                    Duration::from_secs(1) * u32::try_from(*n).expect("small")
                        / u32::try_from(3 * rate).expect("small"),
                )
            });
            let taken = second.count() as u64;
            assert!((rate / 2..=rate).contains(&taken), "{taken} of {rate}");
        }
    }

    #[test]
    fn the_first_value_passes_at_once_and_the_newest_in_the_end() {
        let mut pace = Pace::new(10);
        assert_eq!(pace.offer(1, ms(5)), Some(1));
        assert_eq!(pace.offer(2, ms(6)), None);
        assert_eq!(pace.offer(3, ms(104)), None);
        assert!(pace.is_behind());
        assert_eq!(pace.due(ms(104)), None);
        assert_eq!(pace.due(ms(105)), Some(3));
        assert_eq!(pace.offer(4, ms(106)), None);
        assert_eq!(pace.rest(), Some(4));
        assert_eq!(pace.rest(), None);
    }
}
