//! One attempt: prepared, executed in a sandbox, reported.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use zapjobs_model::port::{CancelReason, Cancellation, Invocation, RunContext, Services, Waits};
use zapjobs_model::{
    Blame, Digest, JobKey, Limits, Outcome, Report, RetryPolicy, Run, RunError, Timestamp, Usage,
    Wait,
};

use crate::breaker::{self, Admission, Change, Sign};
use crate::catalog::Served;
use crate::children::AttemptChildren;
use crate::host_core::Core;
use crate::steps::AttemptSteps;
use crate::waits::AttemptWaits;

/// A run whose code is out of service is looked at again after this long at most: a better
/// version may have come.
const OUT_OF_SERVICE_DELAY_MAX: Duration = Duration::from_secs(30);
/// A run whose job type nothing serves is looked at again after this long.
const UNSERVED_DELAY: Duration = Duration::from_secs(5);

/// An attempt that has ended and is not yet recorded.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) run: Run,
    pub(crate) outcome: Outcome,
    pub(crate) usage: Usage,
    pub(crate) retry: RetryPolicy,
    /// What it ended for, if it is to be suspended.
    pub(crate) wait: Option<Wait>,
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
    let key = run.job_key();
    let Some(served) = code_for(core, &run, &key) else {
        let outcome = handed_back(UNSERVED_DELAY, unserved(&run));
        return unexecuted(run, outcome);
    };
    if served.queues.as_ref().is_some_and(|queues| !queues.contains(&run.queue)) {
        let outcome = Outcome::Failed(wrong_queue(&run));
        return unexecuted(run, outcome);
    }
    let digest = served.plugin.digest();
    if let Admission::Refuse { until } = core.catalog.breakers().admit(&key, digest, now) {
        let wait = until.since(now).min(OUT_OF_SERVICE_DELAY_MAX);
        let outcome = handed_back(wait, out_of_service(&key, digest, until));
        return unexecuted(run, outcome);
    }
    run.digest = Some(digest);
    let waits = Arc::new(AttemptWaits::of(
        Arc::clone(&core.storage),
        run.lease_key(),
        Arc::clone(&core.clock),
    ));
    let Report { outcome, usage } = execute(core, &run, &served, &cancellation, now, &waits).await;
    heed(core, &key, digest, Sign::of(&outcome)).await;
    run.cancel_requested |= cancellation.reason() == Some(CancelReason::Requested);
    // Of a guest that ended otherwise, the wait is nothing that it still wants.
    let wait = waits.registered().filter(|_| matches!(outcome, Outcome::Snoozed { .. }));
    Finished { run, outcome, usage, retry: served.retry.clone(), wait }
}

/// The code that serves the run's job; for a further attempt perhaps that of the one before.
fn code_for(core: &Core, run: &Run, key: &JobKey) -> Option<Arc<Served>> {
    let newest = core.catalog.get(key);
    let Some(before) = run.digest.filter(|_| core.options.retry_code.keeps(run.attempt)) else {
        return newest;
    };
    if newest.as_ref().is_some_and(|newest| newest.plugin.digest() == before) {
        return newest;
    }
    let earlier = core.catalog.earlier(key, before);
    if earlier.is_none() {
        tracing::info!(
            run = %run.id, job = %key, digest = %before.short(),
            "the code of its attempt before is not kept any more: it runs on the newest"
        );
    }
    earlier.or(newest)
}

/// Takes code out of service that keeps trapping, and into service again.
async fn heed(core: &Core, key: &JobKey, digest: Digest, sign: Sign) {
    let (now, rules) = (core.clock.now(), &core.options.breaker);
    let short = digest.short();
    match core.catalog.breakers().note(key, digest, sign, now, rules) {
        Some(Change::Opened(cool_down)) => {
            tracing::error!(
                job = %key, digest = %short, seconds = cool_down.as_secs(),
                "this code keeps trapping: it is out of service, and its runs wait"
            );
            breaker::share(core, key, digest, cool_down).await;
        }
        Some(Change::Closed) => {
            tracing::warn!(job = %key, digest = %short, "this code is in service again");
        }
        None if sign == Sign::Trapped && rules.threshold > 0 => {
            breaker::learn(core, key, digest).await;
        }
        None => {}
    }
}

async fn execute(
    core: &Core,
    run: &Run,
    served: &Served,
    cancellation: &Arc<Cancellation>,
    now: Timestamp,
    waits: &Arc<AttemptWaits>,
) -> Report {
    let sink = core.recorder.sink(run);
    let attempt = served.plugin.run(
        invocation(core, run, &served.limits, now, waits),
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

fn invocation(
    core: &Core,
    run: &Run,
    limits: &Limits,
    now: Timestamp,
    waits: &Arc<AttemptWaits>,
) -> Invocation {
    let waits: Arc<dyn Waits> = Arc::<AttemptWaits>::clone(waits);
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
        services: Services {
            children: Some(Arc::new(AttemptChildren::of(core.client.clone(), run))),
            steps: Some(Arc::new(AttemptSteps::of(Arc::clone(&core.storage), run.lease_key()))),
            waits: Some(waits),
        },
    }
}

fn unexecuted(run: Run, outcome: Outcome) -> Finished {
    let (usage, retry) = (Usage::default(), RetryPolicy::default());
    Finished { run, outcome, usage, retry, wait: None }
}

fn handed_back(wait: Duration, error: RunError) -> Outcome {
    // At least a millisecond: a run that is handed back for none is claimed again at once.
    let after_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
    Outcome::HandedBack { after_ms, error: Some(error) }
}

fn out_of_service(key: &JobKey, digest: Digest, until: Timestamp) -> RunError {
    let message = format!(
        "the code {} of {key} keeps trapping and is out of service, to be tried again at {until}: \
         put a better version into the plugins directory, or `zapjobs plugins reset` its plugin",
        digest.short()
    );
    RunError::new(Blame::Operator, "out-of-service", message)
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
