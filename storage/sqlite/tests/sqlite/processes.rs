//! Several storages on one file, as several processes have them.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use zapjobs_conformance::samples::{a_claim, a_run, completion};
use zapjobs_model::RunStatus;
use zapjobs_sqlite::{SqliteOptions, SqliteStorage};
use zapjobs_storage::{
    ApplyResult, ErrorKind, Events, LeaseState, Notice, Notices, RunFilter, RunQueries, RunStore,
    Storage,
};

/// Only waited for in full by a test that fails.
const WAIT_MAX: Duration = Duration::from_secs(20);

fn open(file: &Path) -> SqliteStorage {
    SqliteStorage::open(SqliteOptions::file(file)).unwrap()
}

async fn next(notices: &mut Notices) -> Notice {
    tokio::time::timeout(WAIT_MAX, notices.next()).await.expect("a notice comes").unwrap()
}

#[tokio::test]
async fn what_one_stores_the_other_claims_once() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    let (first, second) = (open(&file), open(&file));
    let runs: Vec<_> = (0..200).map(|_| a_run("q")).collect();
    first.enqueue(&runs).await.unwrap();
    let (mine, theirs) = tokio::join!(first.claim(a_claim(150)), second.claim(a_claim(150)));
    let mut ids: Vec<_> =
        mine.unwrap().into_iter().chain(theirs.unwrap()).map(|claimed| claimed.id()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 200, "each run was claimed by one of them");
}

#[tokio::test]
async fn a_lease_is_fenced_across_storages() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    let (first, second) = (open(&file), open(&file));
    first.enqueue(&[a_run("q")]).await.unwrap();
    let run = first.claim(a_claim(1)).await.unwrap().remove(0).run;
    let end = [completion(&run, first.now().await.unwrap())];
    assert_eq!(second.apply(&end).await.unwrap(), [ApplyResult::Applied]);
    let ended = ApplyResult::WrongStatus(RunStatus::Completed);
    assert_eq!(first.apply(&end).await.unwrap(), [ended]);
}

#[tokio::test]
async fn another_ones_write_is_told_as_resync() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    let (first, second) = (open(&file), open(&file));
    let mut notices = first.subscribe();
    for _ in 0..5 {
        second.enqueue(&[a_run("q")]).await.unwrap();
        assert_eq!(next(&mut notices).await, Notice::Resync);
    }
}

#[tokio::test]
async fn another_ones_write_is_told_soon() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    let (first, second) = (open(&file), open(&file));
    let mut notices = first.subscribe();
    let mut delays = Vec::new();
    for _ in 0..21 {
        let began = Instant::now();
        second.enqueue(&[a_run("q")]).await.unwrap();
        assert_eq!(next(&mut notices).await, Notice::Resync);
        delays.push(began.elapsed());
    }
    delays.sort();
    // Ten times the poll interval: room for a machine that is busy with other tests.
    assert!(delays[10] < Duration::from_millis(100), "{delays:?}");
}

#[tokio::test]
async fn own_writes_are_never_told_as_resync() {
    let home = tempfile::tempdir().unwrap();
    let storage = open(&home.path().join("jobs.db"));
    let mut notices = storage.subscribe();
    let began = Instant::now();
    // Many groups, over several poll intervals, beyond a checkpoint's worth of pages.
    while began.elapsed() < Duration::from_millis(300) {
        let runs: Vec<_> = (0..200).map(|_| a_run("q")).collect();
        storage.enqueue(&runs).await.unwrap();
        while let Some(notice) = heard(&mut notices).await {
            assert_ne!(notice, Notice::Resync);
        }
    }
}

/// A notice that is there already.
async fn heard(notices: &mut Notices) -> Option<Notice> {
    tokio::select! {
        biased;
        notice = notices.next() => notice,
        () = std::future::ready(()) => None,
    }
}

#[tokio::test]
async fn heartbeats_outlast_another_ones_long_write() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    let busy_timeout = Duration::from_millis(500);
    let storage =
        SqliteStorage::open(SqliteOptions { busy_timeout, ..SqliteOptions::file(&file) }).unwrap();
    let storage = Arc::new(storage);
    storage.enqueue(&[a_run("q")]).await.unwrap();
    let keys = [storage.claim(a_claim(1)).await.unwrap()[0].key()];

    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (first, second) = ([a_run("q")], [a_run("q")]);
    let (first, renewed, ()) = tokio::join!(
        storage.enqueue(&first),
        storage.renew(&keys, Duration::from_secs(60)),
        async {
            // Answered after a round that the renewal has waited out too.
            let refused = storage.enqueue(&second).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Busy);
            assert!(refused.is_retryable());
            other.execute_batch("ROLLBACK").unwrap();
        },
    );
    assert_eq!(first.unwrap_err().kind(), ErrorKind::Busy);
    assert_eq!(renewed.unwrap(), [LeaseState::Held { cancel_requested: false }]);
    let total = storage.counts(&RunFilter::default()).await.unwrap().total();
    assert_eq!(total, 1, "what was answered busy was not written");
}

#[tokio::test]
async fn queries_do_not_wait_for_another_ones_write() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    let storage = open(&file);
    storage.enqueue(&[a_run("q")]).await.unwrap();
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; DELETE FROM zapjobs_runs").unwrap();
    assert_eq!(storage.counts(&RunFilter::default()).await.unwrap().total(), 1);
}

#[tokio::test]
async fn a_closed_storage_answers_closed_and_ends_its_subscriptions() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    let storage = open(&file);
    let mut notices = storage.subscribe();
    storage.close().await.unwrap();
    storage.close().await.unwrap();
    assert_eq!(notices.next().await, None);
    assert_eq!(storage.subscribe().next().await, None);
    let closed = [
        storage.now().await.map(drop),
        storage.info().await.map(drop),
        storage.enqueue(&[a_run("q")]).await.map(drop),
        storage.counts(&RunFilter::default()).await.map(drop),
    ];
    assert!(closed.into_iter().all(|answer| answer.unwrap_err().kind() == ErrorKind::Closed));
    assert!(!file.with_extension("db-wal").exists(), "the log was emptied and removed");
}
