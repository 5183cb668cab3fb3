//! What the runtime asks of a sandbox.
//!
//! The runtime does not know how code is run, and the sandbox does not know where runs are
//! kept: both know these traits. [`Sandbox::load`] makes a [`Plugin`] of a component once;
//! [`Plugin::run`] makes one attempt, in a fresh instance every time.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::{
    ChildError, ChildRequest, ChildState, CorrelationId, Digest, Grants, ItemCounts,
    JobDescription, JobType, Json, Limits, LogLine, Progress, Report, RunError, RunId, SignalName,
    Step, StepError, StepName, TenantId, Timestamp, Trigger,
};

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Turns components into plugins.
pub trait Sandbox: Send + Sync + 'static {
    /// Validates, compiles and links the component and asks it for its job types. Nothing of
    /// the component runs outside limits. The error says what is wrong with the component or,
    /// where it wants more than it is granted, what to grant.
    fn load(&self, source: PluginSource) -> BoxFuture<'_, Result<Arc<dyn Plugin>, LoadError>>;
}

/// A component, and what its operator allows it.
#[derive(Debug, Clone)]
pub struct PluginSource {
    /// What people call it: the file's name without its ending.
    pub name: String,
    /// The component.
    pub bytes: Arc<[u8]>,
    /// What it may do beyond computing.
    pub grants: Grants,
}

/// Why a component is not taken. One line that says what is wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LoadError(pub String);

/// A component that is ready to run.
pub trait Plugin: Send + Sync + 'static {
    /// Which code it is.
    fn digest(&self) -> Digest;

    /// The job types it provides.
    fn jobs(&self) -> &[JobDescription];

    /// The interfaces it imports, without versions, such as `wasi:http/outgoing-handler`: what
    /// it could do if all of it were granted.
    fn imports(&self) -> &[String];

    /// Makes one attempt in a fresh instance. Whatever the guest does is an outcome in the
    /// report; an error means that the host could not run it. Dropping the future ends the
    /// attempt at its next yield.
    fn run(
        &self,
        invocation: Invocation,
        sink: Arc<dyn RunSink>,
        cancellation: Arc<Cancellation>,
    ) -> BoxFuture<'static, Result<Report, RunError>>;
}

/// One attempt to be made.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// What the job may know of its run.
    pub context: RunContext,
    /// What the job is given.
    pub input: Json,
    /// What the attempt may use.
    pub limits: Limits,
    /// What the host does for it beyond computing.
    pub services: Services,
}

/// What a host does for an attempt beyond computing. The default is nothing: a sandbox then
/// answers the guest that the host cannot.
#[derive(Clone, Default)]
pub struct Services {
    /// Takes its children.
    pub children: Option<Arc<dyn Children>>,
    /// Keeps its steps.
    pub steps: Option<Arc<dyn StepLog>>,
    /// Lets it wait.
    pub waits: Option<Arc<dyn Waits>>,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (children, steps) = (self.children.is_some(), self.steps.is_some());
        let mut services = f.debug_struct("Services");
        services.field("children", &children).field("steps", &steps);
        services.field("waits", &self.waits.is_some()).finish()
    }
}

/// Takes runs that an attempt enqueues. The sandbox has checked what is granted and how many
/// there are; a guest makes one call at a time.
pub trait Children: Send + Sync + 'static {
    /// Stores the children, all or none; answers their ids in the order of the requests. A
    /// child that an earlier call or attempt stored is left as it is and its id answered.
    fn enqueue(&self, requests: Vec<ChildRequest>)
    -> BoxFuture<'_, Result<Vec<RunId>, ChildError>>;

    /// How a child stands; `None` where there is none with this id, be it another run's.
    fn child(&self, id: RunId) -> BoxFuture<'_, Result<Option<ChildState>, ChildError>>;
}

/// What a job may know of its run.
#[derive(Debug, Clone)]
pub struct RunContext {
    /// Which run.
    pub run: RunId,
    /// Whose.
    pub tenant: TenantId,
    /// Which job.
    pub job_type: JobType,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// How many there may be.
    pub max_attempts: u32,
    /// What caused the run.
    pub trigger: Trigger,
    /// Ties the run to something outside.
    pub correlation_id: Option<CorrelationId>,
    /// When the attempt will be stopped at the latest.
    pub deadline: Option<Timestamp>,
    /// The submitter's own.
    pub metadata: BTreeMap<String, String>,
}

/// Where an attempt's logs and progress go. Calls come from inside the guest's execution:
/// they must return at once, and buffer within bounds.
pub trait RunSink: Send + Sync + 'static {
    /// Takes a line.
    fn log(&self, line: LogLine);
    /// Takes the newest progress; only the latest counts.
    fn progress(&self, progress: Progress);
    /// Takes the newest item counts; only the latest count.
    fn counts(&self, counts: ItemCounts);
}

