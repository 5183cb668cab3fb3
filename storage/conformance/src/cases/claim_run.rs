//! Taking one certain run.

use zapjobs_model::{
    ItemCounts, Lease, Outcome, Progress, Run, RunError, RunId, RunStatus, Usage, WorkerId,
};
use zapjobs_storage::ApplyResult::{Applied, StaleLease};
use zapjobs_storage::ClaimRunResult::{self, AlreadyAssigned, NotDue, NotFound, WrongStatus};
use zapjobs_storage::{CancelResult, ClaimRunRequest, LeaseState, Notice, ProgressUpdate};

use crate::Fixture;
use crate::actions::{a_failure, claimed_ids, completed, failed, ids, retry_in, snoozed, told};
use crate::builders::{LEASE, MICROSECOND, a_run, run_id, seconds, worker};

/// Who takes runs here; another than who claims.
const TAKER: u64 = 7;

pub(super) fn wish(run: RunId) -> ClaimRunRequest {
    ClaimRunRequest { run, worker: worker(TAKER), lease: LEASE }
}

impl Fixture {
    async fn try_claim_run(&self, run: RunId) -> ClaimRunResult {
        self.storage.claim_run(wish(run)).await.expect("the wish is answered")
    }

    pub(super) async fn claim_run(&self, run: RunId) -> Run {
        match self.try_claim_run(run).await {
            ClaimRunResult::Claimed(claimed) => claimed.run,
            other => panic!("run {run} was to be claimed: {other:?}"),
        }
    }

    /// Expects that the run cannot be claimed, and stays as it is.
    async fn hindered(&self, run: RunId, expected: ClaimRunResult) {
        let before = self.stored(run).await;
        assert_eq!(self.try_claim_run(run).await, expected);
        assert_eq!(self.stored(run).await, before, "nothing changes");
    }
}

pub(crate) async fn a_run_is_claimed_whatever_its_priority(f: &Fixture) {
    let [_, last, _] = f
        .enqueue_all([a_run("a").priority(9), a_run("b").priority(-9), a_run("c").queue("other")])
        .await;
    assert_eq!(f.claim_run(last).await.id, last);
}

pub(crate) async fn a_run_claimed_by_name_is_as_after_any_claim(f: &Fixture) {
    let id = f.enqueue(a_run("mail").with_everything()).await;
    let before = f.stored(id).await;
    f.clock.advance(seconds(3));
    let claimed = f.claim_run(id).await;
    let expected = Run {
        status: RunStatus::Running,
        attempt: 1,
        lease: Lease(1),
        lease_expires_at: Some(f.now().plus(LEASE)),
        worker: Some(worker(TAKER)),
        started_at: Some(f.now()),
        ..before
    };
    assert_eq!(claimed, expected);
    assert_eq!(f.stored(id).await, expected);
}

pub(crate) async fn a_run_claimed_by_name_is_not_claimed_again(f: &Fixture) {
    let [first, taken, last] = f.enqueue_all([a_run("a"), a_run("b"), a_run("c")]).await;
    f.claim_run(taken).await;
    assert_eq!(claimed_ids(&f.claim(10).await), [first, last]);
}

pub(crate) async fn a_scheduled_run_is_claimed_by_name_from_its_very_instant_on(f: &Fixture) {
    let id = f.enqueue(a_run("mail").due_in(seconds(5))).await;
    let due_at = f.now().plus(seconds(5));
    f.clock.advance(seconds(5) - MICROSECOND);
    f.hindered(id, NotDue { due_at }).await;
    f.clock.advance(MICROSECOND);
    let claimed = f.claim_run(id).await;
    assert_eq!((claimed.status, claimed.due_at), (RunStatus::Running, due_at));
}

pub(crate) async fn a_retry_is_claimed_by_name_once_its_delay_is_over(f: &Fixture) {
    let waiting = f.settled(a_run("mail"), retry_in(seconds(5))).await;
    f.hindered(waiting.id, NotDue { due_at: waiting.due_at }).await;
    f.clock.advance(seconds(5));
    let again = f.claim_run(waiting.id).await;
    assert_eq!((again.attempt, again.lease), (2, Lease(2)));
}

pub(crate) async fn a_snoozed_run_is_claimed_by_name_once_it_is_due(f: &Fixture) {
    let waiting = f.settled(a_run("mail"), snoozed(seconds(5))).await;
    f.hindered(waiting.id, NotDue { due_at: waiting.due_at }).await;
    f.clock.advance(seconds(5));
    let again = f.claim_run(waiting.id).await;
    assert_eq!((again.attempt, again.lease), (1, Lease(2)));
}

pub(crate) async fn claiming_by_name_clears_what_the_last_attempt_left(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let update = ProgressUpdate {
        key: run.lease_key(),
        progress: Some(Progress { done: 1, total: None, message: "m".to_owned() }),
        counts: Some(ItemCounts { processed: 1, succeeded: 0, failed: 1 }),
    };
    f.storage.report_progress(&[update]).await.expect("noted");
    let usage = Usage { cpu_us: 5, ..Usage::default() };
    let retry = zapjobs_model::Transition { usage, ..f.transition(&run, retry_in(seconds(1))) };
    assert_eq!(f.apply(retry).await, Applied);
    f.clock.advance(seconds(1));
    let again = f.claim_run(run.id).await;
    let left: Option<RunError> = again.error;
    assert_eq!(left, None);
    assert_eq!(again.progress, Progress::default());
    assert_eq!(again.counts, ItemCounts::default());
    assert_eq!(again.usage, Usage::default());
}

