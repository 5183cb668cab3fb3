//! `zapjobs runs`.

use std::time::Duration;

use clap::{Args, Subcommand};
use zapjobs_model::{
    BatchId, JobType, LogLevel, Priority, QueueName, RunStatus, SignalName, Tag, Timestamp,
};

use super::enqueue::{parse_instant, parse_priority};
use super::{SelectArgs, WaitArgs};
use crate::values::parse_span;

/// List, show, follow, cancel and retry runs. An id may be shortened to its beginning or its
/// end, as long as one run alone has it.
#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// List runs, newest first
    List(ListArgs),
    /// Show all that is known of a run
    Show(IdArgs),
    /// Print a run's log
    Logs(LogsArgs),
    /// List what a run has done for good: its recorded steps
    Steps(IdArgs),
    /// Tell a run something that it waits for, or will wait for
    Signal(SignalArgs),
    /// Ask runs to stop
    Cancel(CancelArgs),
    /// Run failed or cancelled runs again, with all their attempts
    Retry(RetryArgs),
    /// Delete runs that have ended, with their logs
    Delete(SelectArgs),
    /// Put runs that wait into another queue
    Move(MoveArgs),
    /// Give runs that wait another priority
    Prioritise(PrioritiseArgs),
    /// Let runs begin now that wait for their time
    RunNow(SelectArgs),
}

/// Which runs to list.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only runs that stand so: pending, scheduled, running, completed, failed, cancelled,
    /// awaiting-retry, held; several separated by commas
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    pub(crate) status: Vec<RunStatus>,
    /// Only runs of this job
    #[arg(long, value_name = "ID")]
    pub(crate) job: Option<JobType>,
    /// Only runs of this queue
    #[arg(long, value_name = "NAME")]
    pub(crate) queue: Option<QueueName>,
    /// Only runs with this label
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Option<Tag>,
    /// Only runs created since: a span such as 1h, or an instant
    #[arg(long, value_name = "SPAN|RFC3339", value_parser = parse_since)]
    pub(crate) since: Option<Since>,
    /// Only members of this batch
    #[arg(long, value_name = "BATCH")]
    pub(crate) batch: Option<BatchId>,
    /// Only runs whose id, job, correlation id or error message contains this
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,
    /// Runs on one page, 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 20,
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
    /// Go on after this run: the cursor that the page before ended with
    #[arg(long, value_name = "CURSOR")]
    pub(crate) after: Option<String>,
}

/// An instant, or a span before now.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Since {
    Ago(Duration),
    Instant(Timestamp),
}

pub(super) fn parse_since(text: &str) -> Result<Since, String> {
    parse_span(text).map(Since::Ago).or_else(|_| {
        parse_instant(text).map(Since::Instant).map_err(|_| {
            "use a span such as 1h, or an instant such as 2026-12-24T18:00:00Z".to_owned()
        })
    })
}

/// Which run.
#[derive(Debug, Args)]
pub(crate) struct IdArgs {
    /// The run's id, or its beginning or end
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
}

/// Tell a run something.
///
/// A signal is kept with the run until that takes it; a run that waits for it goes on. Several of
/// one name are taken in their order.
#[derive(Debug, Args)]
pub(crate) struct SignalArgs {
    #[command(flatten)]
    pub(crate) id: IdArgs,
    /// What the signal is called
    #[arg(value_name = "NAME")]
    pub(crate) name: SignalName,
    /// What it brings: JSON, @FILE, or - for stdin; at most 64 KiB
    #[arg(long, value_name = "JSON|@FILE|-", default_value = "null", allow_hyphen_values = true)]
    pub(crate) payload: String,
}

/// Print a run's log.
#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    pub(crate) id: IdArgs,
    /// Go on until the run has ended
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Only lines at least so weighty: trace, debug, info, warn or error
    #[arg(long, value_name = "LEVEL", default_value = "trace")]
    pub(crate) level: LogLevel,
}

/// Ask runs to stop.
#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// Put runs into another queue.
#[derive(Debug, Args)]
pub(crate) struct MoveArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// Into which queue
    #[arg(long, value_name = "NAME")]
    pub(crate) to: QueueName,
}

/// Give runs another priority.
#[derive(Debug, Args)]
pub(crate) struct PrioritiseArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// How urgent they are within their queue, -1000 to 1000
    #[arg(long, value_name = "N", value_parser = parse_priority, allow_hyphen_values = true)]
    pub(crate) to: Priority,
}

/// Run runs again.
#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}
