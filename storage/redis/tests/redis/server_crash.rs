//! What a server that dies or stands still does to acknowledged writes.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use zapjobs_model::{RunId, RunStatus};
use zapjobs_redis::{RedisOptions, RedisStorage};
use zapjobs_services::{Appendfsync, Redis, RedisSettings};
use zapjobs_storage::{ApplyResult, ClaimRequest, RunFilter, RunQueries, RunStore, Storage as _};

use crate::harness::chance::Chance;
use crate::harness::runs::{a_claim, a_run, completion, lost};

const CLIENTS: usize = 4;
const CRASHES: usize = 5;
/// How much the server may lose with appendfsync everysec, as KEYS.md says.
const LOST_MAX: Duration = Duration::from_secs(2);

/// What was acknowledged, and when.
#[derive(Default)]
struct Acknowledged {
    enqueued: Vec<(RunId, Instant)>,
    completed: Vec<(RunId, Instant)>,
}

async fn connected(url: &str) -> RedisStorage {
    RedisStorage::connect(RedisOptions::parse(url).unwrap()).await.unwrap()
}

/// Submits and executes runs until the server is gone.
async fn work(storage: Arc<RedisStorage>, acknowledged: Arc<Mutex<Acknowledged>>) {
    loop {
        let runs: Vec<_> = (0..8).map(|_| a_run("q")).collect();
        if storage.enqueue(&runs).await.is_err() {
            return;
        }
        let at = Instant::now();
        acknowledged.lock().unwrap().enqueued.extend(runs.iter().map(|run| (run.id, at)));
        let Ok(claimed) = storage.claim(a_claim(8)).await else { return };
        let Ok(now) = storage.now().await else { return };
        let ends: Vec<_> = claimed.iter().map(|claimed| completion(&claimed.run, now)).collect();
        let Ok(answers) = storage.apply(&ends).await else { return };
        assert!(answers.iter().all(|answer| *answer == ApplyResult::Applied), "{answers:?}");
        let at = Instant::now();
        acknowledged.lock().unwrap().completed.extend(ends.iter().map(|end| (end.key.run, at)));
    }
}

/// Lets clients work, kills the server in the middle and starts it again. Answers what was
/// acknowledged, and when the server died.
async fn crash(server: &mut Redis, after: Duration) -> (Acknowledged, Instant) {
    let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let storage = Arc::new(connected(&server.url()).await);
        clients.push(tokio::spawn(work(storage, Arc::clone(&acknowledged))));
    }
    tokio::time::sleep(after).await;
    let died = Instant::now();
    server.kill().unwrap();
    for client in clients {
        client.await.unwrap();
    }
    server.start_again().unwrap();
    let acknowledged = Arc::into_inner(acknowledged).unwrap().into_inner().unwrap();
    (acknowledged, died)
}

/// When each write that is gone was acknowledged.
async fn missing(storage: &RedisStorage, acknowledged: &Acknowledged) -> Vec<Instant> {
    let mut missing = Vec::new();
    for (id, at) in &acknowledged.enqueued {
        if storage.run(*id).await.unwrap().is_none() {
            missing.push(*at);
        }
    }
    for (id, at) in &acknowledged.completed {
        let run = storage.run(*id).await.unwrap();
        if run.is_none_or(|run| run.status != RunStatus::Completed) {
            missing.push(*at);
        }
    }
    missing
}

async fn crashes(appendfsync: Appendfsync) -> (usize, usize, Duration) {
    let chance = Chance::printed();
    let settings = RedisSettings { appendfsync, ..RedisSettings::default() };
    let mut server = Redis::start(&settings).unwrap();
    let (mut writes, mut gone, mut oldest) = (0, 0, Duration::ZERO);
    for _ in 0..CRASHES {
        let after = Duration::from_millis(100 + chance.below(900));
        let (acknowledged, died) = crash(&mut server, after).await;
        let storage = connected(&server.url()).await;
        let missing = missing(&storage, &acknowledged).await;
        writes += acknowledged.enqueued.len() + acknowledged.completed.len();
        gone += missing.len();
        oldest = missing.iter().map(|at| died.duration_since(*at)).max().unwrap_or(oldest);
        let counts = storage.counts(&RunFilter::default()).await.unwrap();
        assert_eq!(counts.total() as usize, listed(&storage).await, "indexes and counts agree");
    }
    (writes, gone, oldest)
}

/// How many runs a listing of all finds.
async fn listed(storage: &RedisStorage) -> usize {
    let mut request = zapjobs_storage::RunPageRequest { limit: 1_000, ..Default::default() };
    let mut found = 0;
    loop {
        let page = storage.runs(request.clone()).await.unwrap();
        found += page.runs.len();
        request.after = page.next;
        if page.next.is_none() {
            return found;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_syncs_always_loses_nothing_when_it_is_killed() {
    let (writes, gone, _) = crashes(Appendfsync::Always).await;
    assert!(writes > 1_000, "{writes} writes");
    assert_eq!(gone, 0, "of {writes} acknowledged writes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_syncs_every_second_loses_no_more_than_its_last_seconds() {
    let (writes, gone, oldest) = crashes(Appendfsync::EverySecond).await;
    eprintln!("{gone} of {writes} acknowledged writes are gone, the oldest {oldest:?} before");
    assert!(writes > 1_000, "{writes} writes");
    assert!(oldest <= LOST_MAX, "{oldest:?}");
}

#[tokio::test]
async fn a_server_that_stands_still_longer_than_a_lease_lets_one_result_through() {
    let mut server = Redis::start(&RedisSettings::default()).unwrap();
    let (first, second) = (connected(&server.url()).await, connected(&server.url()).await);
    let runs: Vec<_> = (0..50).map(|_| a_run("q")).collect();
    first.enqueue(&runs).await.unwrap();
    let lease = Duration::from_millis(300);
    let claimed = first.claim(ClaimRequest { lease, ..a_claim(50) }).await.unwrap();
    let now = first.now().await.unwrap();
    server.pause().unwrap();
    tokio::time::sleep(2 * lease).await;
    server.resume().unwrap();

    let expired = second.expired(100).await.unwrap();
    assert_eq!(expired.len(), 50, "the leases ran out by the server's clock");
    let now_later = second.now().await.unwrap();
    let back: Vec<_> = expired.iter().map(|run| lost(run, now_later)).collect();
    assert_eq!(second.apply(&back).await.unwrap(), [ApplyResult::Applied; 50]);
    second.promote(100).await.unwrap();
    let again = second.claim(a_claim(50)).await.unwrap();
    assert_eq!(again.len(), 50);

    let late: Vec<_> = claimed.iter().map(|claimed| completion(&claimed.run, now)).collect();
    assert_eq!(first.apply(&late).await.unwrap(), [ApplyResult::StaleLease; 50]);
    let ends: Vec<_> = again.iter().map(|claimed| completion(&claimed.run, now_later)).collect();
    assert_eq!(second.apply(&ends).await.unwrap(), [ApplyResult::Applied; 50]);
    assert_eq!(first.counts(&RunFilter::default()).await.unwrap().completed, 50);
}
