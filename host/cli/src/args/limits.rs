//! `zapjobs limits`, `zapjobs pause` and `zapjobs resume`.

use std::time::Duration;

use clap::{Args, Subcommand};
use zapjobs_model::{JobKey, JobType, LimitKeyPointer, LimitScope, QueueName, TenantId};

use crate::values::parse_span;

/// What can be done to limits.
#[derive(Debug, Subcommand)]
pub(crate) enum LimitsCommand {
    /// Show limits and pauses, what they have in use and what they hold
    List,
    /// Limit how many runs are under way, or begin in a time, over all hosts
    Set(SetLimitArgs),
    /// Remove a limit; a pause stays
    Remove(KeyedScopeArgs),
}

/// What is limited.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ScopeArgs {
    /// The runs of a queue, whosever they are
    #[arg(long, value_name = "NAME")]
    queue: Option<QueueName>,
    /// The runs of a job type of the tenant that `--tenant` names
    #[arg(long, value_name = "JOB")]
    job: Option<JobType>,
    /// All runs of the tenant that `--tenant` names
    #[arg(long)]
    whole_tenant: bool,
    /// All runs
    #[arg(long)]
    all: bool,
}

/// What is limited, each key by itself perhaps.
#[derive(Debug, Args)]
pub(crate) struct KeyedScopeArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    /// Each key of the job type by itself
    #[arg(long, requires = "job")]
    per_key: bool,
}

/// A limit.
#[derive(Debug, Args)]
pub(crate) struct SetLimitArgs {
    #[command(flatten)]
    pub(crate) scope: KeyedScopeArgs,
    /// So many runs pending or running at a time, 1 to 100,000
    #[arg(long, value_name = "N", required_unless_present = "rate")]
    pub(crate) concurrency: Option<u32>,
    /// So many runs begin in a span, such as 100/s or 5/10m
    #[arg(long, value_name = "N/SPAN", value_parser = parse_rate)]
    pub(crate) rate: Option<(u32, Duration)>,
    /// So many of them at once after a quiet time [default: a tenth of the rate's]
    #[arg(long, value_name = "N", requires = "rate", conflicts_with = "sliding_window")]
    pub(crate) burst: Option<u32>,
    /// Count within any span, instead of spreading runs evenly
    #[arg(long, requires = "rate")]
    pub(crate) sliding_window: bool,
    /// Where the key stands in the input, such as /customer/id
    #[arg(long, value_name = "POINTER", requires = "per_key")]
    pub(crate) key: Option<LimitKeyPointer>,
}

impl ScopeArgs {
    /// The scope, for this tenant.
    pub(crate) fn scope(&self, tenant: &TenantId) -> LimitScope {
        match (&self.queue, &self.job, self.whole_tenant) {
            (Some(queue), ..) => LimitScope::Queue(queue.clone()),
            (None, Some(job), _) => {
                LimitScope::Job(JobKey { tenant: tenant.clone(), job_type: job.clone() })
            }
            (None, None, true) => LimitScope::Tenant(tenant.clone()),
            (None, None, false) => LimitScope::Everything,
        }
    }
}

impl KeyedScopeArgs {
    /// The scope, for this tenant.
    pub(crate) fn scope(&self, tenant: &TenantId) -> LimitScope {
        match self.scope.scope(tenant) {
            LimitScope::Job(job) if self.per_key => LimitScope::PerKey(job),
            scope => scope,
        }
    }
}

fn parse_rate(text: &str) -> Result<(u32, Duration), String> {
    const ADVICE: &str = "use a number and a span, such as 100/s or 5/10m";
    let (count, span) = text.split_once('/').ok_or(ADVICE)?;
    let count = count.parse().map_err(|_| ADVICE.to_owned())?;
    // `10/s` says 10 in one second.
    let span = if span.starts_with(|first: char| first.is_ascii_alphabetic()) {
        parse_span(&format!("1{span}"))?
    } else {
        parse_span(span)?
    };
    Ok((count, span))
}
