//! What happens, as it happens: server-sent events.
//!
//! **Invariant:** nothing is kept for a client but its place in one ring that all share, so that
//! a slow client costs no more than a fast one: what it missed is told as one `resync`, which means
//! to look at what matters again. Events are hints, and no result depends on one.

mod everything;
mod hub;
mod run;
mod stream;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use hub::Hub;

use crate::access::{Group, Reach, Scope};
use crate::state::Api;

pub(crate) fn routes(api: &Api) -> OpenApiRouter<Api> {
    Group::new(api, Scope::Read, Reach::Tenant)
        .with(routes!(everything::follow_everything))
        .with(routes!(run::follow_run))
        .build()
}
