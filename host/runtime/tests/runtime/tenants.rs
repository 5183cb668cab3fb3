//! Tenants on a host and through a client.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{Bench, PATIENCE, describe, endless, job, request, returning};
use zapjobs_model::{JobDefinition, JobKey, JobRequest, Json, RunStatus, TenantId, TenantQuotas};
use zapjobs_runtime::{HostOptions, SubmitError, TenantPolicy, WaitError};
use zapjobs_storage::{CancelResult, LogPageRequest, RequeueResult, RunFilter, RunPageRequest};

fn by_default(quotas: TenantQuotas) -> TenantPolicy {
    TenantPolicy { default: quotas, ..TenantPolicy::default() }
}

#[tokio::test]
async fn no_more_runs_of_a_tenant_start_than_its_quota_allows_and_all_run_in_the_end() {
    let bench = Bench::new();
    bench.serve(describe("endless"), endless()).await;
    bench.serve(describe("quick"), returning(Json::null())).await;
    let quotas = TenantQuotas { concurrent_runs_max: Some(1), ..TenantQuotas::default() };
    let options = HostOptions { tenants: by_default(quotas), ..HostOptions::default() };
    let host = bench.host(options).await;
    let first = bench.enqueue("endless").await;
    bench.reaches(first, RunStatus::Running).await;
    let second = bench.enqueue("quick").await;
    assert_eq!(host.running(), 1);
    assert_eq!(bench.run(second).await.status, RunStatus::Pending);
    bench.client.cancel(first).await.expect("asked");
    assert_eq!(bench.ended(second).await.status, RunStatus::Completed);
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn long_runs_of_one_tenant_leave_room_for_anothers_first() {
    let bench = Bench::new();
    bench.serve(describe("endless"), endless()).await;
    bench.serve(describe("quick"), returning(Json::null())).await;
    let other = JobKey { tenant: TenantId::new("other").expect("a good name"), ..job("quick") };
    let served = bench.catalog.get(&job("quick")).expect("it is served");
    bench.catalog.swap(&[], &[(other.clone(), served)]);
    let definition = bench.storage.definition(&job("quick")).await.expect("read");
    let definition = JobDefinition { key: other.clone(), ..definition.expect("it is there") };
    bench.storage.put_definitions(&[definition]).await.expect("stored");
    let queued = (0..100).map(|_| request("endless")).collect();
    let queued = bench.client.enqueue_all(queued).await.expect("enqueued");
    let host = bench.host(HostOptions { concurrency: 8, ..HostOptions::default() }).await;
    for id in &queued[..6] {
        bench.reaches(*id, RunStatus::Running).await;
    }

    let first = JobRequest::new(other.tenant, other.job_type, Json::null());
    let first = bench.client.enqueue(first).await.expect("enqueued");
    assert_eq!(bench.ended(first).await.status, RunStatus::Completed);
    assert_eq!(bench.run(queued[6]).await.status, RunStatus::Pending, "a quarter is kept");
    host.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn more_runs_than_a_tenant_may_have_waiting_are_refused_whole() {
    let bench = Bench::new();
    bench.declare(&describe("later")).await;
    let quotas = TenantQuotas { queued_runs_max: Some(3), ..TenantQuotas::default() };
    let client = bench.client.clone().with_tenants(Arc::new(by_default(quotas)));
    let batch = |count| (0..count).map(|_| request("later")).collect::<Vec<_>>();
    client.enqueue_all(batch(2)).await.expect("there is room");
    let error = client.enqueue_all(batch(2)).await.expect_err("one too many");
    assert!(matches!(error, SubmitError::QuotaExceeded(_)), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!(
            "tenant {} may have 3 runs that wait, and 2 more would exceed that: wait until some \
             have run, submit fewer, or raise queued_runs_max",
            TenantId::standard()
        )
    );
    client.enqueue_all(batch(4)).await.expect_err("never");
    client.enqueue(request("later")).await.expect("there is room for one");
    client.enqueue(request("later")).await.expect_err("there is none");
    let counts = bench.storage.counts(&RunFilter::default()).await.expect("counted");
    assert_eq!(counts.total(), 3, "a refused batch stores nothing");
}

#[tokio::test]
async fn to_a_tenant_the_runs_of_others_are_not_there() {
    let bench = Bench::new();
    bench.declare(&describe("later")).await;
    let id = bench.enqueue("later").await;
    let own = bench.client.of_tenant(TenantId::standard());
    let other = bench.client.of_tenant(TenantId::new("other").expect("a good name"));
    assert!(own.run(id).await.expect("read").is_some());
    assert_eq!(other.run(id).await.expect("read"), None);
    let page = RunPageRequest {
        filter: RunFilter { tenant: Some(job("later").tenant), ..RunFilter::default() },
        limit: 10,
        ..RunPageRequest::default()
    };
    assert_eq!(own.runs(page.clone()).await.expect("listed").runs.len(), 1);
    assert!(other.runs(page).await.expect("listed").runs.is_empty(), "whatever it asks for");
    assert_eq!(other.counts(RunFilter::default()).await.expect("counted").total(), 0);
    let log = LogPageRequest { run: id, after: None, limit: 10 };
    assert!(other.log_page(log).await.expect("read").entries.is_empty());
    assert_eq!(other.cancel(id).await.expect("answered"), CancelResult::NotFound);
    assert_eq!(other.retry(id).await.expect("answered"), RequeueResult::NotFound);
    assert!(matches!(other.wait(id, None).await, Err(WaitError::NotFound(_))));
    assert_eq!(bench.run(id).await.status, RunStatus::Pending, "nothing was done to it");
    assert_eq!(own.cancel(id).await.expect("answered"), CancelResult::Cancelled);
}

#[tokio::test]
async fn a_quota_out_of_bounds_keeps_a_host_from_starting() {
    let bench = Bench::new();
    let quotas = TenantQuotas { memory_bytes_max: Some(1), ..TenantQuotas::default() };
    let options = HostOptions { tenants: by_default(quotas), ..HostOptions::default() };
    let error = zapjobs_runtime::Host::start(options, bench.storage.clone(), bench.catalog.clone())
        .await
        .err()
        .expect("it is refused");
    assert!(error.to_string().contains("memory_bytes_max is 1"), "{error}");
}
