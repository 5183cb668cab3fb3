//! Limits on runs over all hosts, and pauses.

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zapjobs_model::{FlowLimit, LimitChange, LimitKeyPointer, LimitScope, Rate};
use zapjobs_storage::LimitUse;

use crate::access::{Caller, Group, Reach, Scope};
use crate::http::body::StrictJson;
use crate::http::path::Named;
use crate::http::problem::Problem;
use crate::state::Api;

pub(crate) fn routes(api: &Api) -> OpenApiRouter<Api> {
    let read = Group::new(api, Scope::Read, Reach::Tenant).with(routes!(list_limits));
    // A limit is what an operator allows a tenant: it does not allow itself more.
    let operate = Group::new(api, Scope::Operate, Reach::Everything)
        .with(routes!(set_limit))
        .with(routes!(remove_limit))
        .with(routes!(pause))
        .with(routes!(resume));
    read.build().merge(operate.build())
}

/// A limit, and how much of it is used.
#[derive(Serialize, ToSchema)]
pub(crate) struct ListedLimit {
    /// What it applies to: `everything`, `tenant:T`, `queue:Q`, `job:T/J` or `key:T/J`.
    #[schema(value_type = String)]
    scope: LimitScope,
    /// What it allows.
    #[schema(value_type = Object)]
    limit: FlowLimit,
    /// Slots in use.
    in_use: u64,
    /// Runs of the scope that are held.
    held: u64,
}

/// Limits.
#[derive(Serialize, ToSchema)]
pub(crate) struct LimitList {
    /// In the order of their scopes.
    limits: Vec<ListedLimit>,
}

/// What a scope is to allow.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitWish {
    /// Runs pending or running at a time at most.
    concurrency: Option<u32>,
    /// How many begin in a span:
    /// `{"count": 10, "per_us": 1000000, "algorithm": "token-bucket", "burst": 1}`, or with
    /// `"algorithm": "sliding-window"`.
    #[schema(value_type = Option<Object>)]
    rate: Option<Rate>,
    /// Of a limit per key: where the key stands in an input.
    #[schema(value_type = Option<String>)]
    key_pointer: Option<LimitKeyPointer>,
}

/// A limit after a change.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangedLimit {
    /// What it applies to.
    #[schema(value_type = String)]
    scope: LimitScope,
    /// What it allows; null where nothing is limited.
    #[schema(value_type = Option<Object>)]
    limit: Option<FlowLimit>,
}

/// List limits
///
/// Of a token that is bound to a tenant, those of the tenant and its jobs.
#[utoipa::path(get, path = "/api/v1/limits", tag = "limits", responses((status = 200, body = LimitList)))]
async fn list_limits(State(api): State<Api>, caller: Caller) -> Result<Answer<LimitList>, Problem> {
    let limits = api.storage().limits().await?.into_iter().filter(|it| is_seen(&caller, &it.scope));
    let listed = limits.map(|LimitUse { scope, limit, in_use, held }| ListedLimit {
        scope,
        limit,
        in_use,
        held,
    });
    Ok(Answer(LimitList { limits: listed.collect() }))
}

/// Set a limit
///
/// In place of the scope's limit; a pause stays. The scope is escaped as one part of the path:
/// `job:acme%2Fgreet`.
#[utoipa::path(
    put, path = "/api/v1/limits/{scope}", tag = "limits", request_body = LimitWish,
    params(("scope" = String, Path, description = "everything, tenant:T, queue:Q, job:T/J, key:T/J")),
    responses((status = 200, body = ChangedLimit)),
)]
async fn set_limit(
    State(api): State<Api>,
    Named(scope): Named<LimitScope>,
    StrictJson(wish): StrictJson<LimitWish>,
) -> Result<Answer<ChangedLimit>, Problem> {
    let LimitWish { concurrency, rate, key_pointer } = wish;
    let limit = FlowLimit { concurrency, rate, key_pointer, ..FlowLimit::default() };
    change(&api, scope, LimitChange::set(limit)).await
}

/// Remove a limit
#[utoipa::path(
    delete, path = "/api/v1/limits/{scope}", tag = "limits",
    params(("scope" = String, Path, description = "what it applies to")),
    responses((status = 200, body = ChangedLimit)),
)]
async fn remove_limit(
    State(api): State<Api>,
    Named(scope): Named<LimitScope>,
) -> Result<Answer<ChangedLimit>, Problem> {
    change(&api, scope, LimitChange::Remove).await
}

/// Pause
///
/// No run of the scope begins; those under way go on.
#[utoipa::path(
    post, path = "/api/v1/limits/{scope}/pause", tag = "limits",
    params(("scope" = String, Path, description = "everything, tenant:T, queue:Q or job:T/J")),
    responses((status = 200, body = ChangedLimit)),
)]
async fn pause(
    State(api): State<Api>,
    Named(scope): Named<LimitScope>,
) -> Result<Answer<ChangedLimit>, Problem> {
    change(&api, scope, LimitChange::Pause).await
}

/// End a pause
#[utoipa::path(
    post, path = "/api/v1/limits/{scope}/resume", tag = "limits",
    params(("scope" = String, Path, description = "everything, tenant:T, queue:Q or job:T/J")),
    responses((status = 200, body = ChangedLimit)),
)]
async fn resume(
    State(api): State<Api>,
    Named(scope): Named<LimitScope>,
) -> Result<Answer<ChangedLimit>, Problem> {
    change(&api, scope, LimitChange::Resume).await
}

async fn change(
    api: &Api,
    scope: LimitScope,
    change: LimitChange,
) -> Result<Answer<ChangedLimit>, Problem> {
    let limit = api.storage().change_limit(&scope, change).await?;
    Ok(Answer(ChangedLimit { scope, limit }))
}

fn is_seen(caller: &Caller, scope: &LimitScope) -> bool {
    match scope {
        LimitScope::Everything | LimitScope::Queue(_) => caller.bound.is_none(),
        LimitScope::Tenant(tenant) => caller.views(tenant),
        LimitScope::Job(job) | LimitScope::PerKey(job) => caller.views(&job.tenant),
    }
}
