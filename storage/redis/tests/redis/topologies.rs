//! Sentinels and a cluster: the same storage, found another way, and a failover.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use zapjobs_model::{Due, Json, NewRun, RunId, RunStatus, TenantId, Transition};
use zapjobs_redis::{RedisOptions, RedisStorage};
use zapjobs_services::{RedisCluster, RedisSentinels};
use zapjobs_storage::{
    ApplyResult, ClaimRequest, ErrorKind, Events as _, Notice, QueueSelection, RunFilter,
    RunQueries, RunStore, Storage as _,
};

use crate::harness::runs::{a_claim, a_run, completion};

async fn connected(url: &str, prefix: &str) -> RedisStorage {
    let options = RedisOptions::parse(url).unwrap();
    let key_prefix = prefix.to_owned();
    RedisStorage::connect(RedisOptions { key_prefix, ..options }).await.unwrap()
}

/// Submits runs, executes them and listens, as hosts do.
async fn works(url: &str, prefix: &str) {
    let (here, there) = (connected(url, prefix).await, connected(url, prefix).await);
    let mut notices = there.subscribe();
    assert_eq!(notices.next().await, Some(Notice::Resync));
    let runs: Vec<_> = (0..700).map(|_| a_run("q")).collect();
    here.enqueue(&runs).await.unwrap();
    assert_eq!(notices.next().await, Some(Notice::Ready(runs[0].queue.clone())));
    let claimed = there.claim(a_claim(1_000)).await.unwrap();
    assert_eq!(claimed.len(), 700);
    let now = there.now().await.unwrap();
    let ends: Vec<_> = claimed.iter().map(|claimed| completion(&claimed.run, now)).collect();
    assert_eq!(here.apply(&ends).await.unwrap(), [ApplyResult::Applied; 700]);
    assert_eq!(there.counts(&RunFilter::default()).await.unwrap().completed, 700);
}

#[tokio::test]
async fn sentinels_lead_to_the_master() {
    let sentinels = RedisSentinels::start().unwrap();
    works(&sentinels.url(), "zapjobs").await;
    let unknown = sentinels.url().replace("/zapjobs/", "/another/");
    let options = RedisOptions::parse(&unknown).unwrap();
    let error = RedisStorage::connect(options).await.unwrap_err();
    assert!(error.to_string().contains("check its name"), "{error}");
}

