//! `zapjobs torture`.

use clap::Args;

/// Let hostile components loose on this installation, and see whether its limits hold.
///
/// Each attack runs in a sandbox made as `serve` makes it, with the limits of the
/// configuration, some of them narrowed so that it does not take long. After each, an innocent
/// job must still run in its usual time, and memory, files and threads be back. No storage and
/// no plugins directory is touched.
#[derive(Debug, Args)]
pub(crate) struct TortureArgs {
    /// Only attacks with this in their name
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Option<String>,
    /// List the attacks, and what has to hold each
    #[arg(long)]
    pub(crate) list: bool,
}
