//! What is known of one run.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use zapjobs_model::{Dependency, Lease, LogEntry, LogLevel, Run, RunId, Signal, Step, Wait};
use zapjobs_storage::{LogPageRequest, PAGE_MAX};

use crate::access::Caller;
use crate::http::path::Named;
use crate::http::problem::{Problem, ProblemBody};
use crate::http::query::{StrictQuery, count};
use crate::http::{cursor, etag, prefer};
use crate::schemas::{DependencyDocument, LogDocument, RunDocument, StepDocument};
use crate::state::Api;

/// Log lines on one page unless said.
const LINES_DEFAULT: u16 = 200;
const LISTING: char = 'l';

/// All that is known of a run.
#[derive(Serialize)]
struct ShownRun {
    #[serde(flatten)]
    run: Run,
    after: Vec<Dependency>,
    wait: Option<Wait>,
    signals: Vec<Signal>,
}

/// Show a run
///
/// With its whole input and output, the runs it still waits for as `after`, the sleep or signal it
/// waits for as `wait`, and signals it has not taken as `signals`. With `Prefer: wait=10`
/// the answer waits for the run to end, 60 seconds at most, and tells how it then stands.
#[utoipa::path(
    get, path = "/api/v1/runs/{id}", tag = "runs",
    params(
        ("id" = String, Path, description = "the run"),
        ("Prefer" = Option<String>, Header, description = "wait=10 waits for the run to end"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag of an earlier answer"),
    ),
    responses(
        (status = 200, body = RunDocument), (status = 304, description = "it is as it was"),
        (status = 404, body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn show_run(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Named(id): Named<RunId>,
) -> Result<Response, Problem> {
    let mut run = api.run(&caller, id).await?;
    let mut applied = None;
    if let Some(wait) = prefer::wait(&headers)?
        && let Some((ended, header)) = prefer::ended(&api, id, wait).await?
    {
        run = ended;
        applied = Some(header);
    }
    let after = api.storage().dependencies(id).await?;
    let wait = api.storage().wait_of(id).await?;
    let signals = api.storage().signals(id).await?;
    let mut response = etag::tagged(&headers, &ShownRun { run, after, wait, signals })?;
    if let Some(applied) = applied {
        response.headers_mut().insert(prefer::APPLIED, applied);
    }
    Ok(response)
}

/// Which lines of a log.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogQuery {
    /// Lines at least so weighty: trace, debug, info, warn or error.
    #[param(value_type = Option<String>)]
    level: Option<LogLevel>,
    /// Go on behind this place: `next` of the page before.
    cursor: Option<String>,
    /// Lines looked at for one page, 1 to 1,000; 200 where absent.
    limit: Option<u16>,
}

/// A page of a log, oldest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct LogLines {
    /// The lines.
    #[schema(value_type = Vec<LogDocument>)]
    entries: Vec<LogEntry>,
    /// Where to go on, also once more is written; null of an empty log.
    next: Option<String>,
    /// Whether there are more now.
    has_more: bool,
}

/// Show a run's log
///
/// Oldest first. Following a log is asking again with `next`.
#[utoipa::path(
    get, path = "/api/v1/runs/{id}/logs", tag = "runs",
    params(("id" = String, Path, description = "the run"), LogQuery),
    responses((status = 200, body = LogLines)),
)]
pub(super) async fn list_logs(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<RunId>,
    StrictQuery(query): StrictQuery<LogQuery>,
) -> Result<Answer<LogLines>, Problem> {
    let limit = count("limit", query.limit, LINES_DEFAULT, PAGE_MAX)?;
    api.run(&caller, id).await?;
    let after = query.cursor.as_deref().map(place).transpose()?;
    let page = api.storage().log_page(LogPageRequest { run: id, after, limit }).await?;
    let last = page.entries.last().map(|it| (it.lease, it.index)).or(after);
    let next = last.map(|(lease, index)| cursor::write(LISTING, &format!("{}-{index}", lease.0)));
    let mut entries = page.entries;
    if let Some(level) = query.level {
        entries.retain(|entry| entry.line.level >= level);
    }
    Ok(Answer(LogLines { entries, next, has_more: page.has_more }))
}

fn place(text: &str) -> Result<(Lease, u32), Problem> {
    let place = cursor::read(LISTING, text)?;
    let (lease, index) = place.split_once('-').ok_or_else(cursor::refused)?;
    match (lease.parse(), index.parse()) {
        (Ok(lease), Ok(index)) => Ok((Lease(lease), index)),
        _ => Err(cursor::refused()),
    }
}

/// The steps of a run.
#[derive(Serialize, ToSchema)]
pub(crate) struct StepList {
    /// In the order in which they were recorded.
    #[schema(value_type = Vec<StepDocument>)]
    steps: Vec<Step>,
}

/// List a run's steps
///
/// What the run has done for good: its recorded steps.
#[utoipa::path(
    get, path = "/api/v1/runs/{id}/steps", tag = "runs",
    params(("id" = String, Path, description = "the run")),
    responses((status = 200, body = StepList)),
)]
pub(super) async fn list_steps(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<RunId>,
) -> Result<Answer<StepList>, Problem> {
    api.run(&caller, id).await?;
    Ok(Answer(StepList { steps: api.storage().steps(id).await? }))
}

/// What a run waits for.
#[derive(Serialize, ToSchema)]
pub(crate) struct DependencyList {
    /// By id.
    #[schema(value_type = Vec<DependencyDocument>)]
    after: Vec<Dependency>,
}

/// List what a run waits for
///
/// The runs that must end before it begins, as far as they have not.
#[utoipa::path(
    get, path = "/api/v1/runs/{id}/dependencies", tag = "runs",
    params(("id" = String, Path, description = "the run")),
    responses((status = 200, body = DependencyList)),
)]
pub(super) async fn list_dependencies(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<RunId>,
) -> Result<Answer<DependencyList>, Problem> {
    api.run(&caller, id).await?;
    Ok(Answer(DependencyList { after: api.storage().dependencies(id).await? }))
}
