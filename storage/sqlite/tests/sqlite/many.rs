//! Eight processes claim from one file: each run goes to one of them.
//!
//! The test starts this very program again, as in `crash.rs`.

use std::collections::HashSet;
use std::path::Path;
use std::process::{Command, Stdio};

use zapjobs_conformance::samples::{a_claim, a_run, completion};
use zapjobs_model::RunId;
use zapjobs_sqlite::{SqliteOptions, SqliteStorage};
use zapjobs_storage::{
    ApplyResult, RunFilter, RunQueries, RunStore, Span, Statistics, StatisticsRequest, Storage,
    StorageError,
};

const CHILD_FILE: &str = "ZAPJOBS_MANY_TEST_FILE";
const PROCESSES: usize = 8;
const RUNS: usize = 20_000;
const ENQUEUED_AT_ONCE: usize = 5_000;
/// Small, so that the processes are in each other's way often.
const CLAIMED_AT_ONCE: usize = 40;

#[tokio::test]
async fn eight_processes_claim_each_run_exactly_once() {
    if let Some(file) = std::env::var_os(CHILD_FILE) {
        return work_until_empty(Path::new(&file)).await;
    }
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    let storage = SqliteStorage::open(SqliteOptions::file(&file)).unwrap();
    for _ in 0..RUNS / ENQUEUED_AT_ONCE {
        let runs: Vec<_> = (0..ENQUEUED_AT_ONCE).map(|_| a_run("q")).collect();
        storage.enqueue(&runs).await.unwrap();
    }
    let children: Vec<_> = (0..PROCESSES).map(|_| start(&file)).collect();
    let mut claimed = Vec::with_capacity(RUNS);
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        claimed.extend(claims_in(&String::from_utf8(output.stdout).unwrap()));
    }
    assert_eq!(claimed.len(), RUNS, "every run was claimed");
    assert_eq!(claimed.iter().collect::<HashSet<_>>().len(), RUNS, "and none twice");
    assert_eq!(storage.counts(&RunFilter::default()).await.unwrap().completed, RUNS as u64);
    let request = StatisticsRequest { span: Span::Total, latest: 1, tenant: None, queue: None };
    let total = storage.statistics(request).await.unwrap()[0].activity;
    let all = RUNS as u64;
    assert_eq!((total.enqueued, total.started, total.completed), (all, all, all));
}

fn start(file: &Path) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "many::eight_processes_claim_each_run_exactly_once", "--nocapture"])
        .env(CHILD_FILE, file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn claims_in(said: &str) -> Vec<RunId> {
    let ids = said.lines().filter_map(|line| line.strip_prefix("claimed "));
    ids.map(|id| id.parse().unwrap()).collect()
}

/// The child: claims and completes until nothing is left.
async fn work_until_empty(file: &Path) {
    let storage = SqliteStorage::open(SqliteOptions::file(file)).unwrap();
    let mut said = Vec::new();
    loop {
        let claimed = insist(async || storage.claim(a_claim(CLAIMED_AT_ONCE)).await).await;
        if claimed.is_empty() {
            break;
        }
        let now = storage.now().await.unwrap();
        let ends: Vec<_> = claimed.iter().map(|claimed| completion(&claimed.run, now)).collect();
        let answers = insist(async || storage.apply(&ends).await).await;
        assert!(answers.iter().all(|answer| *answer == ApplyResult::Applied), "{answers:?}");
        said.extend(claimed.iter().map(|claimed| format!("claimed {}", claimed.id())));
    }
    storage.close().await.unwrap();
    println!("\n{}", said.join("\n"));
}

/// Tries again while others write for longer than the busy timeout. What was answered busy was
/// not written.
async fn insist<T>(request: impl AsyncFn() -> Result<T, StorageError>) -> T {
    loop {
        match request().await {
            Ok(answer) => return answer,
            Err(error) => assert!(error.is_retryable(), "{error}"),
        }
    }
}
