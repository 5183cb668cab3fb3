//! `zapjobs batch`.

use std::time::Duration;

use clap::{Args, Subcommand};
use zapjobs_model::{BatchId, BatchName, JobType};

use crate::values::parse_span;

/// Store runs that belong together, look at them, call them off.
#[derive(Debug, Subcommand)]
pub(crate) enum BatchCommand {
    /// Store a batch with its runs, and print its id
    Create(BatchCreateArgs),
    /// Add runs to an open batch, and print their ids
    Add(BatchAddArgs),
    /// Let an open batch have no more runs
    Close(BatchIdArgs),
    /// List batches, newest first
    List(BatchListArgs),
    /// Show how the runs of a batch stand
    Show(BatchIdArgs),
    /// Close a batch and call off all its runs that have not ended, those of batches within it too
    Cancel(BatchIdArgs),
    /// Run the failed runs of a batch again, those of batches within it too
    Retry(BatchIdArgs),
    /// Wait until no run of a batch is unfinished; exit 0 if all completed
    Wait(BatchWaitArgs),
}

/// Store a batch with its runs.
#[derive(Debug, Args)]
pub(crate) struct BatchCreateArgs {
    /// Its runs, one JSON object on each line, such as {"job":"mail","input":{"to":"a"}}: a file,
    /// or - for stdin; none where left out
    #[arg(value_name = "FILE|-")]
    pub(crate) file: Option<String>,
    /// What it is called
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<BatchName>,
    /// The open batch that it becomes a member of
    #[arg(long, value_name = "BATCH")]
    pub(crate) parent: Option<BatchId>,
    /// The job to run once no run of it is unfinished, however they ended
    #[arg(long, value_name = "JOB[=JSON]", value_parser = parse_callback)]
    pub(crate) on_complete: Option<CallbackArg>,
    /// The job to run once all runs of it have completed
    #[arg(long, value_name = "JOB[=JSON]", value_parser = parse_callback)]
    pub(crate) on_success: Option<CallbackArg>,
    /// Leave it open for more runs, until `batch close`
    #[arg(long)]
    pub(crate) open: bool,
}

/// Add runs to an open batch.
#[derive(Debug, Args)]
pub(crate) struct BatchAddArgs {
    /// The batch's id
    #[arg(value_name = "BATCH")]
    pub(crate) id: BatchId,
    /// The runs, one JSON object on each line: a file, or - for stdin
    #[arg(value_name = "FILE|-")]
    pub(crate) file: String,
}

/// Which batch.
#[derive(Debug, Args)]
pub(crate) struct BatchIdArgs {
    /// The batch's id, as `batch create` printed it
    #[arg(value_name = "BATCH")]
    pub(crate) id: BatchId,
}

/// Which batches.
#[derive(Debug, Args)]
pub(crate) struct BatchListArgs {
    /// Only members of this batch
    #[arg(long, value_name = "BATCH")]
    pub(crate) parent: Option<BatchId>,
    /// Batches on one page, 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 20,
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
    /// Go on after this batch: the last of the page before
    #[arg(long, value_name = "BATCH")]
    pub(crate) after: Option<BatchId>,
}

/// Which batch to wait for, and how long.
#[derive(Debug, Args)]
pub(crate) struct BatchWaitArgs {
    /// The batch's id
    #[arg(value_name = "BATCH")]
    pub(crate) id: BatchId,
    /// Wait no longer than this; the batch goes on
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub(crate) timeout: Option<Duration>,
}

/// A job with its input, where one is given.
#[derive(Debug, Clone)]
pub(crate) struct CallbackArg {
    pub(crate) job: JobType,
    pub(crate) input: Option<String>,
}

fn parse_callback(text: &str) -> Result<CallbackArg, String> {
    let (job, input) = match text.split_once('=') {
        Some((job, input)) => (job, Some(input.to_owned())),
        None => (text, None),
    };
    let job = job.parse::<JobType>().map_err(|error| error.to_string())?;
    Ok(CallbackArg { job, input })
}
