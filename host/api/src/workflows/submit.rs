//! Workflows are submitted.

use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use zapjobs_model::{Condition, JobRequest, JobType, Json, Priority, QueueName, RunId, Tag};
use zapjobs_runtime::Workflow;

use crate::access::Caller;
use crate::http::body::StrictJson;
use crate::http::problem::{Code, Problem};
use crate::runs::Inputs;
use crate::state::Api;

/// A workflow, as `zapjobs workflow run` reads it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorkflowWish {
    /// What it is called; may be absent.
    #[serde(default)]
    name: String,
    /// Its nodes.
    nodes: Vec<NodeWish>,
}

/// A node of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NodeWish {
    /// What it is called.
    name: String,
    /// Which job it runs.
    #[serde(alias = "job")]
    #[schema(value_type = String, example = "send-mail")]
    job_type: JobType,
    /// What the job is given. Where it holds `{"$output": "NODE"}`, what that node returned takes
    /// its place.
    #[schema(value_type = Option<Object>)]
    input: Option<Json>,
    /// What it follows: names of nodes, each with `:success`, `:failure` or `:always` behind it or
    /// nothing, which is success.
    #[serde(default)]
    after: Vec<String>,
    /// The queue to wait in.
    #[schema(value_type = Option<String>)]
    queue: Option<QueueName>,
    /// How urgent it is, -1000 to 1000.
    #[serde(default)]
    #[schema(value_type = i16)]
    priority: Priority,
    /// How often to try it.
    max_attempts: Option<u32>,
    /// Labels.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    tags: Vec<Tag>,
}

/// A workflow that is stored.
#[derive(Serialize, ToSchema)]
pub(crate) struct SubmittedWorkflow {
    /// Its id.
    #[schema(value_type = String)]
    id: Uuid,
    /// Its runs by the names of their nodes.
    #[schema(value_type = BTreeMap<String, String>)]
    runs: BTreeMap<String, RunId>,
}

/// Submit a workflow
///
/// All of its runs are stored, or none.
#[utoipa::path(
    post, path = "/api/v1/workflows", tag = "workflows", request_body = WorkflowWish,
    responses((status = 201, body = SubmittedWorkflow)),
)]
pub(super) async fn submit_workflow(
    State(api): State<Api>,
    caller: Caller,
    StrictJson(wish): StrictJson<WorkflowWish>,
) -> Result<Response, Problem> {
    let tenant = caller.tenant()?;
    let mut inputs = Inputs::new(&**api.storage());
    let mut workflow = Workflow::new(wish.name);
    for node in wish.nodes {
        let input = match node.input {
            Some(input) => input,
            None => inputs.of(tenant, &node.job_type).await?,
        };
        let request = JobRequest {
            queue: node.queue,
            priority: node.priority,
            max_attempts: node.max_attempts,
            tags: node.tags,
            ..JobRequest::new(tenant.clone(), node.job_type, input)
        };
        workflow = workflow.node(node.name.clone(), request);
        for text in &node.after {
            let (followed, on) = followed(&node.name, text)?;
            workflow = workflow.after(followed, on);
        }
    }
    let started = api.client().start_workflow(workflow).await?;
    let place = format!("/api/v1/workflows/{}", started.id);
    let place = HeaderValue::from_str(&place).expect("an id is plain");
    let answer = SubmittedWorkflow { id: started.id, runs: started.runs };
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Answer(answer)).into_response())
}

fn followed(node: &str, text: &str) -> Result<(String, Condition), Problem> {
    let Some((name, on)) = text.split_once(':') else {
        return Ok((text.to_owned(), Condition::Success));
    };
    let on = on.parse().map_err(|error| {
        Problem::new(Code::Invalid, format!("node {node:?}, after {text:?}: {error}"))
    })?;
    Ok((name.to_owned(), on))
}
