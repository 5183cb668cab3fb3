//! `zapjobs workflow show`.

use serde_json::json;
use zapjobs_model::{Run, RunStatus};
use zapjobs_runtime::{AFTER_KEY, Client, NAME_KEY, NODE_KEY};
use zapjobs_storage::Counts;

use super::unknown;
use crate::args::WorkflowIdArgs;
use crate::commands::App;
use crate::commands::runs::tone;
use crate::errors::Done;
use crate::output::{Tone, table};
use crate::storage::open_existing;

pub(in crate::commands) async fn show(args: WorkflowIdArgs, app: App) -> Done {
    let storage = open_existing(&app.config).await?;
    let runs =
        Client::new(storage.clone()).workflow_runs(Some(&app.config.tenant), args.id, &[]).await?;
    storage.close().await?;
    let Some(first) = runs.first() else { return Err(unknown(args.id)) };
    let name = first.metadata.get(NAME_KEY).cloned().unwrap_or_default();
    let mut counts = Counts::default();
    runs.iter().for_each(|run| *counts.of_mut(run.status) += 1);
    if app.output.json {
        let document = json!({ "id": args.id, "name": name, "counts": counts, "runs": runs });
        app.output.document(&document);
        return Ok(());
    }
    let header = ["NODE", "JOB", "STATUS", "AFTER", "RUN", "NOTE"];
    app.output.line(table(app.output.in_color(), &header, runs.iter().map(row)));
    app.output.note(format_args!("{name} {}", summary(&counts)).to_string().trim_start());
    Ok(())
}

fn row(run: &Run) -> Vec<(String, Option<Tone>)> {
    let noted = |key: &str| run.metadata.get(key).cloned().unwrap_or_default();
    let error = run.error.as_ref().map(ToString::to_string).unwrap_or_default();
    vec![
        (noted(NODE_KEY), Some(Tone::Strong)),
        (run.job_type.to_string(), None),
        (run.status.to_string(), Some(tone(run.status))),
        (noted(AFTER_KEY), None),
        (run.id.to_string(), Some(Tone::Quiet)),
        (error, Some(Tone::Quiet)),
    ]
}

/// How many runs stand how, as far as any do.
fn summary(counts: &Counts) -> String {
    let some = RunStatus::ALL.into_iter().filter(|status| counts.of(*status) > 0);
    let told: Vec<String> = some.map(|status| format!("{} {status}", counts.of(status))).collect();
    format!("{} of {} runs", told.join(", "), counts.total())
}
