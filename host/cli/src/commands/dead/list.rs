//! `zapjobs dead list`.

use zapjobs_model::Timestamp;
use zapjobs_runtime::DeadLetters;

use crate::commands::App;
use crate::errors::Done;
use crate::output::{Tone, table};
use crate::values::rounded_span;

pub(in crate::commands) async fn list(app: App) -> Done {
    let site = app.site().await?;
    let now = site.now().await?;
    let found = site.dead_letters().await?;
    site.close().await?;
    if app.output.json {
        app.output.document(&found);
        return Ok(());
    }
    if found.groups.is_empty() {
        app.output.note("no failed runs");
        return Ok(());
    }
    let header = ["JOB", "ERROR", "RUNS", "FIRST", "LATEST", "LATEST RUN", "MESSAGE"];
    let rows = found.groups.iter().map(|group| row(group, now));
    app.output.line(table(app.output.in_color(), &header, rows));
    if found.has_more {
        app.output.note("there are more failed runs than were looked at: these are the newest");
    }
    Ok(())
}

fn row(group: &DeadLetters, now: Timestamp) -> Vec<(String, Option<Tone>)> {
    const MESSAGE_CHARS_MAX: usize = 60;
    let ago = |at: Option<Timestamp>| {
        at.map_or_else(String::new, |at| format!("{} ago", rounded_span(now.since(at))))
    };
    vec![
        (group.job_type.to_string(), Some(Tone::Strong)),
        (group.error_type.clone(), Some(Tone::Bad)),
        (group.count.to_string(), None),
        (ago(group.first_at), Some(Tone::Quiet)),
        (ago(group.latest_at), Some(Tone::Quiet)),
        (group.latest_run.to_string(), Some(Tone::Quiet)),
        (group.message.chars().take(MESSAGE_CHARS_MAX).collect(), None),
    ]
}
