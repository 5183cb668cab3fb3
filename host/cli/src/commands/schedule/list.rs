//! `zapjobs schedule list`.

use serde_json::json;
use zapjobs_model::{JobSchedule, ScheduleOrigin};

use crate::commands::App;
use crate::errors::Done;
use crate::output::{Tone, table};

pub(in crate::commands) async fn list(app: App) -> Done {
    let site = app.site().await?;
    let schedules = site.schedules().await?;
    site.close().await?;
    if app.output.json {
        app.output.document(&json!({ "schedules": schedules }));
        return Ok(());
    }
    if schedules.is_empty() {
        app.output.note("no schedules");
        return Ok(());
    }
    let header = ["SCHEDULE", "JOB", "WHEN", "NEXT", "LAST", "SKIPPED", "NOTE"];
    app.output.line(table(app.output.in_color(), &header, schedules.iter().map(row)));
    Ok(())
}

fn row(schedule: &JobSchedule) -> Vec<(String, Option<Tone>)> {
    let local = |time| schedule.rule.local_text(time);
    let next = schedule.next_fire_at.filter(|_| schedule.enabled);
    let note = note(schedule);
    let tone = if schedule.problem.is_some() { Tone::Bad } else { Tone::Quiet };
    vec![
        (schedule.key.name.to_string(), Some(Tone::Strong)),
        (schedule.job_type.to_string(), None),
        (schedule.rule.describe(), None),
        (next.map_or_else(|| "-".to_owned(), local), None),
        (schedule.last_fire_at.map_or_else(|| "-".to_owned(), local), None),
        (schedule.skipped.to_string(), None),
        (note, Some(tone)),
    ]
}

/// What is out of the ordinary, or who made it.
pub(super) fn note(schedule: &JobSchedule) -> String {
    if let Some(problem) = &schedule.problem {
        return problem.clone();
    }
    let origin = match (schedule.origin, schedule.overridden, &schedule.declared) {
        (ScheduleOrigin::Operator, ..) => "made by an operator",
        (ScheduleOrigin::Plugin, _, None) => "no plugin declares it any more",
        (ScheduleOrigin::Plugin, true, _) => "overrides its plugin",
        (ScheduleOrigin::Plugin, false, _) => "declared by its plugin",
    };
    if schedule.enabled { origin.to_owned() } else { format!("disabled; {origin}") }
}
