//! The clock of time slices: a thread that moves the engine's epoch on.
//!
//! **Invariant:** it ticks only while a guest is on a processor; a host whose guests all wait
//! is not woken. It ends with the last handle.
//!
//! A guest is stopped at the first tick after its limit. How late that can be is the sum of
//!
//! 1. one tick ([`crate::SandboxOptions::tick`]);
//! 2. the time for which the system leaves this thread unscheduled although it is due, while
//!    it goes on running the guest. The thread does a few microseconds' work a tick, and asks
//!    for a priority above the guests' (a niceness of -10), so that on Linux it preempts a thread
//!    that computes; where that is refused it competes as an equal, and on a machine with more
//!    busy threads than processors the overshoot can be some scheduling slices (each 3 to
//!    20 ms);
//! 3. the processor time of the host function that the guest is in: bounded by the limits on
//!    what one call may pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use wasmtime::Engine;

use crate::options::{ErrorKind, SandboxError};

/// The thread's niceness, where the system allows it (root, or a limit on niceness that does).
#[cfg(target_os = "linux")]
const NICENESS: i32 = -10;

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
                raise_priority();
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

/// On Linux a niceness belongs to a thread, and no process id means the calling one.
#[cfg(target_os = "linux")]
fn raise_priority() {
    // Refused to most users, and then everything works, with a larger overshoot.
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "the thread that ends time slices keeps the usual priority");
    }
}

/// Elsewhere a niceness belongs to the whole process.
#[cfg(not(target_os = "linux"))]
const fn raise_priority() {}

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
