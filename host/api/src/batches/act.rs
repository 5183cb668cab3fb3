//! What is done to whole batches.

use axum::Json as Answer;
use axum::extract::State;
use zapjobs_model::BatchId;
use zapjobs_runtime::BatchReport;

use super::{find, unknown};
use crate::access::Caller;
use crate::http::path::Named;
use crate::http::problem::Problem;
use crate::schemas::BatchReportDocument;
use crate::state::Api;

/// Call a batch off
///
/// It is closed, and all its unfinished runs are asked to stop, those of batches within it
/// included. Its callbacks are let go as ever.
#[utoipa::path(
    post, path = "/api/v1/batches/{id}/cancel", tag = "batches",
    params(("id" = String, Path, description = "the batch")),
    responses((status = 200, body = BatchReportDocument)),
)]
pub(super) async fn cancel_batch(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<BatchId>,
) -> Result<Answer<BatchReport>, Problem> {
    find(&api, &caller, id).await?;
    let report = api.client().cancel_batch(id).await?;
    report.map(Answer).ok_or_else(|| unknown(id))
}

/// Run a batch's failed runs again
///
/// Those of batches within it included.
#[utoipa::path(
    post, path = "/api/v1/batches/{id}/retry", tag = "batches",
    params(("id" = String, Path, description = "the batch")),
    responses((status = 200, body = BatchReportDocument)),
)]
pub(super) async fn retry_batch(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<BatchId>,
) -> Result<Answer<BatchReport>, Problem> {
    find(&api, &caller, id).await?;
    let report = api.client().retry_batch(id).await?;
    report.map(Answer).ok_or_else(|| unknown(id))
}
