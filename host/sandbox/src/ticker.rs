//! The clock of time slices: a thread that moves the engine's epoch on.
//!
//! **Invariant:** it ticks only while a guest is on a processor; a host whose guests all wait
//! is not woken. It ends with the last handle.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use wasmtime::Engine;

use crate::options::{ErrorKind, SandboxError};

/// Moves the epoch on while guests run.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Default)]
struct Shared {
    running: AtomicUsize,
    ended: AtomicBool,
}

impl Ticker {
    /// Starts the thread.
    pub(crate) fn start(engine: &Engine, tick: Duration) -> Result<Self, SandboxError> {
        let shared = Arc::new(Shared::default());
        let (engine, theirs) = (engine.weak(), Arc::clone(&shared));
        let handle = thread::Builder::new()
            .name("zapjobs-ticker".to_owned())
            .spawn(move || {
                while !theirs.ended.load(Ordering::Acquire) {
                    if theirs.running.load(Ordering::SeqCst) == 0 {
                        thread::park();
                        continue;
                    }
                    thread::sleep(tick);
                    let Some(engine) = engine.upgrade() else { return };
                    engine.increment_epoch();
                }
            })
            .map_err(|error| {
                SandboxError::new(ErrorKind::Engine, format!("cannot start a thread: {error}"))
            })?;
        Ok(Self { shared, thread: handle.thread().clone() })
    }

    /// Says that a guest runs on this thread until the answer is dropped.
    pub(crate) fn enter(&self) -> Running<'_> {
        // A ticker that saw zero parks; the unpark that follows finds it parked or keeps it
        // from parking, so it cannot miss this guest.
        if self.shared.running.fetch_add(1, Ordering::SeqCst) == 0 {
            self.thread.unpark();
        }
        Running(&self.shared)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// A guest on a processor.
pub(crate) struct Running<'a>(&'a Shared);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}
