//! How many of some measurements were how large.

/// Counts in buckets of fixed ends, and their sum.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    ends: &'static [f64],
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// Nothing is counted. `ends` are the upper ends of the buckets, which rise.
    pub(crate) fn new(ends: &'static [f64]) -> Self {
        Self { ends, counts: vec![0; ends.len() + 1], sum: 0.0 }
    }

    pub(crate) fn note(&mut self, value: f64) {
        let bucket = self.ends.partition_point(|end| *end < value);
        self.counts[bucket] += 1;
        self.sum += value;
    }

    /// For each bucket its upper end and how many are not above it; the last one has no end.
    pub fn cumulated(&self) -> impl Iterator<Item = (Option<f64>, u64)> {
        let ends = self.ends.iter().copied().map(Some).chain([None]);
        ends.zip(&self.counts).scan(0, |sum, (end, count)| {
            *sum += count;
            Some((end, *sum))
        })
    }

    /// The sum of all.
    pub const fn sum(&self) -> f64 {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_in_its_bucket_and_those_above() {
        let mut histogram = Histogram::new(&[1.0, 2.0]);
        [0.5, 1.0, 1.5, 9.0].into_iter().for_each(|value| histogram.note(value));
        let counted: Vec<_> = histogram.cumulated().collect();
        assert_eq!(counted, [(Some(1.0), 2), (Some(2.0), 3), (None, 4)]);
        assert!((histogram.sum() - 12.0).abs() < 1e-9);
    }
}
