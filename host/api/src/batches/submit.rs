//! Batches are made, filled and closed.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zapjobs_model::{BatchId, BatchName, JobRequest, RunId};
use zapjobs_runtime::{BatchRequest, StartedBatch};
use zapjobs_storage::BATCH_MAX;

use super::look::ListedBatch;
use super::{find, unknown};
use crate::access::Caller;
use crate::http::body::StrictJson;
use crate::http::path::Named;
use crate::http::problem::{Code, Problem};
use crate::runs::{Inputs, RunWish, requests};
use crate::schemas::BatchDocument;
use crate::state::Api;

/// A batch as it is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBatchWish {
    /// What it is called.
    #[schema(value_type = Option<String>)]
    name: Option<BatchName>,
    /// The open batch that it becomes a member of.
    #[schema(value_type = Option<String>)]
    parent: Option<BatchId>,
    /// The run to let go once none of its members is unfinished, however they ended.
    on_complete: Option<RunWish>,
    /// The run to let go once all its members have completed.
    on_success: Option<RunWish>,
    /// Its members, up to 10,000.
    #[serde(default)]
    runs: Vec<RunWish>,
    /// Leave it open for more members, until it is closed.
    #[serde(default)]
    open: bool,
}

/// More members.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MembersWish {
    /// 1 to 10,000 of them.
    runs: Vec<RunWish>,
}

/// A batch that is stored.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedBatch {
    /// Its id.
    #[schema(value_type = String)]
    id: BatchId,
    /// Its members, in their order.
    #[schema(value_type = Vec<String>)]
    runs: Vec<RunId>,
    /// The run that is let go once it is complete.
    #[schema(value_type = Option<String>)]
    on_complete: Option<RunId>,
    /// The run that is let go once it succeeded.
    #[schema(value_type = Option<String>)]
    on_success: Option<RunId>,
}

/// Members that were added.
#[derive(Serialize, ToSchema)]
pub(crate) struct AddedMembers {
    /// The batch.
    #[schema(value_type = String)]
    id: BatchId,
    /// Its new members, in their order.
    #[schema(value_type = Vec<String>)]
    runs: Vec<RunId>,
}

/// Store a batch
///
/// With its members and callbacks, all or none. It is closed at once unless `open` is said.
#[utoipa::path(
    post, path = "/api/v1/batches", tag = "batches", request_body = NewBatchWish,
    responses((status = 201, body = CreatedBatch)),
)]
pub(super) async fn create_batch(
    State(api): State<Api>,
    caller: Caller,
    StrictJson(wish): StrictJson<NewBatchWish>,
) -> Result<Response, Problem> {
    let tenant = caller.tenant()?;
    if let Some(parent) = wish.parent {
        find(&api, &caller, parent).await?;
    }
    let mut inputs = Inputs::new(&**api.storage());
    let members = requests(tenant, wish.runs, None, &mut inputs).await?;
    let mut batch = BatchRequest::new(tenant.clone()).runs(members);
    if let Some(name) = wish.name {
        batch = batch.named(name);
    }
    if let Some(parent) = wish.parent {
        batch = batch.within(parent);
    }
    if let Some(callback) = wish.on_complete {
        batch = batch.on_complete(callback.request(tenant, None, &mut inputs).await?);
    }
    if let Some(callback) = wish.on_success {
        batch = batch.on_success(callback.request(tenant, None, &mut inputs).await?);
    }
    let started = match wish.open {
        true => api.client().open_batch(batch).await?,
        false => api.client().start_batch(batch).await?,
    };
    let StartedBatch { id, runs, on_complete, on_success } = started;
    let place = HeaderValue::from_str(&format!("/api/v1/batches/{id}")).expect("an id is plain");
    let answer = CreatedBatch { id, runs, on_complete, on_success };
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Answer(answer)).into_response())
}

/// Add runs to an open batch
///
/// All or none.
#[utoipa::path(
    post, path = "/api/v1/batches/{id}/runs", tag = "batches", request_body = MembersWish,
    params(("id" = String, Path, description = "the batch")),
    responses((status = 201, body = AddedMembers)),
)]
pub(super) async fn add_to_batch(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<BatchId>,
    StrictJson(wish): StrictJson<MembersWish>,
) -> Result<Response, Problem> {
    let count = wish.runs.len();
    if count == 0 || count > BATCH_MAX {
        let detail = format!("{count} runs: use 1 to {BATCH_MAX}");
        return Err(Problem::new(Code::Invalid, detail));
    }
    let batch = find(&api, &caller, id).await?;
    if batch.is_closed {
        let detail = format!("batch {id} is closed: no runs are added to it any more");
        return Err(Problem::new(Code::WrongStatus, detail));
    }
    let mut inputs = Inputs::new(&**api.storage());
    let members = requests(&batch.tenant, wish.runs, None, &mut inputs).await?;
    let members = members.into_iter().map(|run| JobRequest { batch: Some(id), ..run }).collect();
    let runs = api.client().enqueue_all(members).await?;
    Ok((StatusCode::CREATED, Answer(AddedMembers { id, runs })).into_response())
}

/// Close a batch
///
/// No runs are added any more: it is complete once all it has have ended. Answers the batch.
#[utoipa::path(
    post, path = "/api/v1/batches/{id}/close", tag = "batches",
    params(("id" = String, Path, description = "the batch")),
    responses((status = 200, body = BatchDocument)),
)]
pub(super) async fn close_batch(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<BatchId>,
) -> Result<Answer<ListedBatch>, Problem> {
    find(&api, &caller, id).await?;
    if !api.client().close_batch(id).await? {
        return Err(unknown(id));
    }
    Ok(Answer(find(&api, &caller, id).await?.into()))
}
