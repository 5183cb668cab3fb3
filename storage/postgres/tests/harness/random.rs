//! Chance that can be had again.

/// Numbers by xorshift.
pub(crate) struct Random(u64);

impl Random {
    /// From `ZAPJOBS_TEST_SEED`, or else new; says which, for the test to be run again.
    #[allow(clippy::print_stdout, reason = "a failure is told with its seed")]
    pub(crate) fn seeded() -> Self {
        let given = std::env::var("ZAPJOBS_TEST_SEED").ok();
        let seed = given.map_or_else(
            || uuid::Uuid::now_v7().as_u64_pair().1,
            |text| text.parse().expect("ZAPJOBS_TEST_SEED must be a number"),
        );
        println!("ZAPJOBS_TEST_SEED={seed}");
        Self(seed | 1)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
