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
use zapjobs_model::{Run, RunStatus};
use zapjobs_runtime::workflow_tag;
use zapjobs_storage::{CancelResult, PAGE_MAX, RunFilter, RunPageRequest};

use crate::access::{Caller, Group, Reach, Scope};
use crate::http::path::Named;
use crate::http::problem::Problem;
use crate::state::Api;

/// What has not ended, those first that wait for others: they are then called off, not skipped.
const NOT_ENDED: [&[RunStatus]; 2] = [
    &[RunStatus::Held],
    &[RunStatus::Pending, RunStatus::Scheduled, RunStatus::AwaitingRetry, RunStatus::Running],
];

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
