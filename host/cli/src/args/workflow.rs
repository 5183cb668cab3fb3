//! `zapjobs workflow`.

use clap::{Args, Subcommand};
use uuid::Uuid;

/// Run nodes that follow each other, look at them, call them off.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkflowCommand {
    /// Store the runs of a workflow, all or none, and print its id
    Run(WorkflowRunArgs),
    /// Show how the runs of a workflow stand
    Show(WorkflowIdArgs),
    /// Call off all runs of a workflow that have not ended
    Cancel(WorkflowIdArgs),
}

/// Store the runs of a workflow.
#[derive(Debug, Args)]
pub(crate) struct WorkflowRunArgs {
    /// The workflow: a file of JSON, or of TOML if its name ends with .toml, or - for JSON from
    /// stdin
    #[arg(value_name = "FILE|-")]
    pub(crate) file: String,
}

/// Which workflow.
#[derive(Debug, Args)]
pub(crate) struct WorkflowIdArgs {
    /// The workflow's id, as `workflow run` printed it
    #[arg(value_name = "WORKFLOW")]
    pub(crate) id: Uuid,
}
