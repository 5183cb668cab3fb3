//! Runs of which there is to be one: when a key is held.

use zapjobs_model::{Condition, NewRun, RunId, RunStatus, UniqueHold, UniqueScope, Until};
use zapjobs_storage::EnqueueResult::{self, Existing, Stored};
use zapjobs_storage::{
    AlterResult, Alteration, CancelResult, ClaimRunRequest, ErrorKind, FireRequest, PruneRequest,
};

use crate::Fixture;
use crate::actions::{completed, failed, refused, retry_in, snoozed};
use crate::builders::{LEASE, MICROSECOND, RunBuilder, a_run, a_schedule, json, seconds, worker};

pub(super) const STARTED: UniqueScope = UniqueScope::Until(Until::Started);
pub(super) const FINISHED: UniqueScope = UniqueScope::Until(Until::Finished);

/// A run of the key `k`.
pub(super) fn one(scope: UniqueScope) -> RunBuilder {
    a_run("mail").unique("k", scope)
}

impl Fixture {
    /// Stores one run and tells what became of it.
    pub(super) async fn submit(&self, run: RunBuilder) -> EnqueueResult {
        self.submit_all([run]).await[0]
    }

    /// Stores a batch and tells what became of each.
    pub(super) async fn submit_all<const N: usize>(
        &self,
        runs: [RunBuilder; N],
    ) -> Vec<EnqueueResult> {
        let runs: Vec<NewRun> = runs.into_iter().map(RunBuilder::build).collect();
        self.storage.enqueue(&runs).await.expect("the batch is answered")
    }

    /// Whether the key `k` is free; takes it if it is.
    async fn is_free(&self) -> bool {
        self.submit(one(FINISHED)).await == Stored
    }
}

pub(crate) async fn a_second_run_of_a_held_key_is_answered_the_first(f: &Fixture) {
    for scope in [STARTED, FINISHED, UniqueScope::For(seconds(60))] {
        let text = format!("{scope:?}");
        let first = f.enqueue(a_run("mail").unique(&text, scope)).await;
        assert_eq!(f.submit(a_run("mail").unique(&text, scope)).await, Existing(first));
        let other_scope = a_run("mail").unique(&text, FINISHED);
        assert_eq!(f.submit(other_scope).await, Existing(first), "the holder's term counts");
    }
}

pub(crate) async fn a_run_that_was_not_stored_leaves_no_trace(f: &Fixture) {
    let first = f.enqueue(one(FINISHED).input("1")).await;
    let before = f.stored(first).await;
    f.clock.advance(seconds(5));
    let second = one(FINISHED).input("2").priority(9).queue("other").tag("red").build();
    let answers = f.storage.enqueue(std::slice::from_ref(&second)).await.expect("answered");
    assert_eq!(answers, [Existing(first)]);
    assert!(!f.holds(second.id).await);
    assert_eq!(f.stored(first).await, before);
    assert_eq!(f.list(Default::default()).await, [first]);
    let counts = f.storage.counts(&Default::default()).await.expect("counted");
    assert_eq!((counts.pending, counts.total()), (1, 1));
}

pub(crate) async fn runs_of_different_keys_are_all_stored(f: &Fixture) {
    let runs = ["a", "b", "c"].map(|text| a_run("mail").unique(text, FINISHED));
    f.enqueue_all(runs).await;
    assert_eq!(f.claim(10).await.len(), 3);
}

pub(crate) async fn tenants_and_jobs_do_not_share_keys(f: &Fixture) {
    let of_acme = a_run("mail").tenant("acme").unique("k", FINISHED);
    f.enqueue_all([one(FINISHED), a_run("other").unique("k", FINISHED), of_acme]).await;
}

pub(crate) async fn the_key_is_kept_with_the_run(f: &Fixture) {
    for until in [Until::Started, Until::Finished] {
        let run = a_run("mail").unique(&format!("{until:?}"), UniqueScope::Until(until)).build();
        let key = run.unique.expect("it has one").key;
        f.storage.enqueue(std::slice::from_ref(&run)).await.expect("stored");
        assert_eq!(f.stored(run.id).await.unique, Some(UniqueHold { key, until }));
    }
    let for_a_time = f.enqueue(one(UniqueScope::For(seconds(60)))).await;
    assert_eq!(f.stored(for_a_time).await.unique, None, "the key does not depend on the run");
    assert_eq!(f.claim(9).await.iter().filter(|it| it.run.unique.is_some()).count(), 2);
}

