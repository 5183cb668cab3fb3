//! The lock, and what every operation does around it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use zapjobs_model::Timestamp;
use zapjobs_storage::{Clock, ErrorKind, Result, Storage, StorageError, StorageInfo};

use crate::MemoryOptions;
use crate::events::{Hints, Listeners};
use crate::state::State;

/// A storage in memory. It ends with the process, and so does all that it holds.
pub struct MemoryStorage {
    clock: Arc<dyn Clock>,
    /// `None` once closed.
    state: Mutex<Option<State>>,
    pub(crate) listeners: Listeners,
}

/// One operation at work: the state under its lock, and the instant it happens at.
pub(crate) struct Work<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) now: Timestamp,
    /// Told to listeners after the lock is given back.
    pub(crate) hints: Hints,
}

impl MemoryStorage {
    /// An empty storage.
    pub fn new(options: MemoryOptions) -> Self {
        let state = State::new(&options);
        Self {
            clock: options.clock,
            state: Mutex::new(Some(state)),
            listeners: Listeners::default(),
        }
    }

    /// Does the work of one operation under the lock, then tells its notices.
    pub(crate) fn work<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&mut Work<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut state = self.state.lock();
        let Some(open) = state.as_mut() else {
            return Err(closed(operation));
        };
        let mut at_work = Work { state: open, now: self.clock.now(), hints: Hints::default() };
        let answer = work(&mut at_work)?;
        let hints = at_work.hints;
        drop(state);
        self.listeners.tell_hints(hints);
        Ok(answer)
    }
}

impl Default for MemoryStorage {
    /// An empty storage with the default bounds and the machine's clock.
    fn default() -> Self {
        Self::new(MemoryOptions::default())
    }
}

impl fmt::Debug for MemoryStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStorage").finish_non_exhaustive()
    }
}

#[async_trait]
impl Storage for MemoryStorage {
    async fn now(&self) -> Result<Timestamp> {
        self.work("read the clock", |work| Ok(work.now))
    }

    async fn info(&self) -> Result<StorageInfo> {
        self.work("describe the storage", |_| {
            Ok(StorageInfo {
                driver: "memory".to_owned(),
                location: "this process".to_owned(),
                schema_version: 1,
                server_version: env!("CARGO_PKG_VERSION").to_owned(),
                durability: "nothing survives the end of the process".to_owned(),
            })
        })
    }

    async fn close(&self) -> Result<()> {
        let state = self.state.lock().take();
        // Freed after the lock is given back: a million runs take a while.
        drop(state);
        self.listeners.close();
        Ok(())
    }
}

fn closed(operation: &'static str) -> StorageError {
    StorageError::new(ErrorKind::Closed, operation, "the storage was closed")
}
