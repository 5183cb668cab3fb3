//! Writing what attempts came to.

use zapjobs_model::{Digest, Json, Lease, LeaseKey, Outcome, Run, RunStatus, Transition, Usage};
use zapjobs_storage::ApplyResult::{Applied, CancelRequested, NotFound, StaleLease, WrongStatus};

use crate::Fixture;
use crate::actions::{a_failure, completed, failed, retry_in, snoozed};
use crate::builders::{LEASE, a_run, json, run_id, seconds};

pub(crate) async fn completing_stores_the_output_and_the_end(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.clock.advance(seconds(3));
    assert_eq!(f.settle(&run, Outcome::Completed(json(r#"{"sent":1}"#))).await, Applied);
    let stored = f.stored(run.id).await;
    assert_eq!(stored.status, RunStatus::Completed);
    assert_eq!(stored.output, Some(json(r#"{"sent":1}"#)));
    assert_eq!(stored.error, None);
    assert_eq!(stored.finished_at, Some(f.now()));
    assert_eq!(stored.started_at, run.started_at);
}

pub(crate) async fn failing_stores_the_error_and_the_end(f: &Fixture) {
    let mut error = a_failure("no such host");
    error.details = Some(json(r#"{"host":"x"}"#));
    let stored = f.settled(a_run("mail"), Outcome::Failed(error.clone())).await;
    assert_eq!(stored.status, RunStatus::Failed);
    assert_eq!(stored.error, Some(error));
    assert_eq!(stored.output, None);
    assert_eq!(stored.finished_at, Some(f.now()));
}

pub(crate) async fn cancelling_ends_the_run(f: &Fixture) {
    let stored = f.settled(a_run("mail"), Outcome::Cancelled(a_failure("asked"))).await;
    assert_eq!(stored.status, RunStatus::Cancelled);
    assert_eq!(stored.error, Some(a_failure("asked")));
    assert_eq!(stored.finished_at, Some(f.now()));
}

pub(crate) async fn a_finished_run_has_no_lease_any_more(f: &Fixture) {
    let stored = f.settled(a_run("mail"), completed()).await;
    assert_eq!(stored.lease_expires_at, None);
    assert_eq!(stored.lease, Lease(1), "the number of the latest claim stays");
    assert!(stored.worker.is_some(), "the worker of the latest claim stays");
    f.clock.advance(LEASE * 2);
    assert_eq!(f.storage.expired(10).await.expect("listed"), []);
}

pub(crate) async fn the_end_is_the_transitions_own_instant(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let ended = f.now().plus(seconds(1));
    let transition = Transition { at: ended, ..f.transition(&run, completed()) };
    f.clock.advance(seconds(10));
    assert_eq!(f.apply(transition).await, Applied);
    assert_eq!(f.stored(run.id).await.finished_at, Some(ended));
}

pub(crate) async fn a_retry_waits_for_its_time(f: &Fixture) {
    let stored = f.settled(a_run("mail"), retry_in(seconds(5))).await;
    assert_eq!(stored.status, RunStatus::AwaitingRetry);
    assert_eq!(stored.due_at, f.now().plus(seconds(5)));
    assert_eq!(stored.error, Some(a_failure("try again")));
    assert_eq!(stored.finished_at, None);
    assert_eq!(stored.lease_expires_at, None);
    assert_eq!(stored.attempt, 1);
}

pub(crate) async fn a_snoozed_run_waits_without_an_end(f: &Fixture) {
    let stored = f.settled(a_run("mail"), snoozed(seconds(5))).await;
    assert_eq!(stored.status, RunStatus::Scheduled);
    assert_eq!(stored.due_at, f.now().plus(seconds(5)));
    assert_eq!(stored.finished_at, None);
    assert_eq!(stored.error, None);
    assert_eq!(stored.attempt, 0);
}

pub(crate) async fn a_run_handed_back_at_once_is_pending(f: &Fixture) {
    let handed_back = Outcome::HandedBack { after_ms: 0, error: None };
    let stored = f.settled(a_run("mail"), handed_back).await;
    assert_eq!(stored.status, RunStatus::Pending);
    assert_eq!(stored.due_at, f.now());
    assert_eq!(f.claim_one().await.id, stored.id);
}

pub(crate) async fn a_lost_run_is_pending_with_its_attempt_given_back(f: &Fixture) {
    let stored = f.settled(a_run("mail"), Outcome::Lost).await;
    assert_eq!(stored.status, RunStatus::Pending);
    assert_eq!((stored.attempt, stored.host_faults), (0, 1));
    assert_eq!(stored.error.map(|error| error.error_type), Some("lost".to_owned()));
}

pub(crate) async fn usage_attempts_and_host_faults_are_written(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let usage = Usage {
        cpu_us: 1,
        wall_us: 2,
        memory_bytes_peak: 1 << 40,
        log_bytes: 4,
        log_lines: 5,
        log_lines_dropped: 6,
        output_bytes: 7,
        wait_us: 8,
        http_requests: 9,
        http_sent_bytes: u64::MAX,
        http_received_bytes: 11,
    };
    let transition =
        Transition { usage, attempt: 9, host_faults: 8, ..f.transition(&run, completed()) };
    assert_eq!(f.apply(transition).await, Applied);
    let stored = f.stored(run.id).await;
    assert_eq!(stored.usage, usage);
    assert_eq!((stored.attempt, stored.host_faults), (9, 8));
}

pub(crate) async fn a_digest_is_stored(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let digest = Some(Digest::of(b"code"));
    f.apply(Transition { digest, ..f.transition(&run, completed()) }).await;
    assert_eq!(f.stored(run.id).await.digest, digest);
}

pub(crate) async fn an_absent_digest_leaves_the_stored_one(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let digest = Some(Digest::of(b"code"));
    f.apply(Transition { digest, ..f.transition(&run, Outcome::Lost) }).await;
    let again = f.claim_one().await;
    assert_eq!(again.digest, digest);
    f.apply(Transition { digest: None, ..f.transition(&again, completed()) }).await;
    assert_eq!(f.stored(run.id).await.digest, digest);
}

pub(crate) async fn an_absent_error_keeps_no_error(f: &Fixture) {
    f.settled(a_run("mail"), Outcome::Lost).await;
    let again = f.claim_one().await;
    f.settle(&again, completed()).await;
    assert_eq!(f.stored(again.id).await.error, None);
}

pub(crate) async fn a_second_transition_of_the_same_attempt_is_refused(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    assert_eq!(f.settle(&run, completed()).await, Applied);
    let ended = WrongStatus(RunStatus::Completed);
    assert_eq!(f.settle(&run, failed("too late")).await, ended);
    assert_eq!(f.status(run.id).await, RunStatus::Completed);
}

pub(crate) async fn two_transitions_of_one_attempt_in_a_batch_apply_once(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let batch = [f.transition(&run, completed()), f.transition(&run, failed("too late"))];
    let ended = WrongStatus(RunStatus::Completed);
    assert_eq!(f.storage.apply(&batch).await.expect("applied"), [Applied, ended]);
    assert_eq!(f.status(run.id).await, RunStatus::Completed);
}

pub(crate) async fn a_transition_under_an_older_lease_is_stale(f: &Fixture) {
    let old = f.running(a_run("mail")).await;
    f.settle(&old, Outcome::Lost).await;
    let new = f.claim_one().await;
    assert_eq!(f.settle(&old, completed()).await, StaleLease);
    assert_eq!(f.stored(new.id).await, new);
    assert_eq!(f.settle(&new, completed()).await, Applied);
}

pub(crate) async fn a_transition_under_a_lease_that_was_never_given_is_stale(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let from_the_future = Run { lease: Lease(2), ..run.clone() };
    assert_eq!(f.settle(&from_the_future, completed()).await, StaleLease);
    assert_eq!(f.stored(run.id).await, run);
}

pub(crate) async fn a_transition_of_an_unknown_run_is_not_found(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let unknown = Run { id: run_id(1), ..run };
    assert_eq!(f.settle(&unknown, completed()).await, NotFound);
    assert!(!f.holds(unknown.id).await);
}

pub(crate) async fn a_transition_of_a_run_that_was_never_claimed_is_refused(f: &Fixture) {
    let id = f.enqueue(a_run("mail")).await;
    let waiting = f.stored(id).await;
    assert_eq!(f.settle(&waiting, completed()).await, WrongStatus(RunStatus::Pending));
    assert_eq!(f.stored(id).await, waiting);
}

pub(crate) async fn a_stale_transition_writes_nothing(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.settle(&run, completed()).await;
    let before = f.stored(run.id).await;
    f.clock.advance(seconds(5));
    let late = Transition {
        usage: Usage { cpu_us: 99, ..Usage::default() },
        digest: Some(Digest::of(b"late")),
        ..f.transition(&run, Outcome::Completed(json("\"late\"")))
    };
    assert_eq!(f.apply(late).await, WrongStatus(RunStatus::Completed));
    assert_eq!(f.stored(run.id).await, before);
}

pub(crate) async fn a_lease_that_ran_out_still_writes_until_someone_claims_anew(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.clock.advance(LEASE * 3);
    assert_eq!(f.settle(&run, completed()).await, Applied);
    assert_eq!(f.status(run.id).await, RunStatus::Completed);
}

pub(crate) async fn a_requested_cancellation_forbids_waiting(f: &Fixture) {
    for outcome in [retry_in(seconds(1)), snoozed(seconds(0)), snoozed(seconds(1))] {
        let run = f.running(a_run("mail")).await;
        f.storage.request_cancel(run.id).await.expect("requested");
        let before = f.stored(run.id).await;
        assert_eq!(f.settle(&run, outcome).await, CancelRequested);
        assert_eq!(f.stored(run.id).await, before, "nothing is written");
    }
}

pub(crate) async fn a_requested_cancellation_does_not_forbid_an_end(f: &Fixture) {
    let ends = [
        (completed(), RunStatus::Completed),
        (failed("broken"), RunStatus::Failed),
        (Outcome::Cancelled(a_failure("asked")), RunStatus::Cancelled),
    ];
    for (outcome, status) in ends {
        let run = f.running(a_run("mail")).await;
        f.storage.request_cancel(run.id).await.expect("requested");
        assert_eq!(f.settle(&run, outcome).await, Applied);
        assert_eq!(f.status(run.id).await, status);
    }
}

pub(crate) async fn a_run_settled_again_after_the_request_is_cancelled(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.storage.request_cancel(run.id).await.expect("requested");
    assert_eq!(f.settle(&run, Outcome::Lost).await, CancelRequested);
    let now_known = f.stored(run.id).await;
    assert_eq!(f.settle(&now_known, Outcome::Lost).await, Applied);
    assert_eq!(f.status(run.id).await, RunStatus::Cancelled);
}

pub(crate) async fn each_transition_of_a_batch_stands_by_itself(f: &Fixture) {
    f.enqueue_all([a_run("a"), a_run("b"), a_run("c"), a_run("d")]).await;
    let runs: Vec<Run> = f.claim(4).await.into_iter().map(|claimed| claimed.run).collect();
    f.storage.request_cancel(runs[1].id).await.expect("requested");
    let batch = [
        f.transition(&runs[3], failed("broken")),
        f.transition(&runs[1], retry_in(seconds(1))),
        Transition {
            key: LeaseKey { run: runs[2].id, lease: Lease(9) },
            ..f.transition(&runs[2], completed())
        },
        f.transition(&runs[0], Outcome::Completed(Json::null())),
    ];
    let answers = f.storage.apply(&batch).await.expect("applied");
    assert_eq!(answers, [Applied, CancelRequested, StaleLease, Applied]);
    let expected =
        [RunStatus::Completed, RunStatus::Running, RunStatus::Running, RunStatus::Failed];
    for (run, status) in runs.iter().zip(expected) {
        assert_eq!(f.status(run.id).await, status);
    }
}

pub(crate) async fn an_empty_batch_applies_nothing(f: &Fixture) {
    assert_eq!(f.storage.apply(&[]).await.expect("applied"), []);
}

pub(crate) async fn what_was_submitted_outlives_every_transition(f: &Fixture) {
    let run = f.running(a_run("mail").with_everything()).await;
    f.clock.advance(seconds(1));
    f.settle(&run, completed()).await;
    let expected = Run {
        status: RunStatus::Completed,
        output: Some(Json::null()),
        finished_at: Some(f.now()),
        lease_expires_at: None,
        ..run
    };
    assert_eq!(f.stored(expected.id).await, expected);
}
