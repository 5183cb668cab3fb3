//! `zapjobs migrate`.

use clap::{Args, Subcommand};

/// Look after the schema of a SQLite or PostgreSQL storage. Redis and memory have none.
#[derive(Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// Apply every migration that is missing
    Up(UpArgs),
    /// Undo the migrations above a version, with what they hold
    Down(DownArgs),
    /// Show which migrations are applied and which are missing
    Status,
    /// Print the SQL that `up` would run, and run none
    DryRun,
    /// Delete all tables, with every run and every log
    Drop(DropArgs),
}

/// Apply migrations.
#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// Print the SQL and run none
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Undo migrations.
#[derive(Debug, Args)]
pub(crate) struct DownArgs {
    /// The version to go back to; 0 is an empty schema
    #[arg(long, value_name = "VERSION")]
    pub(crate) to: u32,
    /// Yes, what these migrations hold may be lost
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Delete everything.
#[derive(Debug, Args)]
pub(crate) struct DropArgs {
    /// Yes, every run and every log may be deleted
    #[arg(long)]
    pub(crate) yes: bool,
}
