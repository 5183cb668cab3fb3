//! How batches stand.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use zapjobs_model::{Batch, BatchId};
use zapjobs_runtime::BatchWaitError;
use zapjobs_storage::{BatchPageRequest, Counts, PAGE_MAX, RunFilter};

use super::{find, unknown};
use crate::access::Caller;
use crate::http::path::Named;
use crate::http::problem::Problem;
use crate::http::query::{StrictQuery, count};
use crate::http::{cursor, prefer};
use crate::schemas::{BatchDocument, CountsDocument};
use crate::state::Api;

/// Batches on one page unless said.
const PAGE_DEFAULT: u16 = 50;
/// Batches within a batch that are shown with it at most.
const NESTED_SHOWN_MAX: usize = 100;
const LISTING: char = 'b';

/// A batch, and where it stands.
#[derive(Serialize)]
pub(super) struct ListedBatch {
    #[serde(flatten)]
    batch: Batch,
    state: &'static str,
}

impl From<Batch> for ListedBatch {
    fn from(batch: Batch) -> Self {
        Self { state: batch.state(), batch }
    }
}

/// Which batches.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchQuery {
    /// Members of this batch.
    #[param(value_type = Option<String>)]
    parent: Option<BatchId>,
    /// Go on behind this place: `next` of the page before.
    cursor: Option<String>,
    /// Batches on one page, 1 to 1,000; 50 where absent.
    limit: Option<u16>,
}

/// A page of batches.
#[derive(Serialize, ToSchema)]
pub(crate) struct BatchList {
    /// Newest first.
    #[schema(value_type = Vec<BatchDocument>)]
    batches: Vec<ListedBatch>,
    /// Where the next page begins; null at the end.
    next: Option<String>,
}

/// List batches
///
/// Newest first, with how their members stand.
#[utoipa::path(
    get, path = "/api/v1/batches", tag = "batches", params(BatchQuery),
    responses((status = 200, body = BatchList)),
)]
pub(super) async fn list_batches(
    State(api): State<Api>,
    caller: Caller,
    StrictQuery(query): StrictQuery<BatchQuery>,
) -> Result<Answer<BatchList>, Problem> {
    let limit = count("limit", query.limit, PAGE_DEFAULT, PAGE_MAX)?;
    let after = query.cursor.as_deref().map(place).transpose()?;
    let tenant = caller.view().cloned();
    let request = BatchPageRequest { tenant, parent: query.parent, after, limit };
    let page = api.storage().batches(request).await?;
    let next = page.next.map(|id| cursor::write(LISTING, &id.to_string()));
    Ok(Answer(BatchList { batches: page.batches.into_iter().map(Into::into).collect(), next }))
}

fn place(text: &str) -> Result<BatchId, Problem> {
    cursor::read(LISTING, text)?.parse().map_err(|_| cursor::refused())
}

/// All that is known of a batch.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShownBatch {
    /// The batch.
    #[schema(value_type = BatchDocument)]
    batch: ListedBatch,
    /// How many of its own runs stand where, as far as they are stored still.
    #[schema(value_type = CountsDocument)]
    runs: Counts,
    /// Batches within it, the newest 100.
    #[schema(value_type = Vec<BatchDocument>)]
    nested: Vec<ListedBatch>,
    /// Whether there are more: `GET /api/v1/batches?parent=ID` lists them.
    has_more_nested: bool,
}

/// Show a batch
///
/// With `Prefer: wait=10` the answer waits until the batch is complete, 60 seconds at most.
#[utoipa::path(
    get, path = "/api/v1/batches/{id}", tag = "batches",
    params(
        ("id" = String, Path, description = "the batch"),
        ("Prefer" = Option<String>, Header, description = "wait=10 waits until it is complete"),
    ),
    responses((status = 200, body = ShownBatch)),
)]
pub(super) async fn show_batch(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Named(id): Named<BatchId>,
) -> Result<Response, Problem> {
    let mut batch = find(&api, &caller, id).await?;
    let mut applied = None;
    if let Some(wait) = prefer::wait(&headers)?
        && let Some((complete, header)) = complete(&api, id, wait).await?
    {
        batch = complete;
        applied = Some(header);
    }
    let filter = RunFilter { batch: Some(id), ..RunFilter::default() };
    let runs = api.storage().counts(&filter).await?;
    let request = BatchPageRequest {
        parent: Some(id),
        limit: NESTED_SHOWN_MAX,
        ..BatchPageRequest::default()
    };
    let nested = api.storage().batches(request).await?;
    let shown = ShownBatch {
        batch: batch.into(),
        runs,
        nested: nested.batches.into_iter().map(Into::into).collect(),
        has_more_nested: nested.next.is_some(),
    };
    let mut response = Answer(shown).into_response();
    if let Some(applied) = applied {
        response.headers_mut().insert(prefer::APPLIED, applied);
    }
    Ok(response)
}

/// Waits for a batch. `None` where too many wait already: it is then as it is.
async fn complete(
    api: &Api,
    id: BatchId,
    within: Duration,
) -> Result<Option<(Batch, HeaderValue)>, Problem> {
    let Ok(_permit) = api.waits().clone().try_acquire_owned() else { return Ok(None) };
    let batch = match api.client().wait_for_batch(id, Some(within)).await {
        Ok(batch) => batch,
        Err(BatchWaitError::TimedOut(batch)) => *batch,
        Err(BatchWaitError::NotFound(id)) => return Err(unknown(id)),
        Err(BatchWaitError::Storage(error)) => return Err(error.into()),
    };
    Ok(Some((batch, prefer::applied(within))))
}
