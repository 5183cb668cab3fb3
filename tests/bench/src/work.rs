//! Runs, and what a host does with them, without a host around it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use uuid::Uuid;
use zapjobs_model::{
    Due, JobType, Json, LeaseKey, LogEntry, LogLevel, LogLine, NewRun, Priority, QueueName, RunId,
    RunStatus, TenantId, Timestamp, Transition, Trigger, Usage, WorkerId,
};
use zapjobs_storage::{ClaimRequest, ClaimedRun, QueueSelection, Storage, TenantSelection};

/// Runs in one call of a bulk enqueue.
pub(crate) const BULK: usize = 1_000;

/// A run with an input as jobs have it.
pub(crate) fn a_run() -> NewRun {
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
        after: Vec::new(),
        limit_key: None,
        unique: None,
        idempotency: None,
        batch: None,
    }
}

/// A worker's wish.
pub(crate) fn claim(limit: usize) -> ClaimRequest {
    ClaimRequest {
        worker: WorkerId(Uuid::nil()),
        queues: QueueSelection::All,
        tenants: TenantSelection::All,
        limit,
        lease: Duration::from_secs(60),
    }
}

/// The attempts end well.
pub(crate) fn completions(claimed: &[ClaimedRun], at: Timestamp) -> Vec<Transition> {
    let completion = |claimed: &ClaimedRun| Transition {
        key: claimed.key(),
        at,
        status: RunStatus::Completed,
        due_at: None,
        output: Some(Json::trusted(r#"{"bytes":4096}"#)),
        error: None,
        attempt: claimed.run.attempt,
        host_faults: 0,
        usage: Usage { cpu_us: 150, wall_us: 900, ..Usage::default() },
        digest: None,
    };
    claimed.iter().map(completion).collect()
}

/// What an attempt says.
pub(crate) fn log(
    claimed: &ClaimedRun,
    entries: u32,
    at: Timestamp,
) -> impl Iterator<Item = LogEntry> {
    let LeaseKey { run, lease } = claimed.key();
    (0..entries).map(move |index| LogEntry {
        run,
        lease,
        index,
        line: LogLine {
            at,
            level: LogLevel::Info,
            category: "thumbnail".to_owned(),
            message: format!("picture {index} of many is done, and nothing went wrong with it"),
            fields: None,
        },
    })
}

/// Stores so many runs, in bulk, by so many callers at once.
pub(crate) async fn fill(storage: &Arc<dyn Storage>, runs: usize, callers: usize) -> Result<()> {
    let mut tasks = Vec::new();
    for caller in 0..callers {
        let storage = Arc::clone(storage);
        let mut left = runs / callers + usize::from(caller < runs % callers);
        tasks.push(tokio::spawn(async move {
            while left > 0 {
                let batch: Vec<NewRun> = (0..left.min(BULK)).map(|_| a_run()).collect();
                left -= batch.len();
                storage.enqueue(&batch).await?;
            }
            anyhow::Ok(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(())
}

/// Claims and completes until nothing is left. Answers how many.
pub(crate) async fn drain(storage: Arc<dyn Storage>, batch: usize) -> Result<usize> {
    let mut done = 0;
    loop {
        let claimed = storage.claim(claim(batch)).await?;
        if claimed.is_empty() {
            return Ok(done);
        }
        let now = storage.now().await?;
        storage.apply(&completions(&claimed, now)).await?;
        done += claimed.len();
    }
}

/// The value below which this share of ascending values lies.
pub(crate) fn percentile(ascending: &[f64], share: f64) -> f64 {
    let last = ascending.len().saturating_sub(1);
    let index = (last as f64 * share).round() as usize;
    ascending.get(index).copied().unwrap_or(f64::NAN)
}
