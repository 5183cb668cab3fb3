//! `zapjobs schedule preview` and `describe`: what a schedule says, without a storage unless a
//! calendar is named.

use std::time::SystemTime;

use serde_json::json;
use zapjobs_model::job_schedule::next_fire;
use zapjobs_model::{Calendars, Schedule, Timestamp};
use zapjobs_runtime::Client;

use super::needed_rule;
use crate::args::{PreviewArgs, RuleArgs};
use crate::commands::App;
use crate::errors::Done;
use crate::output::table;
use crate::storage::open_existing;

pub(in crate::commands) async fn preview(args: &PreviewArgs, app: &App) -> Done {
    let schedule = needed_rule(&args.rule)?;
    let from = args.from.unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Timestamp::from_micros(0).plus(since.unwrap_or_default())
    });
    let calendars = calendars(args, app).await?;
    let on_excluded = args.excluding.on_excluded.unwrap_or_default();
    let next_after = |after| next_fire(&schedule, &calendars, on_excluded, after);
    let times: Vec<Timestamp> = std::iter::successors(next_after(from), |time| next_after(*time))
        .take(args.count.into())
        .collect();
    if app.output.json {
        let times: Vec<String> = times.iter().map(|time| time.to_text_short()).collect();
        app.output.document(&times);
        return Ok(());
    }
    app.output.line(format_args!("{schedule}: {}", schedule.describe()));
    let rows = times
        .iter()
        .map(|time| vec![(schedule.local_text(*time), None), (time.to_text_short(), None)]);
    app.output.line(table(app.output.in_color(), &["LOCAL TIME", "UTC"], rows));
    Ok(())
}

/// The calendars that are named, from the storage.
async fn calendars(args: &PreviewArgs, app: &App) -> Done<Calendars> {
    let names = &args.excluding.calendars;
    if names.is_empty() {
        return Ok(Calendars::none());
    }
    let storage = open_existing(&app.config).await?;
    let calendars = Client::new(storage.clone()).calendars_named(&app.config.tenant, names).await?;
    storage.close().await?;
    Ok(calendars)
}

pub(in crate::commands) fn describe(args: &RuleArgs, app: &App) -> Done {
    let schedule = needed_rule(args)?;
    if app.output.json {
        app.output.document(&json!({ "schedule": schedule, "description": schedule.describe() }));
    } else {
        let zone = match &schedule {
            Schedule::Cron(cron) => format!(", {} time", cron.time_zone()),
            _ => String::new(),
        };
        app.output.line(format_args!("{}{zone}", schedule.describe()));
    }
    Ok(())
}
