//! Random operations are answered as the memory driver answers them.

use std::sync::Arc;

use async_trait::async_trait;
use zapjobs_conformance::{Fixture, Harness};
use zapjobs_memory::{MemoryOptions, MemoryStorage};

use crate::harness::InFile;

/// The executable specification.
struct Specification;

#[async_trait]
impl Harness for Specification {
    async fn fresh(&self) -> Fixture {
        let clock = Fixture::clock();
        let options = MemoryOptions { clock: clock.clone(), ..MemoryOptions::default() };
        Fixture::new(Arc::new(MemoryStorage::new(options)), clock)
    }

    async fn reopen(&self, _fixture: Fixture) -> Option<Fixture> {
        None
    }
}

zapjobs_conformance::differential_suite!(Specification, InFile);
