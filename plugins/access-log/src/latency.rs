//! Percentiles of times in bounded memory.
//!
//! A histogram with 64 buckets for each doubling of the time, as HdrHistogram has it: a
//! percentile is at most 1.6 % above the true one, over the whole range of 64 bits.
//!
//! **Invariant:** memory is fixed (30 KB) and adding is a shift and an increment.

/// Buckets for each doubling, as a power of two.
const SHARE_BITS: u32 = 6;
const SHARES: u64 = 1 << SHARE_BITS;
const BUCKETS: usize = ((64 - SHARE_BITS as usize) + 1) << SHARE_BITS;

/// Times in microseconds.
#[derive(Debug)]
pub struct Latency {
    buckets: Vec<u64>,
    count: u64,
    sum_us: u64,
    max_us: u64,
}

impl Latency {
    /// No times yet.
    pub fn new() -> Self {
        Self { buckets: vec![0; BUCKETS], count: 0, sum_us: 0, max_us: 0 }
    }

    /// Adds one.
    pub fn add(&mut self, time_us: u64) {
        self.buckets[bucket(time_us)] += 1;
        self.count += 1;
        self.sum_us = self.sum_us.saturating_add(time_us);
        self.max_us = self.max_us.max(time_us);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest.
    pub fn max_us(&self) -> u64 {
        self.max_us
    }

    /// The mean; 0 where there are none.
    pub fn mean_us(&self) -> u64 {
        self.sum_us.checked_div(self.count).unwrap_or(0)
    }

    /// The time that `percent` of all do not exceed; 0 where there are none.
    pub fn percentile_us(&self, percent: f64) -> u64 {
        let rank = ((percent / 100.0 * self.count as f64).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return highest_of(index).min(self.max_us);
            }
        }
        self.max_us
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}

/// Small times have a bucket each; above, the leading bits choose.
fn bucket(time_us: u64) -> usize {
    let shift = (64 - time_us.leading_zeros()).saturating_sub(SHARE_BITS + 1);
    (((shift as u64) << SHARE_BITS) + (time_us >> shift)) as usize
}

/// The largest time in a bucket.
fn highest_of(index: usize) -> u64 {
    let index = index as u64;
    let shift = (index >> SHARE_BITS).saturating_sub(1);
    let share = index - (shift << SHARE_BITS);
    debug_assert!(share < 2 * SHARES);
    (((u128::from(share) + 1) << shift) - 1).min(u128::from(u64::MAX)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_within_two_percent() {
        let mut latency = Latency::new();
        for time_us in 1..=100_000 {
            latency.add(time_us);
        }
        for (percent, exact) in [(50.0, 50_000), (90.0, 90_000), (99.0, 99_000), (100.0, 100_000)] {
            let found = latency.percentile_us(percent);
            assert!(found >= exact && found <= exact + exact / 60, "p{percent}: {found}");
        }
        assert_eq!((latency.mean_us(), latency.max_us()), (50_000, 100_000));
    }

    #[test]
    fn each_time_is_within_its_bucket() {
        for time_us in (0..64).flat_map(|bit| [1_u64 << bit, (1 << bit) - 1]).chain([u64::MAX]) {
            let high = highest_of(bucket(time_us));
            assert!(high >= time_us, "{time_us}: {high}");
            assert!(high - time_us <= time_us / SHARES, "{time_us}: {high}");
            assert!(bucket(time_us) < BUCKETS);
        }
    }

    #[test]
    fn nothing_has_percentiles_of_zero() {
        assert_eq!(Latency::new().percentile_us(99.0), 0);
    }
}
