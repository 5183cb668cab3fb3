//! `zapjobs plugins`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// List and inspect plugins, and say which version serves.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginsCommand {
    /// List the components in the plugins directory, and what each serves
    List,
    /// Show what a component provides and what it wants
    Inspect(InspectArgs),
    /// List the job types as they are served: their queues, schedules and retries
    Jobs,
    /// Show the versions of a plugin that can be gone back to
    History(PluginArgs),
    /// Let a version serve that is held back
    Approve(ApproveArgs),
    /// Go back to a version that served before, whatever lies in the directory
    Rollback(RollbackArgs),
    /// Let the file in the directory serve again
    Unpin(PluginArgs),
    /// Put a plugin into service again whose runs kept trapping
    Reset(PluginArgs),
}

/// One plugin of the tenant.
#[derive(Debug, Args)]
pub(crate) struct PluginArgs {
    /// Its file's name without .wasm
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

/// Let a version serve that is held back.
///
/// Approves this one version, whatever it wants, and ends a rollback. A host that watches the
/// directory takes it up at once.
#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    #[command(flatten)]
    pub(crate) plugin: PluginArgs,
    /// Which version, by its digest [default: the one that is held back]
    #[arg(long, value_name = "DIGEST")]
    pub(crate) digest: Option<String>,
}

/// Go back to a version that served before.
///
/// The version is pinned: it serves whatever lies in the directory, until `plugins unpin` or
/// `plugins approve`. A host that watches the directory takes it up at once.
#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    #[command(flatten)]
    pub(crate) plugin: PluginArgs,
    /// Which version, by its digest or the beginning of it [default: the one before]
    #[arg(long, value_name = "DIGEST")]
    pub(crate) to: Option<String>,
}

/// Show what a component provides and what it wants.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The component
    #[arg(value_name = "FILE.wasm")]
    pub(crate) file: PathBuf,
}
