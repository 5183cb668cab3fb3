//! The threads that execute guests: some for attempts that are short, some for those that turn
//! out to be long.
//!
//! **Invariant:** no attempt that computes for long keeps a short one waiting. Every attempt
//! begins on the threads for short ones. Once it has used up [`SLICES_MAX`] time slices it moves
//! to threads of a lower priority, where [`fair`] shares the processors between tenants. While
//! no short attempt wants a processor, long ones have all of them.

mod fair;
mod task;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle, Runtime};
use zapjobs_model::TenantId;
use zapjobs_model::port::BoxFuture;

use fair::{FairThreads, Spawner};

/// Time slices that an attempt may use up among the short ones. A guest yields once a
/// millisecond, so this is about as many milliseconds.
const SLICES_MAX: u32 = 3;
/// A poll that took this long used up a time slice.
const SLICE: Duration = Duration::from_micros(500);

/// All threads for guests. Dropped, it ends them without waiting, which alone is allowed on an
/// async thread.
pub(crate) struct Guests {
    short: Option<Runtime>,
    long: FairThreads,
}

/// Starts attempts on the threads for guests.
#[derive(Clone)]
pub(crate) struct GuestSpawner {
    short: Handle,
    long: Spawner,
}

impl Guests {
    /// So many threads for short attempts, and as many for long ones.
    pub(crate) fn start(threads: usize) -> std::io::Result<Self> {
        let short = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("zapjobs-guest")
            .enable_all()
            .build()?;
        let long = FairThreads::start(threads, short.handle())?;
        Ok(Self { short: Some(short), long })
    }

    pub(crate) fn spawner(&self) -> GuestSpawner {
        let short = self.short.as_ref().expect("it is there until this is dropped");
        GuestSpawner { short: short.handle().clone(), long: self.long.spawner() }
    }
}

impl Drop for Guests {
    fn drop(&mut self) {
        self.long.end();
        if let Some(short) = self.short.take() {
            short.shutdown_background();
        }
    }
}

impl GuestSpawner {
    /// Attempts that turned out to be long and have not ended.
    pub(crate) fn long_attempts(&self) -> usize {
        self.long.attempts()
    }

    /// Executes a tenant's attempt.
    pub(crate) fn spawn(
        &self,
        tenant: &TenantId,
        attempt: impl Future<Output = ()> + Send + 'static,
    ) {
        let long = self.long.clone();
        let tenant = tenant.clone();
        self.short.spawn(Short { attempt: Some(Box::pin(attempt)), slices: 0, tenant, long });
    }
}

/// An attempt that was not long so far.
struct Short {
    /// Gone once it has ended or moved.
    attempt: Option<BoxFuture<'static, ()>>,
    slices: u32,
    tenant: TenantId,
    long: Spawner,
}

impl Future for Short {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(attempt) = &mut self.attempt else { return Poll::Ready(()) };
        let begun = Instant::now();
        let polled = attempt.as_mut().poll(context);
        // Time in which the system ran something else counts too: a wrong guess does no harm.
        self.slices += u32::from(begun.elapsed() >= SLICE);
        if polled.is_ready() || self.slices < SLICES_MAX {
            return polled;
        }
        if let Some(attempt) = self.attempt.take() {
            let tenant = self.tenant.clone();
            self.long.spawn(tenant, attempt);
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc;

    use tokio::sync::Notify;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn tenant() -> TenantId {
        TenantId::standard()
    }

    /// Computes for one slice.
    fn compute() {
        let begun = Instant::now();
        while begun.elapsed() < SLICE * 2 {
            std::hint::spin_loop();
        }
    }

    fn thread_name() -> String {
        std::thread::current().name().unwrap_or_default().to_owned()
    }

    #[test]
    fn an_attempt_that_computes_for_long_moves_to_other_threads_and_ends_there() {
        let guests = Guests::start(1).expect("threads start");
        let (told, heard) = mpsc::channel();
        guests.spawner().spawn(&tenant(), async move {
            told.send(thread_name()).expect("someone listens");
            for _ in 0..=SLICES_MAX {
                compute();
                tokio::task::yield_now().await;
            }
            // Timers work there as well.
            tokio::time::sleep(Duration::from_millis(1)).await;
            told.send(thread_name()).expect("someone listens");
        });
        let names = [0, 1].map(|_| heard.recv_timeout(PATIENCE).expect("it goes on"));
        assert_eq!(names, ["zapjobs-guest", "zapjobs-long"]);
    }

    #[test]
    fn attempts_of_both_kinds_are_dropped_when_the_threads_end() {
        struct Dropped(mpsc::Sender<()>);
        impl Drop for Dropped {
            fn drop(&mut self) {
                let _ = self.0.send(());
            }
        }
        let guests = Guests::start(1).expect("threads start");
        let (told, heard) = mpsc::channel();
        let waiting = Arc::new(Notify::new());
        for slices in [0, SLICES_MAX + 1] {
            let (dropped, begun) = (Dropped(told.clone()), Arc::clone(&waiting));
            guests.spawner().spawn(&tenant(), async move {
                let _dropped = dropped;
                for _ in 0..slices {
                    compute();
                    tokio::task::yield_now().await;
                }
                begun.notify_one();
                std::future::pending::<()>().await;
            });
        }
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            waiting.notified().await;
        });
        drop(guests);
        for _ in 0..2 {
            heard.recv_timeout(PATIENCE).expect("each is dropped");
        }
    }
}