#[tokio::test]
async fn a_failover_is_followed_without_a_restart() {
    let mut sentinels = RedisSentinels::start().unwrap();
    let storage = connected(&sentinels.url(), "zapjobs").await;
    let runs: Vec<_> = (0..100).map(|_| a_run("q")).collect();
    storage.enqueue(&runs).await.unwrap();
    // What a failover may lose is what the replica had not received: here, nothing.
    sentinels.wait_for_replica().unwrap();
    sentinels.servers[0].kill().unwrap();
    let serving = async {
        loop {
            match storage.enqueue(&[a_run("q")]).await {
                Ok(_) => break,
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), serving).await.expect("the replica takes over");
    let counts = storage.counts(&RunFilter::default()).await.unwrap();
    // A submission whose answer was lost may have been stored too.
    assert!(counts.pending > 100, "{counts:?}");
    for run in &runs {
        assert!(storage.run(run.id).await.unwrap().is_some(), "an acknowledged run is lost");
    }
}

#[tokio::test]
async fn a_cluster_serves_each_prefix_from_one_slot() {
    let cluster = RedisCluster::start().unwrap();
    // Of many prefixes, some are served by each node.
    for prefix in ["zapjobs", "a", "b", "c", "d"] {
        works(&cluster.url(), prefix).await;
    }
    let alone = cluster.nodes[0].url();
    let error = RedisStorage::connect(RedisOptions::parse(&alone).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert!(error.to_string().contains("redis-cluster://"), "{error}");
}

/// Submits large runs in batches; answers which were acknowledged.
async fn submit_large(storage: &RedisStorage, batches: usize) -> Vec<RunId> {
    let mut acknowledged = Vec::new();
    let input = Json::trusted(format!("\"{}\"", "x".repeat(INPUT_BYTES)));
    for _ in 0..batches {
        let large = |_| NewRun { input: input.clone(), ..a_run("q") };
        let runs: Vec<_> = (0..20).map(large).collect();
        match storage.enqueue(&runs).await {
            Ok(_) => acknowledged.extend(runs.iter().map(|run| run.id)),
            Err(error) => assert!(error.is_retryable(), "{error}"),
        }
    }
    acknowledged
}

/// So much in each run that what a silent replica has not read soon fills all buffers between.
const INPUT_BYTES: usize = 400_000;

/// How many acknowledged runs a failover under load loses, of how many.
async fn lost_by_failover(replicas_acked: u32) -> (usize, usize) {
    let mut sentinels = RedisSentinels::start().unwrap();
    let options = RedisOptions {
        replicas_acked,
        response_timeout: Duration::from_secs(2),
        ..RedisOptions::parse(&sentinels.url()).unwrap()
    };
    let storage = RedisStorage::connect(options).await.unwrap();
    let mut acknowledged = submit_large(&storage, 3).await;
    sentinels.wait_for_replica().unwrap();
    let master = sentinels.master().unwrap();
    // The replica reads nothing for a while, as behind a slow network; then the master dies.
    sentinels.servers[1 - master].pause().unwrap();
    acknowledged.extend(submit_large(&storage, 5).await);
    sentinels.servers[master].kill().unwrap();
    sentinels.servers[1 - master].resume().unwrap();
    let serving = async {
        while let Err(error) = storage.enqueue(&[a_run("q")]).await {
            // Alone, the new master has no replica that could acknowledge.
            if error.to_string().contains("too few replicas") {
                break;
            }
            assert!(error.is_retryable(), "{error}");
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), serving).await.expect("the replica takes over");
    let mut lost = 0;
    for id in &acknowledged {
        lost += usize::from(storage.run(*id).await.unwrap().is_none());
    }
    (lost, acknowledged.len())
}

#[tokio::test]
async fn a_failover_loses_what_the_replica_had_not_received() {
    let (lost, acknowledged) = lost_by_failover(0).await;
    eprintln!("{lost} of {acknowledged} acknowledged runs are lost");
    assert_eq!(acknowledged, 8 * 20);
    assert!(lost > 0, "what the docs warn of can happen");
}

#[tokio::test]
async fn a_failover_loses_nothing_that_a_replica_acknowledged() {
    let (lost, acknowledged) = lost_by_failover(1).await;
    eprintln!("{lost} of {acknowledged} acknowledged runs are lost");
    assert!(acknowledged >= 3 * 20, "{acknowledged}");
    assert_eq!(lost, 0);
}

/// Submits and executes runs until told to stop. Answers which submissions were acknowledged,
/// and which results.
async fn work(storage: RedisStorage, stop: Arc<AtomicBool>) -> (Vec<RunId>, Vec<RunId>) {
    let (mut submitted, mut completed) = (Vec::new(), Vec::new());
    while !stop.load(Ordering::Relaxed) {
        let runs: Vec<_> = (0..20).map(|_| a_run("q")).collect();
        match storage.enqueue(&runs).await {
            Ok(_) => submitted.extend(runs.iter().map(|run| run.id)),
            Err(error) => assert!(error.is_retryable(), "{error}"),
        }
        let claimed = match storage.claim(a_claim(20)).await {
            Ok(claimed) => claimed,
            Err(error) => {
                assert!(error.is_retryable(), "{error}");
                continue;
            }
        };
        let ends: Vec<_> =
            claimed.iter().map(|claimed| completion(&claimed.run, claimed.run.due_at)).collect();
        let answers = loop {
            match storage.apply(&ends).await {
                Ok(answers) => break answers,
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
        };
        assert!(answers.iter().all(|answer| *answer == ApplyResult::Applied), "{answers:?}");
        completed.extend(ends.iter().map(|end| end.key.run));
    }
    (submitted, completed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_moves_under_load_loses_and_doubles_nothing() {
    let cluster = Arc::new(RedisCluster::start().unwrap());
    let storage = connected(&cluster.url(), "zapjobs").await;
    // Something to move, and something to do meanwhile.
    for _ in 0..5 {
        let runs: Vec<_> = (0..1_000).map(|_| a_run("q")).collect();
        storage.enqueue(&runs).await.unwrap();
    }
    fill_every_index(&cluster, &storage).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut workers = Vec::new();
    for _ in 0..3 {
        let worker = connected(&cluster.url(), "zapjobs").await;
        workers.push(tokio::spawn(work(worker, Arc::clone(&stop))));
    }
    let slot = RedisCluster::slot_of("{zapjobs}:");
    for _ in 0..2 {
        let to = (cluster.owner_of(slot).unwrap() + 1) % cluster.nodes.len();
        let cluster = Arc::clone(&cluster);
        tokio::task::spawn_blocking(move || cluster.move_slot(slot, to)).await.unwrap().unwrap();
    }
    // All go on there without having been started anew.
    let served = storage.counts(&RunFilter::default()).await.unwrap().completed;
    let going_on = async {
        while storage.counts(&RunFilter::default()).await.unwrap().completed < served + 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), going_on).await.expect("they work on");
    stop.store(true, Ordering::Relaxed);
    let (mut submitted, mut completed) = (Vec::new(), Vec::new());
    for worker in workers {
        let (more_submitted, more_completed) = worker.await.unwrap();
        submitted.extend(more_submitted);
        completed.extend(more_completed);
    }
    for id in &submitted {
        assert!(storage.run(*id).await.unwrap().is_some(), "an acknowledged run is lost");
    }
    let once: HashSet<_> = completed.iter().collect();
    assert_eq!(once.len(), completed.len(), "a run was completed twice");
    let counts = storage.counts(&RunFilter::default()).await.unwrap();
    assert_eq!(counts.completed, completed.len() as u64 + 1);
    assert_eq!(counts.running, 1, "{counts:?}");
    assert_eq!(storage.counts(&by_tenant()).await.unwrap(), counts, "each run is as counted");
}

#[tokio::test]
async fn a_run_that_has_moved_ahead_of_its_indexes_is_not_taken_for_a_broken_one() {
    let cluster = RedisCluster::start().unwrap();
    let storage = connected(&cluster.url(), "zapjobs").await;
    let runs: Vec<_> = (0..4).map(|_| a_run("q")).collect();
    storage.enqueue(&runs).await.unwrap();
    fill_every_index(&cluster, &storage).await;
    let slot = RedisCluster::slot_of("{zapjobs}:");
    let from = cluster.owner_of(slot).unwrap();
    let to = (from + 1) % cluster.nodes.len();
    assert!(cluster.begin_move(slot, to).unwrap());
    let key = [b"{zapjobs}:run:", &runs[1].id.0.as_bytes()[..]].concat();
    let mut raw = redis::Client::open(cluster.nodes[from].url()).unwrap().get_connection().unwrap();
    let mut migrate = redis::cmd("MIGRATE");
    migrate.arg("127.0.0.1").arg(cluster.nodes[to].port()).arg("").arg(0).arg(5_000);
    migrate.arg("KEYS").arg(key).exec(&mut raw).unwrap();
    let error = storage.claim(a_claim(4)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");

    cluster.move_keys(slot, to).unwrap();
    cluster.end_move(slot, to).unwrap();
    assert_eq!(storage.claim(a_claim(4)).await.unwrap().len(), 4);
    let counts = storage.counts(&RunFilter::default()).await.unwrap();
    assert_eq!((counts.running, counts.pending), (5, 0));
}

/// Makes each index exist that scripts declare: one that does not turns scripts away while the
/// slot moves, whatever else they name.
async fn fill_every_index(cluster: &RedisCluster, storage: &RedisStorage) {
    let runs: Vec<_> = (0..3).map(|_| a_run("other")).collect();
    storage.enqueue(&runs).await.unwrap();
    let queues = QueueSelection::Only(vec![runs[0].queue.clone()]);
    let claimed = storage.claim(ClaimRequest { queues, ..a_claim(3) }).await.unwrap();
    // One is completed, one fails, and one goes on.
    let now = storage.now().await.unwrap();
    let completed = completion(&claimed[0].run, now);
    let ended = completion(&claimed[1].run, now);
    let failed = Transition { status: RunStatus::Failed, output: None, ..ended };
    let answers = storage.apply(&[completed, failed]).await.unwrap();
    assert_eq!(answers, [ApplyResult::Applied; 2]);
    let delayed = |_| NewRun { due: Due::In(Duration::from_secs(3_600)), ..a_run("q") };
    let delayed: Vec<_> = (0..2).map(delayed).collect();
    storage.enqueue(&delayed).await.unwrap();
    storage.request_cancel(delayed[0].id).await.unwrap();
    let owner = cluster.owner_of(RedisCluster::slot_of("{zapjobs}:")).unwrap();
    let url = cluster.nodes[owner].url();
    let mut raw = redis::Client::open(url).unwrap().get_connection().unwrap();
    redis::cmd("HSET").arg("{zapjobs}:quarantine").arg("id").arg("why").exec(&mut raw).unwrap();
}

/// A filter that makes a storage look at each run.
fn by_tenant() -> RunFilter {
    RunFilter { tenant: Some(TenantId::standard()), ..RunFilter::default() }
}
