//! A process that dies at any step of a write leaves all of it or nothing.
//!
//! The test starts this program again as a child, which kills itself with SIGKILL once SQLite
//! has done so many steps of one claim or one result: one child for each number of steps, until
//! one gets through. The parent opens the file after each.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use zapjobs_conformance::samples::{a_claim, a_run, completion};
use zapjobs_model::{Outcome, RetryPolicy, Run, RunStatus, Usage, settle};
use zapjobs_storage::{
    Activity, ApplyResult, ClaimRequest, ClaimRunRequest, ClaimRunResult, RunPageRequest,
    RunQueries, RunStore, Span, Statistics, StatisticsRequest, Storage,
};

use crate::db::Db;
use crate::{SqliteOptions, SqliteStorage};

const FILE: &str = "ZAPJOBS_STEP_TEST_FILE";
const WORK: &str = "ZAPJOBS_STEP_TEST_WORK";
const STEPS: &str = "ZAPJOBS_STEP_TEST_STEPS";
/// The test that a child runs, whatever its work.
const CHILD: &str =
    "crash_tests::a_process_killed_at_any_step_of_a_claim_has_claimed_all_or_nothing";
/// Runs in the batch that is claimed, or ended.
const BATCH: usize = 3;
/// From one child to the next. No divisor of what a run costs, so that all kinds of steps are met.
const STRIDE: usize = 13;
/// Steps of one batch at most; far above what it takes.
const STEPS_MAX: u32 = 20_000;
/// Beyond all steps: dies after the commit, and before anyone is told.
const AFTER_COMMIT: u32 = u32::MAX;

/// What the child does.
#[derive(Clone, Copy)]
enum Work {
    Claim,
    Apply,
}

impl Work {
    const fn name(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Apply => "apply",
        }
    }
}

#[tokio::test]
async fn a_process_killed_at_any_step_of_a_claim_has_claimed_all_or_nothing() {
    if let Some(file) = std::env::var_os(FILE) {
        return die_at_a_step(Path::new(&file)).await;
    }
    let (_home, file) = file_with_runs().await;
    let deaths = kill_at_each_step(&file, Work::Claim, async |file| {
        let runs = runs(file).await;
        let is_done = runs[0].status == RunStatus::Running;
        let status = if is_done { RunStatus::Running } else { RunStatus::Pending };
        let times = u32::from(is_done);
        for run in runs {
            assert_eq!((run.status, run.attempt, run.lease.0), (status, times, times), "half");
            assert_eq!(run.worker.is_some(), is_done);
        }
        let started = 3 * u64::from(is_done);
        assert_eq!(total(file).await, Activity { enqueued: 3, started, ..Activity::default() });
        is_done
    })
    .await;
    assert!(deaths > 20, "{deaths} deaths");
    for run in runs(&file).await {
        assert_eq!((run.status, run.attempt, run.lease.0), (RunStatus::Running, 1, 1));
    }
    assert_eq!(total(&file).await, Activity { enqueued: 3, started: 3, ..Activity::default() });
}

#[tokio::test]
async fn a_process_killed_at_any_step_of_a_result_has_recorded_all_or_nothing() {
    let (_home, file) = file_with_runs().await;
    let storage = SqliteStorage::open(SqliteOptions::file(&file)).unwrap();
    assert_eq!(storage.claim(a_claim(BATCH)).await.unwrap().len(), BATCH);
    storage.close().await.unwrap();
    let claimed = Activity { enqueued: 3, started: 3, ..Activity::default() };
    let deaths = kill_at_each_step(&file, Work::Apply, async |file| {
        let runs = runs(file).await;
        let is_done = runs[0].status == RunStatus::Completed;
        let status = if is_done { RunStatus::Completed } else { RunStatus::Running };
        for run in runs {
            assert_eq!((run.status, run.output.is_some()), (status, is_done), "half a result");
        }
        let completed = 3 * u64::from(is_done);
        assert_eq!(total(file).await, Activity { completed, ..claimed });
        is_done
    })
    .await;
    assert!(deaths > 20, "{deaths} deaths");
    for run in runs(&file).await {
        assert_eq!(run.status, RunStatus::Completed);
        assert!(run.output.is_some() && run.finished_at.is_some());
    }
    assert_eq!(total(&file).await, Activity { completed: 3, ..claimed });
}

#[tokio::test]
async fn what_a_process_committed_and_told_nobody_is_taken_over_once() {
    let (_home, file) = file_with_runs().await;
    assert!(!child(&file, Work::Claim, AFTER_COMMIT), "it died");
    let dead = runs(&file).await;
    let storage = SqliteStorage::open(SqliteOptions::file(&file)).unwrap();
    // The dead process's leases were short and have run out.
    let lost = storage.expired(10).await.unwrap();
    assert_eq!(lost.len(), BATCH);
    let now = storage.now().await.unwrap();
    let policy = RetryPolicy { base_ms: 0, cap_ms: 0, ..RetryPolicy::default() };
    let settled: Vec<_> = lost
        .iter()
        .map(|run| settle(run, Outcome::Lost, Usage::default(), now, &policy, 0.0))
        .collect();
    assert_eq!(storage.apply(&settled).await.unwrap(), [ApplyResult::Applied; BATCH]);
    for run in &lost {
        let request = ClaimRunRequest {
            run: run.id,
            worker: a_claim(1).worker,
            lease: Duration::from_secs(60),
        };
        claimed_in_time(&storage, request).await;
    }
    let stale: Vec<_> = dead.iter().map(|run| completion(run, now)).collect();
    assert_eq!(storage.apply(&stale).await.unwrap(), [ApplyResult::StaleLease; BATCH]);
    for run in runs(&file).await {
        assert_eq!((run.status, run.lease.0), (RunStatus::Running, 2));
    }
}

