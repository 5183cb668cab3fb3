//! Pruning in pieces: what stands between two of them.

#![allow(clippy::unwrap_used, reason = "tests")]

use zapjobs_conformance::samples::{a_claim, a_run, completion};
use zapjobs_model::{Lease, LogEntry, LogLevel, LogLine, RunId, Timestamp};
use zapjobs_storage::{LogPageRequest, Logs, RunQueries, RunStore, Storage};

use super::*;
use crate::writer::WriteKind;
use crate::{SqliteOptions, SqliteStorage};

const KIND: WriteKind = WriteKind::new("prune in a test", 0);

/// A run that has ended, with a log of so many lines.
async fn ended(storage: &SqliteStorage, lines: u32) -> RunId {
    storage.enqueue(&[a_run("q")]).await.unwrap();
    let run = storage.claim(a_claim(1)).await.unwrap().remove(0).run;
    let entries: Vec<_> = (0..lines).map(|index| an_entry(run.id, index)).collect();
    storage.append_logs(&entries).await.unwrap();
    let end = completion(&run, storage.now().await.unwrap());
    storage.apply(&[end]).await.unwrap();
    run.id
}

fn an_entry(run: RunId, index: u32) -> LogEntry {
    let line = LogLine {
        at: Timestamp::from_micros(0),
        level: LogLevel::Info,
        category: "job".to_owned(),
        message: format!("line {index}"),
        fields: None,
    };
    LogEntry { run, lease: Lease(1), index, line }
}

async fn lines(storage: &SqliteStorage, run: RunId) -> Vec<u32> {
    let request = LogPageRequest { run, after: None, limit: 1_000 };
    let page = storage.log_page(request).await.unwrap();
    page.entries.iter().map(|entry| entry.index).collect()
}

async fn log_rows(storage: &SqliteStorage) -> i64 {
    const COUNT: &str = "SELECT count(*) FROM {prefix}logs";
    storage
        .read("count", |db| Ok(db.prepare(COUNT)?.query_row([], |row| row.get(0))?))
        .await
        .unwrap()
}

/// One write that may delete so many log entries.
async fn prune_piece(storage: &SqliteStorage, entries_max: usize) -> Pruned {
    let finished_before = Timestamp::from_micros(i64::MAX);
    let request = PruneRequest { finished_before, limit: 100 };
    storage.write(KIND, move |tx| prune(tx, request, entries_max)).await.unwrap()
}

#[tokio::test]
async fn a_run_with_a_long_log_goes_last_and_whole() {
    let storage = SqliteStorage::open(SqliteOptions::memory()).unwrap();
    let run = ended(&storage, 10).await;
    for left in [7, 4, 1] {
        let piece = prune_piece(&storage, 3).await;
        assert_eq!((piece.runs, piece.has_more), (0, true));
        let run = storage.run(run).await.unwrap().expect("it is there until its log is gone");
        assert!(run.output.is_some() && run.input.as_str().len() > 2, "and whole");
        assert_eq!(lines(&storage, run.id).await, Vec::from_iter(10 - left..10), "oldest first");
    }
    let piece = prune_piece(&storage, 3).await;
    assert_eq!((piece.runs, piece.has_more), (1, false));
    assert_eq!(storage.run(run).await.unwrap(), None);
    assert_eq!(log_rows(&storage).await, 0);
}

#[tokio::test]
async fn the_bound_of_log_entries_is_over_all_runs_of_a_write() {
    let storage = SqliteStorage::open(SqliteOptions::memory()).unwrap();
    for _ in 0..4 {
        ended(&storage, 2).await;
    }
    let piece = prune_piece(&storage, 5).await;
    assert_eq!((piece.runs, piece.has_more), (2, true));
    assert_eq!(log_rows(&storage).await, 3, "five entries went");
    let piece = prune_piece(&storage, 5).await;
    assert_eq!((piece.runs, piece.has_more), (2, false));
    assert_eq!(log_rows(&storage).await, 0);
}

#[tokio::test]
async fn one_call_prunes_a_log_that_takes_many_writes() {
    let storage = SqliteStorage::open(SqliteOptions::memory()).unwrap();
    let run = ended(&storage, 0).await;
    for part in 0..5 {
        let entries: Vec<_> =
            (part * 1_000..(part + 1) * 1_000).map(|index| an_entry(run, index)).collect();
        storage.append_logs(&entries).await.unwrap();
    }
    let request = PruneRequest { finished_before: Timestamp::from_micros(i64::MAX), limit: 1 };
    assert_eq!(storage.prune(request).await.unwrap(), 1);
    assert_eq!((storage.run(run).await.unwrap(), log_rows(&storage).await), (None, 0));
}

#[tokio::test]
async fn many_runs_without_a_log_hide_none_and_are_passed_once() {
    const WITHOUT: usize = 2_300;
    let storage = SqliteStorage::open(SqliteOptions::memory()).unwrap();
    let new: Vec<_> = (0..WITHOUT).map(|_| a_run("q")).collect();
    storage.enqueue(&new).await.unwrap();
    let claimed = storage.claim(a_claim(WITHOUT)).await.unwrap();
    let now = storage.now().await.unwrap();
    let ends: Vec<_> = claimed.iter().map(|claimed| completion(&claimed.run, now)).collect();
    storage.apply(&ends).await.unwrap();
    let run = ended(&storage, 4).await;
    let request = PruneRequest { finished_before: Timestamp::from_micros(i64::MAX), limit: 3 };
    assert_eq!(storage.prune_logs(request).await.unwrap(), 3, "found by one call");
    // Behind the place: it stays, as the contract says.
    let first = claimed.iter().map(|claimed| claimed.id()).min().unwrap();
    storage.append_logs(&[an_entry(first, 0)]).await.unwrap();
    assert_eq!(storage.prune_logs(request).await.unwrap(), 1);
    assert_eq!(storage.prune_logs(request).await.unwrap(), 0);
    assert_eq!((lines(&storage, first).await.len(), lines(&storage, run).await.len()), (1, 0));
}
