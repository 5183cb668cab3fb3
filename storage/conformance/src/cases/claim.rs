//! Handing runs to workers.

use zapjobs_model::{ItemCounts, Lease, Progress, Run, RunStatus, Usage};
use zapjobs_storage::{ClaimRequest, ProgressUpdate, QueueSelection, TenantSelection};

use crate::Fixture;
use crate::actions::{claimed_ids, completed, failed, snoozed};
use crate::builders::{LEASE, a_run, queue, seconds, worker};

pub(crate) async fn nothing_is_claimed_from_an_empty_storage(f: &Fixture) {
    assert_eq!(f.claim(10).await, []);
}

pub(crate) async fn a_claimed_run_is_running_under_its_first_lease(f: &Fixture) {
    f.enqueue(a_run("mail")).await;
    f.clock.advance(seconds(2));
    let run = f.claim_one().await;
    assert_eq!(run.status, RunStatus::Running);
    assert_eq!(run.lease, Lease(1));
    assert_eq!(run.attempt, 1);
    assert_eq!(run.started_at, Some(f.now()));
    assert_eq!(run.finished_at, None);
}

pub(crate) async fn what_is_claimed_is_what_is_stored(f: &Fixture) {
    f.enqueue_all([a_run("mail").with_everything(), a_run("mail"), a_run("mail")]).await;
    for claimed in f.claim(10).await {
        assert_eq!(f.stored(claimed.id()).await, claimed.run);
    }
}

pub(crate) async fn the_claim_names_its_worker_and_ends_its_lease_later(f: &Fixture) {
    f.enqueue(a_run("mail")).await;
    let request = ClaimRequest {
        worker: worker(77),
        queues: QueueSelection::All,
        tenants: TenantSelection::All,
        limit: 1,
        lease: seconds(90),
    };
    let claimed = f.storage.claim(request).await.expect("claimed");
    assert_eq!(claimed[0].run.worker, Some(worker(77)));
    assert_eq!(claimed[0].run.lease_expires_at, Some(f.now().plus(seconds(90))));
}

pub(crate) async fn a_claimed_run_keeps_what_was_submitted(f: &Fixture) {
    let id = f.enqueue(a_run("mail").with_everything()).await;
    let before = f.stored(id).await;
    f.clock.advance(seconds(2));
    let claimed = f.claim_one().await;
    let expected = Run {
        status: RunStatus::Running,
        attempt: 1,
        lease: Lease(1),
        lease_expires_at: Some(f.now().plus(LEASE)),
        started_at: Some(f.now()),
        worker: Some(worker(1)),
        ..before
    };
    assert_eq!(claimed, expected);
}

pub(crate) async fn higher_priority_goes_first(f: &Fixture) {
    let [low, high, middle, lowest] = f
        .enqueue_all([
            a_run("mail").priority(-5),
            a_run("mail").priority(1_000),
            a_run("mail"),
            a_run("mail").priority(-1_000),
        ])
        .await;
    assert_eq!(claimed_ids(&f.claim(10).await), [high, middle, low, lowest]);
}

pub(crate) async fn among_equals_the_one_ready_first_goes_first(f: &Fixture) {
    let older = f.enqueue(a_run("mail").id(9)).await;
    f.clock.advance(seconds(1));
    let newer = f.enqueue(a_run("mail").id(8)).await;
    assert_eq!(claimed_ids(&f.claim(10).await), [older, newer]);
}

pub(crate) async fn among_runs_ready_together_the_smallest_id_goes_first(f: &Fixture) {
    let [c, a, b] =
        f.enqueue_all([a_run("mail").id(3), a_run("mail").id(1), a_run("mail").id(2)]).await;
    assert_eq!(claimed_ids(&f.claim(10).await), [a, b, c]);
}

pub(crate) async fn priority_goes_before_age(f: &Fixture) {
    let older = f.enqueue(a_run("mail")).await;
    f.clock.advance(seconds(60));
    let urgent = f.enqueue(a_run("mail").priority(1)).await;
    assert_eq!(claimed_ids(&f.claim(1).await), [urgent]);
    assert_eq!(claimed_ids(&f.claim(1).await), [older]);
}

pub(crate) async fn the_limit_is_kept(f: &Fixture) {
    let [a, b, c, d, e] = f.enqueue_all([1, 2, 3, 4, 5].map(|_| a_run("mail"))).await;
    assert_eq!(claimed_ids(&f.claim(2).await), [a, b]);
    assert_eq!(claimed_ids(&f.claim(2).await), [c, d]);
    assert_eq!(claimed_ids(&f.claim(2).await), [e]);
}

pub(crate) async fn a_limit_of_nothing_claims_nothing(f: &Fixture) {
    let id = f.enqueue(a_run("mail")).await;
    assert_eq!(f.claim(0).await, []);
    assert_eq!(f.status(id).await, RunStatus::Pending);
}

pub(crate) async fn a_run_is_claimed_once(f: &Fixture) {
    f.enqueue(a_run("mail")).await;
    assert_eq!(f.claim(10).await.len(), 1);
    assert_eq!(f.claim(10).await, []);
}

