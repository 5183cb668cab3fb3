//! `zapjobs webhooks`.

use clap::{ArgGroup, Args, Subcommand};
use zapjobs_model::grants::JobPattern;
use zapjobs_model::webhook::{WebhookEvent, WebhookUrl};
use zapjobs_model::{RunId, Timestamp, WebhookName};

/// Look after webhooks, which tell others of runs that ended.
#[derive(Debug, Subcommand)]
pub(crate) enum WebhooksCommand {
    /// Make a webhook; its secret is shown this once
    Add(AddWebhookArgs),
    /// List webhooks and how they do
    List,
    /// Show a webhook, without its secret
    Show(WebhookArgs),
    /// Let a webhook be told of what happens from now on
    Enable(WebhookArgs),
    /// Let a webhook be told of nothing more
    Disable(WebhookArgs),
    /// Remove a webhook
    Remove(WebhookArgs),
    /// List the latest deliveries of a webhook, the newest first
    Deliveries(DeliveriesArgs),
    /// Send messages of a run, or of all runs that ended in a time, once more
    Replay(ReplayArgs),
    /// Send a message that tells of nothing, to see whether messages arrive
    Test(WebhookArgs),
}

/// Which webhook.
#[derive(Debug, Args)]
pub(crate) struct WebhookArgs {
    /// The webhook's name
    #[arg(value_name = "NAME")]
    pub(crate) name: WebhookName,
}

/// Make a webhook.
#[derive(Debug, Args)]
pub(crate) struct AddWebhookArgs {
    #[command(flatten)]
    pub(crate) webhook: WebhookArgs,
    /// Where messages go, such as `https://example.com/hooks/zapjobs`
    #[arg(value_name = "URL")]
    pub(crate) url: WebhookUrl,
    /// Of what to tell, separated by commas: run.completed, run.failed, run.cancelled
    #[arg(long, value_name = "EVENTS", value_delimiter = ',', default_value = "run.failed")]
    pub(crate) events: Vec<WebhookEvent>,
    /// Of runs of which jobs, with * for any characters, such as mail.* [default: all]
    #[arg(long, value_name = "PATTERN")]
    pub(crate) job: Option<JobPattern>,
    /// Put what the job returned into messages, up to 64 KiB
    #[arg(long)]
    pub(crate) with_output: bool,
}

/// Which deliveries.
#[derive(Debug, Args)]
pub(crate) struct DeliveriesArgs {
    #[command(flatten)]
    pub(crate) webhook: WebhookArgs,
    /// How many at most; 200 are kept
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
}

/// Which messages.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["run", "from"]))]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    pub(crate) webhook: WebhookArgs,
    /// That of this run, whether or not the webhook would be told of it
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<RunId>,
    /// Those of runs that ended at this instant or later, such as 2026-09-21T14:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<Timestamp>,
    /// And before this instant [default: now]
    #[arg(long, value_name = "TIME", requires = "from")]
    pub(crate) to: Option<Timestamp>,
}
