//! `zapjobs runs steps`.

use zapjobs_model::{Step, Timestamp};

use super::find::find;
use crate::commands::App;
use crate::errors::Done;
use crate::output::{Tone, table};
use crate::values::rounded_span;

/// Characters of a value that are shown to people.
const VALUE_CHARS_MAX: usize = 80;

pub(in crate::commands) async fn steps(id: String, app: App) -> Done {
    let site = app.site().await?;
    let run = find(&*site, &id).await?;
    let steps = site.steps(run.id).await?;
    let now = site.now().await?;
    site.close().await?;
    let output = app.output;
    if output.json {
        output.document(&steps);
    } else if steps.is_empty() {
        output.note(format_args!("this run has recorded no steps"));
    } else {
        let rows = steps.iter().map(|step| row(step, now));
        output.line(table(output.in_color(), &["STEP", "RECORDED", "VALUE"], rows));
    }
    Ok(())
}

fn row(step: &Step, now: Timestamp) -> Vec<(String, Option<Tone>)> {
    let recorded = format!("{} ago", rounded_span(now.since(step.at)));
    let mut value: String = step.result.as_str().chars().take(VALUE_CHARS_MAX).collect();
    if value.len() < step.result.as_str().len() {
        value.push('…');
    }
    vec![(step.name.to_string(), Some(Tone::Strong)), (recorded, Some(Tone::Quiet)), (value, None)]
}
