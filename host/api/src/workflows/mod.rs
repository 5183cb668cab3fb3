//! Workflows: runs with names that follow each other.

mod graph;
mod submit;

use axum::Json as Answer;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{Caller, Group, Reach, Scope};
use crate::http::path::Named;
use crate::http::problem::Problem;
use crate::state::Api;

pub(crate) fn routes(api: &Api) -> OpenApiRouter<Api> {
    let read = Group::new(api, Scope::Read, Reach::Tenant).with(routes!(graph::show_workflow));
    let enqueue =
        Group::new(api, Scope::Enqueue, Reach::Tenant).with(routes!(submit::submit_workflow));
    let operate = Group::new(api, Scope::Operate, Reach::Tenant).with(routes!(cancel_workflow));
    read.build().merge(enqueue.build()).merge(operate.build())
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
    let found = api.client().cancel_workflow(caller.view(), id).await?;
    let zapjobs_runtime::CancelledWorkflow { cancelled, asked } =
        found.ok_or_else(|| unknown(id))?;
    Ok(Answer(CancelledWorkflow { id, cancelled, asked }))
}

fn unknown(id: Uuid) -> Problem {
    Problem::not_found(format_args!("workflow {id}: it was never stored, or its runs are gone"))
}