pub(crate) async fn a_waiting_run_claimed_by_name_waits_no_longer(f: &Fixture) {
    let [taken, other] =
        f.enqueue_all([a_run("mail").due_in(seconds(5)), a_run("mail").due_in(seconds(9))]).await;
    f.clock.advance(seconds(5));
    f.claim_run(taken).await;
    let promoted = f.storage.promote(10).await.expect("promoted");
    assert_eq!((promoted.count, promoted.next_due), (0, Some(f.stored(other).await.due_at)));
    assert_eq!(f.claim(10).await, [], "it does not stand in line any more");
    assert_eq!(f.status(taken).await, RunStatus::Running);
}

pub(crate) async fn a_running_run_tells_whose_it_is(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let owner: WorkerId = run.worker.expect("a claim sets it");
    f.hindered(run.id, AlreadyAssigned { worker: owner }).await;
    let taken = f.enqueue(a_run("mail")).await;
    f.claim_run(taken).await;
    f.hindered(taken, AlreadyAssigned { worker: worker(TAKER) }).await;
}

pub(crate) async fn a_run_whose_lease_ran_out_is_still_assigned(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.clock.advance(LEASE * 2);
    f.hindered(run.id, AlreadyAssigned { worker: worker(1) }).await;
}

pub(crate) async fn a_run_that_ended_tells_how(f: &Fixture) {
    let cancelled = Outcome::Cancelled(a_failure("asked"));
    let ends = [
        (completed(), RunStatus::Completed),
        (failed("broken"), RunStatus::Failed),
        (cancelled, RunStatus::Cancelled),
    ];
    for (outcome, status) in ends {
        let run = f.settled(a_run("mail"), outcome).await;
        f.hindered(run.id, WrongStatus(status)).await;
    }
    let cancelled = f.enqueue(a_run("mail")).await;
    f.storage.request_cancel(cancelled).await.expect("cancelled");
    f.hindered(cancelled, WrongStatus(RunStatus::Cancelled)).await;
}

pub(crate) async fn an_unknown_run_is_not_there_to_claim(f: &Fixture) {
    assert_eq!(f.try_claim_run(run_id(1)).await, NotFound);
    assert!(!f.holds(run_id(1)).await);
}

pub(crate) async fn a_run_claimed_by_name_is_renewed_cancelled_and_ended_like_any_other(
    f: &Fixture,
) {
    let id = f.enqueue(a_run("mail")).await;
    let mut notices = f.storage.subscribe();
    let run = f.claim_run(id).await;
    let key = run.lease_key();
    assert_eq!(f.storage.request_cancel(id).await.expect("asked"), CancelResult::Requested);
    told(&mut notices, Notice::CancelRequested(id)).await;
    f.clock.advance(seconds(20));
    let held = LeaseState::Held { cancel_requested: true };
    assert_eq!(f.storage.renew(&[key], LEASE).await.expect("renewed"), [held]);
    f.clock.advance(seconds(20));
    assert_eq!(f.storage.expired(10).await.expect("listed"), []);
    assert_eq!(f.settle(&run, completed()).await, Applied);
    assert_eq!(f.status(id).await, RunStatus::Completed);
}

pub(crate) async fn the_lease_of_a_run_claimed_by_name_runs_out(f: &Fixture) {
    let id = f.enqueue(a_run("mail")).await;
    f.claim_run(id).await;
    f.clock.advance(LEASE - MICROSECOND);
    assert_eq!(f.storage.expired(10).await.expect("listed"), []);
    f.clock.advance(MICROSECOND);
    assert_eq!(ids(&f.storage.expired(10).await.expect("listed")), [id]);
}

pub(crate) async fn claiming_by_name_fences_the_attempt_before(f: &Fixture) {
    let old = f.settled(a_run("mail"), Outcome::Lost).await;
    let new = f.claim_run(old.id).await;
    assert_eq!(f.settle(&old, completed()).await, StaleLease);
    let states = f.storage.renew(&[old.lease_key()], LEASE).await.expect("renewed");
    assert_eq!(states, [LeaseState::Lost]);
    assert_eq!(f.stored(new.id).await, new);
    assert_eq!(f.settle(&new, completed()).await, Applied);
}

pub(crate) async fn a_requeued_run_is_claimed_by_name_under_a_new_lease(f: &Fixture) {
    let old = f.settled(a_run("mail").max_attempts(1), failed("broken")).await;
    f.storage.requeue(old.id).await.expect("requeued");
    let again = f.claim_run(old.id).await;
    assert_eq!((again.attempt, again.lease), (1, Lease(2)));
    assert_eq!(f.settle(&old, completed()).await, StaleLease);
}

pub(crate) async fn a_claim_by_name_shows_in_the_counts(f: &Fixture) {
    f.enqueue(a_run("mail")).await;
    let waiting = f.enqueue(a_run("mail").due_in(seconds(1))).await;
    f.clock.advance(seconds(1));
    f.claim_run(waiting).await;
    let counts = f.storage.counts(&Default::default()).await.expect("counted");
    assert_eq!((counts.pending, counts.scheduled, counts.running), (1, 0, 1));
    let queues = f.storage.queue_counts().await.expect("counted");
    assert_eq!((queues.len(), queues[0].counts), (1, counts));
}
