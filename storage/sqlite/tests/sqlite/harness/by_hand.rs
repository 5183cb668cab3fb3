//! A storage in a file that can be looked at and spoilt by hand, on a clock that stands still.

use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;
use zapjobs_model::Timestamp;
use zapjobs_sqlite::{SqliteOptions, SqliteStorage};
use zapjobs_storage::ManualClock;

pub(crate) struct ByHand {
    pub(crate) storage: SqliteStorage,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) file: PathBuf,
    _home: TempDir,
}

impl ByHand {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("jobs.db");
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_790_000_000_000_000)));
        let options = SqliteOptions { clock: clock.clone(), ..SqliteOptions::file(&file) };
        let storage = SqliteStorage::open(options).unwrap();
        Self { storage, clock, file, _home: home }
    }
}
