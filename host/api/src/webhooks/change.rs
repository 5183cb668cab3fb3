//! Webhooks are made and changed, and messages are sent once more.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zapjobs_model::grants::JobPattern;
use zapjobs_model::webhook::{Secret, WebhookEvent, WebhookUrl};
use zapjobs_model::{RunId, Timestamp, WebhookName};
use zapjobs_runtime::{NewWebhook, OrderKind};

use super::look::{ShownWebhook, shown};
use crate::access::Caller;
use crate::http::body::StrictJson;
use crate::http::path::Named;
use crate::http::problem::{Code, Problem};
use crate::state::Api;

/// A webhook that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookWish {
    /// Its name: 1 to 100 of a-z, A-Z, 0-9, '.', '_', '-'.
    #[schema(value_type = String)]
    name: WebhookName,
    /// Where messages go, `https` or `http`.
    #[schema(value_type = String)]
    url: WebhookUrl,
    /// Of what to tell: `run.completed`, `run.failed`, `run.cancelled`.
    #[schema(value_type = Vec<String>)]
    events: Vec<WebhookEvent>,
    /// Of runs of which jobs, with `*` for any characters; of all where absent.
    #[schema(value_type = Option<String>)]
    job: Option<JobPattern>,
    /// Put what the job returned into messages, up to 64 KiB. No.
    #[serde(default)]
    with_output: bool,
    /// What to sign messages with: `whsec_` and 24 to 64 bytes in base 64. Made where absent.
    #[schema(value_type = Option<String>)]
    secret: Option<Secret>,
}

/// A webhook that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedWebhook {
    /// Its name.
    #[schema(value_type = String)]
    name: WebhookName,
    /// What messages are signed with, shown this once.
    secret: String,
}

/// What to send once more: that of a run, or those of a time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayWish {
    /// The message of this run, whether or not the webhook would be told of it.
    #[schema(value_type = Option<String>)]
    run: Option<RunId>,
    /// Those of runs that ended at this instant or later.
    #[schema(value_type = Option<String>)]
    from: Option<Timestamp>,
    /// And before this one; until now where absent.
    #[schema(value_type = Option<String>)]
    before: Option<Timestamp>,
}

/// Make a webhook
///
/// It is told of what happens from now on. The answer shows its secret, this once.
#[utoipa::path(
    post, path = "/api/v1/webhooks", tag = "webhooks", request_body = WebhookWish,
    responses((status = 201, body = CreatedWebhook)),
)]
pub(super) async fn create_webhook(
    State(api): State<Api>,
    caller: Caller,
    StrictJson(wish): StrictJson<WebhookWish>,
) -> Result<Response, Problem> {
    let WebhookWish { name, url, events, job, with_output, secret } = wish;
    let new = NewWebhook { url, events, job, with_output, secret };
    let secret = api.client().create_webhook(caller.tenant()?, &name, new).await?;
    let created = CreatedWebhook { name, secret: secret.reveal() };
    Ok((StatusCode::CREATED, Answer(created)).into_response())
}

/// Remove a webhook
#[utoipa::path(
    delete, path = "/api/v1/webhooks/{name}", tag = "webhooks",
    params(("name" = String, Path, description = "the webhook")),
    responses((status = 204)),
)]
pub(super) async fn delete_webhook(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<WebhookName>,
) -> Result<StatusCode, Problem> {
    api.client().remove_webhook(caller.tenant()?, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Enable a webhook
///
/// It is told of what happens from now on.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{name}/enable", tag = "webhooks",
    params(("name" = String, Path, description = "the webhook")),
    responses((status = 200, body = ShownWebhook)),
)]
pub(super) async fn enable_webhook(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<WebhookName>,
) -> Result<Answer<ShownWebhook>, Problem> {
    switch(&api, &caller, &name, true).await
}

/// Disable a webhook
///
/// What happens while it is disabled is not told later.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{name}/disable", tag = "webhooks",
    params(("name" = String, Path, description = "the webhook")),
    responses((status = 200, body = ShownWebhook)),
)]
pub(super) async fn disable_webhook(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<WebhookName>,
) -> Result<Answer<ShownWebhook>, Problem> {
    switch(&api, &caller, &name, false).await
}

async fn switch(
    api: &Api,
    caller: &Caller,
    name: &WebhookName,
    enabled: bool,
) -> Result<Answer<ShownWebhook>, Problem> {
    api.client().enable_webhook(caller.tenant()?, name, enabled).await?;
    let kept = api.client().webhook(caller.tenant()?, name).await?;
    Ok(Answer(shown(kept, api.storage().now().await?)))
}

/// Send a test message
///
/// One of the type `webhook.test`, within seconds; the deliveries tell what came of it.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{name}/test", tag = "webhooks",
    params(("name" = String, Path, description = "the webhook")),
    responses((status = 202)),
)]
pub(super) async fn test_webhook(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<WebhookName>,
) -> Result<StatusCode, Problem> {
    api.client().order_webhook(caller.tenant()?, &name, OrderKind::Test).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Send messages once more
///
/// That of a run, or all of runs that ended in a time; with the ids that they had.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{name}/replay", tag = "webhooks", request_body = ReplayWish,
    params(("name" = String, Path, description = "the webhook")),
    responses((status = 202)),
)]
pub(super) async fn replay_webhook(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<WebhookName>,
    StrictJson(wish): StrictJson<ReplayWish>,
) -> Result<StatusCode, Problem> {
    let kind = match wish {
        ReplayWish { run: Some(run), from: None, before: None } => OrderKind::Run(run),
        ReplayWish { run: None, from: Some(from), before } => {
            let before = match before {
                Some(before) => before,
                None => api.storage().now().await?,
            };
            OrderKind::Span { from, before }
        }
        _ => return Err(Problem::new(Code::Invalid, "name either a run, or a time with from")),
    };
    api.client().order_webhook(caller.tenant()?, &name, kind).await?;
    Ok(StatusCode::ACCEPTED)
}
