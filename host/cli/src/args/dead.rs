//! `zapjobs dead`.

use clap::{Args, Subcommand};
use zapjobs_model::JobType;

/// Look at failed runs by job and error, run them again, or give them up.
#[derive(Debug, Subcommand)]
pub(crate) enum DeadCommand {
    /// Show failed runs in groups, by job and type of error
    List,
    /// Show the newest failed runs of a job
    Show(DeadShowArgs),
    /// Run failed runs again, with all their attempts
    Retry(DeadRetryArgs),
    /// Delete failed runs, with their logs
    Discard(super::SelectArgs),
}

/// Show failed runs of a job.
#[derive(Debug, Args)]
pub(crate) struct DeadShowArgs {
    /// Which job
    #[arg(value_name = "JOB")]
    pub(crate) job: JobType,
    /// Only those whose error has this type
    #[arg(long, value_name = "TYPE")]
    pub(crate) error: Option<String>,
    /// How many at most, 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 20,
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
}

/// Run failed runs again.
#[derive(Debug, Args)]
pub(crate) struct DeadRetryArgs {
    #[command(flatten)]
    pub(crate) select: super::SelectArgs,
    /// Give the one run that is named another input: JSON, @FILE, or - for stdin
    #[arg(long, short, value_name = "JSON|@FILE|-", requires = "runs", allow_hyphen_values = true)]
    pub(crate) input: Option<String>,
}
