//! Looks after one attempt: how long it has run, and whether it should go on.
//!
//! **Invariant:** the decision is made in one place, [`Watch::halt`]. While the guest
//! computes, the epoch callback asks there at every tick; while the guest waits, [`Watched`]
//! asks whenever a timer or a cancellation wakes it. How late a guest that computes is
//! stopped, [`crate::ticker`] says.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::time::{Instant, Sleep};
use wasmtime::{Engine, UpdateDeadline};
use zapjobs_model::Limits;
use zapjobs_model::port::{CancelReason, Cancellation, Cancelled};

use crate::ticker::Ticker;

/// Why an attempt does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Halt {
    /// The limit on CPU time.
    CpuTime,
    /// The limit on time from start to end.
    WallTime,
    /// Someone asked it to stop.
    Cancelled,
    /// The host takes it back: it shuts down, or has lost the lease.
    HandedBack,
}

/// What is known of one attempt, shared by its store and by whoever polls it.
pub(crate) struct Watch {
    cancellation: Arc<Cancellation>,
    cancel_grace: Duration,
    cpu_max: Duration,
    started_at: Instant,
    ends_at: Instant,
    /// Nanoseconds of CPU time before the current poll.
    cpu_before: AtomicU64,
    /// This thread's CPU clock when the current poll began, in nanoseconds.
    polled_at: AtomicU64,
    /// Whether the guest has looked for cancellation.
    looked: AtomicBool,
    /// Nanoseconds after the start when the request to stop was first seen; 0 before that.
    asked_after: AtomicU64,
    /// Nanoseconds that the guest has waited for the host.
    waited: AtomicU64,
    /// Whether the guest's time slice ended: it could go on, and others are let first.
    yielded: AtomicBool,
}

impl Watch {
    /// Begins now.
    pub(crate) fn new(
        limits: &Limits,
        cancellation: Arc<Cancellation>,
        cancel_grace: Duration,
    ) -> Self {
        let started_at = Instant::now();
        // A wall limit that the clock cannot represent is no limit: a century will do.
        let century = Duration::from_secs(100 * 366 * 86_400);
        Self {
            cancellation,
            cancel_grace,
            cpu_max: limits.cpu_max(),
            started_at,
            ends_at: started_at + limits.wall_max().min(century),
            cpu_before: AtomicU64::new(0),
            polled_at: AtomicU64::new(0),
            looked: AtomicBool::new(false),
            asked_after: AtomicU64::new(0),
            waited: AtomicU64::new(0),
            yielded: AtomicBool::new(false),
        }
    }

    /// Whether someone asked the attempt to stop, for the guest that looks.
    pub(crate) fn look(&self) -> bool {
        self.looked.store(true, Ordering::Relaxed);
        self.cancellation.reason().is_some()
    }

    /// Whether someone asked the attempt to stop.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancellation.reason().is_some()
    }

    /// CPU time of the guest up to the last poll.
    pub(crate) fn cpu(&self) -> Duration {
        Duration::from_nanos(self.cpu_before.load(Ordering::Relaxed))
    }

    /// Time that the guest waited for the host: from when a call into the host was not done at
    /// once until the guest's task was run again. It covers timers, files and answers, and the
    /// task's own way back to a thread. What a host function does before it first waits is CPU
    /// time, and a time slice's end is neither: there the guest waits for other guests.
    pub(crate) fn waited(&self) -> Duration {
        Duration::from_nanos(self.waited.load(Ordering::Relaxed))
    }

    /// Time since the start.
    pub(crate) fn wall(&self) -> Duration {
        self.started_at.elapsed()
    }

    /// What the store does when its time slice ends: makes room for others, or stops.
    pub(crate) fn tick(&self, halted: &mut Option<Halt>) -> UpdateDeadline {
        let cpu = self.cpu_before.load(Ordering::Relaxed)
            + thread_cpu_ns().saturating_sub(self.polled_at.load(Ordering::Relaxed));
        *halted = self.halt(Duration::from_nanos(cpu));
        match halted {
            Some(_) => UpdateDeadline::Interrupt,
            // The runtime's own yield also lets it look at timers and sockets.
            None => {
                self.yielded.store(true, Ordering::Relaxed);
                UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))
            }
        }
    }

    /// Whether an attempt that has used this much CPU time has to stop now, and why.
    fn halt(&self, cpu: Duration) -> Option<Halt> {
        let now = Instant::now();
        match self.cancellation.reason() {
            Some(CancelReason::Shutdown | CancelReason::LeaseLost) => {
                return Some(Halt::HandedBack);
            }
            Some(CancelReason::Requested) if now >= self.grace_ends_at(now) => {
                return Some(Halt::Cancelled);
            }
            _ => {}
        }
        if cpu > self.cpu_max {
            Some(Halt::CpuTime)
        } else if now >= self.ends_at {
            Some(Halt::WallTime)
        } else {
            None
        }
    }

    /// Until when a guest that was asked to stop may go on: not at all if it never looked.
    fn grace_ends_at(&self, now: Instant) -> Instant {
        if !self.looked.load(Ordering::Relaxed) {
            return now;
        }
        let since_start = u64::try_from((now - self.started_at).as_nanos()).unwrap_or(u64::MAX);
        let seen = self.asked_after.compare_exchange(
            0,
            since_start.max(1),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        let asked_after = seen.map_or_else(|earlier| earlier, |_| since_start);
        self.started_at + Duration::from_nanos(asked_after) + self.cancel_grace
    }

    /// When a guest that waits has to be looked at again.
    fn wakes_at(&self) -> Instant {
        match self.cancellation.reason() {
            Some(_) => self.ends_at.min(self.grace_ends_at(Instant::now())),
            None => self.ends_at,
        }
    }
}

