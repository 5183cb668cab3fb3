//! Webhooks are looked at.

use axum::Json as Answer;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use zapjobs_model::{Timestamp, WebhookName};
use zapjobs_runtime::{Delivery, DeliveryOutcome, KeptWebhook};

use crate::access::Caller;
use crate::http::path::Named;
use crate::http::problem::Problem;
use crate::state::Api;

/// A webhook, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShownWebhook {
    /// Its name.
    #[schema(value_type = String)]
    name: WebhookName,
    /// Where messages go.
    url: String,
    /// Of what it is told.
    #[schema(example = json!(["run.failed"]))]
    events: Vec<&'static str>,
    /// Of runs of which jobs, with `*` for any characters; null for all.
    job: Option<String>,
    /// Whether messages hold what the job returned.
    with_output: bool,
    /// Whether anything is sent.
    enabled: bool,
    /// Runs that ended before are not told of.
    #[schema(value_type = String)]
    since: Timestamp,
    /// When it was made.
    #[schema(value_type = String)]
    created_at: Timestamp,
    /// Until when its target is left alone, because it keeps failing.
    #[schema(value_type = Option<String>)]
    rests_until: Option<Timestamp>,
    /// Messages that wait to be sent again.
    waiting: usize,
    /// Messages that were taken.
    delivered: u64,
    /// Attempts that failed.
    failed: u64,
    /// Messages that were given up after their last attempt.
    given_up: u64,
}

/// Webhooks.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookList {
    /// By name.
    webhooks: Vec<ShownWebhook>,
}

/// One attempt to deliver a message.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShownDelivery {
    /// When it began.
    #[schema(value_type = String)]
    at: Timestamp,
    /// The message's id, the header `webhook-id`.
    id: String,
    /// The message's type.
    event: String,
    /// The run that it tells of.
    run: Option<String>,
    /// Its number among the attempts of this message, from 1.
    attempt: u32,
    /// How long it took, in milliseconds.
    took_ms: u64,
    /// The status of the answer; null where there was none.
    status: Option<u16>,
    /// Why there was none.
    error: Option<String>,
    /// `delivered`, `failed` (it is sent again) or `given-up`.
    outcome: &'static str,
}

/// The latest deliveries of a webhook.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryList {
    /// The newest first; 200 are kept.
    deliveries: Vec<ShownDelivery>,
}

pub(super) fn shown(kept: KeptWebhook, now: Timestamp) -> ShownWebhook {
    let rests_until = kept.rests_until(now);
    let KeptWebhook { name, webhook, progress } = kept;
    let totals = progress.as_ref().map(|it| it.totals).unwrap_or_default();
    ShownWebhook {
        name,
        url: webhook.url.to_string(),
        events: webhook.events.iter().map(|event| event.name()).collect(),
        job: webhook.job.map(String::from),
        with_output: webhook.with_output,
        enabled: webhook.enabled,
        since: webhook.since,
        created_at: webhook.created_at,
        rests_until,
        waiting: progress.map_or(0, |it| it.waiting()),
        delivered: totals.delivered,
        failed: totals.failed,
        given_up: totals.given_up,
    }
}

/// List webhooks
#[utoipa::path(
    get, path = "/api/v1/webhooks", tag = "webhooks",
    responses((status = 200, body = WebhookList)),
)]
pub(super) async fn list_webhooks(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Answer<WebhookList>, Problem> {
    let kept = api.client().webhooks(caller.tenant()?).await?;
    let now = api.storage().now().await?;
    Ok(Answer(WebhookList { webhooks: kept.into_iter().map(|it| shown(it, now)).collect() }))
}

/// Show a webhook
#[utoipa::path(
    get, path = "/api/v1/webhooks/{name}", tag = "webhooks",
    params(("name" = String, Path, description = "the webhook")),
    responses((status = 200, body = ShownWebhook)),
)]
pub(super) async fn show_webhook(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<WebhookName>,
) -> Result<Answer<ShownWebhook>, Problem> {
    let kept = api.client().webhook(caller.tenant()?, &name).await?;
    Ok(Answer(shown(kept, api.storage().now().await?)))
}

/// List deliveries
///
/// The latest attempts to deliver a message, with what came of each.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{name}/deliveries", tag = "webhooks",
    params(("name" = String, Path, description = "the webhook")),
    responses((status = 200, body = DeliveryList)),
)]
pub(super) async fn list_deliveries(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<WebhookName>,
) -> Result<Answer<DeliveryList>, Problem> {
    let kept = api.client().webhook(caller.tenant()?, &name).await?;
    let all = kept.progress.map(|progress| progress.deliveries).unwrap_or_default();
    Ok(Answer(DeliveryList { deliveries: all.into_iter().rev().map(listed).collect() }))
}

fn listed(delivery: Delivery) -> ShownDelivery {
    ShownDelivery {
        at: delivery.at,
        id: delivery.id,
        event: delivery.event,
        run: delivery.run.map(|run| run.to_string()),
        attempt: delivery.attempt,
        took_ms: delivery.took_ms,
        status: delivery.status,
        error: delivery.error,
        outcome: match delivery.outcome {
            DeliveryOutcome::Delivered => "delivered",
            DeliveryOutcome::Failed => "failed",
            DeliveryOutcome::GivenUp => "given-up",
        },
    }
}
