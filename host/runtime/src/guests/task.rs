//! A future with its place in a queue.
//!
//! **Invariant:** a task is in the queue at most once, and never while it is polled; a wake-up
//! that comes meanwhile is remembered, not lost.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};

use parking_lot::Mutex;
use zapjobs_model::TenantId;
use zapjobs_model::port::BoxFuture;

/// It waits to be woken.
const IDLE: u8 = 0;
/// It is in the queue, or on its way there.
const QUEUED: u8 = 1;
/// It is polled.
const RUNNING: u8 = 2;
/// It is polled, and was woken meanwhile.
const WOKEN: u8 = 3;

/// Where tasks go when they are woken.
pub(super) trait Queue: Send + Sync + 'static {
    fn push(&self, task: Arc<Task<Self>>)
    where
        Self: Sized;
}

/// A future that waits, is in a queue, or is polled.
pub(super) struct Task<Q: Queue> {
    pub(super) number: u64,
    pub(super) tenant: TenantId,
    future: Mutex<Option<BoxFuture<'static, ()>>>,
    state: AtomicU8,
    queue: Weak<Q>,
}

impl<Q: Queue> Task<Q> {
    /// A task that is about to be queued for the first time.
    pub(super) fn new(
        number: u64,
        tenant: TenantId,
        future: BoxFuture<'static, ()>,
        queue: Weak<Q>,
    ) -> Arc<Self> {
        let future = Mutex::new(Some(future));
        Arc::new(Self { number, tenant, future, state: AtomicU8::new(QUEUED), queue })
    }

    /// Polls a task that was taken off the queue; whether it has ended. If it was woken
    /// meanwhile, it is queued again.
    pub(super) fn poll(self: &Arc<Self>) -> bool {
        self.state.store(RUNNING, Ordering::Release);
        let waker = Waker::from(Arc::clone(self));
        let mut slot = self.future.lock();
        let Some(future) = slot.as_mut() else { return true };
        let poll = || future.as_mut().poll(&mut Context::from_waker(&waker));
        // A future that panics has ended; the thread goes on.
        let ended = !matches!(std::panic::catch_unwind(AssertUnwindSafe(poll)), Ok(Poll::Pending));
        if ended {
            *slot = None;
            return true;
        }
        drop(slot);
        let rests = self.state.compare_exchange(RUNNING, IDLE, Ordering::AcqRel, Ordering::Acquire);
        if rests.is_err() {
            self.state.store(QUEUED, Ordering::Release);
            self.enqueue();
        }
        false
    }

    /// Drops the future; at the end of its poll if it is polled now.
    pub(super) fn cancel(&self) {
        *self.future.lock() = None;
    }

    fn enqueue(self: &Arc<Self>) {
        if let Some(queue) = self.queue.upgrade() {
            queue.push(Arc::clone(self));
        }
    }
}

impl<Q: Queue> Wake for Task<Q> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let change =
            self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| match state {
                IDLE => Some(QUEUED),
                RUNNING => Some(WOKEN),
                _ => None,
            });
        if change == Ok(IDLE) {
            self.enqueue();
        }
    }
}
