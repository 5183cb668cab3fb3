//! What outlives a storage. Only for drivers that can be reopened.

use zapjobs_model::{Document, Lease, RunStatus, Settlement, Signal, SignalName, Step, StepName};
use zapjobs_storage::{
    ApplyResult, NamedLeaseRequest, NewBatch, RecordStepResult, SendSignalResult, SettleResult,
    WriteResult,
};

use super::signals::a_suspension;

use super::batches::a_batch;
use crate::actions::{completed, failed, ids, retry_in};
use crate::builders::{
    LEASE, a_definition, a_document, a_line, a_run, a_schedule, a_worker, json, seconds, worker,
};
use crate::{Fixture, Harness};

/// Opens the storage again after a proper close.
async fn closed_and_reopened(harness: &dyn Harness, fixture: Fixture) -> Fixture {
    fixture.storage.close().await.expect("the storage closes");
    reopened(harness, fixture).await
}

/// Opens the storage again as after the end of its process.
async fn reopened(harness: &dyn Harness, fixture: Fixture) -> Fixture {
    let again = harness.reopen(fixture).await;
    again.expect("a driver with the durability suite can be reopened")
}

pub(crate) async fn runs_outlive_a_closed_storage(harness: &dyn Harness) {
    let f = harness.fresh().await;
    let finished = f.settled(a_run("mail").with_everything(), failed("broken")).await;
    let retrying = f.settled(a_run("mail"), retry_in(seconds(5))).await;
    let running = f.running(a_run("mail")).await;
    let pending = f.enqueue(a_run("mail")).await;
    let pending = f.stored(pending).await;
    let f = closed_and_reopened(harness, f).await;
    for run in [finished, retrying, running, pending] {
        assert_eq!(f.stored(run.id).await, run);
    }
}

pub(crate) async fn acknowledged_writes_outlive_a_storage_that_was_not_closed(
    harness: &dyn Harness,
) {
    let f = harness.fresh().await;
    let finished = f.settled(a_run("mail"), completed()).await;
    let pending = f.enqueue(a_run("mail")).await;
    let f = reopened(harness, f).await;
    assert_eq!(f.stored(finished.id).await, finished);
    assert_eq!(f.claim_one().await.id, pending);
}

pub(crate) async fn a_duplicate_is_known_after_reopening(harness: &dyn Harness) {
    let f = harness.fresh().await;
    let run = a_run("mail").build();
    f.storage.enqueue(std::slice::from_ref(&run)).await.expect("enqueued");
    let f = closed_and_reopened(harness, f).await;
    let answers = f.storage.enqueue(&[run]).await.expect("enqueued");
    assert_eq!(answers, [zapjobs_storage::EnqueueResult::Duplicate]);
}

pub(crate) async fn an_attempt_may_end_after_reopening(harness: &dyn Harness) {
    let f = harness.fresh().await;
    let run = f.running(a_run("mail")).await;
    let f = closed_and_reopened(harness, f).await;
    assert_eq!(f.settle(&run, completed()).await, ApplyResult::Applied);
    let ended = ApplyResult::WrongStatus(RunStatus::Completed);
    assert_eq!(f.settle(&run, completed()).await, ended);
    assert_eq!(f.status(run.id).await, RunStatus::Completed);
}

pub(crate) async fn leases_run_out_over_a_reopening(harness: &dyn Harness) {
    let f = harness.fresh().await;
    let run = f.running(a_run("mail")).await;
    let f = closed_and_reopened(harness, f).await;
    f.clock.advance(LEASE);
    let expired = f.storage.expired(10).await.expect("listed");
    assert_eq!(ids(&expired), [run.id]);
    f.settle(&expired[0], zapjobs_model::Outcome::Lost).await;
    assert_eq!(f.claim_one().await.lease, Lease(2));
}

pub(crate) async fn definitions_logs_and_workers_outlive_the_storage(harness: &dyn Harness) {
    let f = harness.fresh().await;
    let definition = a_definition("acme", "mail");
    f.put(std::slice::from_ref(&definition)).await;
    let schedule = f.put_schedule(&a_schedule("acme", "mail", f.now())).await;
    let run = f.enqueue(a_run("mail")).await;
    f.storage.append_logs(&[a_line(run, 1, 0)]).await.expect("kept");
    f.storage.heartbeat(&a_worker(1)).await.expect("noted");
    let f = closed_and_reopened(harness, f).await;
    assert_eq!(f.storage.definitions(None).await.expect("listed"), [definition]);
    assert_eq!(f.storage.due_schedules(None, 10).await.expect("listed").schedules, [schedule]);
    assert_eq!(f.log(run).await, ["line 1.0"]);
    assert_eq!(f.storage.workers().await.expect("listed").len(), 1);
}

pub(crate) async fn a_fence_never_falls_over_a_reopening(harness: &dyn Harness) {
    let f = harness.fresh().await;
    let request = |owner| NamedLeaseRequest {
        name: "leader".to_owned(),
        owner: worker(owner),
        ttl: seconds(10),
    };
    let first = f.storage.acquire(request(1)).await.expect("answered").expect("free");
    let f = closed_and_reopened(harness, f).await;
    let held = f.storage.named_lease("leader").await.expect("answered");
    assert_eq!(held.as_ref(), Some(&first));
    assert_eq!(f.storage.acquire(request(2)).await.expect("answered"), None, "it is still held");
    assert!(f.storage.release("leader", worker(1)).await.expect("answered"));
    let f = closed_and_reopened(harness, f).await;
    let second = f.storage.acquire(request(2)).await.expect("answered").expect("free");
    assert!(second.fence > first.fence);
}

