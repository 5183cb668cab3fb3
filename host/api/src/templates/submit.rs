//! Runs are made of templates.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;
use zapjobs_model::{
    CorrelationId, Due, IdempotencyKey, JobRequest, ParameterValues, Priority, QueueName, Tag,
    TemplateName, Timestamp, Trigger,
};

use crate::access::Caller;
use crate::http::body::StrictJson;
use crate::http::path::Named;
use crate::http::problem::{Code, Problem, ProblemBody};
use crate::http::{prefer, trace};
use crate::runs::{SubmittedRun, request_name, submitted};
use crate::state::Api;

/// What fills a template in, and what is to be otherwise than it says.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FillWish {
    /// Values by the names of parameters.
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    params: ParameterValues,
    /// Begin it after so many milliseconds. Not together with `at`.
    in_ms: Option<u64>,
    /// Begin it at this instant. Not together with `in_ms`.
    #[schema(value_type = Option<String>)]
    at: Option<Timestamp>,
    /// The queue to wait in.
    #[schema(value_type = Option<String>)]
    queue: Option<QueueName>,
    /// How urgent it is, -1000 to 1000.
    #[schema(value_type = Option<i16>)]
    priority: Option<Priority>,
    /// How often to try it.
    max_attempts: Option<u32>,
    /// Labels beside the template's.
    #[schema(value_type = Vec<String>)]
    tags: Vec<Tag>,
    /// Texts by name, to find again.
    metadata: BTreeMap<String, String>,
    /// Ties it to something outside.
    #[schema(value_type = Option<String>)]
    correlation_id: Option<CorrelationId>,
}

/// Make a run of a template
///
/// Its parameters are filled in; what else is named is taken instead of what the template says.
/// `Idempotency-Key` and `Prefer: wait=10` are as of submitting a run.
#[utoipa::path(
    post, path = "/api/v1/templates/{name}/runs", tag = "templates", request_body = FillWish,
    params(
        ("name" = String, Path, description = "the template"),
        ("Idempotency-Key" = Option<String>, Header, description = "a name for this request"),
        ("Prefer" = Option<String>, Header, description = "wait=10 waits for the run to end"),
    ),
    responses(
        (status = 201, body = SubmittedRun), (status = 202, body = SubmittedRun),
        (status = 200, description = "another run has its key", body = SubmittedRun),
        (status = "4XX", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn submit_template(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Named(name): Named<TemplateName>,
    StrictJson(wish): StrictJson<FillWish>,
) -> Result<Response, Problem> {
    let wait = prefer::wait(&headers)?;
    let key = request_name(&headers)?.map(IdempotencyKey::new);
    let due = match (wish.in_ms, wish.at) {
        (Some(_), Some(_)) => {
            return Err(Problem::new(Code::Invalid, "in_ms and at: give one of them"));
        }
        (Some(in_ms), None) => Some(Due::In(Duration::from_millis(in_ms))),
        (None, Some(at)) => Some(Due::At(at)),
        (None, None) => None,
    };
    let request = api.client().request_of_template(caller.tenant()?, &name, wish.params).await?;
    let mut metadata = request.metadata;
    metadata.extend(wish.metadata);
    trace::keep(&headers, &mut metadata);
    let request = JobRequest {
        due: due.unwrap_or(request.due),
        trigger: Trigger::Api,
        queue: wish.queue.or(request.queue),
        priority: wish.priority.unwrap_or(request.priority),
        max_attempts: wish.max_attempts.or(request.max_attempts),
        tags: [request.tags, wish.tags].concat(),
        metadata,
        correlation_id: wish.correlation_id.or(request.correlation_id),
        idempotency_key: key,
        ..request
    };
    // Its input is none of the body's members.
    submitted(&api, request, wait, Problem::from).await
}
