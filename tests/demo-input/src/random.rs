//! Chance by seed: a small fast generator and tables to draw from.
//!
//! **Invariant:** drawing is one table look-up, so that a log of 100 MiB takes about a
//! second. Tables are made once, in [`Zipf::new`] and [`Quantiles`].

/// The bits of a draw's index: tables for ranks have this many entries as a power of two.
const ZIPF_TABLE_BITS: u32 = 18;
/// The bits of a quantile table.
const QUANTILE_TABLE_BITS: u32 = 12;

/// xoshiro256++ (Blackman and Vigna, 2019, public domain), seeded by SplitMix64.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: [u64; 4],
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let mut mix = seed;
        let state = std::array::from_fn(|_| {
            mix = mix.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (mix ^ (mix >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        });
        Self { state }
    }

    pub(crate) fn next(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number below `bound`, which is above 0.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        (((self.next() >> 32) * u64::from(bound)) >> 32) as u32
    }

    /// A number in 0..1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number of the standard normal distribution, by Box and Muller.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// Ranks 0..n of which the first is the most frequent: p(rank) ~ 1 / (rank + 1)^exponent.
#[derive(Debug)]
pub(crate) struct Zipf {
    rank_of: Vec<u32>,
}

impl Zipf {
    pub(crate) fn new(ranks: usize, exponent: f64) -> Self {
        let weights: Vec<f64> = (1..=ranks).map(|rank| (rank as f64).powf(-exponent)).collect();
        Self { rank_of: spread(&weights, 1 << ZIPF_TABLE_BITS) }
    }

    pub(crate) fn draw(&self, random: &mut Random) -> usize {
        self.rank_of[(random.next() >> (64 - ZIPF_TABLE_BITS)) as usize] as usize
    }
}

/// One of a few things, by weight.
#[derive(Debug)]
pub(crate) struct Weighted {
    index_of: Vec<u32>,
}

impl Weighted {
    pub(crate) fn new(weights: impl IntoIterator<Item = f64>) -> Self {
        let weights: Vec<f64> = weights.into_iter().collect();
        Self { index_of: spread(&weights, 1 << QUANTILE_TABLE_BITS) }
    }

    pub(crate) fn draw(&self, random: &mut Random) -> usize {
        self.index_of[(random.next() >> (64 - QUANTILE_TABLE_BITS)) as usize] as usize
    }
}

/// Draws of a continuous distribution, kept to draw from again.
#[derive(Debug)]
pub(crate) struct Quantiles {
    values: Vec<f64>,
}

impl Quantiles {
    /// exp(sigma * normal): its median is 1.
    pub(crate) fn log_normal(sigma: f64, random: &mut Random) -> Self {
        Self::fill(|| (sigma * random.normal()).exp())
    }

    /// Gaps between independent events: the mean is 1.
    pub(crate) fn exponential(random: &mut Random) -> Self {
        Self::fill(|| -(1.0 - random.unit()).ln())
    }

    fn fill(mut draw: impl FnMut() -> f64) -> Self {
        Self { values: (0..1 << QUANTILE_TABLE_BITS).map(|_| draw()).collect() }
    }

    pub(crate) fn draw(&self, random: &mut Random) -> f64 {
        self.values[(random.next() >> (64 - QUANTILE_TABLE_BITS)) as usize]
    }
}

/// `slots` entries of which each index has its weight's share.
fn spread(weights: &[f64], slots: usize) -> Vec<u32> {
    let total: f64 = weights.iter().sum();
    let mut table = Vec::with_capacity(slots);
    let mut reached = 0.0;
    for (index, weight) in weights.iter().enumerate() {
        reached += weight / total;
        let end = ((reached * slots as f64).round() as usize).min(slots);
        table.resize(end.max(table.len()), index as u32);
    }
    table.resize(slots, 0);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rank_of_zipf_has_its_share() {
        let zipf = Zipf::new(1_000, 1.0);
        let mut random = Random::new(1);
        let draws = 100_000;
        let first = (0..draws).filter(|_| zipf.draw(&mut random) == 0).count();
        // 1 / H(1000) = 13.4 %
        assert!((12_900..13_900).contains(&first), "{first}");
    }

    #[test]
    fn a_log_normal_has_its_median_at_one() {
        let mut random = Random::new(2);
        let mut values = Quantiles::log_normal(1.0, &mut random).values;
        values.sort_by(f64::total_cmp);
        let median = values[values.len() / 2];
        assert!((0.95..1.05).contains(&median), "{median}");
    }

    #[test]
    fn below_stays_below() {
        let mut random = Random::new(3);
        assert!((0..10_000).all(|_| random.below(7) < 7));
    }
}
