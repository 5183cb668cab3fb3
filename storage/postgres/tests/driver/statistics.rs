//! Sums: exact whoever counts, never in anybody's way, and folded as they grow old.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};
use zapjobs_model::{Timestamp, Usage};
use zapjobs_postgres::{PostgresOptions, PostgresStorage};
use zapjobs_storage::{
    Activity, Clock, ManualClock, PruneRequest, RunStore, Span, SpanStatistics, Statistics,
    StatisticsRequest, Storage,
};

use crate::harness;
use crate::harness::runs::{a_claim, a_run, completion};
use crate::harness::work::{a_worker_claims, turn};

/// Midnight of some day in 2026.
const MIDNIGHT: Timestamp = Timestamp::from_micros(20_700 * 86_400_000_000);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

async fn read(storage: &PostgresStorage, span: Span) -> Vec<SpanStatistics> {
    let request = StatisticsRequest { span, latest: 400, tenant: None, queue: None };
    storage.statistics(request).await.unwrap()
}

async fn total(storage: &PostgresStorage) -> Activity {
    read(storage, Span::Total).await.first().map(|span| span.activity).unwrap_or_default()
}

/// Folds, and deletes nothing.
async fn fold(storage: &PostgresStorage) {
    let finished_before = Timestamp::from_micros(0);
    storage.prune(PruneRequest { finished_before, limit: 1 }).await.unwrap();
}

async fn number(sql: &str) -> i64 {
    let row = sqlx::query(AssertSqlSafe(sql.to_owned())).persistent(false);
    row.fetch_one(&mut harness::connection().await).await.unwrap().get(0)
}

#[tokio::test]
async fn folding_changes_no_sum_and_leaves_few_rows() {
    let clock = Arc::new(ManualClock::new(MIDNIGHT));
    let options = PostgresOptions { clock: Some(clock.clone()), ..harness::options() };
    let storage = harness::open(&options).await;
    let other = harness::open(&options).await;
    for _ in 0..30 {
        for (storage, queue) in [(&storage, "a"), (&other, "a"), (&other, "b")] {
            storage.enqueue(&[a_run(queue), a_run(queue)]).await.unwrap();
            turn(storage, &a_worker_claims(1, HOUR)).await.unwrap();
        }
        clock.advance(5 * HOUR);
    }
    let rows = format!("SELECT count(*) FROM {}.statistics", options.schema);
    let (days, sum) = (read(&storage, Span::Day).await, total(&storage).await);
    assert_eq!((sum.enqueued, sum.started, sum.completed), (180, 90, 90));
    let hours = read(&storage, Span::Hour).await;
    assert_eq!(hours.len(), 30);
    let before = number(&rows).await;
    fold(&storage).await;
    assert_eq!(read(&storage, Span::Hour).await, hours, "slots are merged, hours stay");
    assert_eq!(read(&storage, Span::Day).await, days);
    assert!(number(&rows).await < before, "two connections' rows are one");
    assert_eq!(number(&rows).await, 60, "one for each hour and queue");

    // The first hours are older than 14 days now, the last are not.
    clock.advance(10 * DAY);
    fold(&storage).await;
    let kept = read(&storage, Span::Hour).await;
    let oldest = clock.now().minus(14 * DAY);
    let expected: Vec<_> = hours.iter().filter(|hour| hour.from >= oldest).copied().collect();
    assert!(!expected.is_empty() && expected.len() < hours.len());
    assert_eq!(kept, expected);
    assert_eq!(read(&storage, Span::Day).await, days, "folded and unfolded hours make a day");
    assert_eq!(total(&storage).await, sum);

    // All are older than 400 days.
    clock.advance(410 * DAY);
    fold(&storage).await;
    assert_eq!(read(&storage, Span::Hour).await, []);
    assert_eq!(read(&storage, Span::Day).await, []);
    assert_eq!(total(&storage).await, sum);
    assert_eq!(number(&rows).await, 2, "one for each queue");
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_are_exact_whoever_counts_and_folds_at_the_same_time() {
    const HOSTS: usize = 6;
    const TURNS: usize = 20;
    let options = PostgresOptions { connections: 2, ..harness::options() };
    let mut hosts = Vec::new();
    for _ in 0..HOSTS {
        let storage = harness::open(&options).await;
        hosts.push(tokio::spawn(async move {
            let claim = a_worker_claims(3, HOUR);
            let mut done = 0;
            for at in 0..TURNS {
                let queue = format!("q{}", at % 3);
                storage.enqueue(&[a_run(&queue), a_run("q0"), a_run("q1")]).await.unwrap();
                done += turn(&storage, &claim).await.unwrap().len();
                fold(&storage).await;
            }
            done as u64
        }));
    }
    let mut done = 0;
    for host in hosts {
        done += host.await.unwrap();
    }
    let storage = harness::open(&options).await;
    let sum = total(&storage).await;
    assert_eq!(sum.enqueued, (HOSTS * TURNS * 3) as u64);
    assert_eq!((sum.started, sum.completed), (done, done));
}

/// A transaction that has stored a run by the function `enqueue` and stays open.
async fn enqueue_by_sql(connection: &mut PgConnection, options: &PostgresOptions) {
    let sql = format!("SELECT {}.enqueue('mail', p_queue => 'q')", options.schema);
    sqlx::query(AssertSqlSafe(sql)).execute(connection).await.unwrap();
}

async fn define_mail(options: &PostgresOptions) {
    let sql = format!(
        "INSERT INTO {}.definitions (tenant, job_type, display_name, description, queue,
            schedule, retry_max_attempts, retry_base_ms, retry_cap_ms, retry_jitter,
            tags, default_input)
        VALUES ('default', 'mail', '', '', 'q', '\"manual\"', 3, 1, 1, 0, '[]', 'null')",
        options.schema
    );
    harness::execute(&sql).await;
}

