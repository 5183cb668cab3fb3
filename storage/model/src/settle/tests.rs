//! The life cycle, outcome by outcome.

use super::*;
use crate::{
    Due, JobType, Json, Lease, NewRun, Priority, QueueName, RunId, StopReason, TenantId, Trigger,
};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

fn running() -> Run {
    let new = NewRun {
        id: RunId(uuid::Uuid::from_u128(7)),
        tenant: TenantId::standard(),
        job_type: JobType::new("job").expect("a name"),
        queue: QueueName::standard(),
        priority: Priority::default(),
        trigger: Trigger::Api,
        input: Json::null(),
        due: Due::Now,
        deadline: None,
        max_attempts: 3,
        correlation_id: None,
        parent: None,
        tags: Vec::new(),
        metadata: Default::default(),
        after: Vec::new(),
        limit_key: None,
        unique: None,
        idempotency: None,
        batch: None,
    };
    let mut run = Run::from_new(new, NOW);
    run.status = RunStatus::Running;
    run.attempt = 1;
    run.lease = Lease(4);
    run
}

fn steady() -> RetryPolicy {
    RetryPolicy { jitter: 0.0, ..RetryPolicy::default() }
}

fn ended(run: &Run, outcome: Outcome) -> Transition {
    settle(run, outcome, Usage::default(), NOW, &steady(), 0.5)
}

fn error() -> RunError {
    RunError::new(Blame::Guest, "flaky", "try me again")
}

fn stopped(reason: StopReason) -> Outcome {
    Outcome::Stopped { reason, error: error() }
}

#[test]
fn a_completed_attempt_completes_the_run_under_its_lease() {
    let output = Json::trusted("42");
    let transition = ended(&running(), Outcome::Completed(output.clone()));
    assert_eq!(transition.status, RunStatus::Completed);
    assert_eq!(transition.output, Some(output));
    assert_eq!(transition.key, running().lease_key());
    assert_eq!(transition.error, None);
}

#[test]
fn a_failed_attempt_waits_and_then_longer() {
    let mut run = running();
    let first = ended(&run, Outcome::Retry { error: error(), after_ms: None });
    assert_eq!(first.status, RunStatus::AwaitingRetry);
    assert_eq!(first.due_at, Some(NOW.plus(Duration::from_secs(1))));
    run.attempt = 2;
    let second = ended(&run, Outcome::Retry { error: error(), after_ms: None });
    assert_eq!(second.due_at, Some(NOW.plus(Duration::from_secs(2))));
}

#[test]
fn the_job_may_name_its_own_wait() {
    let transition = ended(&running(), Outcome::Retry { error: error(), after_ms: Some(70_000) });
    assert_eq!(transition.due_at, Some(NOW.plus(Duration::from_secs(70))));
}

#[test]
fn the_last_attempt_fails_for_good_and_keeps_the_jobs_own_error() {
    let mut run = running();
    run.attempt = 3;
    let transition = ended(&run, Outcome::Retry { error: error(), after_ms: None });
    assert_eq!(transition.status, RunStatus::Failed);
    assert_eq!(transition.error, Some(error()));
}

#[test]
fn limits_on_computing_fail_at_once_and_passing_troubles_are_retried() {
    use StopReason::*;
    for reason in [CpuTime, Memory, Stack, OutputTooLarge, Contract] {
        assert_eq!(ended(&running(), stopped(reason)).status, RunStatus::Failed, "{reason:?}");
    }
    for reason in [WallTime, Panic, Trap] {
        let status = ended(&running(), stopped(reason)).status;
        assert_eq!(status, RunStatus::AwaitingRetry, "{reason:?}");
    }
}

#[test]
fn snoozing_burns_no_attempt() {
    let transition = ended(&running(), Outcome::Snoozed { for_ms: 5_000 });
    assert_eq!((transition.status, transition.attempt), (RunStatus::Scheduled, 0));
    assert_eq!(transition.due_at, Some(NOW.plus(Duration::from_secs(5))));
}

#[test]
fn a_run_handed_back_at_once_is_pending_again_and_burns_nothing() {
    let transition = ended(&running(), Outcome::HandedBack { after_ms: 0, error: None });
    assert_eq!((transition.status, transition.attempt), (RunStatus::Pending, 0));
    assert_eq!((transition.host_faults, transition.due_at), (0, Some(NOW)));
}

#[test]
fn lost_attempts_burn_none_of_the_jobs_own_but_not_for_ever() {
    let mut run = running();
    let first = ended(&run, Outcome::Lost);
    assert_eq!((first.status, first.attempt, first.host_faults), (RunStatus::Pending, 0, 1));
    run.host_faults = HOST_FAULTS_MAX;
    let last = ended(&run, Outcome::Lost);
    assert_eq!(last.status, RunStatus::Failed);
    assert_eq!(last.error.map(|error| error.blame), Some(Blame::Host));
}

#[test]
fn a_requested_cancellation_ends_whatever_did_not_complete() {
    let mut run = running();
    run.cancel_requested = true;
    for outcome in [
        Outcome::Retry { error: error(), after_ms: None },
        Outcome::Failed(error()),
        Outcome::Snoozed { for_ms: 1 },
        stopped(StopReason::Trap),
        Outcome::Lost,
        Outcome::HostFault(error()),
        Outcome::HandedBack { after_ms: 0, error: None },
    ] {
        let transition = ended(&run, outcome.clone());
        assert_eq!(transition.status, RunStatus::Cancelled, "{outcome:?}");
        assert_eq!(transition.error.map(|error| error.blame), Some(Blame::Operator));
    }
    let completed = ended(&run, Outcome::Completed(Json::null()));
    assert_eq!(completed.status, RunStatus::Completed);
}

