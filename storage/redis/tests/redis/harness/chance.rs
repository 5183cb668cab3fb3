//! Numbers that look random and can be had again.

use std::cell::Cell;
use std::time::{SystemTime, UNIX_EPOCH};

/// A source of numbers.
pub(crate) struct Chance(Cell<u64>);

impl Chance {
    /// From the seed in `ZAPJOBS_TEST_SEED`, or a new one; says which.
    #[allow(clippy::print_stderr, reason = "whoever repeats a failure needs the seed")]
    pub(crate) fn printed() -> Self {
        let given = std::env::var("ZAPJOBS_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| {
            let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
            u64::from(since_1970.subsec_nanos())
        });
        eprintln!("ZAPJOBS_TEST_SEED={seed}");
        Self(Cell::new(seed))
    }

    /// A number below the bound (splitmix64).
    pub(crate) fn below(&self, bound: u64) -> u64 {
        self.0.set(self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let mut z = self.0.get();
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}
