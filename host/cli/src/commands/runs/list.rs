//! `zapjobs runs list`.

use serde_json::json;
use zapjobs_model::{Run, RunId, Timestamp};
use zapjobs_storage::RunFilter;

use super::tone;
use crate::args::{ListArgs, Since};
use crate::commands::App;
use crate::errors::Done;
use crate::output::{Tone, table};
use crate::site::{RunsRequest, Site};
use crate::values::rounded_span;

pub(in crate::commands) async fn list(args: ListArgs, app: App) -> Done {
    let site = app.site().await?;
    let now = site.now().await?;
    let page = site.runs(&request(args, now)).await?;
    let next = page.next;
    if app.output.json {
        let runs = whole(&*site, page.runs, &page.cut).await?;
        app.output.document(&json!({ "runs": runs, "next": next }));
        return site.close().await;
    }
    site.close().await?;
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

/// The same with what the page left out; a run that has gone meanwhile stays as it is there.
pub(in crate::commands) async fn whole(
    site: &dyn Site,
    mut runs: Vec<Run>,
    cut: &[RunId],
) -> Done<Vec<Run>> {
    for run in runs.iter_mut().filter(|run| cut.contains(&run.id)) {
        if let Some(whole) = site.run(run.id).await? {
            *run = whole;
        }
    }
    Ok(runs)
}

fn request(args: ListArgs, now: Timestamp) -> RunsRequest {
    RunsRequest {
        filter: RunFilter {
            statuses: args.status,
            tenant: None,
            job_type: args.job,
            queue: args.queue,
            tag: args.tag,
            created_from: args.since.map(|of| since(of, now)),
            created_before: None,
            search: args.search,
            batch: args.batch,
        },
        after: args.after,
        limit: usize::from(args.limit),
    }
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
