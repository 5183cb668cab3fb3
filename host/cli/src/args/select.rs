//! Which runs a command is for: named one by one, or found by what they are.

use clap::Args;
use zapjobs_model::{JobType, QueueName, RunStatus, Tag};

use super::Since;
use super::runs::parse_since;

/// Which runs.
#[derive(Debug, Args)]
pub(crate) struct SelectArgs {
    /// The runs' ids, or their beginnings or ends
    #[arg(value_name = "RUN", conflicts_with = "all")]
    pub(crate) runs: Vec<String>,
    /// Runs that stand so; several separated by commas [default: all that it can be done to]
    #[arg(long, value_name = "STATUS", value_delimiter = ',', conflicts_with = "runs")]
    pub(crate) status: Vec<RunStatus>,
    /// Runs of this job
    #[arg(long, value_name = "ID", conflicts_with = "runs")]
    pub(crate) job: Option<JobType>,
    /// Runs of this queue
    #[arg(long, value_name = "NAME", conflicts_with = "runs")]
    pub(crate) queue: Option<QueueName>,
    /// Runs with this label
    #[arg(long, value_name = "TAG", conflicts_with = "runs")]
    pub(crate) tag: Option<Tag>,
    /// Runs created since: a span such as 1h, or an instant
    #[arg(long, value_name = "SPAN|RFC3339", value_parser = parse_since, conflicts_with = "runs")]
    pub(crate) since: Option<Since>,
    /// Runs whose error has this type
    #[arg(long, value_name = "TYPE", conflicts_with = "runs")]
    pub(crate) error: Option<String>,
    /// All runs that it can be done to
    #[arg(long)]
    pub(crate) all: bool,
    /// Do it to whatever the filter takes; without it, only their number is told
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) yes: bool,
    /// Tell how many runs the filter takes, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

impl SelectArgs {
    /// The one run that is named, if it is one and nothing else is said.
    pub(crate) fn one(&self) -> Option<&str> {
        match self.runs.as_slice() {
            [one] if !self.dry_run => Some(one),
            _ => None,
        }
    }

    /// Whether a filter is given.
    pub(crate) fn has_filter(&self) -> bool {
        !self.status.is_empty()
            || self.job.is_some()
            || self.queue.is_some()
            || self.tag.is_some()
            || self.since.is_some()
            || self.error.is_some()
    }
}
