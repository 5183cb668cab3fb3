//! `zapjobs tokens`.

use std::time::Duration;

use clap::{Args, Subcommand};
use zapjobs_api::Scope;

use crate::values::parse_span;

/// Make, list and revoke tokens for the HTTP API.
#[derive(Debug, Subcommand)]
pub(crate) enum TokensCommand {
    /// Make a token; it is shown this once
    Create(CreateTokenArgs),
    /// List tokens, without their secrets
    List,
    /// Take a token's rights away
    Revoke(RevokeTokenArgs),
}

/// Make a token. It is bound to the tenant that --tenant names, unless --all-tenants is said.
#[derive(Debug, Args)]
pub(crate) struct CreateTokenArgs {
    /// What to call it, such as ci
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What it allows, each including those before: read, enqueue, operate or admin
    #[arg(long, value_name = "SCOPE", default_value = "read")]
    pub(crate) scope: Scope,
    /// For all tenants
    #[arg(long)]
    pub(crate) all_tenants: bool,
    /// How long it is good, such as 90d, 1s to 10 years [default: for ever]
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub(crate) expires: Option<Duration>,
}

/// Which token.
#[derive(Debug, Args)]
pub(crate) struct RevokeTokenArgs {
    /// The token's id, the part between both underlines
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}
