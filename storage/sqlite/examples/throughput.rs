//! How much one process gets through the SQLite storage, without a host around it.
//!
//! ```text
//! cargo run --release -p zapjobs-sqlite --example sqlite-throughput [directory]
//! ```
//!
//! Prints runs per second for enqueueing (batches of 1,000) and for claiming and completing
//! (batches of 100), with `synchronous` NORMAL and FULL, and what a claim costs with 10,000
//! and with 1,000,000 runs waiting. The database is made in the directory, or a temporary one.

#![allow(clippy::print_stdout, reason = "a benchmark tells its figures")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;
use zapjobs_model::{
    Due, JobType, Json, NewRun, Priority, QueueName, RunId, RunStatus, TenantId, Transition,
    Trigger, Usage, WorkerId,
};
use zapjobs_sqlite::{SqliteOptions, SqliteStorage, Synchronous};
use zapjobs_storage::{ClaimRequest, ClaimedRun, QueueSelection, RunStore, Storage};

type Error = Box<dyn std::error::Error>;

const RUNS: usize = 100_000;
const ENQUEUE_BATCH: usize = 1_000;
const WORK_BATCH: usize = 100;
const SHALLOW: usize = 10_000;
const DEEP: usize = 1_000_000;
const CLAIMS_TIMED: usize = 50;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let temporary = tempfile::tempdir()?;
    let directory = std::env::args_os().nth(1).map_or(temporary.path().into(), PathBuf::from);
    for synchronous in [Synchronous::Normal, Synchronous::Full] {
        for workers in [1, 4] {
            let file = directory.join(format!("drain-{synchronous:?}-{workers}.db"));
            drain(&file, synchronous, workers).await?;
        }
    }
    depth(&directory.join("depth.db")).await
}

async fn drain(file: &Path, synchronous: Synchronous, workers: usize) -> Result<(), Error> {
    let storage = Arc::new(open(file, synchronous)?);
    let began = Instant::now();
    fill(&storage, RUNS).await?;
    let enqueued = began.elapsed();

    let began = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..workers {
        tasks.push(tokio::spawn(work(Arc::clone(&storage))));
    }
    let mut done = 0;
    for task in tasks {
        done += task.await??;
    }
    assert_eq!(done, RUNS, "every run is completed once");
    println!(
        "{synchronous:?}, {workers} caller(s): enqueue {:>8.0}/s, claim + complete {:>8.0}/s",
        per_second(RUNS, enqueued),
        per_second(RUNS, began.elapsed()),
    );
    storage.close().await?;
    Ok(())
}

/// Claims and completes until nothing is left.
async fn work(storage: Arc<SqliteStorage>) -> zapjobs_storage::Result<usize> {
    let mut done = 0;
    loop {
        let claimed = storage.claim(request(WORK_BATCH)).await?;
        if claimed.is_empty() {
            return Ok(done);
        }
        let now = storage.now().await?;
        let transitions: Vec<Transition> =
            claimed.iter().map(|claimed| completion(claimed, now)).collect();
        storage.apply(&transitions).await?;
        done += claimed.len();
    }
}

async fn depth(file: &Path) -> Result<(), Error> {
    let storage = Arc::new(open(file, Synchronous::Normal)?);
    fill(&storage, SHALLOW).await?;
    let shallow = claims(&storage).await?;
    fill(&storage, DEEP - SHALLOW).await?;
    let deep = claims(&storage).await?;
    println!(
        "claim of {WORK_BATCH} from all queues, median: {shallow:?} at {SHALLOW} waiting, \
         {deep:?} at {DEEP}: {:.2} times",
        deep.as_secs_f64() / shallow.as_secs_f64()
    );
    storage.close().await?;
    Ok(())
}

/// The median time of a claim.
async fn claims(storage: &SqliteStorage) -> Result<Duration, Error> {
    let mut times = Vec::new();
    for _ in 0..CLAIMS_TIMED {
        let began = Instant::now();
        // Less than all, so that the shallow line does not run dry.
        let claimed = storage.claim(request(WORK_BATCH)).await?;
        times.push(began.elapsed());
        assert_eq!(claimed.len(), WORK_BATCH, "enough runs wait");
    }
    times.sort();
    Ok(times[times.len() / 2])
}

fn open(file: &Path, synchronous: Synchronous) -> Result<SqliteStorage, Error> {
    Ok(SqliteStorage::open(SqliteOptions { synchronous, ..SqliteOptions::file(file) })?)
}

async fn fill(storage: &Arc<SqliteStorage>, runs: usize) -> Result<(), Error> {
    // Two callers, so that one batch is made while another is written.
    let mut tasks = Vec::new();
    for half in [runs / 2, runs - runs / 2] {
        let storage = Arc::clone(storage);
        tasks.push(tokio::spawn(async move {
            let mut left = half;
            while left > 0 {
                let batch: Vec<NewRun> = (0..left.min(ENQUEUE_BATCH)).map(|_| a_run()).collect();
                left -= batch.len();
                storage.enqueue(&batch).await?;
            }
            Ok::<_, zapjobs_storage::StorageError>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(())
}

fn a_run() -> NewRun {
    NewRun {
        id: RunId(Uuid::now_v7()),
        tenant: TenantId::standard(),
        job_type: JobType::new("thumbnail").expect("a valid name"),
        queue: QueueName::standard(),
        priority: Priority::default(),
        trigger: Trigger::Api,
        input: Json::trusted(r#"{"path":"/in/picture-000001.png","width":320,"height":200}"#),
        due: Due::Now,
        deadline: None,
        max_attempts: 3,
        correlation_id: None,
        parent: None,
        tags: Vec::new(),
        metadata: Default::default(),
    }
}

fn request(limit: usize) -> ClaimRequest {
    ClaimRequest {
        worker: WorkerId(Uuid::nil()),
        queues: QueueSelection::All,
        limit,
        lease: Duration::from_secs(30),
    }
}

fn completion(claimed: &ClaimedRun, now: zapjobs_model::Timestamp) -> Transition {
    Transition {
        key: claimed.key(),
        at: now,
        status: RunStatus::Completed,
        due_at: None,
        output: Some(Json::trusted(r#"{"bytes":4096}"#)),
        error: None,
        attempt: claimed.run.attempt,
        host_faults: 0,
        usage: Usage { cpu_us: 150, wall_us: 900, ..Usage::default() },
        digest: None,
    }
}

fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}
