//! Runs are submitted.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zapjobs_model::{JobRequest, Run, RunId};
use zapjobs_runtime::{SubmitError, Submitted};
use zapjobs_storage::{BATCH_MAX, EnqueueResult};

use super::wish::{Inputs, RunWish, requests};
use crate::access::Caller;
use crate::http::body::StrictJson;
use crate::http::problem::{Code, Problem, ProblemBody};
use crate::http::{prefer, trace};
use crate::schemas::RunDocument;
use crate::state::Api;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What became of a wish.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SubmittedRun {
    /// The run that stands for it.
    #[schema(value_type = String)]
    id: RunId,
    /// Whether that is its own: `stored`, or the one that has its key: `existing`, or `replaced`
    /// where that got what the new one brought.
    result: &'static str,
    /// The run, where the request waited for its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RunDocument>)]
    run: Option<Run>,
}

/// Many wishes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchWish {
    /// 1 to 10,000 of them.
    runs: Vec<RunWish>,
}

/// What became of many wishes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SubmittedBatch {
    /// The runs that stand for them, in their order.
    #[schema(value_type = Vec<String>)]
    ids: Vec<RunId>,
    /// What became of each: `stored`, `existing` or `replaced`.
    results: Vec<&'static str>,
}

/// Submit a run
///
/// The run is durable once this is answered. With `Prefer: wait=10` the answer waits for the run
/// to end, 60 seconds at most, and holds the run: 201 where it has ended, 202 where it goes on.
/// Repeated with the same `Idempotency-Key`, the request is answered the first run's id.
#[utoipa::path(
    post, path = "/api/v1/runs", tag = "runs", request_body = RunWish,
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "a name for this request"),
        ("Prefer" = Option<String>, Header, description = "wait=10 waits for the run to end"),
    ),
    responses(
        (status = 201, body = SubmittedRun), (status = 202, body = SubmittedRun),
        (status = 200, description = "another run has its key", body = SubmittedRun),
        (status = "4XX", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn submit_run(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    StrictJson(wish): StrictJson<RunWish>,
) -> Result<Response, Problem> {
    let wait = prefer::wait(&headers)?;
    let mut inputs = Inputs::new(&**api.storage());
    let mut request = wish.request(caller.tenant()?, request_name(&headers)?, &mut inputs).await?;
    trace::keep(&headers, &mut request.metadata);
    submitted(&api, request, wait, Problem::of_run).await
}

/// Submits a request, and waits for its run's end if that is wished.
pub(crate) async fn submitted(
    api: &Api,
    request: JobRequest,
    wait: Option<Duration>,
    refused: fn(SubmitError) -> Problem,
) -> Result<Response, Problem> {
    let submitted = api.client().submit_all(vec![request]).await.map_err(refused)?;
    let Submitted { id, result } = submitted[0];
    let mut answer = SubmittedRun { id, result: word(result), run: None };
    let mut status = match result {
        EnqueueResult::Stored => StatusCode::CREATED,
        _ => StatusCode::OK,
    };
    let mut applied = None;
    if let Some(wait) = wait
        && let Some((run, header)) = prefer::ended(api, id, wait).await?
    {
        if !run.status.is_final() {
            status = StatusCode::ACCEPTED;
        }
        answer.run = Some(run);
        applied = Some(header);
    }
    let place = HeaderValue::from_str(&format!("/api/v1/runs/{id}")).expect("an id is plain");
    let mut response = (status, [(header::LOCATION, place)], Answer(answer)).into_response();
    if let Some(applied) = applied {
        response.headers_mut().insert(prefer::APPLIED, applied);
    }
    Ok(response)
}

/// Submit many runs
///
/// All or none are stored. With `Idempotency-Key: KEY`, each run is known by `KEY#0`, `KEY#1` and
/// so on, unless it has a name of its own.
#[utoipa::path(
    post, path = "/api/v1/runs/batch", tag = "runs", request_body = BatchWish,
    params(("Idempotency-Key" = Option<String>, Header, description = "a name for this request")),
    responses((status = 201, body = SubmittedBatch)),
)]
pub(super) async fn submit_batch(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    StrictJson(batch): StrictJson<BatchWish>,
) -> Result<Response, Problem> {
    let count = batch.runs.len();
    if count == 0 || count > BATCH_MAX {
        let detail = format!("the batch has {count} runs: use 1 to {BATCH_MAX}");
        return Err(Problem::new(Code::Invalid, detail));
    }
    let name = request_name(&headers)?;
    let mut inputs = Inputs::new(&**api.storage());
    let mut requests = requests(caller.tenant()?, batch.runs, name.as_deref(), &mut inputs).await?;
    for request in &mut requests {
        trace::keep(&headers, &mut request.metadata);
    }
    let submitted = api.client().submit_all(requests).await?;
    let answer = SubmittedBatch {
        ids: submitted.iter().map(|it| it.id).collect(),
        results: submitted.iter().map(|it| word(it.result)).collect(),
    };
    Ok((StatusCode::CREATED, Answer(answer)).into_response())
}

/// What a request is called by its header.
pub(crate) fn request_name(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let text = value.to_str().map_err(|_| {
        Problem::new(Code::BadHeader, "Idempotency-Key: use 1 to 200 plain ASCII characters")
    })?;
    Ok(Some(text.to_owned()))
}

const fn word(result: EnqueueResult) -> &'static str {
    match result {
        EnqueueResult::Stored => "stored",
        EnqueueResult::Existing(_) | EnqueueResult::Duplicate => "existing",
        EnqueueResult::Replaced(_) => "replaced",
    }
}
