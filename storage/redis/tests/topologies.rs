//! Sentinels and a cluster: the same storage, found another way, and a failover.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use zapjobs_redis::{RedisOptions, RedisStorage};
use zapjobs_services::{RedisCluster, RedisSentinels};
use zapjobs_storage::{
    ApplyResult, ErrorKind, Events as _, Notice, RunFilter, RunQueries, RunStore, Storage as _,
};

mod harness;

use harness::runs::{a_claim, a_run, completion};

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
