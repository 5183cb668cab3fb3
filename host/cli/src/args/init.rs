//! `zapjobs init`.

use clap::Args;

use super::SettingFlag;

/// Write a configuration file: asks for what matters, and explains everything else in comments.
///
/// Writes ./zapjobs.toml, or the file that --config names. What a flag says is not asked:
/// --storage, --plugins, --tenant, --http, --retention, and --set KEY=VALUE for any other setting.
/// Answers are lines on stdin, so that they can be piped; an empty one takes what is offered.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Ask nothing: what no flag says is as by default
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Replace the file where it is there already
    #[arg(long)]
    pub(crate) force: bool,
    /// Write the file without looking whether the storage can be used
    #[arg(long)]
    pub(crate) no_check: bool,
    /// Where `serve` is to listen for the HTTP API: an address, auto or off
    #[arg(long, value_name = "ADDRESS")]
    http: Option<String>,
    /// How long finished runs are to be kept, or `forever`
    #[arg(long, value_name = "SPAN")]
    retention: Option<String>,
}

impl InitArgs {
    pub(super) fn setting_flags(&self) -> [SettingFlag<'_>; 2] {
        [("http.listen", "--http", &self.http), ("host.retention", "--retention", &self.retention)]
    }
}
