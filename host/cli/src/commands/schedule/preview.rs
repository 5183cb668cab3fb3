//! `zapjobs schedule preview` and `describe`: what a schedule says, without a storage.

use std::time::SystemTime;

use serde_json::json;
use zapjobs_model::{Schedule, Timestamp};

use super::needed_rule;
use crate::args::{PreviewArgs, RuleArgs};
use crate::commands::App;
use crate::errors::Done;
use crate::output::table;

pub(in crate::commands) fn preview(args: &PreviewArgs, app: &App) -> Done {
    let schedule = needed_rule(&args.rule)?;
    let from = args.from.unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Timestamp::from_micros(0).plus(since.unwrap_or_default())
    });
    let times: Vec<Timestamp> =
        std::iter::successors(schedule.next_after(from), |time| schedule.next_after(*time))
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
