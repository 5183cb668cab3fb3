//! `zapjobs new` and `zapjobs build`.

use std::path::PathBuf;

use clap::Args;

/// Begin a new plugin in Rust.
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// Its name: a-z, 0-9 and '-', beginning with a letter
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Where to make it [default: ./NAME]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

/// Compile the plugin of a directory into one .wasm file.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// The plugin's directory
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Compile quickly instead of well
    #[arg(long)]
    pub(crate) debug: bool,
    /// Where to put the component [default: NAME.wasm in the plugin's directory]
    #[arg(long, short, value_name = "FILE.wasm")]
    pub(crate) output: Option<PathBuf>,
}
