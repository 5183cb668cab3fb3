//! Requests that may be repeated.

use std::collections::HashSet;

use zapjobs_model::RunId;
use zapjobs_storage::EnqueueResult::{Existing, Replaced, Stored};
use zapjobs_storage::ErrorKind;

use super::unique::{FINISHED, one};
use crate::Fixture;
use crate::actions::{completed, refused};
use crate::builders::{MICROSECOND, RunBuilder, a_run, seconds};

/// A request of the name `x`.
fn named() -> RunBuilder {
    a_run("mail").input(r#"{"to":1,"cc":2}"#).idempotency("x")
}

pub(crate) async fn a_repeated_request_is_answered_the_first_run(f: &Fixture) {
    let first = f.enqueue(named()).await;
    let rewritten = a_run("mail").input(r#"{ "cc": 2, "to": 1 }"#).idempotency("x");
    assert_eq!(f.submit(rewritten).await, Existing(first));
    assert_eq!(f.list(Default::default()).await, [first]);
}

pub(crate) async fn a_repeated_request_is_answered_even_when_the_run_has_ended(f: &Fixture) {
    let first = f.settled(named(), completed()).await.id;
    assert_eq!(f.submit(named()).await, Existing(first));
}

pub(crate) async fn a_key_of_another_request_is_refused_with_the_batch(f: &Fixture) {
    let first = f.enqueue(named()).await;
    for other in [a_run("other").input(r#"{"to":1,"cc":2}"#), a_run("mail").input("{}")] {
        let batch = [a_run("mail").build(), other.idempotency("x").build()];
        refused(f.storage.enqueue(&batch).await, ErrorKind::Conflict);
    }
    assert_eq!(f.list(Default::default()).await, [first]);
    let batch = [a_run("mail").idempotency("y"), a_run("other").idempotency("y")];
    let batch = batch.map(RunBuilder::build);
    refused(f.storage.enqueue(&batch).await, ErrorKind::Conflict);
    assert_eq!(f.list(Default::default()).await, [first], "they differ within the batch");
    f.enqueue(a_run("other").idempotency("y")).await;
}

pub(crate) async fn a_name_is_free_once_its_time_is_over(f: &Fixture) {
    let first = f.enqueue(named()).await;
    f.clock.advance(seconds(3_600) - MICROSECOND);
    assert_eq!(f.submit(named()).await, Existing(first));
    f.clock.advance(MICROSECOND);
    f.enqueue(a_run("other").idempotency("x")).await;
}

pub(crate) async fn tenants_do_not_share_names(f: &Fixture) {
    let of_acme = a_run("other").tenant("acme").idempotency("x");
    f.enqueue_all([named(), of_acme]).await;
}

pub(crate) async fn a_request_repeated_within_a_batch_is_stored_once(f: &Fixture) {
    let (first, second) = (named().build(), named().build());
    let answers = f.storage.enqueue(&[first.clone(), second]).await.expect("answered");
    assert_eq!(answers, [Stored, Existing(first.id)]);
    assert_eq!(f.list(Default::default()).await, [first.id]);
}

pub(crate) async fn a_repeated_request_that_met_a_unique_run_is_answered_that_one(f: &Fixture) {
    let holder = f.enqueue(one(FINISHED)).await;
    let request = || one(FINISHED).idempotency("x");
    assert_eq!(f.submit(request()).await, Existing(holder));
    let changing = || one(FINISHED).replacing().input("2").idempotency("y");
    assert_eq!(f.submit(changing()).await, Replaced(holder));
    let last = one(FINISHED).replacing().input("3");
    assert_eq!(f.submit(last).await, Replaced(holder));
    assert_eq!(f.submit(changing()).await, Existing(holder), "it was heard before");
    assert_eq!(f.stored(holder).await.input.as_str(), "3");
    f.storage.request_cancel(holder).await.expect("cancelled");
    assert_eq!(f.submit(request()).await, Existing(holder));
    f.enqueue(one(FINISHED)).await;
}

pub(crate) async fn a_unique_key_and_a_name_that_read_alike_do_not_meet(f: &Fixture) {
    f.enqueue_all([a_run("mail").unique("x", FINISHED), a_run("mail").idempotency("x")]).await;
}

pub(crate) async fn one_of_many_equal_requests_is_stored(f: &Fixture) {
    let answers = f
        .together(|storage, _| async move {
            let mut answers = Vec::new();
            for _ in 0..7 {
                let run = named().build();
                let answer = storage.enqueue(std::slice::from_ref(&run)).await.expect("answered");
                answers.push(answer[0].survivor(run.id));
            }
            answers
        })
        .await;
    let survivors: HashSet<RunId> = answers.concat().into_iter().collect();
    assert_eq!(survivors.len(), 1);
    assert_eq!(f.list(Default::default()).await.len(), 1);
}
