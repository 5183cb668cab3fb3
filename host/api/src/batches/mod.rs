//! Batches: runs that belong together.

mod act;
mod look;
mod submit;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zapjobs_model::{Batch, BatchId};

use crate::access::{Caller, Group, Reach, Scope};
use crate::http::problem::Problem;
use crate::state::Api;

pub(crate) fn routes(api: &Api) -> OpenApiRouter<Api> {
    let read = Group::new(api, Scope::Read, Reach::Tenant)
        .with(routes!(look::list_batches))
        .with(routes!(look::show_batch));
    let enqueue = Group::new(api, Scope::Enqueue, Reach::Tenant)
        .with(routes!(submit::create_batch))
        .with(routes!(submit::add_to_batch))
        .with(routes!(submit::close_batch));
    let operate = Group::new(api, Scope::Operate, Reach::Tenant)
        .with(routes!(act::cancel_batch))
        .with(routes!(act::retry_batch));
    read.build().merge(enqueue.build()).merge(operate.build())
}

/// A batch that the caller may see: one of others is not there, in the same words.
async fn find(api: &Api, caller: &Caller, id: BatchId) -> Result<Batch, Problem> {
    let batch = api.storage().batch(id).await?.filter(|batch| caller.sees(&batch.tenant));
    batch.ok_or_else(|| unknown(id))
}

fn unknown(id: BatchId) -> Problem {
    Problem::not_found(format_args!("batch {id}: GET /api/v1/batches lists them"))
}
