//! Signals to runs.

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zapjobs_model::{Json, RunId, SignalName};
use zapjobs_storage::SendSignalResult;

use crate::access::Caller;
use crate::http::body::StrictJson;
use crate::http::path::Named;
use crate::http::problem::{Code, Problem};
use crate::state::Api;

/// A signal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignalWish {
    /// What it is called.
    #[schema(value_type = String)]
    name: SignalName,
    /// What it brings, up to 64 KiB; null where absent.
    #[schema(value_type = Option<Object>)]
    payload: Option<Json>,
}

/// A signal that is kept.
#[derive(Serialize, ToSchema)]
pub(crate) struct SentSignal {
    /// The run.
    #[schema(value_type = String)]
    id: RunId,
    /// What the signal is called.
    #[schema(value_type = String)]
    signal: SignalName,
    /// Whether the run waited for it, and goes on. If not, it is kept until the run waits for it.
    woke: bool,
}

/// Send a signal to a run
///
/// One that has not ended. It is durable once this is answered; a request that is repeated sends
/// twice.
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/signals", tag = "runs", request_body = SignalWish,
    params(("id" = String, Path, description = "the run")),
    responses((status = 200, body = SentSignal)),
)]
pub(super) async fn signal_run(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<RunId>,
    StrictJson(wish): StrictJson<SignalWish>,
) -> Result<Answer<SentSignal>, Problem> {
    api.run(&caller, id).await?;
    let payload = wish.payload.unwrap_or_else(Json::null);
    let woke = match api.client().signal(id, &wish.name, &payload).await? {
        SendSignalResult::Woke => true,
        SendSignalResult::Kept => false,
        SendSignalResult::NotFound => return Err(Problem::unknown_run(id)),
        SendSignalResult::Ended(status) => {
            let detail = format!("run {id} is {status}: it takes no signals any more");
            return Err(Problem::new(Code::WrongStatus, detail));
        }
        SendSignalResult::Full => {
            let detail = format!(
                "run {id} has as many signals to take as it may: wait until it has taken some"
            );
            return Err(Problem::new(Code::Conflict, detail));
        }
    };
    Ok(Answer(SentSignal { id, signal: wish.name, woke }))
}
