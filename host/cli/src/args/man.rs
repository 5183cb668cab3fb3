//! `zapjobs man`.

use std::path::PathBuf;

use clap::Args;

/// Write manual pages, one for each command.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Where to write them; created where it is missing, such as ~/.local/share/man/man1
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
}
