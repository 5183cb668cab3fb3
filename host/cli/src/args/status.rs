//! `zapjobs status`.

use clap::Args;

/// Show how the installation stands: hosts, queues, running runs, recent failures.
///
/// With --watch, shows it live on the whole terminal, as it changes; q or Ctrl-C ends it. Where
/// stdin or stdout is no terminal, or with --json, it writes a line for each change instead.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Go on showing it, as it changes
    #[arg(long, short)]
    pub(crate) watch: bool,
}