#[test]
fn nothing_waits_beyond_the_runs_deadline() {
    let mut run = running();
    run.deadline = Some(NOW.plus(Duration::from_millis(500)));
    let transition = ended(&run, Outcome::Retry { error: error(), after_ms: None });
    assert_eq!(transition.status, RunStatus::Failed);
    let error = transition.error.expect("an error");
    assert_eq!(error.error_type, "deadline");
    assert!(error.message.contains("try me again"), "{}", error.message);
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Completed(Json::null())),
        proptest::option::of(any::<u64>())
            .prop_map(|after_ms| Outcome::Retry { error: error(), after_ms }),
        Just(Outcome::Failed(error())),
        any::<u64>().prop_map(|for_ms| Outcome::Snoozed { for_ms }),
        Just(Outcome::Cancelled(error())),
        Just(stopped(StopReason::Trap)),
        Just(stopped(StopReason::Memory)),
        Just(Outcome::Lost),
        Just(Outcome::HostFault(error())),
        any::<u64>().prop_map(|after_ms| Outcome::HandedBack { after_ms, error: None }),
    ]
}

proptest! {
    #[test]
    fn every_outcome_leaves_a_state_that_makes_sense(
        outcome in any_outcome(), attempt in 1u32..5, host_faults in 0u32..30,
        cancel_requested in any::<bool>(), random in 0.0f64..1.0,
        deadline_ms in proptest::option::of(0u64..10_000),
    ) {
        let run = Run {
            attempt, host_faults, cancel_requested,
            deadline: deadline_ms.map(|ms| NOW.plus(Duration::from_millis(ms))),
            ..running()
        };
        let after = settle(&run, outcome, Usage::default(), NOW, &steady(), random);
        prop_assert_ne!(after.status, RunStatus::Running);
        prop_assert_eq!(after.status.is_final(), after.due_at.is_none());
        prop_assert_eq!(after.status == RunStatus::Completed, after.output.is_some());
        prop_assert!(after.attempt <= run.attempt && after.attempt + 1 >= run.attempt);
        prop_assert!(after.due_at.is_none_or(|due| due >= NOW));
        prop_assert!(!(cancel_requested && after.yields_to_cancel()));
        if let (Some(due), Some(deadline)) = (after.due_at, run.deadline) {
            prop_assert!(due <= deadline);
        }
    }
}

#[test]
fn an_error_that_the_policy_names_is_not_tried_again() {
    let named = crate::ErrorPattern::new("flaky").expect("a pattern");
    let policy = RetryPolicy { not_retried: vec![named], ..steady() };
    let settled = |outcome| settle(&running(), outcome, Usage::default(), NOW, &policy, 0.5);
    for outcome in [
        Outcome::Retry { error: error(), after_ms: None },
        Outcome::Retry { error: error(), after_ms: Some(5) },
        stopped(StopReason::Memory),
    ] {
        let transition = settled(outcome);
        assert_eq!((transition.status, transition.error), (RunStatus::Failed, Some(error())));
    }
    let other = RunError::new(Blame::Guest, "flaky.too", "try me again");
    let transition = settled(Outcome::Retry { error: other, after_ms: None });
    assert_eq!(transition.status, RunStatus::AwaitingRetry);
    for outcome in [Outcome::HostFault(error()), Outcome::Lost] {
        assert!(!settled(outcome).status.is_final(), "a host's fault is not the job's");
    }
}

fn waits(run: &Run, signal: Option<&str>, seconds: u64) -> Transition {
    let signal = signal.map(|name| crate::SignalName::new(name).expect("a name"));
    let wait = crate::Wait { signal, until: NOW.plus(Duration::from_secs(seconds)) };
    suspend(run, &wait, Usage::default(), NOW)
}

#[test]
fn a_run_that_sleeps_waits_for_its_time_and_burns_no_attempt() {
    let after = waits(&running(), None, 60);
    assert_eq!((after.status, after.attempt, after.error), (RunStatus::Scheduled, 0, None));
    assert_eq!(after.due_at, Some(NOW.plus(Duration::from_secs(60))));
    let over = waits(&running(), None, 0);
    assert_eq!((over.status, over.due_at), (RunStatus::Pending, Some(NOW)), "it is over already");
}

#[test]
fn a_run_that_should_stop_does_not_wait() {
    let run = Run { cancel_requested: true, ..running() };
    assert_eq!(waits(&run, Some("approved"), 60).status, RunStatus::Cancelled);
}

#[test]
fn a_wait_for_a_signal_ends_at_the_deadline_and_a_sleep_beyond_it_fails() {
    let deadline = NOW.plus(Duration::from_secs(5));
    let run = Run { deadline: Some(deadline), ..running() };
    let sleeps = waits(&run, None, 60);
    assert_eq!((sleeps.status, sleeps.due_at), (RunStatus::Failed, None));
    let asks = waits(&run, Some("approved"), 60);
    assert_eq!((asks.status, asks.due_at), (RunStatus::Scheduled, Some(deadline)));
    let late = Run { deadline: Some(NOW.minus(Duration::from_secs(1))), ..running() };
    assert_eq!(waits(&late, Some("approved"), 60).status, RunStatus::Failed);
}

#[test]
fn a_run_whose_signal_is_there_goes_on_at_once() {
    let signal = crate::SignalName::new("approved").expect("a name");
    let wait = crate::Wait { signal: Some(signal), until: NOW.plus(Duration::from_secs(60)) };
    let transition = suspend(&running(), &wait, Usage::default(), NOW);
    let suspension = crate::Suspension { transition: transition.clone(), wait };
    assert_eq!(suspension.decide(false), transition);
    let woken = suspension.decide(true);
    assert_eq!((woken.status, woken.due_at), (RunStatus::Pending, Some(NOW)));
}
