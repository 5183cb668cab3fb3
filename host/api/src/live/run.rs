//! One run, from now to its end: how it stands, how far it is, what it says.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use tokio::sync::watch;
use tokio::time::Instant;
use zapjobs_model::{Json, Lease, LogEntry, Run, RunId};
use zapjobs_storage::LogPageRequest;

use super::hub::{Hub, Place};
use super::stream::{KEEP_ALIVE, NOTHING, Source, answer, last_event};
use crate::access::Caller;
use crate::http::path::Named;
use crate::http::problem::Problem;
use crate::state::Api;

/// It is looked at this often at least, whatever hints are lost.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Log lines in one write at most.
const LINES_PER_WRITE: usize = 100;

/// Follow a run
///
/// Server-sent events: `run` is the run, without its input and output, as often as it changed;
/// `log` is a line of its log, from the first one on; `end` is the last event once it has ended.
/// Coming back with `Last-Event-ID` goes on with the lines behind. A stream ends after 15 minutes
/// at the latest.
#[utoipa::path(
    get, path = "/api/v1/runs/{id}/events", tag = "events",
    params(
        ("id" = String, Path, description = "the run"),
        ("Last-Event-ID" = Option<String>, Header, description = "the id of the last event seen"),
    ),
    responses((status = 200, description = "events", content_type = "text/event-stream", body = String)),
)]
pub(super) async fn follow_run(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Named(id): Named<RunId>,
) -> Result<Response, Problem> {
    let hub = Arc::clone(api.hub());
    // Before the first look, so that nothing falls between.
    hub.feed(api.storage());
    let (news, place) = (hub.watch(), hub.place(None));
    api.run(&caller, id).await?;
    let after = last_event(&headers).and_then(line);
    let follow =
        Follow { api: api.clone(), hub, news, place, id, after, told: None, is_over: false };
    answer(&api, follow)
}

/// The line that an id stands for.
fn line(text: &str) -> Option<(Lease, u32)> {
    let (lease, index) = text.split_once('-')?;
    Some((Lease(lease.parse().ok()?), index.parse().ok()?))
}

struct Follow {
    api: Api,
    hub: Arc<Hub>,
    news: watch::Receiver<u64>,
    place: Place,
    id: RunId,
    /// The last line that was told.
    after: Option<(Lease, u32)>,
    /// The run as it was told last.
    told: Option<String>,
    is_over: bool,
}

impl Source for Follow {
    async fn next(&mut self) -> Option<String> {
        if self.is_over {
            return None;
        }
        let silent_until = Instant::now() + KEEP_ALIVE;
        loop {
            // A storage that is away for a moment is asked again.
            match self.look().await {
                Ok(text) if text.is_empty() => {}
                Ok(text) => return Some(text),
                Err(error) => tracing::warn!("run {} is not followed now: {error}", self.id),
            }
            if Instant::now() >= silent_until {
                return Some(NOTHING.to_owned());
            }
            let look_at = Instant::now() + LOOK_EVERY;
            tokio::time::timeout_at(look_at, self.hint()).await.ok();
        }
    }
}

impl Follow {
    /// What is new.
    async fn look(&mut self) -> Result<String, zapjobs_storage::StorageError> {
        let storage = self.api.storage();
        let run = storage.run(self.id).await?;
        let request = LogPageRequest { run: self.id, after: self.after, limit: LINES_PER_WRITE };
        let page = storage.log_page(request).await?;
        let mut text = String::new();
        for entry in &page.entries {
            self.after = Some((entry.lease, entry.index));
            text.push_str(&log(entry));
        }
        let Some(run) = run else {
            self.is_over = true;
            return Ok(text + "event: end\ndata: null\n\n");
        };
        let is_final = run.status.is_final();
        let data = brief(run);
        if self.told.as_ref() != Some(&data) {
            text.push_str(&format!("event: run\ndata: {data}\n\n"));
        }
        if is_final && !page.has_more {
            self.is_over = true;
            text.push_str(&format!("event: end\ndata: {data}\n\n"));
        }
        self.told = Some(data);
        Ok(text)
    }

    /// Waits until something may have happened to the run.
    async fn hint(&mut self) {
        loop {
            self.news.borrow_and_update();
            let (concerned, place) = self.hub.concerns(self.place, self.id);
            self.place = place;
            if concerned {
                return;
            }
            if self.news.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }
}

fn log(entry: &LogEntry) -> String {
    let data = serde_json::to_string(entry).expect("lines serialise");
    format!("id: {}-{}\nevent: log\ndata: {data}\n\n", entry.lease.0, entry.index)
}

/// The run without what may be long.
fn brief(run: Run) -> String {
    let run = Run { input: Json::null(), output: None, ..run };
    serde_json::to_string(&run).expect("runs serialise")
}
