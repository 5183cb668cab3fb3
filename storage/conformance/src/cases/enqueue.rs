//! Storing runs.

use zapjobs_model::{Due, NewRun, Run, RunStatus};
use zapjobs_storage::EnqueueResult::{Duplicate, Stored};

use crate::Fixture;
use crate::actions::completed;
use crate::builders::{MICROSECOND, a_run, seconds, some_runs};

pub(crate) async fn a_run_due_now_is_pending(f: &Fixture) {
    let id = f.enqueue(a_run("mail")).await;
    let run = f.stored(id).await;
    assert_eq!(run.status, RunStatus::Pending);
    assert_eq!(run.created_at, f.now());
    assert_eq!(run.due_at, f.now());
}

pub(crate) async fn a_delayed_run_is_scheduled_until_its_time(f: &Fixture) {
    let [soon, later] = f
        .enqueue_all([
            a_run("mail").due_in(MICROSECOND),
            a_run("mail").due_at(f.now().plus(seconds(3_600))),
        ])
        .await;
    for (id, wait) in [(soon, MICROSECOND), (later, seconds(3_600))] {
        let run = f.stored(id).await;
        assert_eq!(run.status, RunStatus::Scheduled);
        assert_eq!(run.due_at, f.now().plus(wait));
        assert_eq!(run.created_at, f.now());
    }
}

pub(crate) async fn a_run_due_in_the_past_is_ready_at_once(f: &Fixture) {
    let id = f.enqueue(a_run("mail").due_at(f.now().minus(seconds(60)))).await;
    let run = f.stored(id).await;
    assert_eq!(run.status, RunStatus::Pending);
    assert_eq!(run.due_at, f.now(), "it cannot be ready before it was taken");
}

pub(crate) async fn a_run_due_at_this_very_instant_is_pending(f: &Fixture) {
    let id = f.enqueue(a_run("mail").due_at(f.now())).await;
    assert_eq!(f.status(id).await, RunStatus::Pending);
}

pub(crate) async fn a_delay_of_nothing_is_no_delay(f: &Fixture) {
    let id = f.enqueue(a_run("mail").due_in(seconds(0))).await;
    assert_eq!(f.status(id).await, RunStatus::Pending);
}

pub(crate) async fn every_field_is_stored_as_it_was_given(f: &Fixture) {
    let new = a_run("mail").with_everything().build();
    let answers = f.storage.enqueue(std::slice::from_ref(&new)).await.expect("enqueued");
    assert_eq!(answers, [Stored]);
    let run = f.stored(new.id).await;
    let given_back = NewRun {
        id: run.id,
        tenant: run.tenant,
        job_type: run.job_type,
        queue: run.queue,
        priority: run.priority,
        trigger: run.trigger,
        input: run.input,
        due: Due::Now,
        deadline: run.deadline,
        max_attempts: run.max_attempts,
        correlation_id: run.correlation_id,
        parent: run.parent,
        tags: run.tags,
        metadata: run.metadata,
        after: Vec::new(),
        limit_key: run.limit_key,
        unique: None,
        idempotency: None,
        batch: None,
    };
    assert_eq!(given_back, new);
}

pub(crate) async fn a_run_is_stored_as_the_model_makes_it(f: &Fixture) {
    let dues = [Due::Now, Due::In(seconds(5)), Due::At(f.now().plus(seconds(9)))];
    for due in dues {
        let new = NewRun { due, ..a_run("mail").with_everything().build() };
        f.storage.enqueue(std::slice::from_ref(&new)).await.expect("enqueued");
        assert_eq!(f.stored(new.id).await, Run::from_new(new, f.now()));
    }
}

pub(crate) async fn answers_stand_in_the_order_of_the_batch(f: &Fixture) {
    f.enqueue_all([a_run("mail").id(2), a_run("mail").id(4)]).await;
    let batch: Vec<NewRun> =
        [5, 4, 3, 2, 1].into_iter().map(|number| a_run("mail").id(number).build()).collect();
    let answers = f.storage.enqueue(&batch).await.expect("enqueued");
    assert_eq!(answers, [Stored, Duplicate, Stored, Duplicate, Stored]);
}

pub(crate) async fn a_repeated_id_is_a_duplicate(f: &Fixture) {
    let run = a_run("mail").build();
    let first = f.storage.enqueue(std::slice::from_ref(&run)).await;
    let second = f.storage.enqueue(std::slice::from_ref(&run)).await;
    assert_eq!(first.expect("enqueued"), [Stored]);
    assert_eq!(second.expect("enqueued"), [Duplicate]);
}

pub(crate) async fn a_duplicate_leaves_the_stored_run_as_it_is(f: &Fixture) {
    let id = f.enqueue(a_run("mail").id(1).input("1").priority(1)).await;
    let before = f.stored(id).await;
    f.clock.advance(seconds(5));
    let other = a_run("other").id(1).queue("elsewhere").input("2").priority(9).build();
    let answers = f.storage.enqueue(&[other]).await.expect("enqueued");
    assert_eq!(answers, [Duplicate]);
    assert_eq!(f.stored(id).await, before);
    assert!(f.claim_from(&["elsewhere"], 10).await.is_empty());
}

pub(crate) async fn the_second_of_two_equal_ids_in_a_batch_is_a_duplicate(f: &Fixture) {
    let first = a_run("mail").id(1).input("1").build();
    let second = a_run("mail").id(1).input("2").build();
    let answers = f.storage.enqueue(&[first.clone(), second]).await.expect("enqueued");
    assert_eq!(answers, [Stored, Duplicate]);
    assert_eq!(f.stored(first.id).await.input, first.input);
    assert_eq!(f.claim(10).await.len(), 1);
}

pub(crate) async fn a_duplicate_of_a_finished_run_does_not_revive_it(f: &Fixture) {
    let finished = f.settled(a_run("mail").id(1), completed()).await;
    let again = a_run("mail").id(1).build();
    let answers = f.storage.enqueue(&[again]).await.expect("enqueued");
    assert_eq!(answers, [Duplicate]);
    assert_eq!(f.stored(finished.id).await, finished);
}

pub(crate) async fn the_other_runs_of_a_batch_with_a_duplicate_are_stored(f: &Fixture) {
    f.enqueue(a_run("mail").id(1)).await;
    let batch = [1, 2, 3].map(|number| a_run("mail").id(number).build());
    f.storage.enqueue(&batch).await.expect("enqueued");
    for run in batch {
        assert_eq!(f.status(run.id).await, RunStatus::Pending);
    }
}

pub(crate) async fn an_empty_batch_stores_nothing(f: &Fixture) {
    assert_eq!(f.storage.enqueue(&[]).await.expect("enqueued"), []);
    assert!(f.claim(10).await.is_empty());
    assert_eq!(some_runs("mail", 0), []);
}

pub(crate) async fn a_large_input_survives(f: &Fixture) {
    let text = format!("\"{}\"", "0123456789abcdef".repeat(1 << 16));
    let id = f.enqueue(a_run("mail").input(&text)).await;
    assert!(f.stored(id).await.input.as_str() == text, "1 MiB of input came back changed");
    assert!(f.claim_one().await.input.as_str() == text, "1 MiB of input was claimed changed");
}

pub(crate) async fn a_passed_deadline_is_stored_like_any_other(f: &Fixture) {
    let deadline = f.now().minus(seconds(1));
    let id = f.enqueue(a_run("mail").deadline(deadline)).await;
    assert_eq!(f.stored(id).await.deadline, Some(deadline));
}
