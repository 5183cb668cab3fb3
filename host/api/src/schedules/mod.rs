//! Schedules: when which job runs by itself.

mod change;
mod look;
mod rule;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Group, Reach, Scope};
use crate::state::Api;

pub(crate) fn routes(api: &Api) -> OpenApiRouter<Api> {
    let read = Group::new(api, Scope::Read, Reach::Tenant)
        .with(routes!(look::list_schedules))
        .with(routes!(look::preview_schedule))
        .with(routes!(look::show_schedule));
    let operate = Group::new(api, Scope::Operate, Reach::Tenant)
        .with(routes!(change::put_schedule))
        .with(routes!(change::delete_schedule))
        .with(routes!(change::enable_schedule))
        .with(routes!(change::disable_schedule))
        .with(routes!(change::reset_schedule))
        .with(routes!(change::trigger_schedule));
    read.build().merge(operate.build())
}
