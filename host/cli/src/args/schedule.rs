//! `zapjobs schedule`.

use std::time::Duration;

use clap::{Args, Subcommand};
use zapjobs_model::job_schedule::FIRE_ALL_MAX;
use zapjobs_model::{
    JobType, MissedPolicy, OverlapPolicy, Priority, QueueName, ScheduleName, Tag, Timestamp,
};

use super::calendar::ExcludingArgs;
use super::enqueue::{parse_instant, parse_priority};
use crate::values::parse_span;

/// Look after schedules: when which job runs by itself.
#[derive(Debug, Subcommand)]
pub(crate) enum ScheduleCommand {
    /// List schedules
    List,
    /// Show all that is known of a schedule
    Show(ScheduleArgs),
    /// Make a schedule for a job
    Add(Box<AddArgs>),
    /// Change a schedule; what is not named stays. Changes to one that a plugin declares outlive
    /// its reloads
    Edit(Box<EditArgs>),
    /// Let a schedule fire again, at times to come
    Enable(ScheduleArgs),
    /// Keep a schedule from firing
    Disable(ScheduleArgs),
    /// Run a schedule's job now, as the schedule would
    Trigger(ScheduleArgs),
    /// Delete a schedule; its runs stay
    Remove(ScheduleArgs),
    /// Make a schedule again what its plugin declares
    Reset(ScheduleArgs),
    /// Show when a schedule would fire; needs no storage, unless a calendar is named
    Preview(PreviewArgs),
    /// Tell in plain English what a schedule says; needs no storage
    Describe(RuleArgs),
}

/// Which schedule.
#[derive(Debug, Args)]
pub(crate) struct ScheduleArgs {
    /// The schedule's name; one that a plugin declares has its job's
    #[arg(value_name = "NAME")]
    pub(crate) name: ScheduleName,
}

/// When it fires, and where a cron expression holds.
#[derive(Debug, Args)]
pub(crate) struct RuleArgs {
    /// A cron expression: minute, hour, day of month, month, day of week; with seconds in front
    /// where there are six; or @hourly, @daily, @weekly, @monthly, @yearly
    #[arg(value_name = "CRON", conflicts_with_all = ["every", "at"])]
    pub(crate) cron: Option<String>,
    /// The time zone of the cron expression, such as Europe/Lisbon
    #[arg(long, value_name = "ZONE", default_value = "UTC", requires = "cron")]
    pub(crate) tz: String,
    /// Again and again, this long apart, such as 90s
    #[arg(long, value_name = "SPAN", value_parser = parse_span, conflicts_with = "at")]
    pub(crate) every: Option<Duration>,
    /// With --every: the first time, which the others are counted from
    #[arg(long, value_name = "RFC3339", value_parser = parse_instant, requires = "every")]
    pub(crate) start: Option<Timestamp>,
    /// Once, at this instant
    #[arg(long, value_name = "RFC3339", value_parser = parse_instant)]
    pub(crate) at: Option<Timestamp>,
}

/// Which fire times to show.
#[derive(Debug, Args)]
pub(crate) struct PreviewArgs {
    #[command(flatten)]
    pub(crate) rule: RuleArgs,
    /// Fire times after this instant [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = parse_instant)]
    pub(crate) from: Option<Timestamp>,
    /// How many, 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 10,
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) count: u16,
    #[command(flatten)]
    pub(crate) excluding: ExcludingArgs,
}

/// Make a schedule.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    #[command(flatten)]
    pub(crate) schedule: ScheduleArgs,
    /// Which job it runs
    #[arg(long, value_name = "ID")]
    pub(crate) job: JobType,
    #[command(flatten)]
    pub(crate) rule: RuleArgs,
    #[command(flatten)]
    pub(crate) options: OptionArgs,
    /// Do not let it fire yet
    #[arg(long)]
    pub(crate) disabled: bool,
}

/// Change a schedule.
#[derive(Debug, Args)]
pub(crate) struct EditArgs {
    #[command(flatten)]
    pub(crate) schedule: ScheduleArgs,
    #[command(flatten)]
    pub(crate) rule: RuleArgs,
    #[command(flatten)]
    pub(crate) options: OptionArgs,
    /// Take all calendars from it
    #[arg(long, conflicts_with = "calendars")]
    pub(crate) no_calendar: bool,
}

/// What its runs are, and what becomes of its fire times.
#[derive(Debug, Args)]
pub(crate) struct OptionArgs {
    /// What its runs are given: JSON, @FILE, or - for stdin [default: the job's own default]
    #[arg(long, short, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    pub(crate) input: Option<String>,
    /// The queue its runs wait in [default: the job's own]
    #[arg(long, value_name = "NAME")]
    pub(crate) queue: Option<QueueName>,
    /// How urgent its runs are within their queue, -1000 to 1000 [default: 0]
    #[arg(long, value_name = "N", value_parser = parse_priority, allow_hyphen_values = true)]
    pub(crate) priority: Option<Priority>,
    /// Label its runs; may be repeated, and replaces the labels it had
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<Tag>,
    /// Times that passed while no host ran: skip, fire-once, or fire-all:N [default: fire-once]
    #[arg(long, value_name = "POLICY", value_parser = parse_missed)]
    pub(crate) missed: Option<MissedPolicy>,
    /// A fire time later than this is missed, up to 1d [default: 1m]
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub(crate) tolerance: Option<Duration>,
    /// Times that come while its latest run has not ended: allow, skip, queue-one or
    /// cancel-running [default: allow]
    #[arg(long, value_name = "POLICY", value_parser = parse_overlap)]
    pub(crate) overlap: Option<OverlapPolicy>,
    #[command(flatten)]
    pub(crate) excluding: ExcludingArgs,
}

fn parse_missed(text: &str) -> Result<MissedPolicy, String> {
    match text.split_once(':') {
        None if text == "skip" => Ok(MissedPolicy::Skip),
        None if text == "fire-once" => Ok(MissedPolicy::FireOnce),
        None if text == "fire-all" => Ok(MissedPolicy::FireAll { max: FIRE_ALL_MAX }),
        Some(("fire-all", max)) => match max.parse() {
            Ok(max @ 1..=FIRE_ALL_MAX) => Ok(MissedPolicy::FireAll { max }),
            _ => Err(format!("use fire-all:1 to fire-all:{FIRE_ALL_MAX}")),
        },
        _ => Err("use skip, fire-once, fire-all or fire-all:N".to_owned()),
    }
}

fn parse_overlap(text: &str) -> Result<OverlapPolicy, String> {
    match text {
        "allow" => Ok(OverlapPolicy::Allow),
        "skip" => Ok(OverlapPolicy::Skip),
        "queue-one" => Ok(OverlapPolicy::QueueOne),
        "cancel-running" => Ok(OverlapPolicy::CancelRunning),
        _ => Err("use allow, skip, queue-one or cancel-running".to_owned()),
    }
}
