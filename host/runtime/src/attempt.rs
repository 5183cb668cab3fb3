//! One attempt: prepared, executed in a sandbox, reported.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use zapjobs_model::port::{CancelReason, Cancellation, Invocation, RunContext};
use zapjobs_model::{Blame, Limits, Outcome, Report, RetryPolicy, Run, RunError, Timestamp, Usage};

use crate::catalog::Served;
use crate::host_core::Core;

/// A run whose job type nothing serves is looked at again after this long.
const UNSERVED_DELAY: Duration = Duration::from_secs(5);

/// An attempt that has ended and is not yet recorded.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) run: Run,
    pub(crate) outcome: Outcome,
    pub(crate) usage: Usage,
    pub(crate) retry: RetryPolicy,
}

/// Makes one attempt at a run that was claimed.
pub(crate) async fn attempt(
    core: &Core,
    mut run: Run,
    cancellation: Arc<Cancellation>,
) -> Finished {
    let now = core.clock.now();
    if run.deadline.is_some_and(|deadline| deadline <= now) {
        return unexecuted(run, Outcome::Failed(deadline_passed()));
    }
    let Some(served) = core.catalog.get(&run.job_key()) else {
        let outcome = Outcome::HandedBack {
            after_ms: u64::try_from(UNSERVED_DELAY.as_millis()).unwrap_or(u64::MAX),
            error: Some(unserved(&run)),
        };
        return unexecuted(run, outcome);
    };
    if served.queues.as_ref().is_some_and(|queues| !queues.contains(&run.queue)) {
        let outcome = Outcome::Failed(wrong_queue(&run));
        return unexecuted(run, outcome);
    }
    run.digest = Some(served.plugin.digest());
    let Report { outcome, usage } = execute(core, &run, &served, &cancellation, now).await;
    run.cancel_requested |= cancellation.reason() == Some(CancelReason::Requested);
    Finished { run, outcome, usage, retry: served.retry.clone() }
}

async fn execute(
    core: &Core,
    run: &Run,
    served: &Served,
    cancellation: &Arc<Cancellation>,
    now: Timestamp,
) -> Report {
    let sink = core.recorder.sink(run);
    let attempt = served.plugin.run(
        invocation(run, &served.limits, now),
        sink.clone(),
        Arc::clone(cancellation),
    );
    let fault =
        |error: RunError| Report { outcome: Outcome::HostFault(error), usage: Usage::default() };
    let mut report = match AssertUnwindSafe(attempt).catch_unwind().await {
        Ok(Ok(report)) => report,
        Ok(Err(error)) => fault(error),
        Err(_) => fault(RunError::new(Blame::Host, "panic", "the host failed inside the sandbox")),
    };
    report.usage.log_lines_dropped += sink.dropped();
    report
}

fn invocation(run: &Run, limits: &Limits, now: Timestamp) -> Invocation {
    let left = run.deadline.map(|deadline| deadline.since(now).as_millis());
    let limits = limits.with_timeout(left.map(|ms| u64::try_from(ms).unwrap_or(u64::MAX).max(1)));
    Invocation {
        context: RunContext {
            run: run.id,
            tenant: run.tenant.clone(),
            job_type: run.job_type.clone(),
            attempt: run.attempt,
            max_attempts: run.max_attempts,
            trigger: run.trigger,
            correlation_id: run.correlation_id.clone(),
            deadline: Some(now.plus(limits.wall_max())),
            metadata: run.metadata.clone(),
        },
        input: run.input.clone(),
        limits,
    }
}

fn unexecuted(run: Run, outcome: Outcome) -> Finished {
    Finished { run, outcome, usage: Usage::default(), retry: RetryPolicy::default() }
}

fn deadline_passed() -> RunError {
    RunError::new(Blame::Operator, "deadline", "its deadline passed before it could start")
}

fn wrong_queue(run: &Run) -> RunError {
    let message = format!(
        "the manifest of the plugin that serves {} does not allow the queue {queue}: add \
         \"{queue}\" to its `queues`, or enqueue the run elsewhere",
        run.job_key(),
        queue = run.queue
    );
    RunError::new(Blame::Operator, "queue", message)
}

fn unserved(run: &Run) -> RunError {
    let message = format!(
        "no plugin serves the job type {} now: put its component into the plugins directory",
        run.job_key()
    );
    RunError::new(Blame::Operator, "unserved", message)
}
