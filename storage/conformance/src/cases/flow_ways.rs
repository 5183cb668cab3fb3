//! Every way on which a run that a limit applies to becomes ready, or is held no more.

use zapjobs_model::{Outcome, RunStatus};
use zapjobs_storage::{
    CancelResult, ClaimRunRequest, ClaimRunResult, FireRequest, Notice, ReleaseResult,
    RequeueResult,
};

use super::flow::{of_job, one_at_a_time};
use crate::Fixture;
use crate::actions::{completed, failed, retry_in, told};
use crate::builders::{LEASE, a_run, a_schedule, queue, seconds, worker};

pub(crate) async fn a_run_that_becomes_due_is_held(f: &Fixture) {
    f.limit(&of_job(), one_at_a_time()).await;
    let id = f.enqueue(a_run("mail").due_in(seconds(5))).await;
    assert_eq!(f.status(id).await, RunStatus::Scheduled);
    assert_eq!(f.admit(10).await.count, 0);
    f.clock.advance(seconds(5));
    let mut notices = f.storage.subscribe();
    assert_eq!(f.storage.promote(10).await.expect("promoted").count, 1);
    told(&mut notices, Notice::Ready(queue("default"))).await;
    assert_eq!(f.status(id).await, RunStatus::Held);
    assert_eq!(f.go().await, [id]);
}

pub(crate) async fn a_limited_run_is_not_claimed_by_name_before_it_is_admitted(f: &Fixture) {
    let claim = async |run| {
        let request = ClaimRunRequest { run, worker: worker(1), lease: LEASE };
        f.storage.claim_run(request).await.expect("answered")
    };
    f.limit(&of_job(), one_at_a_time()).await;
    let held = f.enqueue(a_run("mail")).await;
    let due = f.enqueue(a_run("mail").due_in(seconds(5))).await;
    f.clock.advance(seconds(5));
    for run in [held, due] {
        assert_eq!(claim(run).await, ClaimRunResult::WrongStatus(RunStatus::Held));
    }
    f.admit(10).await;
    assert!(matches!(claim(held).await, ClaimRunResult::Claimed(_)));
    assert_eq!(claim(due).await, ClaimRunResult::WrongStatus(RunStatus::Held));
}

pub(crate) async fn a_limited_run_is_not_let_go_by_a_release(f: &Fixture) {
    f.limit(&of_job(), one_at_a_time()).await;
    let limited = f.enqueue(a_run("mail")).await;
    let held = f.enqueue(a_run("mail").held()).await;
    assert_eq!(f.admit(10).await.count, 1, "what something else holds is in no line");
    assert_eq!(f.claim_one().await.id, limited);
    let release = async |run| f.storage.release_runs(&[run]).await.expect("answered");
    assert_eq!(release(held).await, [ReleaseResult::Released]);
    assert_eq!(f.status(held).await, RunStatus::Held);
    assert_eq!(release(held).await, [ReleaseResult::WrongStatus(RunStatus::Held)]);
    assert_eq!(f.go().await, []);
    let run = f.stored(limited).await;
    f.settle(&run, completed()).await;
    assert_eq!(f.go().await, [held]);
}

pub(crate) async fn a_held_run_that_is_cancelled_leaves_its_line(f: &Fixture) {
    f.limit(&of_job(), one_at_a_time()).await;
    let [first, second] = f.enqueue_all([a_run("mail"), a_run("mail")]).await;
    let cancelled = f.storage.request_cancel(first).await.expect("answered");
    assert_eq!(cancelled, CancelResult::Cancelled);
    assert_eq!(f.go().await, [second]);
}

pub(crate) async fn a_retried_run_takes_its_turn_again(f: &Fixture) {
    f.limit(&of_job(), one_at_a_time()).await;
    let id = f.enqueue(a_run("mail")).await;
    f.admit(1).await;
    let run = f.claim_one().await;
    f.settle(&run, retry_in(seconds(5))).await;
    f.clock.advance(seconds(5));
    f.storage.promote(10).await.expect("promoted");
    assert_eq!(f.status(id).await, RunStatus::Held);
    assert_eq!(f.go().await, [id]);
    let run = f.stored(id).await;
    f.settle(&run, failed("no")).await;
    assert_eq!(f.storage.requeue(id).await.expect("answered"), RequeueResult::Requeued);
    assert_eq!(f.status(id).await, RunStatus::Held);
    assert_eq!(f.go().await, [id]);
}

pub(crate) async fn a_lost_attempt_gives_its_slot_back(f: &Fixture) {
    f.limit(&of_job(), one_at_a_time()).await;
    let [lost, next] = f.enqueue_all([a_run("mail"), a_run("mail")]).await;
    assert_eq!(f.go().await, [lost]);
    f.clock.advance(LEASE);
    // As hosts do: the first loss is tried again at once, with the slot; the second waits.
    for _ in 0..2 {
        let expired = f.storage.expired(10).await.expect("listed");
        assert_eq!(expired.len(), 1);
        f.settle(&expired[0], Outcome::Lost).await;
        assert!(f.used(&of_job()).await.0 <= 1);
        f.go().await;
        f.clock.advance(LEASE);
    }
    let states = (f.status(lost).await, f.status(next).await);
    assert_eq!(states, (RunStatus::Scheduled, RunStatus::Running));
}

pub(crate) async fn a_fired_run_is_held(f: &Fixture) {
    f.limit(&of_job(), one_at_a_time()).await;
    let schedule = f.put_schedule(&a_schedule("default", "mail", f.now())).await;
    let run = a_run("mail").build();
    let id = run.id;
    let request = FireRequest { runs: vec![run], schedule };
    f.storage.fire(&[request]).await.expect("fired");
    assert_eq!(f.status(id).await, RunStatus::Held);
    assert_eq!(f.go().await, [id]);
}
