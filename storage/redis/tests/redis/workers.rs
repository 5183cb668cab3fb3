//! Many workers, one queue: each run is claimed and ended exactly once.

use std::collections::HashSet;
use std::sync::Arc;

use zapjobs_model::RunId;
use zapjobs_redis::RedisStorage;
use zapjobs_storage::{
    Activity, ApplyResult, RunFilter, RunQueries, RunStore, Span, Statistics as _,
    StatisticsRequest, Storage as _,
};

use crate::harness::runs::{a_claim, a_run, completion};

const TASKS: usize = 8;
const RUNS: usize = 20_000;

/// Claims and ends runs until none is left; answers which.
async fn work(storage: Arc<RedisStorage>) -> Vec<RunId> {
    let mut done = Vec::new();
    loop {
        let claimed = storage.claim(a_claim(64)).await.unwrap();
        if claimed.is_empty() {
            return done;
        }
        let now = storage.now().await.unwrap();
        let ends: Vec<_> = claimed.iter().map(|claimed| completion(&claimed.run, now)).collect();
        let results = storage.apply(&ends).await.unwrap();
        assert!(results.iter().all(|result| *result == ApplyResult::Applied));
        done.extend(claimed.iter().map(|claimed| claimed.id()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_workers_end_twenty_thousand_runs_once_each() {
    let options = crate::harness::options();
    let submitter = RedisStorage::connect(options.clone()).await.unwrap();
    for _ in 0..RUNS / 1_000 {
        let batch: Vec<_> = (0..1_000).map(|_| a_run("q")).collect();
        submitter.enqueue(&batch).await.unwrap();
    }
    let mut tasks = Vec::new();
    for _ in 0..TASKS {
        // A connection each, as processes have.
        let storage = Arc::new(RedisStorage::connect(options.clone()).await.unwrap());
        tasks.push(tokio::spawn(work(storage)));
    }
    let mut done = Vec::new();
    for task in tasks {
        done.extend(task.await.unwrap());
    }
    assert_eq!(done.len(), RUNS);
    assert_eq!(done.into_iter().collect::<HashSet<_>>().len(), RUNS);
    let counts = submitter.counts(&RunFilter::default()).await.unwrap();
    assert_eq!((counts.completed, counts.total()), (RUNS as u64, RUNS as u64));
    // The day may have turned meanwhile: the latest two hold it all.
    let request = StatisticsRequest { span: Span::Day, latest: 2, tenant: None, queue: None };
    let mut sums = Activity::default();
    for day in submitter.statistics(request).await.unwrap() {
        sums.add(&day.activity);
    }
    let runs = RUNS as u64;
    assert_eq!((sums.enqueued, sums.started, sums.completed), (runs, runs, runs));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_hosts_keep_limits_together() {
    let options = crate::harness::options();
    let mut hosts: Vec<Arc<dyn zapjobs_storage::Storage>> = Vec::new();
    for _ in 0..4 {
        hosts.push(Arc::new(RedisStorage::connect(options.clone()).await.unwrap()));
    }
    zapjobs_conformance::hosts_keep_limits(&hosts).await;
}
