//! What a driver brings so that the suite can test it.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use zapjobs_model::Timestamp;
use zapjobs_storage::{ManualClock, Storage};

/// When every fixture's clock starts: some instant in 2026.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

/// Opens a driver's storages for tests.
#[async_trait]
pub trait Harness: Send + Sync {
    /// An empty storage that shares nothing with any other, driven by a manual clock of its
    /// own: `Fixture::clock()` makes one that fits.
    async fn fresh(&self) -> Fixture;

    /// Opens the same storage again, with the same clock, as another process would after this
    /// one ended. The case may or may not have closed the storage before. `None` where nothing
    /// outlives the storage.
    async fn reopen(&self, fixture: Fixture) -> Option<Fixture>;
}

/// One storage under test.
pub struct Fixture {
    /// The storage.
    pub storage: Arc<dyn Storage>,
    /// The clock that it reads.
    pub clock: Arc<ManualClock>,
    /// Whatever must live as long as the storage, such as its temporary directory; what a
    /// harness needs to find it again.
    pub home: Option<Arc<dyn Any + Send + Sync>>,
}

impl Fixture {
    /// A clock to open a storage with.
    pub fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::new(START))
    }

    /// A storage that was opened with this clock.
    pub fn new(storage: Arc<dyn Storage>, clock: Arc<ManualClock>) -> Self {
        Self { storage, clock, home: None }
    }

    /// Keeps something alive as long as the storage.
    pub fn keeping(mut self, home: Arc<dyn Any + Send + Sync>) -> Self {
        self.home = Some(home);
        self
    }
}
