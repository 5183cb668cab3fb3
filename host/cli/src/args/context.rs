//! `zapjobs context`, and which server a command works on.

use clap::{Args, Subcommand};

use crate::contexts::ContextName;
use crate::site::Secret;

/// Look after the servers that commands can work on.
///
/// They are kept in contexts.toml in $XDG_CONFIG_HOME/zapjobs (~/.config/zapjobs), which only its
/// owner may read.
#[derive(Debug, Subcommand)]
pub(crate) enum ContextCommand {
    /// Keep the server that --server names, with its --token and --tenant, under a name
    ///
    /// --token - reads the token from stdin.
    Add(ContextArgs),
    /// Let commands work there from now on; `local` means this machine's storage again
    Use(ContextArgs),
    /// List them, without their tokens
    List,
    /// Forget one, with its token
    Remove(ContextArgs),
}

/// Which context.
#[derive(Debug, Args)]
pub(crate) struct ContextArgs {
    /// What it is called
    #[arg(value_name = "NAME")]
    pub(crate) name: ContextName,
}

/// On which server a command works.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ServerArgs {
    /// Work on a server through its HTTP API: where it is, such as `https://jobs.example`
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "ZAPJOBS_SERVER",
        conflicts_with = "storage"
    )]
    pub(crate) server: Option<String>,
    /// The token to show there. It is safer in the environment, or in a context
    #[arg(long, global = true, value_name = "TOKEN", env = "ZAPJOBS_TOKEN",
          hide_env_values = true, value_parser = parse_token)]
    pub(crate) token: Option<Secret>,
    /// The server to work on, by its name; see `zapjobs context`
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "ZAPJOBS_CONTEXT",
        conflicts_with = "storage"
    )]
    pub(crate) context: Option<ContextName>,
}

fn parse_token(text: &str) -> Result<Secret, String> {
    Ok(Secret(text.to_owned()))
}
