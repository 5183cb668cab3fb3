//! Batches, from request to callback, over hosts that die.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{Bench, PATIENCE, describe, endless, request, returning, script};
use zapjobs_model::{
    Blame, Due, JobRequest, Json, Outcome, RunError, RunStatus, TenantId, TenantQuotas, Trigger,
};
use zapjobs_runtime::{
    BATCH_KEY, BatchRequest, CALLBACK_KEY, Client, HostOptions, InvalidBatch, SubmitError,
    TenantPolicy,
};
use zapjobs_storage::RunFilter;

fn of_standard() -> BatchRequest {
    BatchRequest::new(TenantId::standard())
}

/// Serves `good`, which completes, and `bad`, which fails until it is mended.
async fn bench() -> (Bench, Arc<AtomicBool>) {
    let bench = Bench::new();
    bench.serve(describe("good"), returning(Json::null())).await;
    let is_mended = Arc::new(AtomicBool::new(false));
    let mended = Arc::clone(&is_mended);
    let fail = script(move |_, _, _| {
        let is_mended = mended.load(Ordering::SeqCst);
        async move {
            if is_mended {
                return Outcome::Completed(Json::null());
            }
            Outcome::Failed(RunError::new(Blame::Guest, "broken", "not yet"))
        }
    });
    bench.serve(describe("bad"), fail).await;
    (bench, is_mended)
}

