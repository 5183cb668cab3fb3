//! Runs of which there is to be one: what a second brings to the first, and keys that are taken
//! again.

use std::collections::HashSet;

use zapjobs_model::{RunId, RunStatus, UniqueScope};
use zapjobs_storage::EnqueueResult::{Existing, Replaced, Stored};
use zapjobs_storage::RequeueResult::{KeyHeld, Requeued};
use zapjobs_storage::{EnqueueResult, Notice, RequeueResult};

use super::unique::{FINISHED, STARTED, one};
use crate::Fixture;
use crate::actions::{claimed_ids, failed, retry_in, told};
use crate::builders::{a_run, queue, run_id, seconds};

/// Batches that one task submits in cases about several at once.
const ROUNDS: usize = 25;

pub(crate) async fn a_waiting_run_gets_what_a_replacement_brings(f: &Fixture) {
    let first = f.enqueue(a_run("mail").with_everything().unique("k", FINISHED)).await;
    let before = f.stored(first).await;
    f.clock.advance(seconds(5));
    let deadline = f.now().plus(seconds(60));
    let next = a_run("mail").tenant("acme").unique("k", STARTED).replacing();
    let next = next.input("[\"ünïcode\"]").priority(7).deadline(deadline).tag("red").queue("x");
    assert_eq!(f.submit(next).await, Replaced(first));
    let expected = zapjobs_model::Run {
        input: crate::builders::json("[\"ünïcode\"]"),
        priority: zapjobs_model::Priority::new(7).expect("a priority"),
        due_at: f.now(),
        deadline: Some(deadline),
        ..before.clone()
    };
    assert_eq!(f.stored(first).await, expected);
    let plain = a_run("mail").tenant("acme").unique("k", FINISHED).replacing();
    assert_eq!(f.submit(plain).await, Replaced(first));
    let claimed = f.claim_one().await;
    assert_eq!((claimed.input.as_str(), claimed.deadline), ("null", None));
    let kept = (claimed.tags, claimed.metadata, claimed.correlation_id, claimed.parent);
    assert_eq!(kept, (before.tags, before.metadata, before.correlation_id, before.parent));
}

pub(crate) async fn a_replacement_is_put_off_and_drawn_near(f: &Fixture) {
    let run = f.enqueue(one(FINISHED)).await;
    let wait = seconds(60);
    assert_eq!(f.submit(one(FINISHED).replacing().due_in(wait)).await, Replaced(run));
    let stored = f.stored(run).await;
    assert_eq!((stored.status, stored.due_at), (RunStatus::Scheduled, f.now().plus(wait)));
    assert!(f.claim(9).await.is_empty());
    let soon = f.now().plus(seconds(5));
    assert_eq!(f.submit(one(FINISHED).replacing().due_at(soon)).await, Replaced(run));
    f.clock.advance(seconds(5));
    assert_eq!(f.storage.promote(9).await.expect("promoted").count, 1);
    assert_eq!(f.submit(one(FINISHED).replacing().due_in(wait)).await, Replaced(run));
    assert_eq!(f.submit(one(FINISHED).replacing()).await, Replaced(run));
    assert_eq!(f.claim_one().await.due_at, f.now());
    assert_eq!(f.storage.promote(9).await.expect("promoted").next_due, None);
}

pub(crate) async fn a_replacement_within_a_batch_changes_the_first(f: &Fixture) {
    let first = one(FINISHED).id(1).input("1").tag("red");
    let keeping = one(FINISHED).input("2");
    let deadline = f.now().plus(seconds(90));
    let changing = one(STARTED).replacing().input("3").priority(3).due_in(seconds(60));
    let answers = f.submit_all([first, keeping, changing.deadline(deadline)]).await;
    let first = run_id(1);
    assert_eq!(answers, [Stored, Existing(first), Replaced(first)]);
    let run = f.stored(first).await;
    assert_eq!((run.input.as_str(), run.priority.get()), ("3", 3));
    assert_eq!((run.due_at, run.deadline), (f.now().plus(seconds(60)), Some(deadline)));
    assert_eq!(run.tags.len(), 1);
    assert_eq!(f.list(Default::default()).await, [first]);
    f.clock.advance(seconds(60));
    assert_eq!(f.storage.promote(9).await.expect("promoted").count, 1);
    assert_eq!(claimed_ids(&f.claim(9).await), [first]);
}

pub(crate) async fn the_last_of_several_replacements_counts(f: &Fixture) {
    let run = f.enqueue(one(FINISHED)).await;
    let next = |text: &str| one(FINISHED).replacing().input(text).due_in(seconds(5));
    let answers = f.submit_all([next("1"), next("2"), one(FINISHED).input("4"), next("3")]).await;
    assert_eq!(answers, [Replaced(run), Replaced(run), Existing(run), Replaced(run)]);
    assert_eq!(f.stored(run).await.input.as_str(), "3");
}

pub(crate) async fn a_replacement_of_a_running_run_changes_nothing(f: &Fixture) {
    let run = f.running(one(FINISHED)).await;
    assert_eq!(f.submit(one(FINISHED).replacing().input("2")).await, Existing(run.id));
    assert_eq!(f.stored(run.id).await, run);
}

pub(crate) async fn a_replacement_of_a_run_that_was_started_before_changes_nothing(f: &Fixture) {
    let run = f.settled(one(FINISHED), retry_in(seconds(9))).await;
    assert_eq!(f.submit(one(FINISHED).replacing().input("2")).await, Existing(run.id));
    assert_eq!(f.stored(run.id).await, run, "its attempts keep their input");
}

