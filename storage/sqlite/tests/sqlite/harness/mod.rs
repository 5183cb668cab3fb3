//! How the suite opens this driver.

pub(crate) mod by_hand;

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;
use zapjobs_conformance::{Fixture, Harness};
use zapjobs_sqlite::{SqliteOptions, SqliteStorage};
use zapjobs_storage::ManualClock;

/// Each storage in a file of its own.
pub(crate) struct InFile;

/// Each storage in memory.
pub(crate) struct InMemory;

impl InFile {
    fn open(home: Arc<TempDir>, clock: Arc<ManualClock>) -> Fixture {
        let options = SqliteOptions { clock: clock.clone(), ..SqliteOptions::file(file(&home)) };
        let storage = SqliteStorage::open(options).expect("the storage opens");
        Fixture::new(Arc::new(storage), clock).keeping(home)
    }
}

fn file(home: &TempDir) -> PathBuf {
    home.path().join("zapjobs.db")
}

#[async_trait]
impl Harness for InFile {
    async fn fresh(&self) -> Fixture {
        let home = Arc::new(tempfile::tempdir().expect("a temporary directory"));
        Self::open(home, Fixture::clock())
    }

    async fn reopen(&self, fixture: Fixture) -> Option<Fixture> {
        let Fixture { storage, clock, home } = fixture;
        drop(storage);
        let home: Arc<dyn Any + Send + Sync> = home.expect("made by `open`");
        let home = home.downcast::<TempDir>().expect("made by `open`");
        Some(Self::open(home, clock))
    }
}

#[async_trait]
impl Harness for InMemory {
    async fn fresh(&self) -> Fixture {
        let clock = Fixture::clock();
        let options = SqliteOptions { clock: clock.clone(), ..SqliteOptions::memory() };
        let storage = SqliteStorage::open(options).expect("the storage opens");
        Fixture::new(Arc::new(storage), clock)
    }

    async fn reopen(&self, _fixture: Fixture) -> Option<Fixture> {
        None
    }
}