pub(crate) async fn only_selected_queues_are_served(f: &Fixture) {
    let [a, b, c] = f.enqueue_all(["a", "b", "c"].map(|name| a_run("mail").queue(name))).await;
    assert_eq!(claimed_ids(&f.claim_from(&["b"], 10).await), [b]);
    assert_eq!(claimed_ids(&f.claim_from(&["c", "a"], 10).await), [a, c]);
}

pub(crate) async fn the_order_holds_over_all_selected_queues_together(f: &Fixture) {
    let [last, second, other, first] = f
        .enqueue_all([
            a_run("mail").queue("a"),
            a_run("mail").queue("b").priority(5),
            a_run("mail").queue("c").priority(7),
            a_run("mail").queue("a").priority(9),
        ])
        .await;
    f.clock.advance(seconds(1));
    let newest = f.enqueue(a_run("mail").queue("b")).await;
    let ids = claimed_ids(&f.claim_from(&["a", "b"], 10).await);
    assert_eq!(ids, [first, second, last, newest]);
    assert_eq!(f.status(other).await, RunStatus::Pending);
}

pub(crate) async fn naming_no_queue_claims_nothing(f: &Fixture) {
    f.enqueue(a_run("mail")).await;
    assert_eq!(f.claim_from(&[], 10).await, []);
}

pub(crate) async fn naming_a_queue_twice_hands_out_its_runs_once(f: &Fixture) {
    let [a, b] = f.enqueue_all([a_run("mail").queue("q"), a_run("mail").queue("q")]).await;
    assert_eq!(claimed_ids(&f.claim_from(&["q", "q"], 10).await), [a, b]);
}

pub(crate) async fn a_queue_that_does_not_exist_is_empty(f: &Fixture) {
    f.enqueue(a_run("mail")).await;
    assert_eq!(f.claim_from(&["nowhere"], 10).await, []);
}

pub(crate) async fn queue_names_differ_by_letter_case(f: &Fixture) {
    f.enqueue(a_run("mail").queue("Q")).await;
    assert_eq!(f.claim_from(&["q"], 10).await, []);
    let claimed = f.claim_from(&["Q"], 10).await;
    assert_eq!(claimed[0].run.queue, queue("Q"));
}

pub(crate) async fn every_tenant_is_served(f: &Fixture) {
    let ids = f.enqueue_all(["a", "b", "c"].map(|name| a_run("mail").tenant(name))).await;
    assert_eq!(claimed_ids(&f.claim(10).await), ids);
}

pub(crate) async fn a_scheduled_run_is_not_claimed_before_its_promotion(f: &Fixture) {
    f.enqueue(a_run("mail").due_in(seconds(5))).await;
    assert_eq!(f.claim(10).await, []);
    f.clock.advance(seconds(5));
    f.storage.promote(10).await.expect("promoted");
    assert_eq!(f.claim(10).await.len(), 1);
}

pub(crate) async fn finished_runs_are_not_claimed(f: &Fixture) {
    f.settled(a_run("mail"), completed()).await;
    f.settled(a_run("mail"), failed("broken")).await;
    let waiting = f.enqueue(a_run("mail")).await;
    f.storage.request_cancel(waiting).await.expect("cancelled");
    assert_eq!(f.claim(10).await, []);
}

pub(crate) async fn claiming_again_raises_attempt_and_lease(f: &Fixture) {
    let run = f.settled(a_run("mail"), zapjobs_model::Outcome::Lost).await;
    assert_eq!((run.attempt, run.lease), (0, Lease(1)), "a lost attempt is given back");
    let again = f.claim_one().await;
    assert_eq!((again.attempt, again.lease), (1, Lease(2)));
}

pub(crate) async fn claiming_again_clears_error_progress_counts_and_usage(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let update = ProgressUpdate {
        key: run.lease_key(),
        progress: Some(Progress { done: 1, total: Some(2), message: "half".to_owned() }),
        counts: Some(ItemCounts { processed: 3, succeeded: 2, failed: 1 }),
    };
    f.storage.report_progress(&[update]).await.expect("reported");
    let mut transition = f.transition(&run, zapjobs_model::Outcome::Lost);
    transition.usage = Usage { cpu_us: 5, ..Usage::default() };
    f.apply(transition).await;
    let waiting = f.stored(run.id).await;
    assert!(waiting.error.is_some());
    assert_eq!(waiting.usage.cpu_us, 5);

    let again = f.claim_one().await;
    assert_eq!(again.error, None);
    assert_eq!(again.progress, Progress::default());
    assert_eq!(again.counts, ItemCounts::default());
    assert_eq!(again.usage, Usage::default());
    assert_eq!(f.stored(run.id).await, again);
}

pub(crate) async fn a_later_claim_moves_started_at(f: &Fixture) {
    let run = f.settled(a_run("mail"), snoozed(seconds(0))).await;
    f.clock.advance(seconds(7));
    let again = f.claim_one().await;
    assert_eq!(again.started_at, Some(f.now()));
    assert!(again.started_at > run.started_at);
    assert_eq!(again.created_at, run.created_at);
}
