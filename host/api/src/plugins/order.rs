//! What operators order of plugins.

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zapjobs_model::{Digest, TenantId};
use zapjobs_runtime::{PluginId, PluginOrder};

use crate::access::Caller;
use crate::http::body::MaybeJson;
use crate::http::path::Named;
use crate::http::problem::Problem;
use crate::state::Api;

/// Which version may serve.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApproveWish {
    /// Its digest, or 8 or more digits of it; the one that waits where absent. Name the one that
    /// was looked at: another may wait by now.
    digest: Option<String>,
}

/// Which version is to serve.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollBackWish {
    /// Its digest, or 8 or more digits of it; the version before the present one where absent.
    to: Option<String>,
}

/// An order that is written down. Hosts that watch the directory take it up within seconds.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrderedPlugin {
    /// What was ordered: `approved`, `pinned`, `unpinned` or `reset`.
    order: &'static str,
    /// Whose plugin.
    #[schema(value_type = String)]
    tenant: TenantId,
    /// Which.
    name: String,
    /// The version that it is about; null of `reset`.
    #[schema(value_type = Option<String>)]
    digest: Option<Digest>,
}

/// Approve a version
///
/// This one version may serve, whatever it wants; a pin ends. It still gets only what its manifest
/// grants.
#[utoipa::path(
    post, path = "/api/v1/plugins/{name}/approve", tag = "plugins",
    params(("name" = String, Path, description = "its file's name without .wasm")),
    request_body = Option<ApproveWish>,
    responses((status = 200, body = OrderedPlugin)),
)]
pub(super) async fn approve_plugin(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<String>,
    MaybeJson(wish): MaybeJson<ApproveWish>,
) -> Result<Answer<OrderedPlugin>, Problem> {
    let order = PluginOrder::Approve(wish.unwrap_or_default().digest);
    give(&api, &caller, name, order, "approved").await
}

/// Go back to a version
///
/// One that served before. It is pinned: it serves whatever lies in the directory, until it is
/// unpinned or another is approved.
#[utoipa::path(
    post, path = "/api/v1/plugins/{name}/rollback", tag = "plugins",
    params(("name" = String, Path, description = "its file's name without .wasm")),
    request_body = Option<RollBackWish>,
    responses((status = 200, body = OrderedPlugin)),
)]
pub(super) async fn roll_back_plugin(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<String>,
    MaybeJson(wish): MaybeJson<RollBackWish>,
) -> Result<Answer<OrderedPlugin>, Problem> {
    let order = PluginOrder::RollBack(wish.unwrap_or_default().to);
    give(&api, &caller, name, order, "pinned").await
}

/// End a pin
///
/// The file in the directory serves again.
#[utoipa::path(
    post, path = "/api/v1/plugins/{name}/unpin", tag = "plugins",
    params(("name" = String, Path, description = "its file's name without .wasm")),
    responses((status = 200, body = OrderedPlugin)),
)]
pub(super) async fn unpin_plugin(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<String>,
) -> Result<Answer<OrderedPlugin>, Problem> {
    give(&api, &caller, name, PluginOrder::Unpin, "unpinned").await
}

/// Put a plugin into service again
///
/// One whose runs kept trapping.
#[utoipa::path(
    post, path = "/api/v1/plugins/{name}/reset", tag = "plugins",
    params(("name" = String, Path, description = "its file's name without .wasm")),
    responses((status = 200, body = OrderedPlugin)),
)]
pub(super) async fn reset_plugin(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<String>,
) -> Result<Answer<OrderedPlugin>, Problem> {
    give(&api, &caller, name, PluginOrder::Reset, "reset").await
}

async fn give(
    api: &Api,
    caller: &Caller,
    name: String,
    order: PluginOrder,
    done: &'static str,
) -> Result<Answer<OrderedPlugin>, Problem> {
    let id = PluginId { tenant: caller.tenant()?.clone(), name };
    let digest = api.plugins()?.order(id.clone(), order).await?;
    let PluginId { tenant, name } = id;
    Ok(Answer(OrderedPlugin { order: done, tenant, name, digest }))
}
