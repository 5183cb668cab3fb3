//! How much one process gets through the PostgreSQL storage, without a host around it.
//!
//! ```text
//! cargo run --release -p zapjobs-postgres --example postgres-throughput [URL]
//! ```
//!
//! Prints runs per second for enqueueing (batches of 1,000) and for claiming and completing
//! (batches of 100), with 1 and 4 callers, and what a claim costs with 10,000 and with
//! 1,000,000 runs waiting. Starts a private server with `fsync` on where no URL is given; the
//! schemas it makes are dropped.

#![allow(clippy::print_stdout, reason = "a benchmark tells its figures")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;
use zapjobs_model::{
    Due, JobType, Json, NewRun, Priority, QueueName, RunId, RunStatus, TenantId, Transition,
    Trigger, Usage, WorkerId,
};
use zapjobs_postgres::{PostgresOptions, PostgresStorage, drop_all};
use zapjobs_services::{Postgres, PostgresSettings};
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
    let mut server = None;
    let url = match std::env::args().nth(1) {
        Some(url) => url,
        None => server.insert(Postgres::start(PostgresSettings::default())?).url(),
    };
    for callers in [1, 4] {
        drain(&url, callers).await?;
    }
    depth(&url).await?;
    drop(server);
    Ok(())
}

async fn drain(url: &str, callers: usize) -> Result<(), Error> {
    let options = options(url);
    let storage = Arc::new(PostgresStorage::connect(options.clone()).await?);
    let began = Instant::now();
    fill(&storage, RUNS, callers).await?;
    let enqueued = began.elapsed();

    let began = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..callers {
        tasks.push(tokio::spawn(work(Arc::clone(&storage))));
    }
    let mut done = 0;
    for task in tasks {
        done += task.await??;
    }
    assert_eq!(done, RUNS, "every run is completed once");
    println!(
        "{callers} caller(s): enqueue {:>8.0}/s, claim + complete {:>8.0}/s",
        per_second(RUNS, enqueued),
        per_second(RUNS, began.elapsed()),
    );
    storage.close().await?;
    Ok(drop_all(&options).await?)
}

/// Claims and completes until nothing is left.
async fn work(storage: Arc<PostgresStorage>) -> zapjobs_storage::Result<usize> {
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

async fn depth(url: &str) -> Result<(), Error> {
    let options = options(url);
    let storage = Arc::new(PostgresStorage::connect(options.clone()).await?);
    fill(&storage, SHALLOW, 2).await?;
    let shallow = claims(&storage).await?;
    fill(&storage, DEEP - SHALLOW, 2).await?;
    let deep = claims(&storage).await?;
    println!(
        "claim of {WORK_BATCH} from all queues, median: {shallow:?} at {SHALLOW} waiting, \
         {deep:?} at {DEEP}: {:.2} times",
        deep.as_secs_f64() / shallow.as_secs_f64()
    );
    storage.close().await?;
    Ok(drop_all(&options).await?)
}

/// The median time of a claim.
async fn claims(storage: &PostgresStorage) -> Result<Duration, Error> {
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

/// A schema that is nobody else's.
fn options(url: &str) -> PostgresOptions {
    let name = Uuid::now_v7().simple().to_string();
    PostgresOptions { schema: format!("b_{}", &name[4..]), ..PostgresOptions::new(url) }
}

async fn fill(storage: &Arc<PostgresStorage>, runs: usize, callers: usize) -> Result<(), Error> {
    let mut tasks = Vec::new();
    for _ in 0..callers {
        let storage = Arc::clone(storage);
        tasks.push(tokio::spawn(async move {
            let mut left = runs / callers;
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
