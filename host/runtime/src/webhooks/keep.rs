//! How webhooks are made, looked at and changed.
//!
//! **Invariant:** a secret is answered once, by the call that makes it. What a person orders is
//! written into the webhook itself; only the service writes what was told.

use rand::TryRngCore;
use uuid::Uuid;
use zapjobs_model::grants::JobPattern;
use zapjobs_model::webhook::signature::SECRET_BYTES;
use zapjobs_model::webhook::{Secret, WebhookEvent, WebhookUrl};
use zapjobs_model::{Document, DocumentKey, Json, RunId, TenantId, Timestamp, WebhookName};
use zapjobs_storage::{Result, StorageError, WriteResult};

use super::progress::Progress;
use super::subscription::{Order, OrderKind, Webhook};
use crate::client::Client;
use crate::documents::{self, Kept, TRIES_MAX};

/// What documents that are webhooks are for.
pub(crate) const KIND: &str = "webhook";
/// What documents that say how far webhooks have come are for.
pub(crate) const PROGRESS_KIND: &str = "webhook-progress";
/// Webhooks of one tenant at most: 20.
pub const WEBHOOKS_MAX: usize = 20;
/// Orders of one webhook that are not carried out yet at most.
const ORDERS_MAX: usize = 20;

/// A webhook that is to be made.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Where messages go.
    pub url: WebhookUrl,
    /// Of what to tell, at least one.
    pub events: Vec<WebhookEvent>,
    /// Of runs of which jobs; of all where absent.
    pub job: Option<JobPattern>,
    /// Whether messages hold what the job returned.
    pub with_output: bool,
    /// What messages are signed with; made here where absent.
    pub secret: Option<Secret>,
}

/// A webhook as it is kept, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptWebhook {
    /// Its name.
    pub name: WebhookName,
    /// What it is. Whoever shows it leaves the secret out.
    pub webhook: Webhook,
    /// How far it has come; absent before its first round.
    pub progress: Option<Progress>,
}

/// Why a webhook was not made, found or changed. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// There is one of this name.
    #[error("there is a webhook {0}: choose another name, or remove that one first")]
    Exists(WebhookName),
    /// There is none of this name.
    #[error("there is no webhook {0}: `webhooks list` names those there are")]
    NotFound(WebhookName),
    /// It would be told of nothing.
    #[error("it names no event: use run.completed, run.failed or run.cancelled")]
    NoEvents,
    /// There are too many.
    #[error("there are {WEBHOOKS_MAX} webhooks already: remove one first")]
    TooMany,
    /// The run is not there, or has not ended.
    #[error("run {0} has not ended, or is not there: only what has ended is told of")]
    NotEnded(RunId),
    /// The span is empty.
    #[error("the span ends before it begins: use an earlier --from or a later --to")]
    EmptySpan,
    /// Too many orders wait.
    #[error("{ORDERS_MAX} orders wait to be carried out: wait until some are, or enable it")]
    TooManyOrders,
    /// The system gave no random bytes.
    #[error("the system gave no random bytes: {0}")]
    Random(String),
    /// The storage failed.
    #[error("failed to {0}")]
    Storage(#[from] StorageError),
}

type Done<T> = std::result::Result<T, WebhookError>;

impl Client {
    /// Makes a webhook, which is told of what happens from now on. Answers its secret, this once.
    pub async fn create_webhook(
        &self,
        tenant: &TenantId,
        name: &WebhookName,
        new: NewWebhook,
    ) -> Done<Secret> {
        let NewWebhook { url, mut events, job, with_output, secret } = new;
        events.sort();
        events.dedup();
        if events.is_empty() {
            return Err(WebhookError::NoEvents);
        }
        let kept = documents::all::<Webhook>(&**self.storage(), KIND, tenant).await?;
        if kept.len() >= WEBHOOKS_MAX {
            return Err(WebhookError::TooMany);
        }
        let secret = secret.map_or_else(drawn_secret, Ok)?;
        let now = self.storage().now().await?;
        let webhook = Webhook {
            url,
            events,
            job,
            with_output,
            enabled: true,
            since: now,
            created_at: now,
            secret: secret.clone(),
            orders: Vec::new(),
        };
        let body = Json::of(&webhook).expect("a webhook serialises");
        let document = Document::new(key(tenant, name), body);
        match self.storage().put_documents(&[document]).await?.as_slice() {
            [WriteResult::Written] => Ok(secret),
            _ => Err(WebhookError::Exists(name.clone())),
        }
    }

    /// The webhook of this name.
    pub async fn webhook(&self, tenant: &TenantId, name: &WebhookName) -> Done<KeptWebhook> {
        let kept = documents::read::<Webhook>(&**self.storage(), &key(tenant, name)).await?;
        let webhook = kept.ok_or_else(|| WebhookError::NotFound(name.clone()))?.value;
        let progress = self.webhook_progress(tenant, name, &webhook).await?;
        Ok(KeptWebhook { name: name.clone(), webhook, progress })
    }

