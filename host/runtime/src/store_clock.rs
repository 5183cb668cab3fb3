//! The store's time, without asking the store each time.
//!
//! **Invariant:** no decision about a run is based on this machine's wall clock, so that hosts
//! whose clocks differ agree. The store's answer anchors the machine's steady clock.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use zapjobs_model::Timestamp;
use zapjobs_storage::Storage;

/// Tells the store's time, as last heard plus what has passed since.
#[derive(Debug)]
pub(crate) struct StoreClock {
    origin: Instant,
    /// The store's time at `origin`, in microseconds since 1970.
    origin_micros: AtomicI64,
}

impl StoreClock {
    /// Asks the store for its time.
    pub(crate) async fn start(storage: &dyn Storage) -> zapjobs_storage::Result<Self> {
        let clock = Self { origin: Instant::now(), origin_micros: AtomicI64::new(0) };
        clock.synchronise(storage).await?;
        Ok(clock)
    }

    /// Asks again. Half of the round trip counts as the answer's age.
    pub(crate) async fn synchronise(&self, storage: &dyn Storage) -> zapjobs_storage::Result<()> {
        let asked = self.origin.elapsed();
        let store_now = storage.now().await?;
        let middle = asked + (self.origin.elapsed() - asked) / 2;
        self.origin_micros.store(store_now.minus(middle).as_micros(), Ordering::Relaxed);
        Ok(())
    }

    /// The store's time now.
    pub(crate) fn now(&self) -> Timestamp {
        let origin = Timestamp::from_micros(self.origin_micros.load(Ordering::Relaxed));
        origin.plus(self.origin.elapsed())
    }
}
