//! `zapjobs enqueue`.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use zapjobs_model::{
    Condition, CorrelationId, JobType, LimitKey, Priority, QueueName, Tag, Timestamp,
};

use super::template::FillArgs;
use super::unique::UniqueArgs;
use crate::values::parse_span;

/// Ask for a job to be run by a host that serves the storage.
///
/// Without --wait, prints the run's id. With it, shows logs and progress on stderr, prints
/// the output and exits 0 if the run completed.
#[derive(Debug, Args)]
pub(crate) struct EnqueueArgs {
    /// Which job
    #[arg(value_name = "JOB", required_unless_present = "template")]
    pub(crate) job: Option<JobType>,
    /// The input: JSON, @FILE, or - for stdin [default: the job's own default]
    #[arg(long, short, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    pub(crate) input: Option<String>,
    /// Make one run for each line of JSON of a file, all or none: @FILE or - for stdin
    #[arg(long, value_name = "@FILE|-", conflicts_with_all = ["input", "wait"])]
    pub(crate) inputs: Option<String>,
    /// Start after this long, such as 10m
    #[arg(long = "in", value_name = "SPAN", value_parser = parse_span, conflicts_with = "at")]
    pub(crate) delay: Option<Duration>,
    /// Start at this instant, such as 2026-12-24T18:00:00Z
    #[arg(long, value_name = "RFC3339", value_parser = parse_instant)]
    pub(crate) at: Option<Timestamp>,
    /// The queue to wait in [default: the job's own]
    #[arg(long, value_name = "NAME")]
    pub(crate) queue: Option<QueueName>,
    /// How urgent it is within its queue: higher goes first, -1000 to 1000 [default: 0]
    #[arg(long, value_name = "N", value_parser = parse_priority, allow_hyphen_values = true)]
    pub(crate) priority: Option<Priority>,
    /// Label it; may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<Tag>,
    /// Tie it to something outside, such as a request id
    #[arg(long, value_name = "ID")]
    pub(crate) correlation_id: Option<CorrelationId>,
    /// Attach a pair; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_pair)]
    pub(crate) metadata: Vec<(String, String)>,
    /// By what it shares a limit per key [default: what the limit finds in the input]
    #[arg(long, value_name = "KEY")]
    pub(crate) limit_key: Option<LimitKey>,
    /// How often to try it, the first time included [default: the job's own]
    #[arg(long, value_name = "N")]
    pub(crate) max_attempts: Option<u32>,
    /// Do not start it after this instant
    #[arg(long, value_name = "RFC3339", value_parser = parse_instant)]
    pub(crate) deadline: Option<Timestamp>,
    /// Start only once this run has ended so, success where it is left out, and skip it if that
    /// run ends otherwise; may be repeated. Where the input holds {"$output": "RUN"}, what that
    /// run returned takes its place
    #[arg(long = "after", value_name = "RUN[:success|failure|always]", value_parser = parse_after)]
    pub(crate) after: Vec<AfterArg>,
    #[command(flatten)]
    pub(crate) fill: FillArgs,
    #[command(flatten)]
    pub(crate) unique: UniqueArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// A run to wait for, as it is named.
#[derive(Debug, Clone)]
pub(crate) struct AfterArg {
    pub(crate) run: String,
    pub(crate) on: Condition,
}

fn parse_after(text: &str) -> Result<AfterArg, String> {
    let (run, on) = match text.split_once(':') {
        Some((run, on)) => (run, on.parse().map_err(|error| format!("{error}"))?),
        None => (text, Condition::Success),
    };
    Ok(AfterArg { run: run.to_owned(), on })
}

/// Whether and how long to wait.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct WaitArgs {
    /// Wait until the run has ended
    #[arg(long)]
    pub(crate) wait: bool,
    /// Wait no longer than this; the run goes on
    #[arg(long, value_name = "SPAN", value_parser = parse_span, requires = "wait")]
    pub(crate) timeout: Option<Duration>,
}

/// Reads an instant.
pub(super) fn parse_instant(text: &str) -> Result<Timestamp, String> {
    Timestamp::from_str(text)
        .map_err(|error| format!("{error}: use RFC 3339, such as 2026-12-24T18:00:00Z"))
}

pub(super) fn parse_priority(text: &str) -> Result<Priority, String> {
    let number = text.parse::<i16>().map_err(|_| "use -1000 to 1000".to_owned())?;
    Priority::new(number).map_err(|error| error.to_string())
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| "use KEY=VALUE".to_owned())?;
    if key.is_empty() {
        return Err("the key is empty: use KEY=VALUE".to_owned());
    }
    Ok((key.to_owned(), value.to_owned()))
}
