//! How plugins stand.

use std::str::FromStr;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use zapjobs_model::{Digest, Limits, TenantId};
use zapjobs_runtime::{Manifest, PluginId, PluginPageRequest, Standing};

use super::document::{ListedPlugin, ShownGrants, ShownVersion, latest};
use crate::access::Caller;
use crate::http::path::Named;
use crate::http::problem::Problem;
use crate::http::query::{StrictQuery, commas, count};
use crate::http::{cursor, etag};
use crate::state::Api;

/// Plugins looked at for one page unless said.
const PAGE_DEFAULT: u16 = 100;
/// Plugins looked at for one page at most.
const PAGE_MAX: usize = 1_000;
const LISTING: char = 'p';

/// Which plugins.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PluginQuery {
    /// Plugins that stand so: serving, pinned, held, refused, unserved, out-of-service, retired;
    /// several separated by commas.
    #[serde(default, deserialize_with = "commas")]
    #[param(value_type = Option<String>)]
    state: Vec<Wanted>,
    /// Go on behind this place: `next` of the page before.
    cursor: Option<String>,
    /// Plugins looked at for one page, 1 to 1,000; 100 where absent.
    limit: Option<u16>,
}

/// A way to stand, as a query says it.
#[derive(Debug, Clone, Copy)]
struct Wanted(Standing);

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Standing::ALL.into_iter().find(|standing| standing.name() == text);
        found.map(Self).ok_or_else(|| {
            let known = Standing::ALL.map(Standing::name).join(", ");
            let shown: String = text.chars().take(40).collect();
            format!("unknown state {shown:?}: use {known}")
        })
    }
}

/// A page of plugins.
#[derive(Serialize, ToSchema)]
pub(crate) struct PluginList {
    /// In the order of their tenants and names. Where states were asked for, a page may have fewer
    /// than were looked at.
    plugins: Vec<ListedPlugin>,
    /// Where the next page begins; null at the end.
    next: Option<String>,
}

/// List plugins
///
/// Those of this host's directory, and how they stand; `state=held` for what waits for approval.
#[utoipa::path(
    get, path = "/api/v1/plugins", tag = "plugins", params(PluginQuery),
    responses((status = 200, body = PluginList)),
)]
pub(super) async fn list_plugins(
    State(api): State<Api>,
    caller: Caller,
    StrictQuery(query): StrictQuery<PluginQuery>,
) -> Result<Answer<PluginList>, Problem> {
    let limit = count("limit", query.limit, PAGE_DEFAULT, PAGE_MAX)?;
    let after = query.cursor.as_deref().map(place).transpose()?;
    let desk = api.plugins()?;
    let request = PluginPageRequest { tenant: caller.view().cloned(), after, limit };
    let page = desk.plugins(&**api.storage(), request).await?;
    let next = page.next.map(|id| cursor::write(LISTING, &format!("{}/{}", id.tenant, id.name)));
    let is_wanted = |standing: Standing| {
        query.state.is_empty() || query.state.iter().any(|Wanted(it)| *it == standing)
    };
    let wanted = page.plugins.into_iter().filter(|plugin| is_wanted(plugin.standing));
    let plugins = wanted.map(|it| ListedPlugin::new(it, desk.asks_for_signatures())).collect();
    Ok(Answer(PluginList { plugins, next }))
}

fn place(text: &str) -> Result<PluginId, Problem> {
    let place = cursor::read(LISTING, text)?;
    let (tenant, name) = place.split_once('/').ok_or_else(cursor::refused)?;
    let tenant = TenantId::new(tenant).map_err(|_| cursor::refused())?;
    Ok(PluginId { tenant, name: name.to_owned() })
}

/// All that is known of a plugin.
#[derive(Serialize, ToSchema)]
#[schema(as = PluginDetails)]
pub(crate) struct ShownPlugin {
    #[serde(flatten)]
    plugin: ListedPlugin,
    /// Versions that were accepted, latest first.
    versions: Vec<ShownVersion>,
    /// Versions that an operator approved by name, latest last.
    #[schema(value_type = Vec<String>)]
    approved: Vec<Digest>,
    /// What the manifest of the version that served last allows it; null where none ever served.
    grants: Option<ShownGrants>,
    /// What an attempt may use: the host's limits, narrowed by that manifest.
    #[schema(value_type = BTreeMap<String, u64>)]
    limits: Limits,
}

/// Show a plugin
///
/// With its versions, what it may do and how much it may use.
#[utoipa::path(
    get, path = "/api/v1/plugins/{name}", tag = "plugins",
    params(
        ("name" = String, Path, description = "its file's name without .wasm"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag of an earlier answer"),
    ),
    responses(
        (status = 200, body = ShownPlugin), (status = 304, description = "it is as it was"),
    ),
)]
pub(super) async fn show_plugin(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Named(name): Named<String>,
) -> Result<Response, Problem> {
    let desk = api.plugins()?;
    let id = PluginId { tenant: caller.tenant()?.clone(), name };
    let plugin = desk.plugin(&**api.storage(), id).await?;
    let history = &plugin.record.history;
    let manifest = latest(history, plugin.record.current)
        .and_then(|it| Manifest::parse(it.manifest.as_deref().unwrap_or_default()).ok());
    let limits = manifest.as_ref().map_or(*desk.limits(), |it| it.narrow(desk.limits()));
    let kept = desk.kept_bytes(history.iter().map(|version| version.digest).collect()).await;
    let asked = desk.asks_for_signatures();
    let versions = history.iter().zip(kept);
    let shown = ShownPlugin {
        versions: versions.map(|(it, bytes)| ShownVersion::of(&plugin, it, bytes, asked)).collect(),
        approved: plugin.orders.approved.clone(),
        grants: manifest.map(|it| ShownGrants::from(&it.grants())),
        limits,
        plugin: ListedPlugin::new(plugin, asked),
    };
    etag::tagged(&headers, &shown)
}
