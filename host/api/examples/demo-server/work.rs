//! Workers that only seem to work.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;
use zapjobs_model::{
    Blame, EventKind, ItemCounts, JobEvent, Json, LogEntry, LogLevel, LogLine, Outcome, Progress,
    RetryPolicy, Run, RunError, Timestamp, Usage, WorkerId, settle,
};
use zapjobs_runtime::Client;
use zapjobs_storage::{
    AdmitRequest, ClaimRequest, ProgressUpdate, QueueSelection, Storage, TenantSelection,
    WorkerRecord,
};

use crate::jobs;

/// A new run comes this often.
const TRICKLE: Duration = Duration::from_millis(1_500);
const WORKERS: u128 = 3;

/// Works off up to so many runs at once, most of them well.
pub(crate) async fn off(storage: &Arc<dyn Storage>, limit: usize) {
    let runs = claim(storage, limit).await;
    end(storage, runs).await;
}

/// A run comes, some begin, some go on, some end: for ever.
pub(crate) async fn go_on(storage: Arc<dyn Storage>) {
    let client = Client::new(Arc::clone(&storage));
    let started = storage.now().await.expect("time");
    let mut under_way = Vec::new();
    for at in 0.. {
        tokio::time::sleep(TRICKLE).await;
        signs_of_life(&storage, started, under_way.len()).await;
        client.enqueue(jobs::wish(at)).await.expect("submitted");
        storage.promote(10).await.expect("promoted");
        let wanted = AdmitRequest { queues: QueueSelection::All, limit: 4 };
        storage.admit(wanted).await.expect("admitted");
        under_way.extend(claim(&storage, 2).await);
        tell(&storage, &under_way, at).await;
        if under_way.len() > 6 {
            let ended = under_way.drain(..2).collect();
            end(&storage, ended).await;
        }
    }
}

async fn claim(storage: &Arc<dyn Storage>, limit: usize) -> Vec<Run> {
    let request = ClaimRequest {
        worker: worker(1),
        queues: QueueSelection::All,
        tenants: TenantSelection::All,
        limit,
        lease: Duration::from_secs(3_600),
    };
    let claimed = storage.claim(request).await.expect("claimed");
    let runs: Vec<Run> = claimed.into_iter().map(|claimed| claimed.run).collect();
    publish(storage, &runs, |_| EventKind::Started).await;
    runs
}

async fn end(storage: &Arc<dyn Storage>, runs: Vec<Run>) {
    let now = storage.now().await.expect("time");
    let lines = runs.iter().flat_map(|run| log(run, now));
    storage.append_logs(&lines.collect::<Vec<_>>()).await.expect("logged");
    let policy = RetryPolicy::default();
    let ends: Vec<_> = runs
        .iter()
        .map(|run| {
            let usage = Usage {
                cpu_us: chance(run, 9) * 900,
                wall_us: chance(run, 9) * 4_000,
                ..Usage::default()
            };
            settle(run, outcome(run), usage, now, &policy, 0.5)
        })
        .collect();
    storage.apply(&ends).await.expect("applied");
    let status = |at: usize| EventKind::Settled(ends[at].status);
    publish(storage, &runs, status).await;
}

/// How a run ends, by its id.
fn outcome(run: &Run) -> Outcome {
    let error = |kind: &str, text: &str| RunError::new(Blame::Guest, kind, text);
    match chance(run, 40) {
        0 => Outcome::Failed(error("bad-input", "the picture is damaged")),
        1 => Outcome::Failed(error("not-found", "order 4711 is not there")),
        2 | 3 => Outcome::Retry { error: error("connection", "no answer in 5 s"), after_ms: None },
        4 => {
            Outcome::Cancelled(RunError::new(Blame::Operator, "cancelled", "cancelled on request"))
        }
        _ => Outcome::Completed(Json::trusted(r#"{"done":true}"#)),
    }
}

fn chance(run: &Run, of: u128) -> u64 {
    u64::try_from(run.id.0.as_u128() % of).expect("small")
}

fn log(run: &Run, at: Timestamp) -> Vec<LogEntry> {
    let line = |index, level, message: &str| LogEntry {
        run: run.id,
        lease: run.lease,
        index,
        line: LogLine {
            at,
            level,
            category: run.job_type.to_string(),
            message: message.to_owned(),
            fields: Some(Json::trusted(r#"{"demo":true}"#)),
        },
    };
    vec![
        line(1_000, LogLevel::Info, "began"),
        line(1_001, LogLevel::Debug, "read the input"),
        line(1_002, LogLevel::Info, "done with it"),
    ]
}

async fn tell(storage: &Arc<dyn Storage>, runs: &[Run], at: usize) {
    let now = storage.now().await.expect("time");
    let done = u64::try_from(at % 10).expect("small");
    let updates: Vec<ProgressUpdate> = runs
        .iter()
        .map(|run| ProgressUpdate {
            key: run.lease_key(),
            progress: Some(Progress { done, total: Some(10), message: "at it".to_owned() }),
            counts: Some(ItemCounts { processed: done, succeeded: done, failed: 0 }),
        })
        .collect();
    storage.report_progress(&updates).await.expect("told");
    let lines = runs.iter().map(|run| LogEntry {
        run: run.id,
        lease: run.lease,
        index: u32::try_from(at % 1_000).expect("small"),
        line: LogLine {
            at: now,
            level: LogLevel::Info,
            category: run.job_type.to_string(),
            message: format!("item {at}"),
            fields: None,
        },
    });
    storage.append_logs(&lines.collect::<Vec<_>>()).await.expect("logged");
    publish(storage, runs, |_| EventKind::Progressed).await;
    publish(storage, runs, |_| EventKind::Logged).await;
}

async fn publish(storage: &Arc<dyn Storage>, runs: &[Run], kind: impl Fn(usize) -> EventKind) {
    let now = storage.now().await.expect("time");
    let events = runs.iter().enumerate().map(|(at, run)| JobEvent::of(run, now, kind(at)));
    storage.publish(events.collect());
}

async fn signs_of_life(storage: &Arc<dyn Storage>, started_at: Timestamp, running: usize) {
    for number in 1..=WORKERS {
        let record = WorkerRecord {
            id: worker(number),
            hostname: format!("demo-{number}"),
            pid: 1_000 + u32::try_from(number).expect("small"),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at,
            seen_at: started_at,
            queues: Vec::new(),
            concurrency: 8,
            running: if number == 1 { u32::try_from(running).expect("small") } else { 0 },
        };
        storage.heartbeat(&record).await.expect("a sign of life");
    }
}

fn worker(number: u128) -> WorkerId {
    WorkerId(Uuid::from_u128(number))
}
