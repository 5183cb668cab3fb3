//! Several storages on one schema, as several hosts have them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Barrier;
use zapjobs_model::RunId;
use zapjobs_postgres::{PostgresOptions, PostgresStorage, WakeUps};
use zapjobs_storage::{
    ApplyResult, ErrorKind, Events, LeaseState, Notice, Notices, RunFilter, RunQueries, RunStore,
    Storage,
};

use crate::harness;
use crate::harness::runs::{a_claim, a_run, completion};

const RUNS: usize = 20_000;
const WORKERS: usize = 8;
/// Only waited for in full by a test that fails.
const WAIT_MAX: Duration = Duration::from_secs(20);

async fn drain(storage: PostgresStorage, start: Arc<Barrier>) -> Vec<RunId> {
    start.wait().await;
    let mut done = Vec::new();
    loop {
        let claimed = storage.claim(a_claim(100)).await.unwrap();
        if claimed.is_empty() {
            // Others may hold the rest locked for a moment.
            let counts = storage.counts(&RunFilter::default()).await.unwrap();
            if counts.pending == 0 {
                return done;
            }
            continue;
        }
        let now = storage.now().await.unwrap();
        let ends: Vec<_> = claimed.iter().map(|claimed| completion(&claimed.run, now)).collect();
        let answers = storage.apply(&ends).await.unwrap();
        assert!(answers.iter().all(|answer| *answer == ApplyResult::Applied));
        done.extend(claimed.iter().map(|claimed| claimed.id()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_hosts_do_each_of_many_runs_exactly_once() {
    let options = PostgresOptions { connections: 2, ..harness::options() };
    let storage = harness::open(&options).await;
    let runs: Vec<_> = (0..RUNS).map(|_| a_run("q")).collect();
    for batch in runs.chunks(5_000) {
        storage.enqueue(batch).await.unwrap();
    }
    let start = Arc::new(Barrier::new(WORKERS));
    let mut hosts = Vec::new();
    for _ in 0..WORKERS {
        let host = harness::open(&options).await;
        hosts.push(tokio::spawn(drain(host, Arc::clone(&start))));
    }
    let mut done = Vec::new();
    for host in hosts {
        done.extend(host.await.unwrap());
    }
    assert_eq!(done.len(), RUNS);
    assert_eq!(done.into_iter().collect::<HashSet<_>>().len(), RUNS);
    let counts = storage.counts(&RunFilter::default()).await.unwrap();
    assert_eq!(counts.completed, RUNS as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn four_hosts_keep_limits_together() {
    let options = PostgresOptions { connections: 2, ..harness::options() };
    let mut hosts: Vec<Arc<dyn Storage>> = Vec::new();
    for _ in 0..4 {
        hosts.push(Arc::new(harness::open(&options).await));
    }
    zapjobs_conformance::hosts_keep_limits(&hosts).await;
}

#[tokio::test]
async fn a_stale_worker_is_refused() {
    let options = harness::options();
    let (first, second) = (harness::open(&options).await, harness::open(&options).await);
    first.enqueue(&[a_run("q")]).await.unwrap();
    let mut request = a_claim(1);
    request.lease = Duration::ZERO;
    let stale = first.claim(request).await.unwrap().remove(0).run;
    let lost = second.expired(10).await.unwrap().remove(0);
    let now = second.now().await.unwrap();
    let policy = zapjobs_model::RetryPolicy::default();
    let outcome = zapjobs_model::Outcome::Lost;
    let ended = zapjobs_model::settle(&lost, outcome, Default::default(), now, &policy, 0.5);
    assert_eq!(second.apply(&[ended]).await.unwrap(), [ApplyResult::Applied]);
    let fresh = second.claim(a_claim(1)).await.unwrap().remove(0).run;
    assert_eq!(first.apply(&[completion(&stale, now)]).await.unwrap(), [ApplyResult::StaleLease]);
    let renewed = first.renew(&[stale.lease_key()], Duration::from_secs(9)).await.unwrap();
    assert_eq!(renewed, [LeaseState::Lost]);
    assert_eq!(second.apply(&[completion(&fresh, now)]).await.unwrap(), [ApplyResult::Applied]);
}

/// Waits until a listener is told this, whatever else it is told before.
async fn told(notices: &mut Notices, wanted: &Notice) {
    let heard = async { while notices.next().await.expect("it is open") != *wanted {} };
    tokio::time::timeout(WAIT_MAX, heard).await.expect("it is told");
}

#[tokio::test]
async fn another_hosts_writes_are_told() {
    let options = harness::options();
    let (first, second) = (harness::open(&options).await, harness::open(&options).await);
    let mut notices = first.subscribe();
    // Told once it listens.
    told(&mut notices, &Notice::Resync).await;
    let run = a_run("q");
    second.enqueue(std::slice::from_ref(&run)).await.unwrap();
    told(&mut notices, &Notice::Ready(run.queue.clone())).await;
    second.claim(a_claim(1)).await.unwrap();
    second.request_cancel(run.id).await.unwrap();
    told(&mut notices, &Notice::CancelRequested(run.id)).await;
}

#[tokio::test]
async fn a_host_that_polls_looks_for_itself() {
    let options = PostgresOptions {
        wake_ups: WakeUps::Poll,
        poll_interval: Duration::from_millis(5),
        prepared_statements: 0,
        ..harness::options()
    };
    let storage = harness::open(&options).await;
    let mut notices = storage.subscribe();
    told(&mut notices, &Notice::Resync).await;
    storage.enqueue(&[a_run("q"), a_run("q")]).await.unwrap();
    assert_eq!(storage.claim(a_claim(5)).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_closed_storage_answers_closed() {
    let storage = harness::open(&harness::options()).await;
    storage.close().await.unwrap();
    storage.close().await.unwrap();
    let closed = [
        storage.now().await.map(drop),
        storage.info().await.map(drop),
        storage.enqueue(&[a_run("q")]).await.map(drop),
    ];
    assert!(closed.into_iter().all(|answer| answer.unwrap_err().kind() == ErrorKind::Closed));
    assert_eq!(storage.subscribe().next().await, None);
}
