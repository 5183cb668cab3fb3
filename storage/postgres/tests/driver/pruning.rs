//! Pruning: in bounded pieces, whole runs only, and in nobody's way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, Executor, Row};
use zapjobs_model::{LogEntry, LogLevel, LogLine, Run, Timestamp};
use zapjobs_postgres::{PostgresOptions, PostgresStorage};
use zapjobs_storage::{
    BATCH_MAX, LogPageRequest, Logs, PruneRequest, RunFilter, RunQueries, RunStore, Storage,
};

use crate::harness;
use crate::harness::runs::{a_claim, a_run, completion};

/// Generous: what is told apart is a claim that waits for the whole pruning.
const CLAIM_MAX: Duration = Duration::from_secs(2);

/// So many completed runs.
async fn ended(storage: &PostgresStorage, count: usize) -> Vec<Run> {
    let runs: Vec<_> = (0..count).map(|_| a_run("q")).collect();
    storage.enqueue(&runs).await.unwrap();
    let claimed = storage.claim(a_claim(count)).await.unwrap();
    let now = storage.now().await.unwrap();
    let ends: Vec<_> = claimed.iter().map(|claimed| completion(&claimed.run, now)).collect();
    storage.apply(&ends).await.unwrap();
    claimed.into_iter().map(|claimed| claimed.run).collect()
}

async fn write_log(storage: &PostgresStorage, run: &Run, entries: u32) {
    let line = LogLine {
        at: Timestamp::from_micros(0),
        level: LogLevel::Info,
        category: "job".to_owned(),
        message: "a line".to_owned(),
        fields: None,
    };
    let entry = |index| LogEntry { run: run.id, lease: run.lease, index, line: line.clone() };
    let all: Vec<LogEntry> = (0..entries).map(entry).collect();
    for part in all.chunks(BATCH_MAX) {
        storage.append_logs(part).await.unwrap();
    }
}

/// Everything that ended until now.
async fn all(storage: &PostgresStorage, limit: usize) -> PruneRequest {
    let finished_before = storage.now().await.unwrap().plus(Duration::from_secs(1));
    PruneRequest { finished_before, limit }
}

async fn count(options: &PostgresOptions, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {}.{table}", options.schema);
    let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut harness::connection().await).await;
    row.unwrap().get(0)
}

#[tokio::test]
async fn long_logs_go_with_their_runs_and_leave_nothing() {
    let options = harness::options();
    let storage = harness::open(&options).await;
    let runs = ended(&storage, 5).await;
    for run in &runs {
        write_log(&storage, run, 15_000).await;
    }
    let mut pruned = 0;
    loop {
        match storage.prune(all(&storage, 10).await).await.unwrap() {
            0 => break,
            gone => pruned += gone,
        }
        let (left, logs) = (count(&options, "runs").await, count(&options, "logs").await);
        assert_eq!(logs, left * 15_000, "no run stands half there");
    }
    assert_eq!(pruned, 5);
    for table in ["runs", "inputs", "outcomes", "tags", "logs"] {
        assert_eq!(count(&options, table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn pruning_logs_gets_past_many_runs_without_a_log_and_does_not_look_at_them_again() {
    let options = harness::options();
    let storage = harness::open(&options).await;
    ended(&storage, 3_500).await;
    let last = ended(&storage, 1).await.remove(0);
    write_log(&storage, &last, 30).await;
    let request = all(&storage, 20).await;
    assert_eq!(storage.prune_logs(request).await.unwrap(), 20);
    assert_eq!(storage.prune_logs(request).await.unwrap(), 10);
    assert_eq!(storage.prune_logs(request).await.unwrap(), 0);
    let page = LogPageRequest { run: last.id, after: None, limit: 10 };
    assert_eq!(storage.log_page(page).await.unwrap().entries, []);
    let place = format!("SELECT 1 FROM {}.log_pruning WHERE id = '{}'", options.schema, last.id);
    assert_eq!(harness::execute(&place).await, 1, "the place is behind the last");
    assert_eq!(storage.counts(&RunFilter::default()).await.unwrap().completed, 3_501);
}

#[tokio::test]
async fn nobody_waits_for_a_pruning_under_way() {
    let options =
        PostgresOptions { statement_timeout: Duration::from_secs(5), ..harness::options() };
    let storage = harness::open(&options).await;
    ended(&storage, 50).await;
    storage.enqueue(&[a_run("q"), a_run("q")]).await.unwrap();
    // Locks as a pruning takes them, and keeps them.
    let mut connection = harness::connection().await;
    let mut tx = connection.begin().await.unwrap();
    let delete = format!("DELETE FROM {}.runs WHERE status = 3", options.schema);
    tx.execute(sqlx::raw_sql(AssertSqlSafe(delete))).await.unwrap();
    let run = storage.claim(a_claim(1)).await.unwrap().remove(0).run;
    storage.enqueue(&[a_run("q")]).await.unwrap();
    let end = [completion(&run, storage.now().await.unwrap())];
    storage.apply(&end).await.unwrap();
    storage.promote(10).await.unwrap();
    assert_eq!(storage.expired(10).await.unwrap(), []);
    // Another pruning passes over what is held.
    assert_eq!(storage.prune(all(&storage, 100).await).await.unwrap(), 1);
    tx.rollback().await.unwrap();
    assert_eq!(storage.prune(all(&storage, 100).await).await.unwrap(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_go_on_while_many_runs_are_pruned() {
    let options = harness::options();
    let storage = Arc::new(harness::open(&options).await);
    for _ in 0..2 {
        ended(&storage, 5_000).await;
    }
    let waiting: Vec<_> = (0..5_000).map(|_| a_run("q")).collect();
    storage.enqueue(&waiting).await.unwrap();
    let pruning = {
        let storage = Arc::clone(&storage);
        tokio::spawn(async move {
            let request = all(&storage, 1_000).await;
            let mut pruned = 0;
            loop {
                match storage.prune(request).await.unwrap() {
                    0 => return pruned,
                    gone => pruned += gone,
                }
            }
        })
    };
    let mut claimed = 0;
    while !pruning.is_finished() || claimed == 0 {
        let began = Instant::now();
        claimed += storage.claim(a_claim(10)).await.unwrap().len();
        assert!(began.elapsed() < CLAIM_MAX, "a claim waited for {:?}", began.elapsed());
    }
    assert_eq!(pruning.await.unwrap(), 10_000);
}
