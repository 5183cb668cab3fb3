//! How fast things happen, from two looks.

use std::collections::VecDeque;
use std::time::Duration;

use zapjobs_model::Timestamp;
use zapjobs_storage::Activity;

use super::snapshot::Snapshot;

/// Rates are those of this span, as far as one has watched for so long.
const OVER: Duration = Duration::from_secs(10);
/// Rates over less than this would jump about.
const OVER_MIN: Duration = Duration::from_secs(1);
/// Looks kept at most: ten a second for [`OVER`], and some more.
const LOOKS_MAX: usize = 128;

/// How many happened in a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rates {
    pub(super) enqueued: f64,
    pub(super) completed: f64,
    pub(super) failed: f64,
}

/// What was counted at the looks of the latest seconds.
#[derive(Debug, Default)]
pub(super) struct Looks(VecDeque<(Timestamp, Activity)>);

impl Looks {
    /// Takes a look, and answers what it and those before tell.
    pub(super) fn take(&mut self, snapshot: &Snapshot) -> Option<Rates> {
        let (now, total) = (snapshot.now, snapshot.total);
        self.0.push_back((now, total));
        // The oldest stays while the one behind it is too young to stand in for it.
        while self.0.len() > LOOKS_MAX || self.0.get(1).is_some_and(|it| now.since(it.0) >= OVER) {
            self.0.pop_front();
        }
        let (first, counted) = self.0.front()?;
        let span = now.since(*first);
        (span >= OVER_MIN).then(|| {
            let per_second =
                |from: u64, to: u64| to.saturating_sub(from) as f64 / span.as_secs_f64();
            Rates {
                enqueued: per_second(counted.enqueued, total.enqueued),
                completed: per_second(counted.completed, total.completed),
                failed: per_second(counted.failed, total.failed),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::view::tests::snapshot;
    use super::*;

    #[test]
    fn rates_are_those_of_the_latest_ten_seconds() {
        let mut looks = Looks::default();
        let mut at = |second: u64, completed: u64| {
            let mut seen = snapshot();
            seen.now = Timestamp::from_micros(1_000_000 * second as i64);
            seen.total = Activity { completed, ..Activity::default() };
            looks.take(&seen).map(|rates| rates.completed)
        };
        assert_eq!(at(100, 50), None, "one look tells no rate");
        assert_eq!(at(102, 60), Some(5.0));
        assert_eq!(at(110, 150), Some(10.0));
        assert_eq!(at(112, 160), Some(10.0), "from the look at 102 on");
        assert_eq!(at(500, 160), Some(0.0));
    }
}