pub(crate) async fn the_second_of_two_equal_keys_in_a_batch_is_answered_the_first(f: &Fixture) {
    let first = one(FINISHED).id(5);
    let answers = f.submit_all([first, one(FINISHED), one(FINISHED).id(1)]).await;
    let first = crate::builders::run_id(5);
    assert_eq!(answers, [Stored, Existing(first), Existing(first)]);
    assert_eq!(f.list(Default::default()).await, [first]);
}

pub(crate) async fn a_batch_mixes_runs_with_and_without_keys(f: &Fixture) {
    let held = f.enqueue(one(FINISHED)).await;
    let answers = f
        .submit_all([
            a_run("mail"),
            one(FINISHED),
            a_run("mail").unique("other", STARTED).tag("red"),
            a_run("mail").due_in(seconds(9)),
        ])
        .await;
    assert_eq!(answers, [Stored, Existing(held), Stored, Stored]);
    assert_eq!(f.list(Default::default()).await.len(), 4);
}

pub(crate) async fn a_key_until_finished_is_held_while_the_run_runs_and_waits_for_a_retry(
    f: &Fixture,
) {
    let run = f.running(one(FINISHED)).await;
    assert!(!f.is_free().await, "it runs");
    f.settle(&run, retry_in(seconds(9))).await;
    assert_eq!(f.status(run.id).await, RunStatus::AwaitingRetry);
    assert!(!f.is_free().await, "it waits for a retry");
    f.clock.advance(seconds(9));
    f.storage.promote(9).await.expect("promoted");
    assert!(!f.is_free().await, "it is ready again");
    let run = f.claim_one().await;
    f.settle(&run, snoozed(seconds(5))).await;
    assert!(!f.is_free().await, "it sleeps");
}

pub(crate) async fn a_key_until_finished_is_free_however_the_run_ended(f: &Fixture) {
    for (at, outcome) in [completed(), failed("broken")].into_iter().enumerate() {
        let text = format!("{at}");
        f.settled(a_run("mail").unique(&text, FINISHED), outcome).await;
        f.settled(a_run("mail").unique(&text, FINISHED), completed()).await;
    }
}

pub(crate) async fn a_key_until_started_is_free_once_the_run_is_claimed(f: &Fixture) {
    let first = f.enqueue(one(STARTED)).await;
    assert_eq!(f.submit(one(STARTED)).await, Existing(first));
    assert_eq!(f.claim_one().await.id, first);
    let second = f.enqueue(one(STARTED)).await;
    assert_eq!(f.submit(one(STARTED)).await, Existing(second));
}

pub(crate) async fn a_key_until_started_is_free_once_the_run_is_claimed_by_name(f: &Fixture) {
    let run = f.enqueue(one(STARTED)).await;
    let request = ClaimRunRequest { run, worker: worker(1), lease: LEASE };
    f.storage.claim_run(request).await.expect("claimed");
    assert!(f.is_free().await);
}

pub(crate) async fn a_run_that_waits_for_a_retry_does_not_hold_its_key_until_started(f: &Fixture) {
    f.settled(one(STARTED), retry_in(seconds(9))).await;
    f.settled(one(STARTED), snoozed(seconds(9))).await;
    f.settled(one(STARTED), zapjobs_model::Outcome::Lost).await;
    assert!(f.is_free().await);
}

pub(crate) async fn a_waiting_run_that_is_cancelled_frees_its_key(f: &Fixture) {
    for scope in [STARTED, FINISHED] {
        let text = format!("{scope:?}");
        let run = f.enqueue(a_run("mail").unique(&text, scope).due_in(seconds(60))).await;
        let answer = f.storage.request_cancel(run).await.expect("answered");
        assert_eq!(answer, CancelResult::Cancelled);
        f.enqueue(a_run("mail").unique(&text, scope)).await;
    }
}

pub(crate) async fn a_key_for_a_time_is_held_to_its_very_end_whatever_becomes_of_the_run(
    f: &Fixture,
) {
    let window = seconds(60);
    let first = f.settled(one(UniqueScope::For(window)), completed()).await.id;
    f.clock.advance(window - MICROSECOND);
    assert_eq!(f.submit(one(UniqueScope::For(window))).await, Existing(first));
    f.clock.advance(MICROSECOND);
    let second = f.enqueue(one(UniqueScope::For(window))).await;
    assert_eq!(f.submit(one(FINISHED)).await, Existing(second));
}

async fn prune_all(f: &Fixture) {
    f.clock.advance(seconds(1));
    let request = PruneRequest { finished_before: f.now(), limit: 100 };
    while f.storage.prune(request).await.expect("pruned") > 0 {}
}

