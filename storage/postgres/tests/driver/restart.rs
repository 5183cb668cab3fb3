//! The server goes away and comes back: the storage works again with no step by hand.

use std::time::{Duration, Instant};

use zapjobs_postgres::{PostgresOptions, PostgresStorage};
use zapjobs_services::{Postgres, PostgresSettings};
use zapjobs_storage::{ApplyResult, ErrorKind, Events, Notice, RunQueries, RunStore, Storage};

use crate::harness::runs::{a_claim, a_run, completion};

const WAIT_MAX: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_server_is_found_again() {
    let mut server = Postgres::start(PostgresSettings::default()).expect("a server starts");
    let options = PostgresOptions {
        connect_timeout: Duration::from_secs(5),
        ..PostgresOptions::new(server.url())
    };
    let storage = PostgresStorage::connect(options).await.unwrap();
    let mut notices = storage.subscribe();
    assert_eq!(next(&mut notices).await, Notice::Resync);
    let first = a_run("q");
    storage.enqueue(std::slice::from_ref(&first)).await.unwrap();
    let run = storage.claim(a_claim(1)).await.unwrap().remove(0).run;

    server.stop().unwrap();
    let error = storage.enqueue(&[a_run("q")]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.is_retryable());
    server.start_again().unwrap();

    let began = Instant::now();
    // One operation may meet a connection that it does not know to be dead.
    while let Err(error) = storage.run(first.id).await {
        assert!(error.is_retryable() && began.elapsed() < WAIT_MAX, "{error}");
    }
    assert!(storage.run(first.id).await.unwrap().is_some(), "acknowledged, and so kept");
    let end = [completion(&run, storage.now().await.unwrap())];
    assert_eq!(storage.apply(&end).await.unwrap(), [ApplyResult::Applied]);
    // It listens again, and says that something may have been missed.
    while next(&mut notices).await != Notice::Resync {}
    storage.close().await.unwrap();
}

async fn next(notices: &mut zapjobs_storage::Notices) -> Notice {
    tokio::time::timeout(WAIT_MAX, notices.next()).await.expect("it is told").unwrap()
}
