//! The installation as a whole: the server, its workers, its tenants, what happened.

use std::collections::BTreeSet;

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zapjobs_model::{QueueName, TenantId, TenantQuotas, Timestamp};
use zapjobs_runtime::DeadLetterGroups;
use zapjobs_storage::{
    SPANS_MAX, Span, SpanStatistics, StatisticsRequest, StorageInfo, WorkerRecord,
};

use crate::access::{Caller, Group, Reach, Scope};
use crate::http::problem::Problem;
use crate::http::query::{StrictQuery, count};
use crate::options::AuthMode;
use crate::state::Api;

/// Spans in one answer unless said.
const SPANS_DEFAULT: usize = 24;

pub(crate) fn routes(api: &Api) -> OpenApiRouter<Api> {
    let own = Group::new(api, Scope::Read, Reach::Tenant)
        .with(routes!(show_server))
        .with(routes!(list_statistics))
        .with(routes!(list_dead_letters));
    let all = Group::new(api, Scope::Read, Reach::Everything)
        .with(routes!(list_workers))
        .with(routes!(list_tenants));
    own.build().merge(all.build())
}

/// What answers, and who asks.
#[derive(Serialize, ToSchema)]
pub(crate) struct ServerInfo {
    /// The program's version.
    version: &'static str,
    /// The present instant by the store's clock.
    #[schema(value_type = String)]
    now: Timestamp,
    /// Whether tokens are asked for: `tokens` or `off`.
    auth: &'static str,
    /// What the storage is; null for a token that is bound to a tenant.
    #[schema(value_type = Option<Object>)]
    storage: Option<StorageInfo>,
    /// Who asks.
    caller: CallerInfo,
}

/// Who asks.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallerInfo {
    /// The token's id.
    id: String,
    /// What it is called.
    name: String,
    /// What it allows.
    scope: Scope,
    /// The tenant that it is bound to.
    #[schema(value_type = Option<String>)]
    bound_to: Option<TenantId>,
    /// The tenant of this request; null for all.
    #[schema(value_type = Option<String>)]
    tenant: Option<TenantId>,
}

/// Show the server
///
/// Version, storage and time, and who asks.
#[utoipa::path(get, path = "/api/v1/server", tag = "server", responses((status = 200, body = ServerInfo)))]
async fn show_server(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Answer<ServerInfo>, Problem> {
    let storage = match caller.bound {
        None => Some(api.storage().info().await?),
        Some(_) => None,
    };
    let auth = match api.options().auth {
        AuthMode::Tokens => "tokens",
        AuthMode::Off => "off",
    };
    let now = api.storage().now().await?;
    let tenant = caller.view().cloned();
    let Caller { id, name, scope, bound, .. } = caller;
    let caller = CallerInfo { id, name, scope, bound_to: bound, tenant };
    Ok(Answer(ServerInfo { version: env!("CARGO_PKG_VERSION"), now, auth, storage, caller }))
}

/// Host processes.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkerList {
    /// In the order of their ids: `id`, `hostname`, `pid`, `version`, `started_at`, `seen_at`,
    /// `queues` (all where empty), `concurrency`, `running`.
    #[schema(value_type = Vec<Object>)]
    workers: Vec<WorkerRecord>,
    /// The present instant by the store's clock, to compare `seen_at` with.
    #[schema(value_type = String)]
    now: Timestamp,
}

/// List workers
///
/// The host processes that claim runs, and when each last gave a sign of life.
#[utoipa::path(get, path = "/api/v1/workers", tag = "server", responses((status = 200, body = WorkerList)))]
async fn list_workers(State(api): State<Api>) -> Result<Answer<WorkerList>, Problem> {
    let workers = api.storage().workers().await?;
    Ok(Answer(WorkerList { workers, now: api.storage().now().await? }))
}

/// A tenant.
#[derive(Serialize, ToSchema)]
pub(crate) struct ListedTenant {
    /// Its name.
    #[schema(value_type = String)]
    tenant: TenantId,
    /// What it may use, as this host's configuration says.
    #[schema(value_type = Object)]
    quotas: TenantQuotas,
    /// How many job types it has.
    jobs: usize,
}

/// Tenants.
#[derive(Serialize, ToSchema)]
pub(crate) struct TenantList {
    /// In the order of their names.
    tenants: Vec<ListedTenant>,
}

/// List tenants
///
/// Those that have jobs, or quotas of their own.
#[utoipa::path(get, path = "/api/v1/tenants", tag = "server", responses((status = 200, body = TenantList)))]
async fn list_tenants(State(api): State<Api>) -> Result<Answer<TenantList>, Problem> {
    let policy = &api.options().tenants;
    let definitions = api.storage().definitions(None).await?;
    let mut names: BTreeSet<TenantId> = policy.tenants.keys().cloned().collect();
    names.extend(definitions.iter().map(|it| it.key.tenant.clone()));
    let tenants = names.into_iter().map(|tenant| ListedTenant {
        quotas: *policy.of(&tenant),
        jobs: definitions.iter().filter(|it| it.key.tenant == tenant).count(),
        tenant,
    });
    Ok(Answer(TenantList { tenants: tenants.collect() }))
}

/// Which sums.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatisticsQuery {
    /// Summed by `hour`, `day` or `total`; by hour where absent.
    #[param(value_type = Option<String>)]
    by: Option<Span>,
    /// The latest so many spans, 1 to 400; 24 where absent.
    latest: Option<usize>,
    /// Of this queue.
    #[param(value_type = Option<String>)]
    queue: Option<QueueName>,
}

/// What happened.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatisticsList {
    /// Summed by what.
    #[schema(value_type = String)]
    by: Span,
    /// Oldest first, without those in which nothing happened: `from`, `enqueued`, `started`,
    /// `completed`, `failed`, `cancelled`, `retried`, `put-back`, `cpu-us`, `wall-us`.
    #[schema(value_type = Vec<Object>)]
    spans: Vec<SpanStatistics>,
}

/// Show what happened
///
/// How many runs were enqueued, started, completed and so on, by hours or days.
#[utoipa::path(
    get, path = "/api/v1/statistics", tag = "server", params(StatisticsQuery),
    responses((status = 200, body = StatisticsList)),
)]
async fn list_statistics(
    State(api): State<Api>,
    caller: Caller,
    StrictQuery(query): StrictQuery<StatisticsQuery>,
) -> Result<Answer<StatisticsList>, Problem> {
    let by = query.by.unwrap_or(Span::Hour);
    let latest = count("latest", query.latest, SPANS_DEFAULT, SPANS_MAX)?;
    let tenant = caller.view().cloned();
    let request = StatisticsRequest { span: by, latest, tenant, queue: query.queue };
    Ok(Answer(StatisticsList { by, spans: api.storage().statistics(request).await? }))
}

/// List dead letters
///
/// Failed runs in groups, by job and type of error, the largest first: `groups` of `job_type`,
/// `error_type`, `count`, `first_at`, `latest_at`, `latest_run`, `message`; and `has_more` where
/// there are more than 100,000 failed runs. `POST /api/v1/runs/alter` retries or deletes a group,
/// with `{"status": ["failed"], "job_type": J, "error_type": E}` as its filter.
#[utoipa::path(get, path = "/api/v1/dead", tag = "runs", responses((status = 200, body = Object)))]
async fn list_dead_letters(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Answer<DeadLetterGroups>, Problem> {
    Ok(Answer(api.client().dead_letters(caller.tenant()?).await?))
}