pub(crate) async fn a_key_for_a_time_outlives_its_run(f: &Fixture) {
    let run = f.settled(one(UniqueScope::For(seconds(60))), completed()).await.id;
    prune_all(f).await;
    assert!(!f.holds(run).await);
    assert_eq!(f.submit(one(FINISHED).replacing()).await, Existing(run));
    f.clock.advance(seconds(60));
    prune_all(f).await;
    assert!(f.is_free().await);
}

pub(crate) async fn pruning_a_run_frees_its_key(f: &Fixture) {
    let old = f.settled(one(FINISHED), completed()).await.id;
    prune_all(f).await;
    assert!(!f.holds(old).await);
    let run = f.enqueue(one(FINISHED)).await;
    assert_eq!(f.submit(one(FINISHED)).await, Existing(run));
    // A key that another has taken since stays with that one.
    let again = |text| a_run("mail").unique(text, FINISHED);
    f.storage.request_cancel(run).await.expect("cancelled");
    let holder: RunId = f.enqueue(again("k")).await;
    prune_all(f).await;
    assert_eq!(f.submit(again("k")).await, Existing(holder));
}

pub(crate) async fn a_fire_time_with_a_key_is_refused(f: &Fixture) {
    let schedule = f.put_schedule(&a_schedule("default", "mail", f.now())).await;
    let request = FireRequest { runs: vec![one(FINISHED).build()], schedule };
    refused(f.storage.fire(&[request]).await, ErrorKind::InvalidRequest);
    assert_eq!(f.list(Default::default()).await, []);
}

pub(crate) async fn a_change_of_many_runs_respects_keys(f: &Fixture) {
    let again = || a_run("mail").unique("k", FINISHED);
    let (first, other) = (f.enqueue(again()).await, f.enqueue(a_run("mail")).await);
    f.storage.request_cancel(first).await.expect("cancelled");
    f.storage.request_cancel(other).await.expect("cancelled");
    let holder: RunId = f.enqueue(again()).await;
    let requeue = Alteration::Requeue { input: Some(json("7")) };
    let answers = f.storage.alter(&[first, other], &requeue).await.expect("answered");
    assert_eq!(answers, [AlterResult::KeyHeld(holder), AlterResult::Altered]);
    let refused = f.storage.run(first).await.expect("read").expect("it is there");
    assert_eq!((refused.status, refused.input.as_str()), (RunStatus::Cancelled, "null"));
    // Once the holder is gone, the first takes its key again.
    f.storage.request_cancel(holder).await.expect("cancelled");
    let gone = f.storage.alter(&[holder], &Alteration::Delete).await.expect("answered");
    assert_eq!(gone, [AlterResult::Altered]);
    assert_eq!(
        f.storage.alter(&[first], &requeue).await.expect("answered"),
        [AlterResult::Altered]
    );
    assert_eq!(f.submit(again()).await, Existing(first));
}

pub(crate) async fn keys_and_dependencies_in_one_batch_are_refused(f: &Fixture) {
    let parent = f.enqueue(a_run("mail")).await;
    let waits = a_run("mail").after(parent, Condition::Always).build();
    let refusal = f.storage.enqueue(&[one(FINISHED).build(), waits]).await;
    refused(refusal, ErrorKind::InvalidRequest);
    assert_eq!(f.list(Default::default()).await, [parent]);
}

pub(crate) async fn a_held_run_holds_its_key_and_keeps_what_it_has(f: &Fixture) {
    for scope in [STARTED, FINISHED] {
        let run = one(scope).held().build();
        let held = run.id;
        assert_eq!(f.storage.enqueue(&[run]).await.expect("stored"), [Stored]);
        assert_eq!(f.submit(one(scope)).await, Existing(held));
        let replacing = one(scope).replacing().priority(7);
        assert_eq!(f.submit(replacing).await, Existing(held));
        let run = f.storage.run(held).await.expect("read").expect("it is there");
        assert_eq!(run.priority.get(), 0);
        f.storage.request_cancel(held).await.expect("cancelled");
        // Within one batch too.
        let (run, replacing) = (one(scope).held().build(), one(scope).replacing().priority(7));
        let (held, batch) = (run.id, [run, replacing.build()]);
        let answers = f.storage.enqueue(&batch).await.expect("answered");
        assert_eq!(answers, [Stored, Existing(held)]);
        f.storage.request_cancel(held).await.expect("cancelled");
    }
}
