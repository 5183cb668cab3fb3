//! Runs that have been ready for long, beside a stream of urgent ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{Bench, PATIENCE, Script, describe, request, returning, script};
use zapjobs_model::{JobRequest, Json, Outcome, Priority, RunId, RunStatus, Timestamp};
use zapjobs_runtime::HostOptions;
use zapjobs_storage::ManualClock;

const START: Timestamp = Timestamp::from_micros(1_790_000_040_000_000);
const AGING: Duration = Duration::from_secs(10);

fn with_priority(name: &str, priority: Priority) -> JobRequest {
    JobRequest { priority, ..request(name) }
}

/// Each urgent run asks for the next one before it ends, as long as some are left.
fn stream(bench: &Bench, left: &Arc<AtomicUsize>) -> Script {
    let (client, left) = (bench.client.clone(), Arc::clone(left));
    script(move |_, _, _| {
        let (client, left) = (client.clone(), Arc::clone(&left));
        async move {
            let goes_on =
                left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            if goes_on.is_ok() {
                let next = with_priority("urgent", Priority::MAX);
                client.enqueue(next).await.expect("enqueued");
            }
            Outcome::Completed(Json::null())
        }
    })
}

/// A bench where a run of the least priority became ready long ago, and urgent ones begin.
async fn bench(left: &Arc<AtomicUsize>) -> (Bench, RunId, RunId) {
    let clock = Arc::new(ManualClock::new(START));
    let bench = Bench::on_clock(clock.clone());
    bench.serve(describe("urgent"), stream(&bench, left)).await;
    bench.serve(describe("old"), returning(Json::null())).await;
    let old = bench.client.enqueue(with_priority("old", Priority::MIN)).await.expect("enqueued");
    clock.advance(AGING + Duration::from_secs(1));
    let urgent = with_priority("urgent", Priority::MAX);
    let first = bench.client.enqueue(urgent).await.expect("enqueued");
    (bench, old, first)
}

fn options(aging: Option<Duration>) -> HostOptions {
    HostOptions { concurrency: 1, aging, ..HostOptions::default() }
}

#[tokio::test]
async fn an_endless_stream_of_urgent_runs_does_not_starve_an_old_one() {
    let left = Arc::new(AtomicUsize::new(usize::MAX));
    let (bench, old, _) = bench(&left).await;
    let host = bench.host(options(Some(AGING))).await;
    let run = bench.ended(old).await;
    let goes_on = left.swap(0, Ordering::SeqCst) > 0;
    assert!(goes_on, "the stream did not end by itself");
    assert_eq!((run.status, run.priority), (RunStatus::Completed, Priority::MAX));
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn without_aging_the_stream_goes_first_until_it_ends() {
    let left = Arc::new(AtomicUsize::new(100));
    let (bench, old, first) = bench(&left).await;
    let host = bench.host(options(None)).await;
    let ended = bench.ended(old).await;
    assert_eq!(left.load(Ordering::SeqCst), 0, "it waited for the whole stream");
    assert_eq!(
        (ended.priority, bench.run(first).await.status),
        (Priority::MIN, RunStatus::Completed)
    );
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn what_is_not_old_yet_stays_as_it_is() {
    let clock = Arc::new(ManualClock::new(START));
    let bench = Bench::on_clock(clock.clone());
    bench.declare(&describe("nobodys")).await;
    let least = || with_priority("nobodys", Priority::MIN);
    let old = bench.client.enqueue(least()).await.expect("enqueued");
    clock.advance(AGING);
    let young = bench.client.enqueue(least()).await.expect("enqueued");
    clock.advance(Duration::from_secs(1));
    let host = bench.host(options(Some(AGING))).await;
    let mut notices = bench.storage.subscribe();
    let raised = async {
        while bench.run(old).await.priority != Priority::MAX {
            let _ = tokio::time::timeout(Duration::from_millis(20), notices.next()).await;
        }
    };
    tokio::time::timeout(PATIENCE, raised).await.expect("it is raised");
    assert_eq!(bench.run(young).await.priority, Priority::MIN);
    host.shutdown(PATIENCE).await;
}
