//! Runs that wait for something other than time.

use zapjobs_model::{Run, RunId, RunStatus};
use zapjobs_storage::ReleaseResult::{NotFound, Released, WrongStatus};
use zapjobs_storage::{
    ApplyResult, BATCH_MAX, CancelResult, ClaimRunRequest, ClaimRunResult, Counts, ErrorKind,
    Notice, ReleaseResult, RunFilter,
};

use crate::Fixture;
use crate::actions::{completed, refused, snoozed, told};
use crate::builders::{LEASE, a_run, queue, run_id, seconds, tenant, worker};

impl Fixture {
    async fn let_go(&self, runs: &[RunId]) -> Vec<ReleaseResult> {
        self.storage.release_runs(runs).await.expect("the release is answered")
    }
}

pub(crate) async fn a_held_run_is_stored_as_such_and_told_to_nobody(f: &Fixture) {
    let mut notices = f.storage.subscribe();
    let held = f.enqueue(a_run("mail").queue("quiet").held()).await;
    f.enqueue(a_run("mail").queue("loud")).await;
    while let Some(notice) = notices.next().await {
        assert_ne!(notice, Notice::Ready(queue("quiet")));
        if notice == Notice::Ready(queue("loud")) {
            break;
        }
    }
    let run = f.stored(held).await;
    assert_eq!((run.status, run.due_at, run.created_at), (RunStatus::Held, f.now(), f.now()));
}

pub(crate) async fn a_held_run_is_not_claimed_and_never_becomes_due(f: &Fixture) {
    let id = f.enqueue(a_run("mail").held()).await;
    f.clock.advance(seconds(60));
    let promoted = f.storage.promote(10).await.expect("promoted");
    assert_eq!((promoted.count, promoted.next_due), (0, None));
    assert_eq!(f.claim(10).await, []);
    let request = ClaimRunRequest { run: id, worker: worker(1), lease: LEASE };
    let answer = f.storage.claim_run(request).await.expect("answered");
    assert_eq!(answer, ClaimRunResult::WrongStatus(RunStatus::Held));
    assert_eq!(f.status(id).await, RunStatus::Held);
}

pub(crate) async fn a_held_run_counts_as_waiting(f: &Fixture) {
    let id = f.enqueue(a_run("mail").tenant("a").held()).await;
    let waiting = async || f.storage.waiting(&tenant("a"), 10).await.expect("counted");
    assert_eq!(waiting().await, 1);
    f.let_go(&[id]).await;
    assert_eq!(waiting().await, 1);
    f.settle(&f.claim_one().await, completed()).await;
    assert_eq!(waiting().await, 0);
}

pub(crate) async fn held_runs_are_listed_and_counted(f: &Fixture) {
    let [first, second] = f.enqueue_all([a_run("mail").held(), a_run("mail").held()]).await;
    f.enqueue(a_run("mail")).await;
    let filter = RunFilter { statuses: vec![RunStatus::Held], ..RunFilter::default() };
    assert_eq!(f.list(filter.clone()).await, [second, first]);
    let counts = f.storage.counts(&filter).await.expect("counted");
    assert_eq!(counts, Counts { held: 2, ..Counts::default() });
    let queues = f.storage.queue_counts().await.expect("counted");
    assert_eq!(queues[0].counts, Counts { held: 2, pending: 1, ..Counts::default() });
    f.let_go(&[first, second]).await;
    assert_eq!(f.list(filter).await, []);
}

pub(crate) async fn a_released_run_is_pending_from_now_on(f: &Fixture) {
    let first = f.enqueue(a_run("mail").held()).await;
    let before = f.stored(first).await;
    f.clock.advance(seconds(5));
    let second = f.enqueue(a_run("mail")).await;
    f.clock.advance(seconds(5));
    assert_eq!(f.let_go(&[first]).await, [Released]);
    let released = Run { status: RunStatus::Pending, due_at: f.now(), ..before };
    assert_eq!(f.stored(first).await, released, "nothing else changes");
    assert_eq!(f.claim_one().await.id, second, "it stands behind those that were ready before");
    assert_eq!(f.claim_one().await.id, first);
}