#[tokio::test]
async fn open_transactions_that_enqueue_keep_nobody_waiting() {
    let options =
        PostgresOptions { statement_timeout: Duration::from_secs(5), ..harness::options() };
    let storage = harness::open(&options).await;
    define_mail(&options).await;
    let (mut first, mut second) = (harness::connection().await, harness::connection().await);
    for connection in [&mut first, &mut second] {
        connection.execute("SET statement_timeout = '5s'").await.unwrap();
    }
    let mut one = first.begin().await.unwrap();
    enqueue_by_sql(&mut one, &options).await;
    enqueue_by_sql(&mut one, &options).await;
    let mut two = second.begin().await.unwrap();
    // None of these would end before the transactions if they shared a row.
    enqueue_by_sql(&mut two, &options).await;
    storage.enqueue(&[a_run("q")]).await.unwrap();
    let run = storage.claim(a_claim(10)).await.unwrap().remove(0).run;
    let end = [completion(&run, storage.now().await.unwrap())];
    storage.apply(&end).await.unwrap();
    fold(&storage).await;
    assert_eq!(total(&storage).await.enqueued, 1, "not before the commit");
    one.commit().await.unwrap();
    assert_eq!(total(&storage).await.enqueued, 3);
    two.rollback().await.unwrap();
    let before = total(&storage).await;
    assert_eq!(before.enqueued, 3, "what was undone does not count");
    fold(&storage).await;
    assert_eq!(total(&storage).await, before);
    let unmerged = format!("SELECT count(*) FROM {}.statistics WHERE slot >= 32", options.schema);
    assert_eq!(number(&unmerged).await, 0, "a row for each call does not stay");
}

#[tokio::test]
async fn times_beyond_all_measure_are_counted_as_the_greatest() {
    let storage = harness::open(&harness::options()).await;
    storage.enqueue(&[a_run("q"), a_run("q"), a_run("q")]).await.unwrap();
    let usage = Usage { cpu_us: u64::MAX, wall_us: u64::MAX / 2, ..Usage::default() };
    for _ in 0..3 {
        let run = storage.claim(a_claim(1)).await.unwrap().remove(0).run;
        let mut end = completion(&run, storage.now().await.unwrap());
        end.usage = usage;
        storage.apply(&[end]).await.unwrap();
    }
    let sum = total(&storage).await;
    assert_eq!(sum.completed, 3);
    assert_eq!((sum.cpu_us, sum.wall_us), (i64::MAX as u64, i64::MAX as u64));
}
