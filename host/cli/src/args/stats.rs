//! `zapjobs stats`.

use clap::{Args, ValueEnum};
use zapjobs_model::QueueName;

/// What to sum.
#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    /// Summed by what
    #[arg(long, value_enum, default_value_t = By::Hour)]
    pub(crate) by: By,
    /// The latest so many hours or days, the present one included, 1 to 400
    #[arg(long, value_name = "N", default_value_t = 24,
          value_parser = clap::value_parser!(u16).range(1..=400))]
    pub(crate) latest: u16,
    /// Only of this queue
    #[arg(long, value_name = "NAME")]
    pub(crate) queue: Option<QueueName>,
    /// Of all tenants together, instead of the one that `--tenant` names
    #[arg(long)]
    pub(crate) all_tenants: bool,
}

/// How long the spans are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// Hours of UTC; kept for 14 days
    Hour,
    /// Days of UTC; kept for 400 days
    Day,
    /// All time
    Total,
}
