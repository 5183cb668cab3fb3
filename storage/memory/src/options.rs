//! What bounds a storage in memory.

use std::fmt;
use std::sync::Arc;

use zapjobs_storage::{Clock, SystemClock};

/// How a storage in memory is bounded, and by which clock it goes.
///
/// Statistics have bounds of their own: hours are kept for 14 days, days for 400, and 1,000
/// pairs of tenant and queue are summed each by itself. What happens in pairs that come later
/// stands only in the sums of all tenants and queues.
#[derive(Clone)]
pub struct MemoryOptions {
    /// Tells the time. The machine's clock.
    pub clock: Arc<dyn Clock>,
    /// Runs kept at most, finished ones included. 1,000,000. When a batch finds no room, the
    /// finished runs that ended first are dropped to make it; if that is not enough, the batch
    /// is refused as `Full`.
    pub runs_max: usize,
    /// Finished runs kept at most, 100,000. One more, and the one that ended first is dropped
    /// with its log.
    pub finished_runs_max: usize,
    /// Log entries kept for one run at most, 10,000. One more, and the oldest is dropped.
    pub log_entries_per_run_max: usize,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            runs_max: 1_000_000,
            finished_runs_max: 100_000,
            log_entries_per_run_max: 10_000,
        }
    }
}

impl fmt::Debug for MemoryOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryOptions")
            .field("runs_max", &self.runs_max)
            .field("finished_runs_max", &self.finished_runs_max)
            .field("log_entries_per_run_max", &self.log_entries_per_run_max)
            .finish_non_exhaustive()
    }
}
