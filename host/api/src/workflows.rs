//! Workflows: runs with names that follow each other.

use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;
use zapjobs_model::{
    Condition, JobRequest, JobType, Json, Priority, QueueName, Run, RunId, RunStatus, Tag,
};
use zapjobs_runtime::{AFTER_KEY, NAME_KEY, NODE_KEY, Workflow, workflow_tag};
use zapjobs_storage::{CancelResult, Counts, PAGE_MAX, RunFilter, RunPageRequest};

use crate::access::{Caller, Group, Reach, Scope};
use crate::http::body::StrictJson;
use crate::http::path::Named;
use crate::http::problem::{Code, Problem};
use crate::runs::Inputs;
use crate::schemas::CountsDocument;
use crate::state::Api;

/// What has not ended, those first that wait for others: they are then called off, not skipped.
const NOT_ENDED: [&[RunStatus]; 2] = [
    &[RunStatus::Held],
    &[RunStatus::Pending, RunStatus::Scheduled, RunStatus::AwaitingRetry, RunStatus::Running],
];

pub(crate) fn routes(api: &Api) -> OpenApiRouter<Api> {
    let read = Group::new(api, Scope::Read, Reach::Tenant).with(routes!(show_workflow));
    let enqueue = Group::new(api, Scope::Enqueue, Reach::Tenant).with(routes!(submit_workflow));
    let operate = Group::new(api, Scope::Operate, Reach::Tenant).with(routes!(cancel_workflow));
    read.build().merge(enqueue.build()).merge(operate.build())
}

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
    #[schema(value_type = String)]
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
async fn submit_workflow(
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

/// A workflow as a graph.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShownWorkflow {
    /// Its id.
    #[schema(value_type = String)]
    id: Uuid,
    /// What it is called.
    name: String,
    /// How many of its runs stand where.
    #[schema(value_type = CountsDocument)]
    counts: Counts,
    /// Its nodes, in their order.
    nodes: Vec<ShownNode>,
    /// What follows what.
    edges: Vec<Edge>,
}

/// A node of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShownNode {
    /// What it is called.
    name: String,
    /// Its run.
    #[schema(value_type = String)]
    run: RunId,
    /// Which job it runs.
    #[schema(value_type = String)]
    job_type: JobType,
    /// Where the run stands.
    #[schema(value_type = String)]
    status: RunStatus,
    /// What the run's error says.
    error: Option<String>,
}

/// A node that follows another.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Edge {
    /// Which must end.
    from: String,
    /// Which follows.
    to: String,
    /// How the first must end.
    #[schema(value_type = String)]
    on: Condition,
}

/// Show a workflow
///
/// Its nodes with how they stand, and what follows what.
#[utoipa::path(
    get, path = "/api/v1/workflows/{id}", tag = "workflows",
    params(("id" = String, Path, description = "the workflow")),
    responses((status = 200, body = ShownWorkflow)),
)]
async fn show_workflow(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<Uuid>,
) -> Result<Answer<ShownWorkflow>, Problem> {
    let runs = runs_of(&api, &caller, id, &[]).await?;
    let Some(first) = runs.first() else { return Err(unknown(id)) };
    let name = first.metadata.get(NAME_KEY).cloned().unwrap_or_default();
    let mut counts = Counts::default();
    runs.iter().for_each(|run| *counts.of_mut(run.status) += 1);
    let noted = |run: &Run, key: &str| run.metadata.get(key).cloned().unwrap_or_default();
    let edges = runs.iter().flat_map(|run| edges(&noted(run, NODE_KEY), &noted(run, AFTER_KEY)));
    let edges = edges.collect();
    let nodes = runs.iter().map(|run| ShownNode {
        name: noted(run, NODE_KEY),
        run: run.id,
        job_type: run.job_type.clone(),
        status: run.status,
        error: run.error.as_ref().map(ToString::to_string),
    });
    Ok(Answer(ShownWorkflow { id, name, counts, nodes: nodes.collect(), edges }))
}

/// What a node follows, as its metadata says it: `fetch, parse:always`.
fn edges(to: &str, after: &str) -> Vec<Edge> {
    let named = after.split(", ").filter(|text| !text.is_empty());
    let edge = |text: &str| {
        let (from, on) = text.split_once(':').unwrap_or((text, Condition::Success.name()));
        Some(Edge { from: from.to_owned(), to: to.to_owned(), on: on.parse().ok()? })
    };
    named.filter_map(edge).collect()
}

/// What became of a workflow's runs.
#[derive(Serialize, ToSchema)]
pub(crate) struct CancelledWorkflow {
    /// Its id.
    #[schema(value_type = String)]
    id: Uuid,
    /// Runs that are cancelled.
    cancelled: usize,
    /// Runs that run, and are asked to stop.
    asked: usize,
}

/// Call a workflow off
///
/// Its runs that wait are cancelled, those that run are asked to stop.
#[utoipa::path(
    post, path = "/api/v1/workflows/{id}/cancel", tag = "workflows",
    params(("id" = String, Path, description = "the workflow")),
    responses((status = 200, body = CancelledWorkflow)),
)]
async fn cancel_workflow(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<Uuid>,
) -> Result<Answer<CancelledWorkflow>, Problem> {
    let (mut cancelled, mut asked, mut found) = (0, 0, 0);
    for statuses in NOT_ENDED {
        for run in runs_of(&api, &caller, id, statuses).await? {
            found += 1;
            match api.client().cancel(run.id).await? {
                CancelResult::Cancelled => cancelled += 1,
                CancelResult::Requested => asked += 1,
                // It ended meanwhile.
                CancelResult::Finished(_) | CancelResult::NotFound => {}
            }
        }
    }
    if found == 0 && runs_of(&api, &caller, id, &[]).await?.is_empty() {
        return Err(unknown(id));
    }
    Ok(Answer(CancelledWorkflow { id, cancelled, asked }))
}

/// The runs of a workflow that stand so, in any way where none is named, in the order of nodes.
async fn runs_of(
    api: &Api,
    caller: &Caller,
    id: Uuid,
    statuses: &[RunStatus],
) -> Result<Vec<Run>, Problem> {
    let filter = RunFilter {
        statuses: statuses.to_vec(),
        tenant: caller.view().cloned(),
        tag: Some(workflow_tag(id)),
        ..RunFilter::default()
    };
    let mut request = RunPageRequest { filter, after: None, limit: PAGE_MAX };
    let mut runs = Vec::new();
    loop {
        let page = api.storage().runs(request.clone()).await?;
        runs.extend(page.runs);
        request.after = page.next;
        if request.after.is_none() {
            break;
        }
    }
    runs.reverse();
    Ok(runs)
}

fn unknown(id: Uuid) -> Problem {
    Problem::not_found(format_args!("workflow {id}: it was never stored, or its runs are gone"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_read_from_what_nodes_say_they_follow() {
        let edge = |from: &str, on| Edge { from: from.to_owned(), to: "c".to_owned(), on };
        let read = edges("c", "a, b:always, d:failure");
        let wanted = [
            edge("a", Condition::Success),
            edge("b", Condition::Always),
            edge("d", Condition::Failure),
        ];
        assert_eq!(read, wanted);
        assert_eq!(edges("c", ""), []);
    }
}
