//! What is done to one run.

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zapjobs_model::{Json, Priority, QueueName, RunId, RunStatus};
use zapjobs_storage::{AlterResult, Alteration};

use crate::access::Caller;
use crate::http::body::{MaybeJson, StrictJson};
use crate::http::path::Named;
use crate::http::problem::{Code, Problem};
use crate::state::Api;

/// How a run stands after a change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangedRun {
    /// Which.
    #[schema(value_type = String)]
    id: RunId,
    /// How it stands now; null once it is deleted. A running run that was asked to stop is
    /// `running` still.
    #[schema(value_type = Option<String>)]
    status: Option<RunStatus>,
}

/// What a run that runs again is given.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetryWish {
    /// Another input; the same where absent or null.
    #[schema(value_type = Option<Object>)]
    input: Option<Json>,
}

/// Where a run goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoveWish {
    /// Into which queue.
    #[schema(value_type = String)]
    to: QueueName,
}

/// How urgent a run becomes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrioritiseWish {
    /// -1000 to 1000, higher first.
    #[schema(value_type = i16)]
    to: Priority,
}

/// Ask a run to stop
///
/// One that waits is cancelled at once; one that runs is told to stop, and is `running` until it has.
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/cancel", tag = "runs",
    params(("id" = String, Path, description = "the run")),
    responses((status = 200, body = ChangedRun)),
)]
pub(super) async fn cancel_run(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<RunId>,
) -> Result<Answer<ChangedRun>, Problem> {
    alter(&api, &caller, id, Alteration::Cancel, "cancelled").await
}

/// Run a run again
///
/// A failed or cancelled run, with all its attempts, and with another input where one is given.
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/retry", tag = "runs",
    params(("id" = String, Path, description = "the run")),
    request_body = Option<RetryWish>,
    responses((status = 200, body = ChangedRun)),
)]
pub(super) async fn retry_run(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<RunId>,
    MaybeJson(wish): MaybeJson<RetryWish>,
) -> Result<Answer<ChangedRun>, Problem> {
    let input = wish.unwrap_or_default().input;
    if let Some(input) = &input {
        let run = api.run(&caller, id).await?;
        api.client().check_input(&run, input).await.map_err(Problem::of_run)?;
    }
    alter(&api, &caller, id, Alteration::Requeue { input }, "run again").await
}

/// Delete a run
///
/// One that has ended, with its log.
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/delete", tag = "runs",
    params(("id" = String, Path, description = "the run")),
    responses((status = 200, body = ChangedRun)),
)]
pub(super) async fn delete_run(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<RunId>,
) -> Result<Answer<ChangedRun>, Problem> {
    alter(&api, &caller, id, Alteration::Delete, "deleted").await
}

/// Put a run into another queue
///
/// One that waits.
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/move", tag = "runs",
    params(("id" = String, Path, description = "the run")), request_body = MoveWish,
    responses((status = 200, body = ChangedRun)),
)]
pub(super) async fn move_run(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<RunId>,
    StrictJson(wish): StrictJson<MoveWish>,
) -> Result<Answer<ChangedRun>, Problem> {
    alter(&api, &caller, id, Alteration::Move(wish.to), "moved").await
}

/// Give a run another priority
///
/// One that waits.
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/prioritise", tag = "runs",
    params(("id" = String, Path, description = "the run")), request_body = PrioritiseWish,
    responses((status = 200, body = ChangedRun)),
)]
pub(super) async fn prioritise_run(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<RunId>,
    StrictJson(wish): StrictJson<PrioritiseWish>,
) -> Result<Answer<ChangedRun>, Problem> {
    alter(&api, &caller, id, Alteration::Prioritise(wish.to), "prioritised").await
}

/// Let a run begin now
///
/// One that waits for its time: scheduled, or awaiting a retry.
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/run-now", tag = "runs",
    params(("id" = String, Path, description = "the run")),
    responses((status = 200, body = ChangedRun)),
)]
pub(super) async fn run_now(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<RunId>,
) -> Result<Answer<ChangedRun>, Problem> {
    alter(&api, &caller, id, Alteration::RunNow, "begun now").await
}

async fn alter(
    api: &Api,
    caller: &Caller,
    id: RunId,
    alteration: Alteration,
    done: &str,
) -> Result<Answer<ChangedRun>, Problem> {
    api.run(caller, id).await?;
    let results = api.storage().alter(&[id], &alteration).await?;
    match results.first() {
        Some(AlterResult::Altered | AlterResult::Requested) => {
            let run = api.storage().run(id).await?;
            Ok(Answer(ChangedRun { id, status: run.map(|run| run.status) }))
        }
        Some(AlterResult::WrongStatus(status)) => {
            let allowed: Vec<&str> = alteration.statuses().iter().map(|it| it.name()).collect();
            let detail = format!(
                "run {id} is {status} and cannot be {done}: that takes one that is {}",
                allowed.join(", ")
            );
            Err(Problem::new(Code::WrongStatus, detail))
        }
        Some(AlterResult::KeyHeld(holder)) => {
            let detail = format!(
                "run {id} cannot run again now: run {holder} holds its key; wait until that has \
                 ended, or cancel it"
            );
            Err(Problem::new(Code::KeyHeld, detail))
        }
        Some(AlterResult::NotFound) | None => Err(Problem::unknown_run(id)),
    }
}