pub(crate) async fn statistics_outlive_the_storage(harness: &dyn Harness) {
    let f = harness.fresh().await;
    f.settled(a_run("mail"), completed()).await;
    let before = f.activity().await;
    let f = closed_and_reopened(harness, f).await;
    assert_eq!(f.activity().await, before);
    f.settled(a_run("mail"), completed()).await;
    let mut twice = before;
    twice.add(&before);
    assert_eq!(f.activity().await, twice, "they go on from there");
}

pub(crate) async fn acknowledged_counts_outlive_a_storage_that_was_not_closed(
    harness: &dyn Harness,
) {
    let f = harness.fresh().await;
    f.settled(a_run("mail"), failed("broken")).await;
    let before = f.activity().await;
    let f = reopened(harness, f).await;
    assert_eq!(f.activity().await, before);
}

pub(crate) async fn the_place_of_pruned_logs_outlives_the_storage(harness: &dyn Harness) {
    let f = harness.fresh().await;
    let [early, later] = [f.logged_run(1).await, f.logged_run(2).await];
    assert_eq!(f.prune_logs(f.now(), 1).await, 1);
    let f = closed_and_reopened(harness, f).await;
    f.log_lines(early, 2, 1).await;
    let mut gone = 0;
    // As often as there are entries, and once more.
    for _ in 0..3 {
        gone += f.prune_logs(f.now(), 10).await;
    }
    assert_eq!(gone, 2);
    assert_eq!(f.log(early).await, ["line 2.0"], "it came late");
    assert!(f.log(later).await.is_empty());
}

pub(crate) async fn a_run_claimed_by_name_stays_claimed_over_a_reopening(harness: &dyn Harness) {
    let f = harness.fresh().await;
    let id = f.enqueue(a_run("mail")).await;
    let run = f.claim_run(id).await;
    let f = closed_and_reopened(harness, f).await;
    assert_eq!(f.claim(10).await, []);
    assert_eq!(f.settle(&run, completed()).await, ApplyResult::Applied);
}

pub(crate) async fn steps_outlive_a_storage_that_was_not_closed(harness: &dyn Harness) {
    let f = harness.fresh().await;
    let run = f.running(a_run("mail")).await;
    let name = StepName::new("charge").expect("a good name");
    let recorded = f.storage.record_step(run.lease_key(), &name, &json("7")).await;
    assert_eq!(recorded.expect("answered"), RecordStepResult::Recorded);
    let f = reopened(harness, f).await;
    let steps = f.storage.steps(run.id).await.expect("read");
    assert_eq!(steps, [Step { name, result: json("7"), at: f.now() }]);
}

pub(crate) async fn documents_outlive_a_storage_that_was_not_closed(harness: &dyn Harness) {
    let f = harness.fresh().await;
    let new = a_document("calendar", "acme", "holidays");
    let written = f.storage.put_documents(std::slice::from_ref(&new)).await;
    assert_eq!(written.expect("answered"), [WriteResult::Written]);
    let f = reopened(harness, f).await;
    let stored = f.storage.document(&new.key).await.expect("read");
    assert_eq!(stored, Some(Document { revision: 1, updated_at: f.now(), ..new }));
}

pub(crate) async fn signals_and_waits_outlive_a_storage_that_was_not_closed(harness: &dyn Harness) {
    let f = harness.fresh().await;
    let run = f.running(a_run("mail")).await;
    let suspension = a_suspension(&f, &run, Some("go"), 60);
    let suspended = f.storage.suspend(&suspension).await;
    assert_eq!(suspended.expect("answered"), ApplyResult::Applied);
    let other = SignalName::new("other").expect("a good name");
    let sent = f.storage.send_signal(run.id, &other, &json("7")).await;
    assert_eq!(sent.expect("answered"), SendSignalResult::Kept);
    let f = reopened(harness, f).await;
    let signals = f.storage.signals(run.id).await.expect("read");
    assert_eq!(signals, [Signal { name: other, payload: json("7"), at: f.now() }]);
    let name = suspension.wait.signal.clone().expect("it waits for one");
    assert_eq!(f.storage.wait_of(run.id).await.expect("read"), Some(suspension.wait));
    let sent = f.storage.send_signal(run.id, &name, &json("8")).await;
    assert_eq!(sent.expect("answered"), SendSignalResult::Woke);
}

pub(crate) async fn batches_outlive_a_storage_that_was_not_closed(harness: &dyn Harness) {
    let f = harness.fresh().await;
    let callback = a_run("after").held().build();
    let called = callback.id;
    let new = NewBatch { on_success: Some(callback), ..a_batch(1) };
    let id = f.create(new).await;
    f.settled(a_run("mail").batch(id), completed()).await;
    f.storage.close_batch(id).await.expect("closed");
    let before = f.batch(id).await;
    let f = reopened(harness, f).await;
    assert_eq!(f.batch(id).await, before);
    let due = f.storage.ended_batches(10).await.expect("listed");
    assert_eq!(due, [before]);
    let settled = f.storage.settle_batch(id, Settlement::CompleteWithSuccess).await;
    assert_eq!(settled.expect("answered"), SettleResult::Settled);
    assert_eq!(f.status(called).await, RunStatus::Pending);
}
