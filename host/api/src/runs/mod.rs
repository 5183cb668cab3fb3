//! Runs: submitted, looked at, changed.

mod act;
mod alter;
mod filter;
mod list;
mod look;
mod signal;
mod submit;
mod wish;

pub(crate) use submit::{SubmittedRun, request_name, submitted};
pub(crate) use wish::{Inputs, RunWish, requests};

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Group, Reach, Scope};
use crate::state::Api;

pub(crate) fn routes(api: &Api) -> OpenApiRouter<Api> {
    let read = Group::new(api, Scope::Read, Reach::Tenant)
        .with(routes!(list::list_runs))
        .with(routes!(list::count_runs))
        .with(routes!(look::show_run))
        .with(routes!(look::list_logs))
        .with(routes!(look::list_steps))
        .with(routes!(look::list_dependencies));
    let enqueue = Group::new(api, Scope::Enqueue, Reach::Tenant)
        .with(routes!(submit::submit_run))
        .with(routes!(submit::submit_batch));
    let operate = Group::new(api, Scope::Operate, Reach::Tenant)
        .with(routes!(act::cancel_run))
        .with(routes!(act::retry_run))
        .with(routes!(act::delete_run))
        .with(routes!(act::move_run))
        .with(routes!(act::prioritise_run))
        .with(routes!(act::run_now))
        .with(routes!(alter::alter_runs))
        .with(routes!(signal::signal_run));
    read.build().merge(enqueue.build()).merge(operate.build())
}