#[tokio::test]
async fn a_batch_that_succeeds_has_both_callbacks_run() {
    let (bench, _) = bench().await;
    let host = bench.host(HostOptions::default()).await;
    let batch = of_standard()
        .on_complete(request("good"))
        .on_success(request("good"))
        .runs((0..20).map(|_| request("good")));
    let started = bench.client.start_batch(batch).await.expect("stored");
    let batch = bench.client.wait_for_batch(started.id, Some(PATIENCE)).await.expect("complete");
    assert_eq!((batch.counts.total, batch.counts.completed), (20, 20));
    for (run, what) in [(started.on_complete, "complete"), (started.on_success, "success")] {
        let run = bench.ended(run.expect("a callback")).await;
        assert_eq!((run.status, run.trigger), (RunStatus::Completed, Trigger::Continuation));
        assert_eq!(run.metadata[BATCH_KEY], started.id.to_string());
        assert_eq!(run.metadata[CALLBACK_KEY], what);
        assert!(run.started_at >= batch.completed_at);
    }
    assert!(batch.succeeded_at.is_some());
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_failed_member_keeps_success_back_until_it_is_retried() {
    let (bench, is_mended) = bench().await;
    let host = bench.host(HostOptions::default()).await;
    let inner = |parent| of_standard().within(parent).run(request("bad"));
    let outer = of_standard().on_complete(request("good")).on_success(request("good"));
    let outer = bench.client.open_batch(outer.run(request("good"))).await.expect("stored");
    bench.client.start_batch(inner(outer.id)).await.expect("stored");
    bench.client.close_batch(outer.id).await.expect("closed");
    let batch = bench.client.wait_for_batch(outer.id, Some(PATIENCE)).await.expect("complete");
    assert_eq!((batch.counts.completed, batch.counts.failed), (1, 1));
    let (complete, success) = (outer.on_complete.expect("one"), outer.on_success.expect("one"));
    assert_eq!(bench.ended(complete).await.status, RunStatus::Completed);
    assert_eq!(bench.run(success).await.status, RunStatus::Held);

    is_mended.store(true, Ordering::SeqCst);
    let report = bench.client.retry_batch(outer.id).await.expect("answered").expect("there");
    assert_eq!((report.batches, report.runs.done), (2, 1));
    assert_eq!(bench.ended(success).await.status, RunStatus::Completed);
    let batch = bench.storage.batch(outer.id).await.expect("read").expect("there");
    assert_eq!((batch.counts.completed, batch.counts.failed), (2, 0));
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_host_that_dies_before_the_callback_leaves_it_to_the_next() {
    let (bench, _) = bench().await;
    let batch = of_standard().on_success(request("good")).run(request("good"));
    let started = bench.client.start_batch(batch).await.expect("stored");
    // A host that recorded the last member and did no more.
    let run = bench.storage.run(started.runs[0]).await.expect("read").expect("there");
    let claim = zapjobs_storage::ClaimRunRequest {
        run: run.id,
        worker: zapjobs_model::WorkerId(uuid::Uuid::now_v7()),
        lease: PATIENCE,
    };
    let claimed = bench.storage.claim_run(claim).await.expect("claimed");
    let zapjobs_storage::ClaimRunResult::Claimed(claimed) = claimed else { panic!("{claimed:?}") };
    let end = zapjobs_model::settle(
        &claimed.run,
        Outcome::Completed(Json::null()),
        zapjobs_model::Usage::default(),
        bench.storage.now().await.expect("now"),
        &zapjobs_model::RetryPolicy::default(),
        0.5,
    );
    bench.storage.apply(&[end]).await.expect("applied");
    let callback = started.on_success.expect("one");
    assert_eq!(bench.run(callback).await.status, RunStatus::Held);

    let hosts =
        [bench.host(HostOptions::default()).await, bench.host(HostOptions::default()).await];
    let run = bench.ended(callback).await;
    assert_eq!((run.status, run.attempt), (RunStatus::Completed, 1));
    for host in hosts {
        host.shutdown(PATIENCE).await;
    }
    let all = bench.storage.counts(&RunFilter::default()).await.expect("counted");
    assert_eq!(all.total(), 2);
}

#[tokio::test]
async fn a_batch_is_cancelled_as_a_whole_and_is_complete_then() {
    let (bench, _) = bench().await;
    bench.serve(describe("endless"), endless()).await;
    let host = bench.host(HostOptions::default()).await;
    let outer = of_standard().on_complete(request("good")).on_success(request("good"));
    let outer = outer.run(request("endless"));
    let outer = bench.client.open_batch(outer).await.expect("stored");
    let later = JobRequest { due: Due::In(PATIENCE * 100), ..request("good") };
    let inner = of_standard().within(outer.id).run(later);
    bench.client.open_batch(inner).await.expect("stored");
    bench.reaches(outer.runs[0], RunStatus::Running).await;
    let report = bench.client.cancel_batch(outer.id).await.expect("answered").expect("there");
    assert_eq!((report.batches, report.runs.done, report.runs.asked), (2, 1, 1));
    let batch = bench.client.wait_for_batch(outer.id, Some(PATIENCE)).await.expect("complete");
    assert_eq!((batch.counts.cancelled, batch.counts.failed), (1, 1), "the nested one failed");
    let complete = outer.on_complete.expect("one");
    assert_eq!(bench.ended(complete).await.status, RunStatus::Completed);
    let success = outer.on_success.expect("one");
    assert_eq!(bench.run(success).await.status, RunStatus::Held);
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_batch_is_told_before_any_of_it_is_stored() {
    let (bench, _) = bench().await;
    let stored = async || {
        let runs = bench.storage.counts(&RunFilter::default()).await.expect("counted").total();
        let request = zapjobs_storage::BatchPageRequest { limit: 1, ..Default::default() };
        (runs, bench.storage.batches(request).await.expect("listed").batches.len())
    };
    let in_time = JobRequest { due: Due::In(PATIENCE), ..request("good") };
    let foreign = TenantId::new("acme").expect("a name");
    let foreign = JobRequest { tenant: foreign, ..request("good") };
    let wrong = [
        of_standard().on_success(in_time).run(request("good")),
        of_standard().on_success(foreign.clone()),
        of_standard().run(request("good")).run(foreign),
        of_standard().runs((0..10_001).map(|_| request("good"))),
    ];
    for batch in wrong {
        let error = bench.client.start_batch(batch).await.expect_err("refused");
        assert!(matches!(error, SubmitError::Batch(_)), "{error}");
        assert!(
            !matches!(error, SubmitError::Batch(InvalidBatch::Tenant(it)) if it.as_str() == "acme")
        );
    }
    let unknown = of_standard().on_complete(request("unknown")).run(request("good"));
    let error = bench.client.start_batch(unknown).await.expect_err("refused").to_string();
    assert!(error.contains("unknown job type"), "{error}");
    let quotas = TenantQuotas { queued_runs_max: Some(2), ..TenantQuotas::default() };
    let tenants = TenantPolicy { default: quotas, ..TenantPolicy::default() };
    let client = Client::new(bench.storage.clone()).with_tenants(Arc::new(tenants));
    let many = || of_standard().on_success(request("good")).run(request("good"));
    let error = client.start_batch(many().run(request("good"))).await.expect_err("refused");
    assert!(matches!(error, SubmitError::QuotaExceeded(_)), "{error}");
    assert_eq!(stored().await, (0, 0));
    client.start_batch(many()).await.expect("callbacks count, and there is room");
    assert_eq!(stored().await, (2, 1));
}

#[tokio::test]
async fn a_tenant_knows_its_own_batches_alone() {
    let (bench, _) = bench().await;
    let started = bench.client.start_batch(of_standard().run(request("good"))).await;
    let id = started.expect("stored").id;
    let stranger = bench.client.of_tenant(TenantId::new("acme").expect("a name"));
    assert_eq!(stranger.batch(id).await.expect("answered"), None);
    assert_eq!(stranger.cancel_batch(id).await.expect("answered"), None);
    assert_eq!(stranger.retry_batch(id).await.expect("answered"), None);
    let owner = bench.client.of_tenant(TenantId::standard());
    assert_eq!(owner.batch(id).await.expect("answered").expect("its own").id, id);
    let report = owner.cancel_batch(id).await.expect("answered").expect("its own");
    assert_eq!(report.runs.done, 1);
}
