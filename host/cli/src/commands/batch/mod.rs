//! `zapjobs batch`: runs that belong together.

mod alter;
mod create;
mod lines;
mod list;
mod show;
mod wait;

use std::sync::Arc;

use zapjobs_model::{Batch, BatchId};
use zapjobs_storage::Storage;

use super::App;
use crate::args::BatchCommand;
use crate::errors::{Done, Failure};

pub(super) async fn batch(command: BatchCommand, app: App) -> Done {
    match command {
        BatchCommand::Create(args) => create::create(args, app).await,
        BatchCommand::Add(args) => create::add(args, app).await,
        BatchCommand::Close(args) => alter::close(args.id, app).await,
        BatchCommand::List(args) => list::list(args, app).await,
        BatchCommand::Show(args) => show::show(args.id, app).await,
        BatchCommand::Cancel(args) => alter::cancel(args.id, app).await,
        BatchCommand::Retry(args) => alter::retry(args.id, app).await,
        BatchCommand::Wait(args) => wait::wait(args, app).await,
    }
}

/// The tenant's batch with this id.
async fn find(app: &App, storage: &Arc<dyn Storage>, id: BatchId) -> Done<Batch> {
    let batch = storage.batch(id).await?.filter(|batch| batch.tenant == app.config.tenant);
    batch.ok_or_else(|| {
        Failure::usage(format!("there is no batch {id}: `zapjobs batch list` shows what there is"))
    })
}

/// How its members stand, in a few words.
fn progress(batch: &Batch) -> String {
    let counts = &batch.counts;
    format!(
        "{} completed, {} failed, {} cancelled, {} unfinished of {}",
        counts.completed, counts.failed, counts.cancelled, counts.unfinished, counts.total
    )
}
