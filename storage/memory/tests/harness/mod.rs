//! Opens memory storages for tests.

use std::sync::Arc;

use zapjobs_conformance::{Fixture, Harness};
use zapjobs_memory::{MemoryOptions, MemoryStorage};

pub(crate) struct MemoryHarness;

#[async_trait::async_trait]
impl Harness for MemoryHarness {
    async fn fresh(&self) -> Fixture {
        let clock = Fixture::clock();
        let options = MemoryOptions { clock: clock.clone(), ..MemoryOptions::default() };
        Fixture::new(Arc::new(MemoryStorage::new(options)), clock)
    }

    async fn reopen(&self, _: Fixture) -> Option<Fixture> {
        None
    }
}
