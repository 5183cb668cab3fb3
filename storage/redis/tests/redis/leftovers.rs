//! What earlier attempts and earlier prunings leave behind.

use std::sync::Arc;
use std::time::Duration;

use zapjobs_model::{
    Json, Lease, LogEntry, LogLevel, LogLine, NewRun, RunId, RunStatus, Timestamp, Transition,
};
use zapjobs_redis::{RedisOptions, RedisStorage};
use zapjobs_storage::{
    ApplyResult, Clock as _, LogPageRequest, Logs, ManualClock, PruneRequest, RunQueries, RunStore,
};

use crate::harness::runs::{a_claim, a_run, completion};

const HOUR: Duration = Duration::from_secs(3_600);

async fn fresh() -> (RedisStorage, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_790_000_000_000_000)));
    let options = RedisOptions { clock: Some(clock.clone()), ..crate::harness::options() };
    (RedisStorage::connect(options).await.unwrap(), clock)
}

/// Enqueues, claims and completes a run now.
async fn ended(storage: &RedisStorage, clock: &ManualClock, run: NewRun) -> RunId {
    let id = run.id;
    storage.enqueue(&[run]).await.unwrap();
    let claimed = storage.claim(a_claim(1)).await.unwrap();
    let end = completion(&claimed[0].run, clock.now());
    assert_eq!(storage.apply(&[end]).await.unwrap(), [ApplyResult::Applied]);
    id
}

async fn log(storage: &RedisStorage, clock: &ManualClock, run: RunId) {
    let line = LogLine {
        at: clock.now(),
        level: LogLevel::Info,
        category: "zapjobs".to_owned(),
        message: "a line".to_owned(),
        fields: None,
    };
    storage.append_logs(&[LogEntry { run, lease: Lease(1), index: 0, line }]).await.unwrap();
}

async fn lines(storage: &RedisStorage, run: RunId) -> usize {
    let request = LogPageRequest { run, after: None, limit: 10 };
    storage.log_page(request).await.unwrap().entries.len()
}

async fn prune_all(storage: &RedisStorage, clock: &ManualClock) -> usize {
    let finished_before = clock.now().plus(Duration::from_secs(1));
    storage.prune_logs(PruneRequest { finished_before, limit: 100 }).await.unwrap()
}

#[tokio::test]
async fn an_output_of_an_earlier_attempt_ends_with_the_next() {
    let (storage, clock) = fresh().await;
    let run = a_run("q");
    storage.enqueue(std::slice::from_ref(&run)).await.unwrap();
    let claimed = storage.claim(a_claim(1)).await.unwrap();
    let back = Transition {
        status: RunStatus::Pending,
        due_at: Some(clock.now()),
        output: Some(Json::trusted("\"half\"")),
        ..completion(&claimed[0].run, clock.now())
    };
    storage.apply(&[back]).await.unwrap();
    let claimed = storage.claim(a_claim(1)).await.unwrap();
    assert_eq!(claimed[0].run.output, Some(Json::trusted("\"half\"")));
    let without = Transition { output: None, ..completion(&claimed[0].run, clock.now()) };
    storage.apply(&[without]).await.unwrap();
    assert_eq!(storage.run(run.id).await.unwrap().unwrap().output, None);
}

#[tokio::test]
async fn a_log_that_comes_after_a_pruning_passed_its_run_is_pruned_too() {
    let (storage, clock) = fresh().await;
    let (silent, other) =
        (ended(&storage, &clock, a_run("q")).await, ended(&storage, &clock, a_run("q")).await);
    clock.advance(2 * HOUR);
    assert_eq!(prune_all(&storage, &clock).await, 0);
    log(&storage, &clock, silent).await;
    assert_eq!(prune_all(&storage, &clock).await, 1);
    assert_eq!((lines(&storage, silent).await, lines(&storage, other).await), (0, 0));
}

#[tokio::test]
async fn a_run_that_ends_before_the_place_of_a_pruning_without_logs_is_pruned_too() {
    let (storage, clock) = fresh().await;
    let earlier = a_run("q");
    storage.enqueue(std::slice::from_ref(&earlier)).await.unwrap();
    let claimed = storage.claim(a_claim(1)).await.unwrap();
    log(&storage, &clock, earlier.id).await;
    ended(&storage, &clock, a_run("q")).await;
    assert_eq!(prune_all(&storage, &clock).await, 0, "it is running");
    // At the same instant as the other, and its id is less.
    storage.apply(&[completion(&claimed[0].run, clock.now())]).await.unwrap();
    assert_eq!(prune_all(&storage, &clock).await, 1);
    assert_eq!(lines(&storage, earlier.id).await, 0);
}

#[tokio::test]
async fn pruning_finds_a_log_behind_many_runs_without() {
    let (storage, clock) = fresh().await;
    let runs: Vec<_> = (0..700).map(|_| a_run("q")).collect();
    storage.enqueue(&runs).await.unwrap();
    let claimed = storage.claim(a_claim(700)).await.unwrap();
    let ends: Vec<_> =
        claimed.iter().map(|claimed| completion(&claimed.run, clock.now())).collect();
    storage.apply(&ends).await.unwrap();
    log(&storage, &clock, runs[699].id).await;
    assert_eq!(prune_all(&storage, &clock).await, 1);
    assert_eq!(prune_all(&storage, &clock).await, 0);
}
