//! `zapjobs batch close`, `cancel` and `retry`.

use zapjobs_model::BatchId;
use zapjobs_runtime::{BatchReport, Client};

use super::find;
use crate::commands::App;
use crate::errors::Done;
use crate::output::runs_are;
use crate::storage::open_existing;

pub(super) async fn close(id: BatchId, app: App) -> Done {
    let storage = open_existing(&app.config).await?;
    find(&app, &storage, id).await?;
    storage.close_batch(id).await?;
    let batch = find(&app, &storage, id).await?;
    storage.close().await?;
    if app.output.json {
        app.output.document(&batch);
    } else {
        app.output.line(format_args!("closed with {} members", batch.counts.total));
    }
    Ok(())
}

pub(super) async fn cancel(id: BatchId, app: App) -> Done {
    let storage = open_existing(&app.config).await?;
    find(&app, &storage, id).await?;
    let report = Client::new(storage.clone()).cancel_batch(id).await?.unwrap_or_default();
    storage.close().await?;
    tell(&app, &report, "cancelled");
    Ok(())
}

pub(super) async fn retry(id: BatchId, app: App) -> Done {
    let storage = open_existing(&app.config).await?;
    find(&app, &storage, id).await?;
    let report = Client::new(storage.clone()).retry_batch(id).await?.unwrap_or_default();
    storage.close().await?;
    tell(&app, &report, "to run again");
    Ok(())
}

fn tell(app: &App, report: &BatchReport, done: &str) {
    if app.output.json {
        app.output.document(report);
        return;
    }
    let BatchReport { batches, runs, has_more_batches } = report;
    let places = if *batches == 1 { "batch" } else { "batches" };
    let (changed, asked) = (runs_are(runs.done as u64, done), runs.asked);
    app.output.line(format_args!("{changed}, {asked} asked to stop, in {batches} {places}"));
    for (status, count) in &runs.refused {
        let left = runs_are(*count as u64, format_args!("{status}: nothing to do"));
        app.output.line(format_args!("{left}"));
    }
    if runs.has_more || *has_more_batches {
        app.output.note("there are more: ask again");
    }
}
