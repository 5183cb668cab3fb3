//! `zapjobs runs list`.

use serde_json::json;
use zapjobs_model::{Run, RunId, Timestamp};
use zapjobs_storage::{Cursor, RunFilter, RunPageRequest};

use super::tone;
use crate::args::{ListArgs, Since};
use crate::commands::App;
use crate::errors::{Done, Failure};
use crate::output::{Tone, table};
use crate::storage::open_existing;
use crate::values::rounded_span;

pub(in crate::commands) async fn list(args: ListArgs, app: App) -> Done {
    let storage = open_existing(&app.config).await?;
    let now = storage.now().await?;
    let page = storage.runs(request(args, &app, now)?).await?;
    let next = page.next.map(|Cursor(run)| run);
    storage.close().await?;
    if app.output.json {
        app.output.document(&json!({ "runs": page.runs, "next": next }));
        return Ok(());
    }
    if page.runs.is_empty() {
        app.output.note("no runs");
        return Ok(());
    }
    let header = ["RUN", "JOB", "STATUS", "ATTEMPT", "CREATED", "TOOK", "NOTE"];
    let rows = page.runs.iter().map(|run| row(run, now));
    app.output.line(table(app.output.in_color(), &header, rows));
    if let Some(next) = next {
        app.output.note(format_args!("more: --after {next}"));
    }
    Ok(())
}

fn request(args: ListArgs, app: &App, now: Timestamp) -> Done<RunPageRequest> {
    let after = args.after.map(|text| {
        text.parse::<RunId>().map(Cursor).map_err(|_| {
            Failure::usage(format!(
                "--after {text}: use the cursor that the page before ended with"
            ))
        })
    });
    Ok(RunPageRequest {
        filter: RunFilter {
            statuses: args.status,
            tenant: Some(app.config.tenant.clone()),
            job_type: args.job,
            queue: args.queue,
            tag: args.tag,
            created_from: args.since.map(|of| since(of, now)),
            created_before: None,
            search: args.search,
            batch: args.batch,
        },
        after: after.transpose()?,
        limit: usize::from(args.limit),
    })
}

/// The instant that is meant.
pub(super) fn since(since: Since, now: Timestamp) -> Timestamp {
    match since {
        Since::Ago(span) => now.minus(span),
        Since::Instant(instant) => instant,
    }
}

fn row(run: &Run, now: Timestamp) -> Vec<(String, Option<Tone>)> {
    let took = match (run.started_at, run.finished_at) {
        (Some(from), Some(to)) => rounded_span(to.since(from)),
        (Some(from), None) if run.status == zapjobs_model::RunStatus::Running => {
            rounded_span(now.since(from))
        }
        _ => String::new(),
    };
    vec![
        (short(run), None),
        (run.job_type.to_string(), Some(Tone::Strong)),
        (run.status.to_string(), Some(tone(run.status))),
        (format!("{}/{}", run.attempt, run.max_attempts), None),
        (format!("{} ago", rounded_span(now.since(run.created_at))), Some(Tone::Quiet)),
        (took, None),
        (note(run, now), Some(Tone::Quiet)),
    ]
}

/// The last group of an id: its random end, by which every command finds the run.
fn short(run: &Run) -> String {
    let id = run.id.to_string();
    id.rsplit('-').next().unwrap_or(&id).to_owned()
}

/// What is worth knowing at a glance: why it failed, when it is due, how far it is.
fn note(run: &Run, now: Timestamp) -> String {
    const NOTE_CHARS_MAX: usize = 60;
    let text = if run.status.is_delayed() && run.due_at > now {
        format!("due in {}", rounded_span(run.due_at.since(now)))
    } else if let Some(error) = &run.error {
        error.to_string()
    } else {
        match (run.progress.done, run.progress.total) {
            (done, Some(total)) => format!("{done}/{total} {}", run.progress.message),
            (0, None) => run.progress.message.clone(),
            (done, None) => format!("{done} {}", run.progress.message),
        }
    };
    if text.chars().count() <= NOTE_CHARS_MAX {
        return text;
    }
    let cut: String = text.chars().take(NOTE_CHARS_MAX).collect();
    format!("{cut}…")
}
