//! `zapjobs batch list`.

use serde_json::json;
use zapjobs_model::Batch;
use zapjobs_storage::BatchPageRequest;

use super::progress;
use crate::args::BatchListArgs;
use crate::commands::App;
use crate::errors::Done;
use crate::output::{Tone, table};
use crate::storage::open_existing;

pub(super) async fn list(args: BatchListArgs, app: App) -> Done {
    let storage = open_existing(&app.config).await?;
    let request = BatchPageRequest {
        tenant: Some(app.config.tenant.clone()),
        parent: args.parent,
        after: args.after,
        limit: usize::from(args.limit),
    };
    let page = storage.batches(request).await?;
    storage.close().await?;
    if app.output.json {
        app.output.document(&json!({ "batches": page.batches, "next": page.next }));
        return Ok(());
    }
    if page.batches.is_empty() {
        app.output.note("no batches");
        return Ok(());
    }
    let header = ["BATCH", "NAME", "STATE", "MEMBERS"];
    app.output.line(table(app.output.in_color(), &header, page.batches.iter().map(row)));
    if let Some(next) = page.next {
        app.output.note(format_args!("more: --after {next}"));
    }
    Ok(())
}

fn row(batch: &Batch) -> Vec<(String, Option<Tone>)> {
    vec![
        (batch.id.to_string(), None),
        (batch.name.as_ref().map(ToString::to_string).unwrap_or_default(), Some(Tone::Strong)),
        (batch.state().to_owned(), None),
        (progress(batch), Some(Tone::Quiet)),
    ]
}