pub(crate) async fn a_replacement_goes_by_its_new_place_in_the_line(f: &Fixture) {
    let [other, run] = f.enqueue_all([a_run("mail").priority(5), one(FINISHED)]).await;
    assert_eq!(f.submit(one(FINISHED).replacing().priority(9)).await, Replaced(run));
    assert_eq!(claimed_ids(&f.claim(1).await), [run]);
    assert_eq!(claimed_ids(&f.claim(9).await), [other]);
    let [other, run] =
        f.enqueue_all([a_run("mail"), a_run("mail").unique("l", FINISHED).priority(9)]).await;
    f.clock.advance(seconds(1));
    let later = a_run("mail").unique("l", FINISHED).replacing();
    assert_eq!(f.submit(later).await, Replaced(run));
    assert_eq!(claimed_ids(&f.claim(9).await), [other, run]);
}

pub(crate) async fn a_replacement_is_told(f: &Fixture) {
    f.enqueue(one(FINISHED).queue("a").due_in(seconds(60))).await;
    let mut notices = f.storage.subscribe();
    f.submit(one(FINISHED).replacing().due_in(seconds(5))).await;
    told(&mut notices, Notice::Scheduled).await;
    f.submit(one(FINISHED).replacing()).await;
    told(&mut notices, Notice::Ready(queue("a"))).await;
}

impl Fixture {
    async fn run_again(&self, run: RunId) -> RequeueResult {
        self.storage.requeue(run).await.expect("the requeue is answered")
    }
}

pub(crate) async fn a_requeued_run_takes_its_key_again(f: &Fixture) {
    let run = f.settled(one(FINISHED), failed("broken")).await.id;
    assert_eq!(f.run_again(run).await, Requeued);
    assert_eq!(f.submit(one(FINISHED)).await, Existing(run));
    f.storage.request_cancel(run).await.expect("cancelled");
    let other = f.settled(one(FINISHED), failed("broken")).await.id;
    assert_eq!(f.run_again(run).await, Requeued, "the other one has ended");
    assert_eq!(f.submit(one(FINISHED)).await, Existing(run));
    assert_eq!(f.run_again(other).await, KeyHeld(run));
}

pub(crate) async fn a_run_whose_key_is_held_by_another_is_not_requeued(f: &Fixture) {
    let run = f.settled(one(FINISHED), failed("broken")).await;
    let other = f.enqueue(one(FINISHED)).await;
    assert_eq!(f.run_again(run.id).await, KeyHeld(other));
    assert_eq!(f.stored(run.id).await, run);
    assert_eq!(claimed_ids(&f.claim(9).await), [other]);
    assert_eq!(f.run_again(run.id).await, KeyHeld(other));
}

pub(crate) async fn a_requeued_run_holds_its_key_until_started_again(f: &Fixture) {
    let run = f.settled(one(STARTED), failed("broken")).await.id;
    assert_eq!(f.run_again(run).await, Requeued);
    assert_eq!(f.submit(one(STARTED)).await, Existing(run));
    assert_eq!(f.submit(one(STARTED).replacing().input("2")).await, Replaced(run));
    assert_eq!(f.claim_one().await.input.as_str(), "2");
    f.enqueue(one(STARTED)).await;
}

pub(crate) async fn a_run_that_held_a_key_for_a_time_is_requeued_freely(f: &Fixture) {
    let window = UniqueScope::For(seconds(60));
    let run = f.settled(one(window), failed("broken")).await.id;
    f.clock.advance(seconds(60));
    f.enqueue(one(window)).await;
    assert_eq!(f.run_again(run).await, Requeued, "the window was of submissions");
}

pub(crate) async fn one_of_many_with_one_key_is_stored(f: &Fixture) {
    let answers = f
        .together(|storage, number| async move {
            let mut answers = Vec::new();
            for round in 0..ROUNDS {
                let run = match (number + round) % 2 {
                    0 => one(FINISHED),
                    _ => one(FINISHED).replacing().input("2"),
                };
                let batch = [a_run("mail").unique(&format!("{round}"), STARTED), run];
                let batch = batch.map(crate::builders::RunBuilder::build);
                let answer = storage.enqueue(&batch).await.expect("answered");
                answers.push(answer[1].survivor(batch[1].id));
            }
            answers
        })
        .await;
    let survivors: HashSet<RunId> = answers.concat().into_iter().collect();
    assert_eq!(survivors.len(), 1);
    assert_eq!(f.list(Default::default()).await.len(), 1 + ROUNDS);
}

pub(crate) async fn a_key_is_never_held_twice_among_requeues_and_submissions(f: &Fixture) {
    let mut failed_runs = Vec::new();
    for _ in 0..4 {
        failed_runs.push(f.settled(one(FINISHED), failed("broken")).await.id);
    }
    let answers = f
        .together(|storage, number| {
            let run = failed_runs[number / 2];
            async move {
                if number % 2 == 0 {
                    return storage.requeue(run).await.expect("answered") == Requeued;
                }
                let run = one(FINISHED).build();
                storage.enqueue(&[run]).await.expect("answered")[0] == EnqueueResult::Stored
            }
        })
        .await;
    assert_eq!(answers.into_iter().filter(|took| *took).count(), 1, "one took the key");
    assert_eq!(f.claim(9).await.len(), 1);
}