/// A call into a guest that is timed, and that ends when the watch says so.
pub(crate) struct Watched<'a, F> {
    call: Pin<&'a mut F>,
    watch: &'a Watch,
    ticker: &'a Ticker,
    engine: &'a Engine,
    /// Made when the guest first waits: most calls end before.
    waiting: Option<Waiting>,
    /// Since when the guest waits for the host.
    parked_at: Option<Instant>,
}

struct Waiting {
    cancelled: Pin<Box<Cancelled>>,
    cancel_waker: Waker,
    task: Waker,
    timer: Pin<Box<Sleep>>,
}

impl<'a, F: Future> Watched<'a, F> {
    /// Watches a call.
    pub(crate) fn new(
        call: Pin<&'a mut F>,
        watch: &'a Watch,
        ticker: &'a Ticker,
        engine: &'a Engine,
    ) -> Self {
        Self { call, watch, ticker, engine, waiting: None, parked_at: None }
    }

    /// The guest has nothing to do until the host has, unless its time slice ended.
    fn park(&mut self) {
        if !self.watch.yielded.swap(false, Ordering::Relaxed) {
            self.parked_at = Some(Instant::now());
        }
    }

    fn unpark(&mut self) {
        if let Some(parked_at) = self.parked_at.take() {
            let waited = u64::try_from(parked_at.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.watch.waited.fetch_add(waited, Ordering::Relaxed);
        }
    }

    /// One slice of the guest on this thread's CPU clock.
    fn poll_call(&mut self, context: &mut Context<'_>) -> Poll<F::Output> {
        let _running = self.ticker.enter();
        let start = thread_cpu_ns();
        self.watch.polled_at.store(start, Ordering::Relaxed);
        let polled = self.call.as_mut().poll(context);
        let used = thread_cpu_ns().saturating_sub(start);
        self.watch.cpu_before.fetch_add(used, Ordering::Relaxed);
        polled
    }

    /// Sees to it that the task wakes at the next moment at which it may have to stop;
    /// whether that moment is here already.
    fn wait(&mut self, context: &mut Context<'_>) -> bool {
        let wakes_at = self.watch.wakes_at();
        let stale = |waiting: &Waiting| !waiting.task.will_wake(context.waker());
        if self.waiting.as_ref().is_none_or(stale) {
            self.waiting = Some(self.begin_waiting(context.waker(), wakes_at));
        }
        let Some(waiting) = &mut self.waiting else { return false };
        if !self.watch.is_cancelled() {
            let mut context = Context::from_waker(&waiting.cancel_waker);
            if waiting.cancelled.as_mut().poll(&mut context).is_ready() {
                return true;
            }
        }
        if waiting.timer.deadline() != wakes_at {
            waiting.timer.as_mut().reset(wakes_at);
        }
        waiting.timer.as_mut().poll(context).is_ready()
    }

    fn begin_waiting(&self, task: &Waker, wakes_at: Instant) -> Waiting {
        let both = CancelWaker { engine: self.engine.clone(), task: task.clone() };
        Waiting {
            cancelled: Box::pin(self.watch.cancellation.cancelled()),
            cancel_waker: Waker::from(Arc::new(both)),
            task: task.clone(),
            timer: Box::pin(tokio::time::sleep_until(wakes_at)),
        }
    }
}

impl<F: Future> Future for Watched<'_, F> {
    type Output = Result<F::Output, Halt>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.unpark();
        if let Poll::Ready(output) = this.poll_call(context) {
            return Poll::Ready(Ok(output));
        }
        this.park();
        loop {
            if let Some(halt) = this.watch.halt(this.watch.cpu()) {
                return Poll::Ready(Err(halt));
            }
            if !this.wait(context) {
                return Poll::Pending;
            }
        }
    }
}

/// Wakes the task, and ends the time slice of a guest that computes at this moment.
struct CancelWaker {
    engine: Engine,
    task: Waker,
}

impl Wake for CancelWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.engine.increment_epoch();
        self.task.wake_by_ref();
    }
}

/// This thread's CPU clock in nanoseconds: unlike the wall clock, it stands still while the
/// system runs something else.
fn thread_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000
        + u64::try_from(time.tv_nsec).unwrap_or(0)
}
