//! `zapjobs schedule add`, `edit`, `enable`, `disable`, `trigger`, `remove` and `reset`.

use serde_json::json;
use zapjobs_model::{JobSchedule, Json};
use zapjobs_runtime::Client;

use super::{key, needed_rule, rule};
use crate::args::{AddArgs, EditArgs, OptionArgs, ScheduleArgs};
use crate::commands::{App, input};
use crate::errors::Done;
use crate::site::{ScheduleChange, Site};

pub(super) async fn add(client: &Client, args: AddArgs, app: &App) -> Done {
    let rule = needed_rule(&args.rule)?;
    let given = given_input(&args.options)?;
    let now = client.storage().now().await?;
    let plain = JobSchedule::new(key(app, &args.schedule.name), args.job, rule, now);
    let new = with_options(JobSchedule { enabled: !args.disabled, ..plain }, &args.options, &given);
    let stored = client.add_schedule(new).await?;
    told(app, &stored);
    Ok(())
}

pub(super) async fn edit(client: &Client, args: EditArgs, app: &App) -> Done {
    let rule = rule(&args.rule)?;
    let given = given_input(&args.options)?;
    let change = |schedule: JobSchedule, now| {
        let schedule = match &rule {
            Some(rule) => schedule.with_rule(rule.clone(), now),
            None => schedule,
        };
        let schedule = with_options(schedule, &args.options, &given);
        let calendars = if args.no_calendar { Vec::new() } else { schedule.calendars.clone() };
        Ok(JobSchedule { calendars, ..schedule })
    };
    let stored = client.change_schedule(&key(app, &args.schedule.name), change).await?;
    told(app, &stored);
    Ok(())
}

/// Enables, disables or resets one.
pub(super) async fn change(
    site: &dyn Site,
    args: &ScheduleArgs,
    change: ScheduleChange,
    app: &App,
) -> Done {
    told(app, &site.change_schedule(&args.name, change).await?);
    Ok(())
}

pub(super) async fn remove(site: &dyn Site, args: &ScheduleArgs, app: &App) -> Done {
    site.remove_schedule(&args.name).await?;
    if app.output.json {
        app.output.document(&json!({ "removed": args.name }));
    } else {
        app.output.line(format_args!("{} is removed; its runs stay", args.name));
    }
    Ok(())
}

pub(super) async fn trigger(site: &dyn Site, args: &ScheduleArgs, app: &App) -> Done {
    let id = site.trigger_schedule(&args.name).await?;
    if app.output.json {
        app.output.document(&json!({ "id": id }));
    } else {
        app.output.line(id);
    }
    Ok(())
}

fn given_input(options: &OptionArgs) -> Done<Option<Json>> {
    options.input.as_deref().map(input::read).transpose()
}

fn with_options(
    mut schedule: JobSchedule,
    options: &OptionArgs,
    input: &Option<Json>,
) -> JobSchedule {
    schedule.input = input.clone().or(schedule.input);
    schedule.queue = options.queue.clone().or(schedule.queue);
    schedule.priority = options.priority.unwrap_or(schedule.priority);
    if !options.tags.is_empty() {
        schedule.tags.clone_from(&options.tags);
    }
    schedule.missed = options.missed.unwrap_or(schedule.missed);
    if let Some(tolerance) = options.tolerance {
        schedule.tolerance_ms = u64::try_from(tolerance.as_millis()).unwrap_or(u64::MAX);
    }
    schedule.overlap = options.overlap.unwrap_or(schedule.overlap);
    if !options.excluding.calendars.is_empty() {
        schedule.calendars.clone_from(&options.excluding.calendars);
    }
    schedule.on_excluded = options.excluding.on_excluded.unwrap_or(schedule.on_excluded);
    schedule
}

/// Says what is stored now.
fn told(app: &App, stored: &JobSchedule) {
    if app.output.json {
        app.output.document(stored);
        return;
    }
    let name = &stored.key.name;
    let next = match (stored.enabled, stored.next_fire_at) {
        (false, _) => "it is disabled".to_owned(),
        (true, Some(next)) => format!("next at {}", stored.rule.local_text(next)),
        (true, None) => "it fires no more".to_owned(),
    };
    app.output.line(format_args!(
        "{name} runs {} {}; {next}",
        stored.job_type,
        stored.rule.describe()
    ));
}
