//! Templates: presets of a job and its input, with parameters.

mod keep;
mod submit;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Group, Reach, Scope};
use crate::state::Api;

pub(crate) fn routes(api: &Api) -> OpenApiRouter<Api> {
    let read = Group::new(api, Scope::Read, Reach::Tenant)
        .with(routes!(keep::list_templates))
        .with(routes!(keep::show_template));
    let enqueue =
        Group::new(api, Scope::Enqueue, Reach::Tenant).with(routes!(submit::submit_template));
    let operate = Group::new(api, Scope::Operate, Reach::Tenant)
        .with(routes!(keep::put_template))
        .with(routes!(keep::delete_template));
    read.build().merge(enqueue.build()).merge(operate.build())
}
