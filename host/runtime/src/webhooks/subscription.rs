//! What is kept of a webhook.

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zapjobs_model::grants::JobPattern;
use zapjobs_model::webhook::{Secret, WebhookEvent, WebhookUrl};
use zapjobs_model::{RunId, Timestamp};
use zapjobs_storage::Ending;

/// Whom to tell of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Where messages go.
    pub url: WebhookUrl,
    /// Of what to tell.
    pub events: Vec<WebhookEvent>,
    /// Of runs of which jobs; of all where absent.
    #[serde(default)]
    pub job: Option<JobPattern>,
    /// Whether messages hold what the job returned.
    #[serde(default)]
    pub with_output: bool,
    /// Whether anything is sent.
    pub enabled: bool,
    /// Runs that ended before are not told of.
    pub since: Timestamp,
    /// When it was made: one that is made anew under the same name begins anew.
    pub created_at: Timestamp,
    /// What messages are signed with. Shown once, when it is made.
    pub secret: Secret,
    /// What is to be sent besides.
    #[serde(default)]
    pub orders: Vec<Order>,
}

impl Webhook {
    /// The event that it is told of, if it is told of this ending of its tenant.
    pub(crate) fn wants(&self, ending: &Ending) -> bool {
        let event = WebhookEvent::of(ending.status);
        event.is_some_and(|event| self.events.contains(&event)) && self.is_for_job(ending)
    }

    fn is_for_job(&self, ending: &Ending) -> bool {
        self.job.as_ref().is_none_or(|job| job.matches(ending.job_type.as_str()))
    }
}

/// Something that a person asked to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id, by which it is noted as done.
    pub id: Uuid,
    /// When it was asked for.
    pub at: Timestamp,
    /// What to send.
    pub kind: OrderKind,
}

/// What a person asks to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderKind {
    /// A message that tells of nothing.
    Test,
    /// That of this run, whether or not the webhook would be told of it.
    Run(RunId),
    /// All of runs that ended in this time, as far as the webhook is told of them.
    Span {
        /// From this instant on.
        from: Timestamp,
        /// Before this one.
        before: Timestamp,
    },
}
