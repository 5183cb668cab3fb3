//! What jobs there are: their definitions.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zapjobs_model::{JobDefinition, JobType, Timestamp};
use zapjobs_runtime::breaker_lease_name;

use crate::access::{Caller, Group, Reach, Scope};
use crate::http::etag;
use crate::http::path::Named;
use crate::http::problem::Problem;
use crate::schemas::JobDocument;
use crate::state::Api;

pub(crate) fn routes(api: &Api) -> OpenApiRouter<Api> {
    Group::new(api, Scope::Read, Reach::Tenant)
        .with(routes!(list_jobs))
        .with(routes!(show_job))
        .build()
}

/// Definitions.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobList {
    /// In the order of their tenants and names.
    #[schema(value_type = Vec<JobDocument>)]
    jobs: Vec<JobDefinition>,
}

/// List jobs
///
/// The definitions of the tenant's job types, with the schemas of their inputs.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs", responses((status = 200, body = JobList)))]
async fn list_jobs(State(api): State<Api>, caller: Caller) -> Result<Answer<JobList>, Problem> {
    Ok(Answer(JobList { jobs: api.storage().definitions(caller.view()).await? }))
}

#[derive(Serialize)]
struct ShownJob {
    #[serde(flatten)]
    definition: JobDefinition,
    out_of_service_until: Option<Timestamp>,
}

/// Show a job
///
/// Its definition, and until when its code is out of service because its runs kept trapping.
#[utoipa::path(
    get, path = "/api/v1/jobs/{job_type}", tag = "jobs",
    params(("job_type" = String, Path, description = "the job type")),
    responses((status = 200, body = JobDocument)),
)]
async fn show_job(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Named(job_type): Named<JobType>,
) -> Result<Response, Problem> {
    let key = caller.job(job_type)?;
    let definition = api.storage().definition(&key).await?;
    let definition = definition.ok_or_else(|| Problem::not_found(format_args!("job {key}")))?;
    let lease = match definition.digest {
        Some(digest) => api.storage().named_lease(&breaker_lease_name(&key, digest)).await?,
        None => None,
    };
    let out_of_service_until = lease.map(|lease| lease.expires_at);
    etag::tagged(&headers, &ShownJob { definition, out_of_service_until })
}