/// Tries until the run's time has come.
async fn claimed_in_time(storage: &SqliteStorage, request: ClaimRunRequest) {
    const TRIES_MAX: u32 = 20_000;
    for _ in 0..TRIES_MAX {
        match storage.claim_run(request).await.unwrap() {
            ClaimRunResult::Claimed(_) => return,
            ClaimRunResult::NotDue { .. } => tokio::task::yield_now().await,
            other => panic!("{other:?}"),
        }
    }
    panic!("the run does not become due");
}

async fn file_with_runs() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    let storage = SqliteStorage::open(SqliteOptions::file(&file)).unwrap();
    let new: Vec<_> = (0..BATCH).map(|_| a_run("q")).collect();
    storage.enqueue(&new).await.unwrap();
    storage.close().await.unwrap();
    (home, file)
}

/// Starts children that die one after the other, each somewhat later than the last, until one
/// gets through, or `check` says that one died at its very last step, right after its commit.
/// Answers how many died.
async fn kill_at_each_step(file: &Path, work: Work, check: impl AsyncFn(&Path) -> bool) -> usize {
    for (deaths, steps) in (1..STEPS_MAX).step_by(STRIDE).enumerate() {
        if child(file, work, steps) {
            return deaths;
        }
        let is_done = check(file).await;
        let fault: String = Connection::open(file)
            .unwrap()
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(fault, "ok", "after {steps} steps");
        if is_done {
            return deaths + 1;
        }
    }
    panic!("no child got through");
}

/// Runs a child. Whether it got through; else it was killed.
fn child(file: &Path, work: Work, steps: u32) -> bool {
    use std::os::unix::process::ExitStatusExt;

    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--nocapture"])
        .env(FILE, file)
        .env(WORK, work.name())
        .env(STEPS, steps.to_string())
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success() || status.signal() == Some(9), "{status}");
    status.success()
}

/// The child: does its work, and dies at its step.
async fn die_at_a_step(file: &Path) {
    let steps: u32 = std::env::var(STEPS).unwrap().parse().unwrap();
    let is_claim = std::env::var(WORK).unwrap() == Work::Claim.name();
    let options = SqliteOptions::file(file);
    let mut db = Db::open_writer(&options).unwrap();
    let is_armed = Arc::new(AtomicBool::new(false));
    let (armed, mut left) = (Arc::clone(&is_armed), steps);
    let step = move || {
        if armed.load(Ordering::Relaxed) {
            left -= 1;
            if left == 0 {
                die();
            }
        }
        false
    };
    // Called at each step of SQLite's machine.
    db.conn.progress_handler(1, Some(step)).unwrap();
    let storage = SqliteStorage::on(db, options).unwrap();
    let running = storage.runs(page()).await.unwrap().runs;
    let now = storage.now().await.unwrap();
    is_armed.store(true, Ordering::Relaxed);
    if is_claim {
        let lease = Duration::from_micros(1);
        let claimed = storage.claim(ClaimRequest { lease, ..a_claim(BATCH) }).await.unwrap();
        assert_eq!(claimed.len(), BATCH);
    } else {
        let ends: Vec<_> = running.iter().map(|run| completion(run, now)).collect();
        assert_eq!(storage.apply(&ends).await.unwrap(), [ApplyResult::Applied; BATCH]);
    }
    is_armed.store(false, Ordering::Relaxed);
    if steps == AFTER_COMMIT {
        die();
    }
    storage.close().await.unwrap();
}

fn die() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}

fn page() -> RunPageRequest {
    RunPageRequest { limit: BATCH, ..RunPageRequest::default() }
}

async fn runs(file: &Path) -> Vec<Run> {
    let storage = SqliteStorage::open(SqliteOptions::file(file)).unwrap();
    let runs = storage.runs(page()).await.unwrap().runs;
    storage.close().await.unwrap();
    assert_eq!(runs.len(), BATCH);
    runs
}

/// What was counted, save for times.
async fn total(file: &Path) -> Activity {
    let storage = SqliteStorage::open(SqliteOptions::file(file)).unwrap();
    let request = StatisticsRequest { span: Span::Total, latest: 1, tenant: None, queue: None };
    let activity = storage.statistics(request).await.unwrap()[0].activity;
    storage.close().await.unwrap();
    Activity { cpu_us: 0, wall_us: 0, ..activity }
}
