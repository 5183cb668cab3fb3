//! What this process counts of its own requests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper ends of the buckets, in seconds.
pub(super) const BUCKETS: [f64; 10] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0];
/// 1xx to 5xx.
const CLASSES: usize = 5;

/// Requests by the class of their answers, and how long they took.
#[derive(Default)]
pub(crate) struct Counters {
    classes: [AtomicU64; CLASSES],
    buckets: [AtomicU64; BUCKETS.len() + 1],
    micros: AtomicU64,
}

impl Counters {
    /// Counts a request.
    pub(crate) fn count(&self, status: u16, took: Duration) {
        let class = usize::from(status / 100).clamp(1, CLASSES) - 1;
        self.classes[class].fetch_add(1, Ordering::Relaxed);
        let seconds = took.as_secs_f64();
        let bucket = BUCKETS.iter().position(|end| seconds <= *end).unwrap_or(BUCKETS.len());
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// The classes, each with its number of requests.
    pub(super) fn classes(&self) -> impl Iterator<Item = (usize, u64)> {
        self.classes.iter().enumerate().map(|(at, it)| (at + 1, it.load(Ordering::Relaxed)))
    }

    /// Requests in each bucket, the last one without an end, and the seconds of all.
    pub(super) fn buckets(&self) -> (Vec<u64>, f64) {
        let seconds = Duration::from_micros(self.micros.load(Ordering::Relaxed)).as_secs_f64();
        (self.buckets.iter().map(|it| it.load(Ordering::Relaxed)).collect(), seconds)
    }
}
