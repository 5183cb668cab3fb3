//! `zapjobs schedule`.

use clap::{Args, Subcommand};
use zapjobs_model::Timestamp;

use super::enqueue::parse_instant;

/// Look at schedules.
#[derive(Debug, Subcommand)]
pub(crate) enum ScheduleCommand {
    /// Show when a schedule would fire; needs no storage
    Preview(PreviewArgs),
    /// Tell in plain English what a schedule says; needs no storage
    Describe(RuleArgs),
}

/// When it fires: a cron expression or an interval.
#[derive(Debug, Args)]
#[group(id = "rule", multiple = false)]
pub(crate) struct WhenArgs {
    /// A cron expression: minute, hour, day of month, month, day of week; with seconds in front
    /// where there are six; or @hourly, @daily, @weekly, @monthly, @yearly
    #[arg(value_name = "CRON")]
    pub(crate) cron: Option<String>,
    /// Again and again, this long apart, such as 90s
    #[arg(long, value_name = "SPAN", value_parser = crate::values::parse_span)]
    pub(crate) every: Option<std::time::Duration>,
}

/// Which schedule to tell of.
#[derive(Debug, Args)]
pub(crate) struct RuleArgs {
    #[command(flatten)]
    pub(crate) when: WhenArgs,
    /// The time zone of the cron expression, such as Europe/Lisbon
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub(crate) tz: String,
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
}