    /// All webhooks of a tenant, by name.
    pub async fn webhooks(&self, tenant: &TenantId) -> Result<Vec<KeptWebhook>> {
        let mut all = Vec::new();
        for Kept { value, document } in
            documents::all::<Webhook>(&**self.storage(), KIND, tenant).await?
        {
            // Of another name it was written by somebody else.
            let Ok(name) = WebhookName::new(document.key.name.as_str()) else { continue };
            let progress = self.webhook_progress(tenant, &name, &value).await?;
            all.push(KeptWebhook { name, webhook: value, progress });
        }
        Ok(all)
    }

    async fn webhook_progress(
        &self,
        tenant: &TenantId,
        name: &WebhookName,
        webhook: &Webhook,
    ) -> Result<Option<Progress>> {
        let key = progress_key(tenant, name);
        let kept = documents::read::<Progress>(&**self.storage(), &key).await?;
        let progress = kept.map(|kept| kept.value);
        Ok(progress.filter(|progress| progress.of == webhook.created_at))
    }

    /// Lets a webhook be told of what happens from now on, or of nothing more. Answers whether it
    /// was otherwise before.
    pub async fn enable_webhook(
        &self,
        tenant: &TenantId,
        name: &WebhookName,
        enabled: bool,
    ) -> Done<bool> {
        let now = self.storage().now().await?;
        self.change(tenant, name, |webhook, _| {
            let changes = webhook.enabled != enabled;
            if changes {
                webhook.enabled = enabled;
                webhook.since = now;
            }
            Ok(changes)
        })
        .await
    }

    /// Removes a webhook. A message that is under way may still arrive.
    pub async fn remove_webhook(&self, tenant: &TenantId, name: &WebhookName) -> Done<()> {
        let was_there = documents::delete(&**self.storage(), &key(tenant, name)).await?;
        documents::delete(&**self.storage(), &progress_key(tenant, name)).await?;
        if was_there { Ok(()) } else { Err(WebhookError::NotFound(name.clone())) }
    }

    /// Asks for messages to be sent once more, or for one that tells of nothing. The service does it
    /// soon, if the webhook is enabled; a message keeps the id that it had.
    pub async fn order_webhook(
        &self,
        tenant: &TenantId,
        name: &WebhookName,
        kind: OrderKind,
    ) -> Done<()> {
        self.webhook(tenant, name).await?;
        match kind {
            OrderKind::Run(id) => {
                let run = self.storage().run(id).await?;
                let is_told = |run: &zapjobs_model::Run| {
                    run.tenant == *tenant && run.status.is_final() && run.finished_at.is_some()
                };
                run.filter(is_told).ok_or(WebhookError::NotEnded(id))?;
            }
            OrderKind::Span { from, before } if from >= before => {
                return Err(WebhookError::EmptySpan);
            }
            OrderKind::Span { .. } | OrderKind::Test => {}
        }
        let at = self.storage().now().await?;
        let order = Order { id: Uuid::now_v7(), at, kind };
        self.change(tenant, name, |webhook, progress| {
            let is_done = |id| progress.is_some_and(|progress| progress.has_done(id));
            webhook.orders.retain(|order| !is_done(order.id));
            if webhook.orders.len() >= ORDERS_MAX {
                return Err(WebhookError::TooManyOrders);
            }
            webhook.orders.push(order.clone());
            Ok(true)
        })
        .await
        .map(drop)
    }

    /// Writes what `change` made of a webhook, if it says that it changed something.
    async fn change(
        &self,
        tenant: &TenantId,
        name: &WebhookName,
        change: impl Fn(&mut Webhook, Option<&Progress>) -> Done<bool>,
    ) -> Done<bool> {
        let key = key(tenant, name);
        for _ in 0..TRIES_MAX {
            let kept = documents::read::<Webhook>(&**self.storage(), &key).await?;
            let Kept { mut value, document } =
                kept.ok_or_else(|| WebhookError::NotFound(name.clone()))?;
            let progress = self.webhook_progress(tenant, name, &value).await?;
            if !change(&mut value, progress.as_ref())? {
                return Ok(false);
            }
            let body = Json::of(&value).expect("a webhook serialises");
            let answer = self.storage().put_documents(&[Document { body, ..document }]).await?;
            if answer == [WriteResult::Written] {
                return Ok(true);
            }
        }
        Err(documents::contended("change a webhook", &key).into())
    }
}

pub(crate) fn key(tenant: &TenantId, name: &WebhookName) -> DocumentKey {
    documents::key(KIND, tenant, name.as_str())
}

pub(crate) fn progress_key(tenant: &TenantId, name: &WebhookName) -> DocumentKey {
    documents::key(PROGRESS_KIND, tenant, name.as_str())
}

fn drawn_secret() -> Done<Secret> {
    let mut bytes = [0; SECRET_BYTES];
    let drawn = rand::rngs::OsRng.try_fill_bytes(&mut bytes);
    drawn.map_err(|error| WebhookError::Random(error.to_string()))?;
    Ok(Secret::of(bytes))
}

impl KeptWebhook {
    /// Whether the target is left alone at `now`.
    pub fn rests_until(&self, now: Timestamp) -> Option<Timestamp> {
        let progress = self.progress.as_ref()?;
        progress.breaker.open_until.filter(|until| *until > now)
    }
}
