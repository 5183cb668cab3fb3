//! How a round's permits are divided between queues of different weight.
//!
//! Smooth weighted round robin: with each permit every queue earns its weight, the one that has
//! the most takes it and pays what all earn together. So each queue gets its part in every
//! stretch of rounds, and none waits for a long run of another's.
//!
//! **Invariant:** what queues have earned always sums to nothing. A queue that left its part to
//! others has paid for it all the same: nobody saves up.

use super::Weight;
use crate::QueueName;

/// Queues whose permits are divided at most: each with a part is a claim of its own.
pub const WEIGHTED_QUEUES_MAX: usize = 32;

/// Divides permits between queues, over many rounds.
#[derive(Debug, Clone)]
pub struct QueueDivider {
    /// Heaviest first.
    queues: Vec<Queue>,
    total: i64,
}

#[derive(Debug, Clone)]
struct Queue {
    name: QueueName,
    weight: i64,
    earned: i64,
}

impl QueueDivider {
    /// Between these queues. Those named twice count once, as the first says.
    pub fn new(weighed: impl IntoIterator<Item = (QueueName, Weight)>) -> Self {
        let mut queues: Vec<Queue> = Vec::new();
        for (name, weight) in weighed {
            if queues.iter().all(|queue| queue.name != name) {
                queues.push(Queue { name, weight: weight.get().into(), earned: 0 });
            }
        }
        queues.sort_by_key(|queue| std::cmp::Reverse(queue.weight));
        let total = queues.iter().map(|queue| queue.weight).sum();
        Self { queues, total }
    }

    /// How many of `permits` each queue gets in this round, heaviest first; those that get none
    /// are left out.
    pub fn divide(&mut self, permits: usize) -> Vec<(QueueName, usize)> {
        let mut parts = vec![0; self.queues.len()];
        for _ in 0..permits {
            self.queues.iter_mut().for_each(|queue| queue.earned += queue.weight);
            // Of several that have earned as much, the first.
            let most = (0..self.queues.len())
                .max_by_key(|at| (self.queues[*at].earned, std::cmp::Reverse(*at)));
            let Some(most) = most else { break };
            self.queues[most].earned -= self.total;
            parts[most] += 1;
        }
        let named = self.queues.iter().map(|queue| queue.name.clone()).zip(parts);
        named.filter(|(_, part)| *part > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use proptest::prelude::*;

    fn divider(weights: &[u32]) -> QueueDivider {
        let named = weights.iter().enumerate().map(|(at, weight)| {
            let name = QueueName::new(format!("q{at}")).expect("a name");
            (name, Weight::new(*weight).expect("a weight"))
        });
        QueueDivider::new(named)
    }

    fn parts(divided: &[(QueueName, usize)]) -> Vec<(&str, usize)> {
        divided.iter().map(|(name, part)| (name.as_str(), *part)).collect()
    }

    #[test]
    fn each_queue_gets_its_part_and_the_heaviest_comes_first() {
        let mut divider = divider(&[1, 5, 2]);
        assert_eq!(parts(&divider.divide(8)), [("q1", 5), ("q2", 2), ("q0", 1)]);
        assert_eq!(parts(&divider.divide(0)), []);
    }

    #[test]
    fn single_permits_go_round_smoothly() {
        let mut divider = divider(&[2, 1]);
        let turns: Vec<String> =
            (0..6).map(|_| divider.divide(1)[0].0.as_str().to_owned()).collect();
        assert_eq!(turns, ["q0", "q1", "q0", "q0", "q1", "q0"]);
    }

    #[test]
    fn nobody_divides_nothing() {
        assert_eq!(parts(&divider(&[]).divide(5)), []);
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_permits_and_keep_to_the_weights(
            weights in proptest::collection::vec(1u32..=20, 1..6),
            rounds in proptest::collection::vec(0usize..40, 1..30),
        ) {
            let mut divider = divider(&weights);
            let total: u32 = weights.iter().sum();
            let (mut got, mut all) = (BTreeMap::<String, usize>::new(), 0);
            for permits in rounds {
                let divided = divider.divide(permits);
                let sum: usize = divided.iter().map(|(_, part)| part).sum();
                prop_assert_eq!(sum, permits);
                for (name, part) in divided {
                    *got.entry(name.as_str().to_owned()).or_default() += part;
                }
                all += permits;
                for (at, weight) in weights.iter().enumerate() {
                    let due = all as f64 * f64::from(*weight) / f64::from(total);
                    let has = got.get(&format!("q{at}")).copied().unwrap_or(0) as f64;
                    prop_assert!((has - due).abs() < weights.len() as f64, "{} of {}", has, due);
                }
            }
        }
    }
}
