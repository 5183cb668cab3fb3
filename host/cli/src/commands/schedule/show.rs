//! `zapjobs schedule show`.

use serde_json::json;
use zapjobs_model::{JobSchedule, OnExcluded, RunStatus, ScheduleName};

use super::list::note;
use crate::commands::App;
use crate::errors::Done;
use crate::output::plain;
use crate::values::format_span;

pub(in crate::commands) async fn show(name: ScheduleName, app: App) -> Done {
    let site = app.site().await?;
    let (schedule, last_status) = site.schedule(&name).await?;
    site.close().await?;
    if app.output.json {
        let mut shown = serde_json::to_value(&schedule).expect("schedules serialise");
        shown["description"] = json!(schedule.rule.describe());
        shown["last_status"] = json!(last_status);
        app.output.document(&shown);
        return Ok(());
    }
    for (name, value) in facts(&schedule, last_status) {
        app.output.line(format_args!("{name:<10} {}", plain(&value)));
    }
    Ok(())
}

fn facts(schedule: &JobSchedule, last_status: Option<RunStatus>) -> Vec<(&'static str, String)> {
    let local = |time| schedule.rule.local_text(time);
    let last = schedule.last_run.zip(schedule.last_fire_at).map(|(run, time)| {
        let status = last_status.map_or("deleted", RunStatus::name);
        format!("{}, run {run}, {status}", local(time))
    });
    let policies = serde_json::to_value((schedule.missed, schedule.overlap));
    let policies = policies.expect("policies serialise");
    let kind = |at: usize| policies[at]["kind"].as_str().or(policies[at].as_str());
    let optional = [
        ("next", schedule.next_fire_at.filter(|_| schedule.enabled).map(local)),
        ("last", last),
        ("waiting", schedule.held.map(|time| format!("{}, for the run before", local(time)))),
        ("input", schedule.input.as_ref().map(ToString::to_string)),
        ("queue", schedule.queue.as_ref().map(ToString::to_string)),
        ("calendars", calendars(schedule)),
        ("declared", schedule.declared.as_ref().map(ToString::to_string)),
        ("problem", schedule.problem.clone()),
    ];
    let mut facts = vec![
        ("schedule", schedule.key.name.to_string()),
        ("job", schedule.job_type.to_string()),
        ("when", format!("{}: {}", schedule.rule, schedule.rule.describe())),
        ("origin", note(schedule)),
        ("missed", kind(0).unwrap_or_default().to_owned()),
        ("tolerance", format_span(schedule.tolerance())),
        ("overlap", kind(1).unwrap_or_default().to_owned()),
        ("skipped", schedule.skipped.to_string()),
    ];
    facts.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
    facts
}

/// The calendars, and what becomes of the times that they exclude.
fn calendars(schedule: &JobSchedule) -> Option<String> {
    let names: Vec<&str> = schedule.calendars.iter().map(|name| name.as_str()).collect();
    let excluded = match schedule.on_excluded {
        OnExcluded::Skip => "skipped",
        OnExcluded::NextOpenTime => "moved to the next open time",
    };
    let told = || format!("{}; times that they exclude are {excluded}", names.join(", "));
    (!names.is_empty()).then(told)
}