/// Keeps what an attempt has done for good. A guest makes one call at a time.
pub trait StepLog: Send + Sync + 'static {
    /// All steps of the run so far, those of earlier attempts included.
    fn steps(&self) -> BoxFuture<'_, Result<Vec<Step>, StepError>>;

    /// Records a step; answers the result that stands: an earlier one if there is one.
    fn record(&self, name: StepName, result: Json) -> BoxFuture<'_, Result<Json, StepError>>;
}

/// What came of a wait for a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waited {
    /// The attempt is to end now, as one that is snoozed: the run goes on once a signal has come
    /// or the time is over.
    Suspended,
    /// The time is over.
    TimedOut,
    /// A signal came, and brought this.
    Signal(Json),
}

/// Lets an attempt wait by ending it. A guest makes one call at a time. Once an attempt is told to
/// end, every further wait says so too.
pub trait Waits: Send + Sync + 'static {
    /// Whether the sleep of this name is over, which begins with the first call of any attempt. If
    /// not, the attempt is to end now, as one that is snoozed.
    fn sleep(&self, name: String, span: Duration) -> BoxFuture<'_, Result<bool, StepError>>;

    /// Waits for the next signal of a name, for so long at most, from the first call of any
    /// attempt.
    fn signal(
        &self,
        name: SignalName,
        limit: Option<Duration>,
    ) -> BoxFuture<'_, Result<Waited, StepError>>;
}

/// Why an attempt should stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum CancelReason {
    /// Someone asked. A guest that looks for cancellation has a grace period to end by itself.
    Requested = 1,
    /// The host shuts down: the attempt ends at once and is handed back.
    Shutdown = 2,
    /// The lease was lost: nothing that the attempt does counts any more.
    LeaseLost = 3,
}

/// Tells one attempt to stop. The first reason stands.
#[derive(Default)]
pub struct Cancellation {
    reason: AtomicU8,
    wakers: Mutex<Vec<Waker>>,
}

impl Cancellation {
    /// Nothing asked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the attempt to stop.
    pub fn cancel(&self, reason: CancelReason) {
        let first =
            self.reason.compare_exchange(0, reason as u8, Ordering::AcqRel, Ordering::Acquire);
        if first.is_ok() {
            let wakers = std::mem::take(&mut *self.wakers());
            wakers.into_iter().for_each(Waker::wake);
        }
    }

    /// Why the attempt should stop, if it should. Cheap: one atomic load.
    pub fn reason(&self) -> Option<CancelReason> {
        match self.reason.load(Ordering::Acquire) {
            1 => Some(CancelReason::Requested),
            2 => Some(CancelReason::Shutdown),
            3 => Some(CancelReason::LeaseLost),
            _ => None,
        }
    }

    /// Waits until the attempt should stop.
    pub fn cancelled(self: &Arc<Self>) -> Cancelled {
        Cancelled(Arc::clone(self))
    }

    fn wakers(&self) -> std::sync::MutexGuard<'_, Vec<Waker>> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cancellation").field(&self.reason()).finish()
    }
}

/// Resolves once its attempt should stop. Made by [`Cancellation::cancelled`].
#[derive(Debug)]
pub struct Cancelled(Arc<Cancellation>);

impl Future for Cancelled {
    type Output = CancelReason;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<CancelReason> {
        if let Some(reason) = self.0.reason() {
            return Poll::Ready(reason);
        }
        let mut wakers = self.0.wakers();
        // Looked at again under the lock that `cancel` takes after it set the reason:
        // either it sees this waker, or we see its reason.
        if let Some(reason) = self.0.reason() {
            return Poll::Ready(reason);
        }
        if !wakers.iter().any(|waker| waker.will_wake(context.waker())) {
            wakers.push(context.waker().clone());
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_first_reason_stands_and_wakes_whoever_waits() {
        let cancellation = Arc::new(Cancellation::new());
        let count = Arc::new(Count(AtomicUsize::new(0)));
        let waker = Waker::from(count.clone());
        let mut context = Context::from_waker(&waker);
        let mut waiting = cancellation.cancelled();
        assert!(Pin::new(&mut waiting).poll(&mut context).is_pending());
        assert!(Pin::new(&mut waiting).poll(&mut context).is_pending());

        cancellation.cancel(CancelReason::Shutdown);
        cancellation.cancel(CancelReason::Requested);

        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert_eq!(cancellation.reason(), Some(CancelReason::Shutdown));
        let ready = Pin::new(&mut waiting).poll(&mut context);
        assert_eq!(ready, Poll::Ready(CancelReason::Shutdown));
    }
}
