//! `/health/live` and `/health/ready`: nobody is asked who they are, and little is told.
//!
//! **Invariant:** whoever asks as often as they like, the storage is asked once a second at most.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use zapjobs_storage::{RunFilter, StorageError};

use crate::queues::oldest_pending;
use crate::state::Api;

/// How long what was found holds.
const FOUND_HOLDS: Duration = Duration::from_secs(1);
/// The storage must answer within this.
const STORAGE_WITHIN: Duration = Duration::from_secs(2);
/// A worker without a sign of life for this long is taken for dead.
const WORKER_SILENT: Duration = Duration::from_secs(60);

/// What was found last.
#[derive(Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, Found)>>);

/// Whether the host is ready, and why.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Found {
    ready: bool,
    checks: Vec<Check>,
}

#[derive(Debug, Clone, Serialize)]
struct Check {
    check: &'static str,
    ok: bool,
    detail: String,
}

/// The process answers.
pub(crate) async fn live() -> Answer<serde_json::Value> {
    Answer(serde_json::json!({"live": true}))
}

/// The storage answers, and some worker is there. The age of the oldest run is told and decides
/// nothing: a host that others leave alone for it would work off nothing.
pub(crate) async fn ready(State(api): State<Api>) -> (StatusCode, Answer<Found>) {
    let mut last = api.readiness().0.lock().await;
    let found = match &*last {
        Some((at, found)) if at.elapsed() < FOUND_HOLDS => found.clone(),
        _ => {
            let found = find(&api).await;
            *last = Some((Instant::now(), found.clone()));
            found
        }
    };
    let status = if found.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Answer(found))
}

async fn find(api: &Api) -> Found {
    let checks = match timeout(STORAGE_WITHIN, look(api)).await {
        Ok(Ok(checks)) => checks,
        Ok(Err(error)) => {
            tracing::warn!("not ready: failed to {error}");
            vec![storage_check(false, "it does not answer: the log says why")]
        }
        Err(_) => vec![storage_check(false, "it does not answer within 2 s")],
    };
    Found { ready: checks.iter().all(|check| check.ok), checks }
}

fn storage_check(ok: bool, detail: &str) -> Check {
    Check { check: "storage", ok, detail: detail.to_owned() }
}

async fn look(api: &Api) -> Result<Vec<Check>, StorageError> {
    let storage = &**api.storage();
    let now = storage.now().await?;
    let workers = storage.workers().await?;
    let count = workers.iter().filter(|it| now.since(it.seen_at) < WORKER_SILENT).count();
    let oldest = oldest_pending(storage, RunFilter::default()).await?;
    let waiting = match oldest {
        None => "no run waits for a worker".to_owned(),
        Some(at) => format!("the oldest was made {} s ago", now.since(at).as_secs()),
    };
    Ok(vec![
        storage_check(true, "it answers"),
        Check { check: "workers", ok: count > 0, detail: format!("{count} gave a sign of life") },
        Check { check: "pending", ok: true, detail: waiting },
    ])
}
