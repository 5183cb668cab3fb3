//! Follows for all webhooks, on one host at a time.
//!
//! **Invariant:** whoever holds the named lease follows, and nobody else; should two do so for a
//! moment, what they save tells them apart, and messages that both sent have the same ids. Where no
//! webhook is enabled, one listing every few seconds is all that is asked of the storage.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use zapjobs_model::{TenantId, Timestamp, WebhookName, WorkerId};
use zapjobs_storage::{NamedLeaseRequest, Notice, Notices, Result, Storage};

use super::follower::Follower;
use super::keep::KIND;
use super::port::WebhookSender;
use super::subscription::Webhook;
use super::totals::each;

/// The name of the lease.
const LEASE: &str = "webhooks";
/// How long the lease lasts unless it is renewed.
const LEASE_LASTS: Duration = Duration::from_secs(20);
/// How often webhooks are listed and the lease is renewed.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The shortest time between two rounds of a webhook that sent something or had more to look at.
const ROUND_PAUSE: Duration = Duration::from_millis(20);
/// The rest after a round that failed.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);
/// How long rounds that are under way may go on where their webhook is followed no more: less than
/// the lease lasts, which is not renewed meanwhile.
const END_WITHIN: Duration = Duration::from_secs(5);
/// Webhooks that are followed at most; those of further tenants, by name, are told in the log.
const FOLLOWED_MAX: usize = 1_000;

/// The service while it works.
pub struct WebhookService {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl WebhookService {
    /// Starts it.
    pub fn start(storage: Arc<dyn Storage>, sender: Arc<dyn WebhookSender>) -> Self {
        let stop = CancellationToken::new();
        let leader = Leader {
            storage,
            sender,
            worker: WorkerId(Uuid::now_v7()),
            followers: HashMap::new(),
            held_until: None,
            ended: watch::Sender::new(0),
            notices: None,
        };
        let task = tokio::spawn(leader.run(stop.clone()));
        Self { stop, task }
    }

    /// Lets what is under way end, for so long at most. What is not saved then is sent again.
    pub async fn stop(self, within: Duration) {
        self.stop.cancel();
        let abort = self.task.abort_handle();
        if tokio::time::timeout(within, self.task).await.is_err() {
            abort.abort();
        }
    }
}

struct Leader {
    storage: Arc<dyn Storage>,
    sender: Arc<dyn WebhookSender>,
    worker: WorkerId,
    followers: HashMap<(TenantId, WebhookName), Following>,
    /// Until when the lease holds, by this machine's steady clock.
    held_until: Option<Instant>,
    /// Rises with each hint that a run ended.
    ended: watch::Sender<u64>,
    /// Listens while it leads.
    notices: Option<Notices>,
}

/// One webhook that is followed. Dropping it ends it.
struct Following {
    created_at: Timestamp,
    webhook: watch::Sender<Webhook>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Leader {
    async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "webhooks: will try again");
                if self.held_until.is_none_or(|until| until <= Instant::now()) {
                    self.stop_all().await;
                }
            }
            let rest = tokio::time::sleep(LOOK_EVERY);
            tokio::pin!(rest);
            loop {
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = &mut rest => break,
                    () = heard(&mut self.notices) => self.ended.send_modify(|count| *count += 1),
                }
            }
        }
        self.stop_all().await;
        if self.held_until.is_some()
            && let Err(error) = self.storage.release(LEASE, self.worker).await
        {
            tracing::warn!(%error, "webhooks: the lease was not given back, and runs out");
        }
    }

    async fn look(&mut self) -> Result<()> {
        let mut wanted = enabled(&*self.storage).await?;
        if wanted.is_empty() {
            self.stop_all().await;
            return Ok(());
        }
        let asked_at = Instant::now();
        let (name, owner) = (LEASE.to_owned(), self.worker);
        let request = NamedLeaseRequest { name, owner, ttl: LEASE_LASTS };
        if self.storage.acquire(request).await?.is_none() {
            self.held_until = None;
            self.stop_all().await;
            return Ok(());
        }
        self.held_until = Some(asked_at + LEASE_LASTS);
        if self.notices.is_none() {
            self.notices = Some(self.storage.subscribe());
        }
        let gone: Vec<_> = self
            .followers
            .iter()
            .filter(|(key, it)| {
                wanted.get(*key).is_none_or(|webhook| webhook.created_at != it.created_at)
            })
            .map(|(key, _)| key.clone())
            .collect();
        let gone: Vec<_> = gone.iter().filter_map(|key| self.followers.remove(key)).collect();
        end(gone).await;
        for (key, following) in &self.followers {
            if let Some(webhook) = wanted.remove(key) {
                following.webhook.send_if_modified(|known| {
                    let changes = *known != webhook;
                    *known = webhook;
                    changes
                });
            }
        }
        for (key, webhook) in wanted {
            let following = self.follow(&key, webhook);
            self.followers.insert(key, following);
        }
        Ok(())
    }

    fn follow(&self, (tenant, name): &(TenantId, WebhookName), webhook: Webhook) -> Following {
        let (storage, sender) = (Arc::clone(&self.storage), Arc::clone(&self.sender));
        let follower = Follower::new(storage, sender, tenant.clone(), name.clone());
        let created_at = webhook.created_at;
        let (webhook, changes) = watch::channel(webhook);
        let stop = CancellationToken::new();
        let ended = self.ended.subscribe();
        let task = tokio::spawn(follow(follower, changes, ended, stop.clone()));
        Following { created_at, webhook, stop, task }
    }

    async fn stop_all(&mut self) {
        self.notices = None;
        end(self.followers.drain().map(|(_, following)| following).collect()).await;
    }
}

/// Lets the rounds that are under way end, as far as they do so soon.
async fn end(mut followed: Vec<Following>) {
    followed.iter().for_each(|following| following.stop.cancel());
    let ends = join_all(followed.iter_mut().map(|following| &mut following.task));
    // Those that panicked have said so; what others did not save is sent again.
    let _ = tokio::time::timeout(END_WITHIN, ends).await;
}

/// Waits for a hint that a run ended.
async fn heard(notices: &mut Option<Notices>) {
    let Some(listening) = notices else { return std::future::pending().await };
    loop {
        match listening.next().await {
            Some(Notice::Events(_) | Notice::Resync | Notice::Ended) => return,
            Some(_) => {}
            None => return std::future::pending().await,
        }
    }
}

async fn follow(
    mut follower: Follower,
    mut webhook: watch::Receiver<Webhook>,
    mut ended: watch::Receiver<u64>,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        ended.mark_unchanged();
        let now = webhook.borrow_and_update().clone();
        let rest = follower.run_once(&now).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "a webhook waits for the storage");
            FAILURE_PAUSE
        });
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(ROUND_PAUSE) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            Ok(()) = webhook.changed() => {}
            Ok(()) = ended.changed() => {}
            () = tokio::time::sleep(rest.saturating_sub(ROUND_PAUSE)) => {}
        }
    }
}

/// All webhooks that are enabled.
async fn enabled(storage: &dyn Storage) -> Result<HashMap<(TenantId, WebhookName), Webhook>> {
    let mut found = HashMap::new();
    each(storage, KIND, |tenant, name, webhook: Webhook| {
        if webhook.enabled && found.len() < FOLLOWED_MAX {
            found.insert((tenant, name), webhook);
        } else if webhook.enabled {
            tracing::error!(%tenant, webhook = %name, "not followed: {FOLLOWED_MAX} others are");
        }
    })
    .await?;
    Ok(found)
}
