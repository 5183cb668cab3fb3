//! Limits over several hosts, as the runs themselves see them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{Bench, PATIENCE, describe, job, request, script};
use zapjobs_model::{
    FlowLimit, JobRequest, Json, LimitChange, LimitKeyPointer, LimitScope, Outcome, Rate, RunStatus,
};
use zapjobs_runtime::{HostOptions, SubmitError};
use zapjobs_storage::RunFilter;

/// A job that notes how many of it are under way at a time, at most.
fn counted(most: &Arc<AtomicUsize>) -> crate::support::Script {
    let (most, under_way) = (Arc::clone(most), Arc::new(AtomicUsize::new(0)));
    script(move |_, _, _| {
        let (most, under_way) = (Arc::clone(&most), Arc::clone(&under_way));
        async move {
            most.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            under_way.fetch_sub(1, Ordering::SeqCst);
            Outcome::Completed(Json::null())
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_hosts_together_never_run_more_than_the_limit_and_run_all() {
    const RUNS: usize = 2_000;
    let bench = Bench::new();
    let most = Arc::new(AtomicUsize::new(0));
    bench.serve(describe("counted"), counted(&most)).await;
    let limit = LimitChange::set(FlowLimit::concurrency(3));
    bench.storage.change_limit(&LimitScope::Job(job("counted")), limit).await.expect("set");
    let requests = (0..RUNS).map(|_| request("counted")).collect();
    let ids = bench.client.enqueue_all(requests).await.expect("enqueued");
    let mut hosts = Vec::new();
    for _ in 0..4 {
        hosts.push(bench.host(HostOptions { concurrency: 8, ..HostOptions::default() }).await);
    }
    for id in ids {
        assert_eq!(bench.ended(id).await.status, RunStatus::Completed);
    }
    let most = most.load(Ordering::SeqCst);
    assert!((1..=3).contains(&most), "{most} were under way at a time");
    for host in hosts {
        host.shutdown(PATIENCE).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_is_kept_over_several_hosts() {
    let bench = Bench::new();
    let most = Arc::new(AtomicUsize::new(0));
    bench.serve(describe("counted"), counted(&most)).await;
    let rate = Rate::new(100, Duration::from_secs(1));
    let limit = LimitChange::set(FlowLimit::rate(rate));
    bench.storage.change_limit(&LimitScope::Everything, limit).await.expect("set");
    let requests = (0..200).map(|_| request("counted")).collect();
    let ids = bench.client.enqueue_all(requests).await.expect("enqueued");
    let hosts =
        [bench.host(HostOptions::default()).await, bench.host(HostOptions::default()).await];
    let mut started = Vec::new();
    for id in ids {
        started.extend(bench.ended(id).await.started_at);
    }
    started.sort();
    // 10 at once, and the other 190 one in 10 ms: never faster, however slow this machine.
    let took = started[199].since(started[0]);
    assert!(took >= Duration::from_millis(1_880), "200 runs began within {took:?}");
    for host in hosts {
        host.shutdown(PATIENCE).await;
    }
}

#[tokio::test]
async fn a_key_is_found_in_the_input_unless_it_is_named() {
    let bench = Bench::new();
    bench.declare(&describe("mail")).await;
    let limit = FlowLimit {
        key_pointer: LimitKeyPointer::new("/customer").ok(),
        ..FlowLimit::concurrency(1)
    };
    let scope = LimitScope::PerKey(job("mail"));
    bench.storage.change_limit(&scope, LimitChange::set(limit)).await.expect("set");
    let with =
        |input: &str| JobRequest { input: Json::parse(input).expect("JSON"), ..request("mail") };
    let key = async |request: JobRequest| {
        let id = bench.client.enqueue(request).await.expect("enqueued");
        bench.run(id).await.limit_key.map(|key| key.to_string())
    };
    assert_eq!(key(with(r#"{"customer":7}"#)).await.as_deref(), Some("7"));
    assert_eq!(key(with("{}")).await, None);
    let named = zapjobs_model::LimitKey::new("x").ok();
    let named = JobRequest { limit_key: named, ..with(r#"{"customer":7}"#) };
    assert_eq!(key(named).await.as_deref(), Some("x"));
    let before = bench.storage.counts(&RunFilter::default()).await.expect("counted");
    let too_long = with(&format!(r#"{{"customer":"{}"}}"#, "x".repeat(201)));
    let error = bench.client.enqueue(too_long).await.expect_err("too long");
    assert!(matches!(error, SubmitError::Invalid(_)), "{error}");
    assert!(error.to_string().contains("/customer"), "{error}");
    let after = bench.storage.counts(&RunFilter::default()).await.expect("counted");
    assert_eq!(before, after, "nothing was stored");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resumed_queue_goes_on_without_a_hint() {
    let bench = Bench::new();
    let most = Arc::new(AtomicUsize::new(0));
    bench.serve(describe("counted"), counted(&most)).await;
    let host = bench.host(HostOptions::default()).await;
    let scope = LimitScope::Everything;
    bench.storage.change_limit(&scope, LimitChange::Pause).await.expect("paused");
    let id = bench.enqueue("counted").await;
    assert_eq!(bench.run(id).await.status, RunStatus::Held);
    bench.storage.change_limit(&scope, LimitChange::Resume).await.expect("resumed");
    assert_eq!(bench.ended(id).await.status, RunStatus::Completed);
    host.shutdown(PATIENCE).await;
}
