//! `zapjobs plugins`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// List and inspect plugins.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginsCommand {
    /// List the components in the plugins directory, and what each serves
    List,
    /// Show what a component provides and what it wants
    Inspect(InspectArgs),
}

/// Show what a component provides and what it wants.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The component
    #[arg(value_name = "FILE.wasm")]
    pub(crate) file: PathBuf,
}
