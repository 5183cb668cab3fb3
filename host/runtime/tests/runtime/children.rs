//! Runs that enqueue others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::{Bench, describe, request, returning, script};
use zapjobs_model::port::Children;
use zapjobs_model::{
    Blame, ChildError, ChildErrorKind, ChildRequest, ChildStatus, Json, Outcome, RunError, RunId,
    RunStatus, TenantId, TenantQuotas,
};
use zapjobs_runtime::{HostOptions, TenantPolicy};
use zapjobs_storage::RunPageRequest;

fn child(job: &str, input: &str, options: &str) -> ChildRequest {
    ChildRequest::parse(job, input, options).expect("a request")
}

fn retry() -> Outcome {
    Outcome::Retry { error: RunError::new(Blame::Guest, "again", "once more"), after_ms: Some(1) }
}

/// What an attempt does with its children; the attempt's number and the service come in.
type Act = Arc<
    dyn Fn(u32, Arc<dyn Children>) -> zapjobs_model::port::BoxFuture<'static, Outcome>
        + Send
        + Sync,
>;

fn parent_that(act: Act) -> crate::support::Script {
    script(move |invocation, _, _| {
        let children = invocation.services.children.expect("a host takes children");
        act(invocation.context.attempt, children)
    })
}

async fn all(bench: &Bench) -> Vec<zapjobs_model::Run> {
    let page = RunPageRequest { limit: 1_000, ..RunPageRequest::default() };
    bench.storage.runs(page).await.expect("a page").runs
}

#[tokio::test]
async fn a_parent_that_is_tried_again_has_each_child_once() {
    let bench = Bench::new();
    let seen = Arc::new(Mutex::new(Vec::<Vec<RunId>>::new()));
    let told = Arc::clone(&seen);
    let act: Act = Arc::new(move |attempt, children| {
        let told = Arc::clone(&told);
        Box::pin(async move {
            let keyed = |key: &str| child("leaf", "3", &format!("{{\"key\":\"{key}\"}}"));
            let mut ids = children
                .enqueue(vec![child("leaf", "1", ""), child("leaf", "2", "")])
                .await
                .expect("stored");
            // In another order each time: keys tell them apart.
            let keys = if attempt == 1 { ["a", "b"] } else { ["b", "a"] };
            let mut named = children.enqueue(keys.map(keyed).to_vec()).await.expect("stored");
            named.sort();
            ids.extend(named);
            told.lock().expect("no panic").push(ids);
            if attempt == 1 { retry() } else { Outcome::Completed(Json::null()) }
        })
    });
    bench.serve(describe("leaf"), returning(Json::null())).await;
    bench.serve(describe("parent"), parent_that(act)).await;
    let host = bench.host(HostOptions::default()).await;
    let mut asked = request("parent");
    asked.correlation_id = Some("order-7".parse().expect("good"));
    let id = bench.client.enqueue(asked).await.expect("enqueued");
    assert_eq!(bench.ended(id).await.status, RunStatus::Completed);
    let seen = seen.lock().expect("no panic").clone();
    assert_eq!(seen.len(), 2, "two attempts");
    assert_eq!(seen[0], seen[1], "the same children");
    for child in &seen[0] {
        let run = bench.ended(*child).await;
        assert_eq!(run.parent, Some(id));
        assert_eq!(run.tenant, TenantId::standard());
        assert_eq!(run.correlation_id.expect("inherited").as_str(), "order-7");
    }
    assert_eq!(all(&bench).await.len(), 1 + 4);
    host.shutdown(crate::support::PATIENCE).await;
}

