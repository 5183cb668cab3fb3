//! `zapjobs calendar`, and what schedules say of calendars.

use clap::{Args, Subcommand};
use zapjobs_model::{CalendarName, OnExcluded, Timestamp};

use super::enqueue::parse_instant;

/// Look after calendars: times at which schedules that name one do not fire.
#[derive(Debug, Subcommand)]
pub(crate) enum CalendarCommand {
    /// Store a calendar, over one of that name; schedules that name it follow
    Put(PutCalendarArgs),
    /// List calendars
    List,
    /// Show what a calendar excludes
    Show(CalendarArgs),
    /// Delete a calendar that no schedule names
    Delete(CalendarArgs),
    /// Tell whether a calendar excludes an instant, and when the next open one is
    Check(CheckCalendarArgs),
}

/// Which calendar.
#[derive(Debug, Args)]
pub(crate) struct CalendarArgs {
    /// The calendar's name
    #[arg(value_name = "NAME")]
    pub(crate) name: CalendarName,
}

/// Store a calendar.
#[derive(Debug, Args)]
pub(crate) struct PutCalendarArgs {
    #[command(flatten)]
    pub(crate) calendar: CalendarArgs,
    /// What it excludes: a file of JSON, or of TOML if its name ends with .toml, or - for JSON
    /// from stdin
    #[arg(value_name = "FILE|-")]
    pub(crate) file: String,
}

/// Ask a calendar.
#[derive(Debug, Args)]
pub(crate) struct CheckCalendarArgs {
    #[command(flatten)]
    pub(crate) calendar: CalendarArgs,
    /// The instant [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = parse_instant)]
    pub(crate) at: Option<Timestamp>,
}

/// Which calendars exclude fire times, and what becomes of those.
#[derive(Debug, Args)]
pub(crate) struct ExcludingArgs {
    /// A calendar that excludes fire times; may be repeated, up to 8, and replaces those it had
    #[arg(long = "calendar", value_name = "NAME")]
    pub(crate) calendars: Vec<CalendarName>,
    /// Times that a calendar excludes: skip, or next-open-time to move them [default: skip]
    #[arg(long, value_name = "POLICY", value_parser = parse_on_excluded)]
    pub(crate) on_excluded: Option<OnExcluded>,
}

fn parse_on_excluded(text: &str) -> Result<OnExcluded, String> {
    match text {
        "skip" => Ok(OnExcluded::Skip),
        "next-open-time" => Ok(OnExcluded::NextOpenTime),
        _ => Err("use skip or next-open-time".to_owned()),
    }
}
