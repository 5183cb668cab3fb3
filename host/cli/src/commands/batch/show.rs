//! `zapjobs batch show`.

use serde_json::json;
use zapjobs_model::{BatchId, RunStatus};
use zapjobs_storage::{BatchPageRequest, RunFilter};

use super::{find, progress};
use crate::commands::App;
use crate::errors::Done;
use crate::storage::open_existing;

/// Batches within it that are shown at most.
const NESTED_SHOWN_MAX: usize = 100;

pub(super) async fn show(id: BatchId, app: App) -> Done {
    let storage = open_existing(&app.config).await?;
    let batch = find(&app, &storage, id).await?;
    let filter = RunFilter { batch: Some(id), ..RunFilter::default() };
    let runs = storage.counts(&filter).await?;
    let request = BatchPageRequest {
        parent: Some(id),
        limit: NESTED_SHOWN_MAX,
        ..BatchPageRequest::default()
    };
    let nested = storage.batches(request).await?;
    storage.close().await?;
    if app.output.json {
        let (nested, has_more) = (nested.batches, nested.next.is_some());
        app.output.document(&json!({
            "batch": batch, "state": batch.state(), "runs": runs,
            "nested": nested, "has_more_nested": has_more,
        }));
        return Ok(());
    }
    let mut lines = vec![
        ("batch", batch.id.to_string()),
        ("state", batch.state().to_owned()),
        ("members", progress(&batch)),
        ("created", batch.created_at.to_string()),
    ];
    let text = |value: Option<String>| value.into_iter();
    lines.extend(text(batch.name.map(|it| it.to_string())).map(|it| ("name", it)));
    lines.extend(text(batch.parent.map(|it| it.to_string())).map(|it| ("within", it)));
    lines.extend(text(batch.completed_at.map(|it| it.to_string())).map(|it| ("complete", it)));
    lines.extend(text(batch.succeeded_at.map(|it| it.to_string())).map(|it| ("succeeded", it)));
    lines.extend(text(batch.on_complete.map(|it| it.to_string())).map(|it| ("on complete", it)));
    lines.extend(text(batch.on_success.map(|it| it.to_string())).map(|it| ("on success", it)));
    let stored = RunStatus::ALL.into_iter().filter(|status| runs.of(*status) > 0);
    let stored: Vec<String> = stored.map(|it| format!("{} {it}", runs.of(it))).collect();
    lines.push(("runs stored", stored.join(", ")));
    for (what, value) in lines {
        app.output.line(format_args!("{what:<12} {}", crate::output::plain(&value)));
    }
    for inner in &nested.batches {
        app.output.line(format_args!("{:<12} {} {}", "holds", inner.id, inner.state()));
    }
    if nested.next.is_some() {
        app.output.note(format_args!("more: `zapjobs batch list --parent {id}`"));
    }
    Ok(())
}
