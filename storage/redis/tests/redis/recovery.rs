//! Servers that forget scripts, restart or are not what was addressed.

use std::time::Duration;

use zapjobs_model::RunStatus;
use zapjobs_redis::{RedisOptions, RedisStorage};
use zapjobs_services::{Redis, RedisSettings};
use zapjobs_storage::{
    ApplyResult, EnqueueResult, ErrorKind, Events as _, Notice, Result, RunFilter, RunQueries,
    RunStore, Storage as _, StorageError,
};

use crate::harness::runs::{a_claim, a_run, completion};

async fn connected(url: &str) -> RedisStorage {
    RedisStorage::connect(RedisOptions::parse(url).unwrap()).await.unwrap()
}

async fn refusal(url: &str) -> StorageError {
    let options = RedisOptions::parse(url).unwrap();
    let error = RedisStorage::connect(options).await.expect_err("it must be refused");
    assert!(!error.to_string().contains('\n'), "{error}");
    error
}

/// Asks until the server serves again; bounded by the test's own patience.
async fn until_served<T>(ask: impl AsyncFn() -> Result<T>) -> T {
    let asking = async {
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asking).await.expect("it recovers")
}

#[tokio::test]
async fn scripts_that_the_server_forgot_are_sent_again() {
    let server = Redis::start(&RedisSettings::default()).unwrap();
    let storage = connected(&server.url()).await;
    let mut raw = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let mut forget = || redis::cmd("SCRIPT").arg("FLUSH").exec(&mut raw).unwrap();
    forget();
    assert_eq!(storage.enqueue(&[a_run("q")]).await.unwrap(), [EnqueueResult::Stored]);
    forget();
    let claimed = storage.claim(a_claim(1)).await.unwrap();
    forget();
    let end = completion(&claimed[0].run, storage.now().await.unwrap());
    assert_eq!(storage.apply(&[end]).await.unwrap(), [ApplyResult::Applied]);
}

#[tokio::test]
async fn a_restarted_server_is_found_again_with_all_that_it_kept() {
    let mut server = Redis::start(&RedisSettings::default()).unwrap();
    let storage = connected(&server.url()).await;
    let runs: Vec<_> = (0..100).map(|_| a_run("q")).collect();
    storage.enqueue(&runs).await.unwrap();
    let claimed = storage.claim(a_claim(10)).await.unwrap();
    server.stop().unwrap();
    let error = storage.run(runs[0].id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    server.start_again().unwrap();
    let counts = until_served(async || storage.counts(&RunFilter::default()).await).await;
    assert_eq!((counts.pending, counts.running), (90, 10));
    let now = storage.now().await.unwrap();
    let ends: Vec<_> = claimed.iter().map(|claimed| completion(&claimed.run, now)).collect();
    assert_eq!(storage.apply(&ends).await.unwrap(), [ApplyResult::Applied; 10]);
}

#[tokio::test]
async fn listeners_are_told_to_look_for_themselves_after_a_loss() {
    let mut server = Redis::start(&RedisSettings::default()).unwrap();
    let storage = connected(&server.url()).await;
    let mut notices = storage.subscribe();
    assert_eq!(notices.next().await, Some(Notice::Resync), "the channel is joined");
    server.stop().unwrap();
    server.start_again().unwrap();
    let told = tokio::time::timeout(Duration::from_secs(30), notices.next()).await;
    assert_eq!(told.expect("it is joined again"), Some(Notice::Resync));
}

#[tokio::test]
async fn other_processes_are_told_what_happened() {
    let server = Redis::start(&RedisSettings::default()).unwrap();
    let (here, there) = (connected(&server.url()).await, connected(&server.url()).await);
    let mut notices = there.subscribe();
    assert_eq!(notices.next().await, Some(Notice::Resync));
    let run = a_run("q");
    here.enqueue(std::slice::from_ref(&run)).await.unwrap();
    assert_eq!(notices.next().await, Some(Notice::Ready(run.queue.clone())));
    let claimed = here.claim(a_claim(1)).await.unwrap();
    here.request_cancel(run.id).await.unwrap();
    assert_eq!(notices.next().await, Some(Notice::CancelRequested(run.id)));
    let events = vec![zapjobs_model::JobEvent {
        at: here.now().await.unwrap(),
        tenant: run.tenant.clone(),
        run: run.id,
        job_type: run.job_type.clone(),
        queue: run.queue.clone(),
        kind: zapjobs_model::EventKind::Settled(RunStatus::Completed),
    }];
    here.publish(events.clone());
    assert_eq!(notices.next().await, Some(Notice::Events(events.into())));
    drop(claimed);
}

#[tokio::test]
async fn each_mistake_is_told_in_one_line() {
    let settings = RedisSettings { password: Some("secret".to_owned()), ..Default::default() };
    let guarded = Redis::start(&settings).unwrap();
    connected(&guarded.url()).await;
    let wrong = format!("redis://:wrong-secret@127.0.0.1:{}", guarded.port());
    let error = refusal(&wrong).await;
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert!(error.to_string().contains("login") && !error.to_string().contains("secret"));
    let error = refusal(&format!("redis://127.0.0.1:{}", guarded.port())).await;
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");

    let mut server = Redis::start(&RedisSettings::default()).unwrap();
    let port = server.port();
    let error = refusal(&format!("redis-cluster://127.0.0.1:{port}")).await;
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert!(error.to_string().contains("no node of a cluster"), "{error}");
    let error = refusal(&format!("redis+sentinel://127.0.0.1:{port}/zapjobs")).await;
    assert_ne!(error.kind(), ErrorKind::Other, "{error}");

    server.stop().unwrap();
    let error = refusal(&format!("redis://127.0.0.1:{port}")).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let server = Redis::start(&RedisSettings::default()).unwrap();
    connected(&server.url()).await;
    let mut raw = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    redis::cmd("INCR").arg("{zapjobs}:schema").exec(&mut raw).unwrap();
    assert_eq!(refusal(&server.url()).await.kind(), ErrorKind::Schema);
}

#[tokio::test]
async fn a_full_server_stores_nothing_of_a_batch() {
    let more = vec![("maxmemory".to_owned(), "100mb".to_owned())];
    let server = Redis::start(&RedisSettings { more, ..Default::default() }).unwrap();
    let storage = connected(&server.url()).await;
    storage.enqueue(&[a_run("q")]).await.unwrap();
    let mut raw = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg("1").exec(&mut raw).unwrap();
    let batch: Vec<_> = (0..10).map(|_| a_run("q")).collect();
    let error = storage.enqueue(&batch).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full, "{error}");
    assert_eq!(storage.counts(&RunFilter::default()).await.unwrap().total(), 1);
}
