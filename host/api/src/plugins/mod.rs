//! The plugins of this host's directory: how they stand, what waits for approval, and orders.
//!
//! **Invariant:** what code may serve is the installation's to say: orders take a token that is
//! bound to no tenant. No value that a manifest gives a plugin is told, names alone.

mod document;
mod look;
mod order;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Group, Reach, Scope};
use crate::state::Api;

pub(crate) fn routes(api: &Api) -> OpenApiRouter<Api> {
    let read = Group::new(api, Scope::Read, Reach::Tenant)
        .with(routes!(look::list_plugins))
        .with(routes!(look::show_plugin));
    let admin = Group::new(api, Scope::Admin, Reach::Everything)
        .with(routes!(order::approve_plugin))
        .with(routes!(order::roll_back_plugin))
        .with(routes!(order::unpin_plugin))
        .with(routes!(order::reset_plugin));
    read.build().merge(admin.build())
}
