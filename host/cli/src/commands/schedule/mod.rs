//! `zapjobs schedule`.

mod change;
mod list;
mod preview;
mod show;

pub(super) use list::list;
pub(super) use preview::{describe, preview};
pub(super) use show::show;

use zapjobs_model::schedule::InvalidSchedule;
use zapjobs_model::{Schedule, ScheduleKey, ScheduleName};
use zapjobs_runtime::{Client, ScheduleError};

use super::App;
use crate::args::{RuleArgs, ScheduleCommand};
use crate::errors::{Code, Done, Failure};
use crate::site::ScheduleChange;
use crate::storage::open_existing;

/// What works on the storage.
pub(super) async fn schedule(command: ScheduleCommand, app: App) -> Done {
    match command {
        ScheduleCommand::Preview(args) => return preview(&args, &app).await,
        ScheduleCommand::Describe(args) => return describe(&args, &app),
        ScheduleCommand::List => return list(app).await,
        ScheduleCommand::Show(args) => return show(args.name, app).await,
        _ => {}
    }
    if matches!(command, ScheduleCommand::Add(_) | ScheduleCommand::Edit(_)) {
        return write(command, &app).await;
    }
    let site = app.submitting_site().await?;
    match command {
        ScheduleCommand::Enable(args) => {
            change::change(&*site, &args, ScheduleChange::Enable, &app).await?;
        }
        ScheduleCommand::Disable(args) => {
            change::change(&*site, &args, ScheduleChange::Disable, &app).await?;
        }
        ScheduleCommand::Reset(args) => {
            change::change(&*site, &args, ScheduleChange::Reset, &app).await?;
        }
        ScheduleCommand::Trigger(args) => change::trigger(&*site, &args, &app).await?,
        ScheduleCommand::Remove(args) => change::remove(&*site, &args, &app).await?,
        ScheduleCommand::Add(_)
        | ScheduleCommand::Edit(_)
        | ScheduleCommand::Preview(_)
        | ScheduleCommand::Describe(_)
        | ScheduleCommand::List
        | ScheduleCommand::Show(_) => unreachable!("these are done above"),
    }
    site.close().await
}

/// What writes a whole schedule, on a storage alone.
async fn write(command: ScheduleCommand, app: &App) -> Done {
    let storage = open_existing(&app.config).await?;
    let client =
        Client::new(storage.clone()).with_input_bytes_max(app.config.host.limits.input_bytes_max);
    match command {
        ScheduleCommand::Add(args) => change::add(&client, *args, app).await?,
        ScheduleCommand::Edit(args) => change::edit(&client, *args, app).await?,
        _ => unreachable!("only these write one"),
    }
    Ok(storage.close().await?)
}

fn key(app: &App, name: &ScheduleName) -> ScheduleKey {
    ScheduleKey { tenant: app.config.tenant.clone(), name: name.clone() }
}

/// The schedule that the arguments say, if they say one.
fn rule(args: &RuleArgs) -> Done<Option<Schedule>> {
    let rule = match (&args.cron, args.every, args.at) {
        (Some(cron), ..) => Schedule::cron(cron, &args.tz),
        (None, Some(every), _) => {
            let every_ms = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
            Schedule::Interval { every_ms, start: args.start }.checked()
        }
        (None, None, Some(at)) => Ok(Schedule::Once { at }),
        (None, None, None) => return Ok(None),
    };
    rule.map(Some).map_err(|error| refused(&error))
}

fn needed_rule(args: &RuleArgs) -> Done<Schedule> {
    rule(args)?.ok_or_else(|| {
        Failure::usage("no schedule: give a cron expression, --every SPAN or --at INSTANT")
    })
}

/// Keeps the lines of the message: they show the place.
fn refused(error: &InvalidSchedule) -> Failure {
    Failure { code: Code::Usage, message: error.to_string() }
}

impl From<ScheduleError> for Failure {
    fn from(error: ScheduleError) -> Self {
        match error {
            ScheduleError::Invalid(error) => refused(&error),
            ScheduleError::Submit(error) => error.into(),
            ScheduleError::Storage(error) => error.into(),
            ScheduleError::Calendar(error) => error.into(),
            ScheduleError::Contended(_) => Self::new(Code::Failed, error.to_string()),
            error => Self::usage(error.to_string()),
        }
    }
}
