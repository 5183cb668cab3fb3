//! Proof that several hosts keep limits together: each a storage of its own on the same store,
//! by the store's own clock.
//!
//! `ZAPJOBS_LIMITS_SECONDS=60` and `ZAPJOBS_LIMITS_RUNS=20000` make it a long one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use zapjobs_model::{
    FlowLimit, LimitChange, LimitScope, Outcome, Rate, RetryPolicy, Timestamp, Usage, settle,
};
use zapjobs_storage::{AdmitRequest, ClaimRequest, ClaimedRun, QueueSelection, RunFilter, Storage};

use crate::actions::completed;
use crate::builders::{some_runs, worker};
use crate::samples::a_claim;

/// Runs at a time.
const SLOTS: u32 = 3;
/// Runs that go through them, unless `ZAPJOBS_LIMITS_RUNS` says otherwise.
const RUNS: usize = 600;
/// Runs in one batch of a submission.
const BATCH: usize = 1_000;
/// Runs in a second.
const RATE: u32 = 100;
/// Seconds that the rate is kept for, unless `ZAPJOBS_LIMITS_SECONDS` says otherwise.
const SECONDS: usize = 2;
/// From so many seconds on, the rate must be reached too: in fewer, one late look counts too much.
const SECONDS_LONG: usize = 30;

/// Runs many runs on all hosts at once, under a concurrency and then under a rate.
///
/// # Panics
///
/// If more were under way than the limit allows, or the rate was not kept within 2 %, or a run
/// did not go.
pub async fn hosts_keep_limits(hosts: &[Arc<dyn Storage>]) {
    concurrency(hosts).await;
    rate(hosts).await;
}

async fn concurrency(hosts: &[Arc<dyn Storage>]) {
    put(hosts, FlowLimit::concurrency(SLOTS)).await;
    let runs = setting("ZAPJOBS_LIMITS_RUNS", RUNS);
    enqueue(hosts, runs).await;
    let under_way = Arc::new(AtomicUsize::new(0));
    let started = drain(hosts, &under_way).await;
    assert_eq!(started.len(), runs);
}

fn setting(name: &str, usual: usize) -> usize {
    let number = |text: String| text.parse().unwrap_or_else(|_| panic!("{name} must be a number"));
    std::env::var(name).map_or(usual, number)
}

async fn enqueue(hosts: &[Arc<dyn Storage>], runs: usize) {
    for first in (0..runs).step_by(BATCH) {
        let batch = some_runs("mail", BATCH.min(runs - first));
        hosts[0].enqueue(&batch).await.expect("stored");
    }
}

async fn rate(hosts: &[Arc<dyn Storage>]) {
    let seconds = setting("ZAPJOBS_LIMITS_SECONDS", SECONDS);
    let rate = Rate::new(RATE, Duration::from_secs(1));
    put(hosts, FlowLimit { concurrency: Some(SLOTS), ..FlowLimit::rate(rate) }).await;
    let runs = RATE as usize * seconds;
    enqueue(hosts, runs).await;
    let began = hosts[0].now().await.expect("the time");
    let started = drain(hosts, &Arc::default()).await;
    assert_eq!(started.len(), runs);
    let last = started.last().expect("some started");
    // The burst at once, and each other in its hundredth of a second: no run too early.
    let evenly = (runs - RATE as usize / 10) as f64 / f64::from(RATE);
    let took = last.since(began).as_secs_f64();
    assert!(took >= 0.98 * evenly, "{runs} runs began within {took} s, {evenly} s are allowed");
    let is_reached = seconds < SECONDS_LONG || took <= 1.02 * evenly;
    assert!(is_reached, "{runs} runs began within {took} s, {evenly} s are enough");
}

async fn put(hosts: &[Arc<dyn Storage>], limit: FlowLimit) {
    let change = LimitChange::set(limit);
    hosts[0].change_limit(&LimitScope::Everything, change).await.expect("the limit is put");
}

/// Admits, claims and completes on all hosts until nothing is left. Answers when runs started.
async fn drain(hosts: &[Arc<dyn Storage>], under_way: &Arc<AtomicUsize>) -> Vec<Timestamp> {
    let tasks: Vec<_> = (0..)
        .zip(hosts)
        .map(|(number, host)| tokio::spawn(work(number, Arc::clone(host), Arc::clone(under_way))))
        .collect();
    let mut started = Vec::new();
    for task in tasks {
        started.extend(task.await.expect("no limit was exceeded"));
    }
    started.sort();
    started
}

async fn work(number: u64, host: Arc<dyn Storage>, under_way: Arc<AtomicUsize>) -> Vec<Timestamp> {
    let mut started = Vec::new();
    loop {
        let request = AdmitRequest { queues: QueueSelection::All, limit: 2 };
        host.admit(request).await.expect("admitted");
        let request = ClaimRequest { worker: worker(number), ..a_claim(2) };
        let claimed = host.claim(request).await.expect("claimed");
        let more = under_way.fetch_add(claimed.len(), Ordering::SeqCst) + claimed.len();
        assert!(more <= SLOTS as usize, "{more} runs are under way at a time");
        tokio::task::yield_now().await;
        under_way.fetch_sub(claimed.len(), Ordering::SeqCst);
        if claimed.is_empty() {
            let counts = host.counts(&RunFilter::default()).await.expect("counted");
            if counts.held + counts.pending + counts.running == 0 {
                return started;
            }
            continue;
        }
        let now = host.now().await.expect("the time");
        let ends: Vec<_> = claimed.iter().map(|it| end(it, completed(), now)).collect();
        host.apply(&ends).await.expect("applied");
        started.extend(claimed.iter().filter_map(|it| it.run.started_at));
    }
}

fn end(claimed: &ClaimedRun, outcome: Outcome, now: Timestamp) -> zapjobs_model::Transition {
    settle(&claimed.run, outcome, Usage::default(), now, &RetryPolicy::default(), 0.5)
}
