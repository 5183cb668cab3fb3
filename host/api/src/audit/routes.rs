//! Who changed what, over HTTP.

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zapjobs_storage::DOCUMENTS_MAX;

use super::keep::Entry;
use crate::access::{Caller, Group, Reach, Scope};
use crate::http::cursor;
use crate::http::problem::Problem;
use crate::http::query::{StrictQuery, count};
use crate::state::Api;

const LISTING: char = 'a';
/// Records on one page unless said.
const PAGE_DEFAULT: u16 = 50;

pub(crate) fn routes(api: &Api) -> OpenApiRouter<Api> {
    Group::new(api, Scope::Admin, Reach::Tenant).with(routes!(list_changes)).build()
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditQuery {
    /// Go on behind this place: `next` of the page before.
    cursor: Option<String>,
    /// Records looked at for one page, 1 to 200; 50 where absent.
    limit: Option<u16>,
}

/// A page of records.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangeList {
    /// The newest first. A page may have fewer than were looked at: those of other tenants are
    /// left out.
    changes: Vec<Entry>,
    /// Where the next page begins; null at the end.
    next: Option<String>,
}

/// List who changed what
///
/// Every change that was asked for over HTTP, whatever came of it, for 90 days. Of submitted runs
/// their own records tell.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "server", params(AuditQuery),
    responses((status = 200, body = ChangeList)),
)]
async fn list_changes(
    State(api): State<Api>,
    caller: Caller,
    StrictQuery(query): StrictQuery<AuditQuery>,
) -> Result<Answer<ChangeList>, Problem> {
    let limit = count("limit", query.limit, PAGE_DEFAULT, DOCUMENTS_MAX)?;
    let after = query
        .cursor
        .as_deref()
        .map(|text| cursor::read(LISTING, text)?.parse().map_err(|_| cursor::refused()));
    let page = api.audit().page(after.transpose()?, limit).await?;
    let next = page.next.map(|place| cursor::write(LISTING, place.name.as_str()));
    let read = |body: &str| serde_json::from_str::<Entry>(body).ok();
    let entries = page.documents.iter().filter_map(|document| {
        let entry = read(document.body.as_str());
        if entry.is_none() {
            tracing::warn!("{} cannot be read and is passed over", document.key);
        }
        entry
    });
    let seen = entries.filter(|entry| match &entry.tenant {
        Some(tenant) => caller.views(tenant),
        None => caller.bound.is_none(),
    });
    Ok(Answer(ChangeList { changes: seen.collect(), next }))
}
