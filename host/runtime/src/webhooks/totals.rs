//! All webhooks, one after the other.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use zapjobs_model::{DocumentKind, TenantId, Timestamp, WebhookName};
use zapjobs_storage::{DocumentOwner, DocumentPageRequest, Result, Storage};

use super::keep::{KIND, PROGRESS_KIND};
use super::progress::{Progress, Totals};
use super::subscription::Webhook;
use crate::documents;

/// Documents that are read at once.
const PAGE: usize = 20;

/// How all webhooks do together, for metrics: how many there are, how many messages wait to be sent
/// again, how many targets are left alone at `now`, and what was sent.
pub async fn webhook_totals(
    storage: &dyn Storage,
    now: Timestamp,
) -> Result<(u64, u64, u64, Totals)> {
    let mut webhooks = HashMap::new();
    each(storage, KIND, |tenant, name, webhook: Webhook| {
        webhooks.insert((tenant, name), webhook.created_at);
    })
    .await?;
    let count = webhooks.len() as u64;
    if count == 0 {
        return Ok((0, 0, 0, Totals::default()));
    }
    let (mut waiting, mut resting, mut totals) = (0, 0, Totals::default());
    each(storage, PROGRESS_KIND, |tenant, name, progress: Progress| {
        if webhooks.get(&(tenant, name)) != Some(&progress.of) {
            return;
        }
        waiting += progress.waiting() as u64;
        resting += u64::from(progress.breaker.open_until.is_some_and(|until| until > now));
        totals.delivered += progress.totals.delivered;
        totals.failed += progress.totals.failed;
        totals.given_up += progress.totals.given_up;
    })
    .await?;
    Ok((count, waiting, resting, totals))
}

/// Does something for each document of a kind. One that cannot be used is passed over.
pub(super) async fn each<T: DeserializeOwned>(
    storage: &dyn Storage,
    kind: &'static str,
    mut work: impl FnMut(TenantId, WebhookName, T),
) -> Result<()> {
    let kind = DocumentKind::new(kind).expect("a kind that this crate names is a good one");
    let request = DocumentPageRequest::of(kind, DocumentOwner::Any);
    let mut request = DocumentPageRequest { limit: PAGE, ..request };
    loop {
        let page = storage.documents(&request).await?;
        for document in page.documents {
            let name = WebhookName::new(document.key.name.as_str());
            let (Some(tenant), Ok(name)) = (document.key.tenant.clone(), name) else { continue };
            match documents::value(&document) {
                Ok(value) => work(tenant, name, value),
                Err(error) => tracing::error!(%error, "passed over a document"),
            }
        }
        request.after = page.next;
        if request.after.is_none() {
            return Ok(());
        }
    }
}
