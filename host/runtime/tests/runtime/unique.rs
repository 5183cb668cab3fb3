//! Requests of which there is to be one run, through a client and a host.

use std::time::Duration;

use crate::support::{Bench, describe, request, returning, script};
use zapjobs_model::{
    Blame, IdempotencyKey, InvalidRequest, JobRequest, Json, OnConflict, Outcome, RunError,
    RunStatus, UniqueBy, UniqueRequest, UniqueScope,
};
use zapjobs_runtime::{HostOptions, SubmitError};
use zapjobs_storage::{EnqueueResult, RequeueResult};

fn unique(name: &str) -> JobRequest {
    JobRequest { unique: Some(UniqueRequest::default()), ..request(name) }
}

fn named(name: &str, text: &str) -> JobRequest {
    JobRequest { idempotency_key: Some(IdempotencyKey::new(text)), ..request(name) }
}

#[tokio::test]
async fn a_unique_request_is_answered_the_run_that_is_there_until_that_has_ended() {
    let bench = Bench::new();
    bench.serve(describe("work"), returning(Json::null())).await;
    let first = bench.client.enqueue(unique("work")).await.expect("enqueued");
    let submitted = bench.client.submit_all(vec![unique("work"), request("work")]).await;
    let submitted = submitted.expect("answered");
    assert_eq!((submitted[0].id, submitted[0].result), (first, EnqueueResult::Existing(first)));
    assert_eq!(submitted[1].result, EnqueueResult::Stored);
    let host = bench.host(HostOptions::default()).await;
    assert_eq!(bench.ended(first).await.status, RunStatus::Completed);
    let second = bench.client.enqueue(unique("work")).await.expect("enqueued");
    assert_ne!(second, first);
    bench.ended(second).await;
    host.shutdown(crate::support::PATIENCE).await;
}

#[tokio::test]
async fn a_replacement_brings_its_input_to_a_run_that_waits() {
    let bench = Bench::new();
    bench.serve(describe("work"), returning(Json::null())).await;
    let debounced = |input: &str| {
        let by = UniqueBy::Fields(vec!["/id".to_owned()]);
        let wish = UniqueRequest { by, on_conflict: OnConflict::Replace, ..Default::default() };
        let input = Json::parse(input).expect("JSON");
        JobRequest { input, unique: Some(wish), ..request("work") }
    };
    let first = bench.client.enqueue(debounced(r#"{"id":1,"n":1}"#)).await.expect("enqueued");
    let again = bench.client.enqueue(debounced(r#"{"id":1,"n":2}"#)).await.expect("enqueued");
    assert_eq!(again, first);
    assert_eq!(bench.run(first).await.input.as_str(), r#"{"id":1,"n":2}"#);
}

#[tokio::test]
async fn a_repeated_request_is_answered_and_another_of_its_name_refused() {
    let bench = Bench::new();
    for name in ["work", "other"] {
        bench.serve(describe(name), returning(Json::null())).await;
    }
    let first = bench.client.enqueue(named("work", "order 7")).await.expect("enqueued");
    assert_eq!(bench.client.enqueue(named("work", "order 7")).await.expect("answered"), first);
    let batch = vec![request("work"), named("other", "order 7")];
    let refused = bench.client.submit_all(batch).await.expect_err("another request");
    assert!(matches!(refused, SubmitError::Conflict(_)), "{refused:?}");
    let told = refused.to_string();
    assert!(told.contains("another request") && told.contains(&first.to_string()), "{told}");
    let runs = bench.storage.counts(&Default::default()).await.expect("counted");
    assert_eq!(runs.total(), 1, "nothing of the batch was stored");
}

#[tokio::test]
async fn a_wish_that_makes_no_sense_is_refused_before_anything_is_stored() {
    let bench = Bench::new();
    bench.serve(describe("work"), returning(Json::null())).await;
    let scope = UniqueScope::For(Duration::from_millis(1));
    let wish = UniqueRequest { scope, ..UniqueRequest::default() };
    for wrong in [
        JobRequest { unique: Some(wish), ..request("work") },
        named("work", ""),
        named("work", "\n"),
    ] {
        let refused = bench.client.enqueue(wrong).await.expect_err("no good wish");
        assert!(matches!(refused, SubmitError::Invalid(InvalidRequest::Unique(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn a_failed_run_whose_key_is_held_is_not_run_again() {
    let bench = Bench::new();
    let error = || RunError::new(Blame::Guest, "broken", "it is broken");
    let failing = script(move |_, _, _| async move { Outcome::Failed(error()) });
    bench.serve(describe("work"), failing).await;
    let host = bench.host(HostOptions::default()).await;
    let failed = bench.client.enqueue(unique("work")).await.expect("enqueued");
    assert_eq!(bench.ended(failed).await.status, RunStatus::Failed);
    host.shutdown(crate::support::PATIENCE).await;
    let holder = bench.client.enqueue(unique("work")).await.expect("enqueued");
    assert_eq!(bench.client.retry(failed).await.expect("answered"), RequeueResult::KeyHeld(holder));
}