#[tokio::test]
async fn what_keeps_a_child_from_being_taken_is_a_value_and_stores_nothing() {
    let bench = Bench::new();
    let kinds = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&kinds);
    let act: Act = Arc::new(move |_, children| {
        let told = Arc::clone(&told);
        Box::pin(async move {
            let long = format!("\"{}\"", "x".repeat(2 << 20));
            for requests in [
                vec![child("nobody", "1", "")],
                vec![child("strict", "{}", ""), child("strict", "1", "")],
                vec![child("leaf", &long, "")],
                vec![child("leaf", "1", r#"{"max-attempts":0}"#)],
                vec![child("leaf", "1", ""), child("leaf", "2", ""), child("leaf", "3", "")],
            ] {
                let error = children.enqueue(requests).await.expect_err("not taken");
                told.lock().expect("no panic").push(error.kind);
            }
            Outcome::Completed(Json::null())
        })
    });
    let mut strict = describe("strict");
    strict.input_schema = Some(Json::trusted(r#"{"type":"object"}"#));
    bench.declare(&strict).await;
    bench.declare(&describe("leaf")).await;
    bench.serve(describe("parent"), parent_that(act)).await;
    let default = TenantQuotas { queued_runs_max: Some(2), ..TenantQuotas::default() };
    let tenants = TenantPolicy { default, ..TenantPolicy::default() };
    let host = bench.host(HostOptions { tenants, ..HostOptions::default() }).await;
    let id = bench.enqueue("parent").await;
    assert_eq!(bench.ended(id).await.status, RunStatus::Completed);
    use ChildErrorKind::{BadInput, BadOptions, QuotaReached, UnknownJob};
    let kinds = kinds.lock().expect("no panic").clone();
    assert_eq!(kinds, [UnknownJob, BadInput, BadInput, BadOptions, QuotaReached]);
    assert_eq!(all(&bench).await.len(), 1, "nothing was stored");
    host.shutdown(crate::support::PATIENCE).await;
}

#[tokio::test]
async fn children_that_are_stored_do_not_count_against_a_quota_again() {
    let bench = Bench::new();
    let act: Act = Arc::new(move |attempt, children| {
        Box::pin(async move {
            let delayed = || child("leaf", "1", r#"{"delay-ms":60000}"#);
            match children.enqueue(vec![delayed(), delayed()]).await {
                Err(ChildError { kind, message }) => {
                    let error = RunError::new(Blame::Guest, format!("{kind:?}"), message);
                    Outcome::Failed(error)
                }
                Ok(_) if attempt == 1 => retry(),
                Ok(_) => Outcome::Completed(Json::null()),
            }
        })
    });
    bench.declare(&describe("leaf")).await;
    bench.serve(describe("parent"), parent_that(act)).await;
    let default = TenantQuotas { queued_runs_max: Some(2), ..TenantQuotas::default() };
    let tenants = TenantPolicy { default, ..TenantPolicy::default() };
    let host = bench.host(HostOptions { tenants, ..HostOptions::default() }).await;
    let id = bench.enqueue("parent").await;
    let run = bench.ended(id).await;
    assert_eq!(run.status, RunStatus::Completed, "{:?}", run.error);
    host.shutdown(crate::support::PATIENCE).await;
}

#[tokio::test]
async fn a_run_sees_its_own_children_and_no_other_run() {
    let bench = Bench::new();
    let stranger = {
        bench.declare(&describe("leaf")).await;
        bench.client.enqueue(request("leaf")).await.expect("enqueued")
    };
    let looks = Arc::new(AtomicUsize::new(0));
    let looked = Arc::clone(&looks);
    let act: Act = Arc::new(move |attempt, children| {
        let looked = Arc::clone(&looked);
        Box::pin(async move {
            assert_eq!(children.child(stranger).await, Ok(None), "another run");
            let ids = children.enqueue(vec![child("leaf", "1", "")]).await.expect("stored");
            let state = children.child(ids[0]).await.expect("a look").expect("its own");
            if attempt < 3 && state.status != ChildStatus::Completed {
                return Outcome::Snoozed { for_ms: 5 };
            }
            assert_eq!(state.output, Some(Json::trusted("\"done\"")));
            looked.fetch_add(1, Ordering::Relaxed);
            Outcome::Completed(Json::null())
        })
    });
    bench.serve(describe("leaf"), returning(Json::trusted("\"done\""))).await;
    bench.serve(describe("parent"), parent_that(act)).await;
    let host = bench.host(HostOptions::default()).await;
    let id = bench.enqueue("parent").await;
    let run = bench.ended(id).await;
    assert_eq!(run.status, RunStatus::Completed, "{:?}", run.error);
    assert_eq!(looks.load(Ordering::Relaxed), 1);
    host.shutdown(crate::support::PATIENCE).await;
}
