//! Asking runs to stop.

use zapjobs_model::{Blame, Run, RunStatus};
use zapjobs_storage::CancelResult::{Cancelled, Finished, NotFound, Requested};
use zapjobs_storage::{ApplyResult, CancelResult};

use crate::Fixture;
use crate::actions::{a_failure, completed, failed, retry_in, snoozed};
use crate::builders::{a_run, run_id, seconds};

impl Fixture {
    pub(super) async fn cancel(&self, run: &Run) -> CancelResult {
        self.storage.request_cancel(run.id).await.expect("the wish to cancel is answered")
    }

    async fn waiting(&self) -> [Run; 3] {
        let retrying = self.settled(a_run("mail"), retry_in(seconds(5))).await;
        let scheduled = self.enqueue(a_run("mail").due_in(seconds(5))).await;
        let pending = self.enqueue(a_run("mail")).await;
        let [pending, scheduled] = [self.stored(pending).await, self.stored(scheduled).await];
        assert_eq!(pending.status, RunStatus::Pending);
        assert_eq!(scheduled.status, RunStatus::Scheduled);
        assert_eq!(retrying.status, RunStatus::AwaitingRetry);
        [pending, scheduled, retrying]
    }
}

pub(crate) async fn a_run_that_waits_is_cancelled_at_once(f: &Fixture) {
    let waiting = f.waiting().await;
    f.clock.advance(seconds(1));
    for run in waiting {
        assert_eq!(f.cancel(&run).await, Cancelled);
        let stored = f.stored(run.id).await;
        assert_eq!(stored.status, RunStatus::Cancelled);
        assert_eq!(stored.finished_at, Some(f.now()));
        let error = stored.error.clone().expect("it says why");
        assert_eq!(error.blame, Blame::Operator);
        assert!(error.to_string().to_lowercase().contains("cancel"), "{error}");
        let expected = Run {
            status: RunStatus::Cancelled,
            finished_at: Some(f.now()),
            error: Some(error),
            ..run
        };
        assert_eq!(stored, expected, "nothing else changes");
    }
}

pub(crate) async fn a_cancelled_run_never_becomes_ready(f: &Fixture) {
    for run in f.waiting().await {
        f.cancel(&run).await;
    }
    f.clock.advance(seconds(60));
    let promoted = f.storage.promote(10).await.expect("promoted");
    assert_eq!((promoted.count, promoted.next_due), (0, None));
    assert_eq!(f.claim(10).await, []);
}

pub(crate) async fn a_running_run_is_marked(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    assert_eq!(f.cancel(&run).await, Requested);
    let expected = Run { cancel_requested: true, ..run };
    assert_eq!(f.stored(expected.id).await, expected, "it goes on until its worker stops it");
}

pub(crate) async fn asking_a_running_run_twice_is_answered_the_same(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    assert_eq!(f.cancel(&run).await, Requested);
    assert_eq!(f.cancel(&run).await, Requested);
}

pub(crate) async fn a_finished_run_says_how_it_ended(f: &Fixture) {
    let runs = [
        (f.settled(a_run("mail"), completed()).await, RunStatus::Completed),
        (f.settled(a_run("mail"), failed("broken")).await, RunStatus::Failed),
    ];
    for (run, status) in runs {
        assert_eq!(f.cancel(&run).await, Finished(status));
        assert_eq!(f.stored(run.id).await, run, "nothing changes");
    }
    let cancelled = f.running(a_run("mail")).await;
    let outcome = zapjobs_model::Outcome::Cancelled(a_failure("asked"));
    f.settle(&cancelled, outcome).await;
    assert_eq!(f.cancel(&cancelled).await, Finished(RunStatus::Cancelled));
}

pub(crate) async fn an_unknown_run_is_not_found(f: &Fixture) {
    let answer = f.storage.request_cancel(run_id(1)).await.expect("answered");
    assert_eq!(answer, NotFound);
}

pub(crate) async fn attempts_that_should_stop_are_told(f: &Fixture) {
    let [asked, other] = [f.running(a_run("a")).await, f.running(a_run("b")).await];
    let keys = [other.lease_key(), asked.lease_key()];
    assert_eq!(f.storage.cancel_requests(&keys).await.expect("answered"), []);
    f.cancel(&asked).await;
    assert_eq!(f.storage.cancel_requests(&keys).await.expect("answered"), [asked.lease_key()]);
    let only_other = [other.lease_key()];
    assert_eq!(f.storage.cancel_requests(&only_other).await.expect("answered"), []);
}

pub(crate) async fn an_attempt_that_ended_is_not_told_to_stop(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.cancel(&run).await;
    f.settle(&run, completed()).await;
    assert_eq!(f.storage.cancel_requests(&[run.lease_key()]).await.expect("answered"), []);
}

pub(crate) async fn an_older_attempt_is_not_told_to_stop(f: &Fixture) {
    let old = f.settled(a_run("mail"), snoozed(seconds(0))).await;
    let new = f.claim_one().await;
    f.cancel(&new).await;
    let keys = [old.lease_key(), new.lease_key()];
    assert_eq!(f.storage.cancel_requests(&keys).await.expect("answered"), [new.lease_key()]);
}

pub(crate) async fn a_cancelled_run_refuses_its_attempts_end(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.settle(&run, snoozed(seconds(9))).await;
    f.cancel(&run).await;
    let cancelled = ApplyResult::WrongStatus(RunStatus::Cancelled);
    assert_eq!(f.settle(&run, completed()).await, cancelled);
    assert_eq!(f.status(run.id).await, RunStatus::Cancelled);
}