pub(crate) async fn a_release_is_told_as_ready(f: &Fixture) {
    let id = f.enqueue(a_run("mail").queue("q").held()).await;
    let mut notices = f.storage.subscribe();
    f.let_go(&[id]).await;
    told(&mut notices, Notice::Ready(queue("q"))).await;
}

pub(crate) async fn a_released_run_whose_time_has_not_come_is_scheduled(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let mut transition = f.transition(&run, snoozed(seconds(30)));
    transition.status = RunStatus::Held;
    assert_eq!(f.apply(transition).await, ApplyResult::Applied);
    let mut notices = f.storage.subscribe();
    assert_eq!(f.let_go(&[run.id]).await, [Released]);
    told(&mut notices, Notice::Scheduled).await;
    let stored = f.stored(run.id).await;
    assert_eq!(stored.status, RunStatus::Scheduled);
    assert_eq!(stored.due_at, f.now().plus(seconds(30)));
    f.clock.advance(seconds(30));
    assert_eq!(f.storage.promote(10).await.expect("promoted").count, 1);
    assert_eq!(f.claim_one().await.id, run.id);
}

pub(crate) async fn what_is_not_held_is_not_released(f: &Fixture) {
    let done = f.settled(a_run("mail"), completed()).await;
    let running = f.running(a_run("mail")).await;
    let scheduled = f.enqueue(a_run("mail").due_in(seconds(5))).await;
    let pending = f.enqueue(a_run("mail")).await;
    let [scheduled, pending] = [f.stored(scheduled).await, f.stored(pending).await];
    for run in [done, running, scheduled, pending] {
        assert_eq!(f.let_go(&[run.id]).await, [WrongStatus(run.status)]);
        assert_eq!(f.stored(run.id).await, run, "nothing changes");
    }
    assert_eq!(f.let_go(&[run_id(1)]).await, [NotFound]);
    assert_eq!(f.let_go(&[]).await, []);
}

pub(crate) async fn a_run_released_twice_in_one_batch_is_released_once(f: &Fixture) {
    let id = f.enqueue(a_run("mail").held()).await;
    let answers = f.let_go(&[id, run_id(1), id]).await;
    assert_eq!(answers, [Released, NotFound, WrongStatus(RunStatus::Pending)]);
    assert_eq!(f.claim(10).await.len(), 1);
}

pub(crate) async fn a_held_run_is_cancelled_at_once(f: &Fixture) {
    let id = f.enqueue(a_run("mail").held()).await;
    let cancelled = f.storage.request_cancel(id).await.expect("answered");
    assert_eq!(cancelled, CancelResult::Cancelled);
    assert_eq!(f.let_go(&[id]).await, [WrongStatus(RunStatus::Cancelled)]);
    assert_eq!(f.claim(10).await, []);
    assert_eq!(f.stored(id).await.finished_at, Some(f.now()));
}

pub(crate) async fn an_attempt_may_end_held(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let mut transition = f.transition(&run, snoozed(seconds(0)));
    transition.status = RunStatus::Held;
    assert_eq!(f.apply(transition).await, ApplyResult::Applied);
    let stored = f.stored(run.id).await;
    assert_eq!((stored.status, stored.lease_expires_at), (RunStatus::Held, None));
    assert_eq!(f.let_go(&[run.id]).await, [Released]);
    assert_eq!(f.claim_one().await.id, run.id);
}

pub(crate) async fn a_release_takes_no_more_than_a_batch(f: &Fixture) {
    let too_many = vec![run_id(1); BATCH_MAX + 1];
    refused(f.storage.release_runs(&too_many).await, ErrorKind::InvalidRequest);
}
