//! How often something may happen, for each of many: buckets in a table of fixed size.
//!
//! **Invariant:** memory does not grow with the number of callers. Two that fall into one bucket
//! share it; which do is different in each process.

use std::hash::{BuildHasher, Hash, RandomState};

use parking_lot::Mutex;
use tokio::time::Instant;

/// Buckets of one table.
const BUCKETS: usize = 4_096;

/// So many at once, and so many more each second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    pub(crate) burst: f64,
    pub(crate) per_second: f64,
}

/// The table.
pub(crate) struct Throttle {
    allowance: Allowance,
    buckets: Box<[Mutex<Bucket>]>,
    hasher: RandomState,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Throttle {
    pub(crate) fn new(allowance: Allowance) -> Self {
        let full = || Mutex::new(Bucket { left: allowance.burst, at: Instant::now() });
        let buckets = std::iter::repeat_with(full).take(BUCKETS).collect();
        Self { allowance, buckets, hasher: RandomState::new() }
    }

    /// Takes one; `false` where none is left now.
    pub(crate) fn take(&self, who: &impl Hash) -> bool {
        let at = usize::try_from(self.hasher.hash_one(who) % BUCKETS as u64).unwrap_or_default();
        let (mut bucket, now) = (self.buckets[at].lock(), Instant::now());
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        let left = bucket.left + passed * self.allowance.per_second;
        *bucket = Bucket { left: left.min(self.allowance.burst), at: now };
        if bucket.left < 1.0 {
            return false;
        }
        bucket.left -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_used_up_comes_back_with_time() {
        let throttle = Throttle::new(Allowance { burst: 2.0, per_second: 1.0 });
        let take = || throttle.take(&"a");
        assert_eq!([take(), take(), take()], [true, true, false]);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!([take(), take()], [true, false]);
        tokio::time::advance(Duration::from_secs(3_600)).await;
        assert_eq!([take(), take(), take()], [true, true, false], "no more than the burst");
    }
}
