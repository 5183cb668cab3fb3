//! Webhooks over HTTP: who is told of runs that ended.
//!
//! **Invariant:** a secret is answered once, by the request that makes the webhook.

mod change;
mod look;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zapjobs_runtime::WebhookError;

use crate::access::{Group, Reach, Scope};
use crate::http::problem::{Code, Problem};
use crate::state::Api;

pub(crate) fn routes(api: &Api) -> OpenApiRouter<Api> {
    Group::new(api, Scope::Admin, Reach::Tenant)
        .with(routes!(look::list_webhooks))
        .with(routes!(look::show_webhook))
        .with(routes!(look::list_deliveries))
        .with(routes!(change::create_webhook))
        .with(routes!(change::delete_webhook))
        .with(routes!(change::enable_webhook))
        .with(routes!(change::disable_webhook))
        .with(routes!(change::test_webhook))
        .with(routes!(change::replay_webhook))
        .build()
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        let code = match error {
            WebhookError::Storage(error) => return error.into(),
            WebhookError::NotFound(_) => Code::NotFound,
            WebhookError::Exists(_) => Code::Conflict,
            WebhookError::TooMany | WebhookError::TooManyOrders => Code::Conflict,
            WebhookError::NoEvents | WebhookError::NotEnded(_) | WebhookError::EmptySpan => {
                Code::Invalid
            }
            WebhookError::Random(_) => Code::Internal,
        };
        Self::new(code, error.to_string())
    }
}
