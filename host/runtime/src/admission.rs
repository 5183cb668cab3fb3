//! Admits held runs right before claims, for as many as the host has room for: so a run is
//! admitted about when it starts.
//!
//! **Invariant:** a storage without limits is asked once in [`LOOK_AGAIN`] and no more.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use zapjobs_model::Timestamp;
use zapjobs_storage::{AdmitRequest, QueueSelection, Result, Storage};

/// How long a host takes it that there are no limits before it looks again: 1 second.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Pause before more is admitted where a look found nobody who may go, but did not see all: 10
/// milliseconds.
const PAUSE: Duration = Duration::from_millis(10);

/// What the last look said.
#[derive(Default)]
pub(crate) struct Admitter(Mutex<LastLook>);

#[derive(Default)]
struct LastLook {
    /// There was neither a limit nor a held run, at this time.
    idle_since: Option<Instant>,
    /// When to look again, whatever hints are lost.
    next_in: Option<Duration>,
}

impl Admitter {
    /// Admits up to so many runs. `now` is the store's.
    pub(crate) async fn admit(
        &self,
        storage: &dyn Storage,
        queues: &QueueSelection,
        room: usize,
        now: Timestamp,
    ) -> Result<()> {
        if self.0.lock().idle_since.is_some_and(|since| since.elapsed() < LOOK_AGAIN) {
            return Ok(());
        }
        let request = AdmitRequest { queues: queues.clone(), limit: room };
        let admitted = storage.admit(request).await?;
        let next_in = match admitted.next_at {
            _ if admitted.has_more => Some(PAUSE),
            next_at => next_at.map(|at| at.since(now)),
        };
        let idle_since = admitted.is_idle.then(Instant::now);
        *self.0.lock() = LastLook { idle_since, next_in };
        Ok(())
    }

    /// Whether there were limits, or runs held by one, when the host looked last.
    pub(crate) fn is_active(&self) -> bool {
        self.0.lock().idle_since.is_none()
    }

    /// How long to rest at most.
    pub(crate) fn rest_at_most(&self, usual: Duration) -> Duration {
        let next_in = self.0.lock().next_in;
        next_in.map_or(usual, |next_in| next_in.min(usual))
    }
}
