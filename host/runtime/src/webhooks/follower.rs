//! Follows the endings for one webhook.
//!
//! **Invariant:** an ending that is passed over as told stands in `recent`, and it gets there only
//! together with a message that is then taken, waits to be sent again, or is given up and counted.
//! All of it is saved together; what was sent and is not saved is sent again by whoever goes on.
//!
//! Endings are looked at twice: as soon as they are seen, and again once none can come before them
//! any more. The second look finds those whose results were written late, behind others.

use std::sync::Arc;
use std::time::Duration;

use zapjobs_model::webhook::Gate;
use zapjobs_model::{Document, DocumentKey, Json, TenantId, Timestamp, WebhookName};
use zapjobs_storage::{Ending, EndingPlace, EndingsRequest, Result, Storage, WriteResult};

use super::keep::progress_key;
use super::port::WebhookSender;
use super::progress::{Progress, RECENT_KEPT_MAX, RETRIES_MAX, first_of};
use super::state::{Due, State, mark};
use super::subscription::Webhook;
use crate::documents::{self, Kept};

/// Messages of one round at most; then what came of them is saved.
const ROUND_MAX: usize = 32;
/// Endings looked at in one step.
pub(super) const PAGE: usize = 500;
/// How late an ending may be written after others that are later: two minutes. It is what a host
/// may be cut off from the storage without losing its leases, and some more.
pub(super) const LATE_MAX: Duration = Duration::from_secs(120);
/// How often endings are looked at again.
pub(super) const LOOK_AGAIN_EVERY: Duration = Duration::from_secs(20);
/// Endings that were told lately and are remembered at most; once there are so many, new ones wait
/// until some are old enough.
const RECENT_MAX: usize = 50_000;
/// The longest rest where nothing hints that a run ended.
const REST_MAX: Duration = Duration::from_secs(1);

pub(super) struct Follower {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) sender: Arc<dyn WebhookSender>,
    pub(super) tenant: TenantId,
    pub(super) name: WebhookName,
    key: DocumentKey,
    state: Option<State>,
    /// Since when each round went well.
    steady_since: Option<Timestamp>,
}

/// What a step through the endings found.
struct Step {
    found: Vec<Ending>,
    reached: EndingPlace,
    /// Whether there are no more.
    is_end: bool,
}

impl Follower {
    pub(super) fn new(
        storage: Arc<dyn Storage>,
        sender: Arc<dyn WebhookSender>,
        tenant: TenantId,
        name: WebhookName,
    ) -> Self {
        let key = progress_key(&tenant, &name);
        Self { storage, sender, tenant, name, key, state: None, steady_since: None }
    }

    /// Sends what is to be sent now, up to a bound. Answers how long it may rest.
    pub(super) async fn run_once(&mut self, webhook: &Webhook) -> Result<Duration> {
        let done = self.round(webhook).await;
        if done.is_err() {
            self.steady_since = None;
        }
        done
    }

    async fn round(&mut self, webhook: &Webhook) -> Result<Duration> {
        let now = self.storage.now().await?;
        let steady_since = *self.steady_since.get_or_insert(now);
        let mut state = match self.state.take() {
            Some(state) => state,
            None => self.load(webhook).await?,
        };
        // What could not be saved before.
        let is_ours = self.save(&mut state).await;
        let worked = match is_ours {
            Ok(true) => self.work(&mut state, webhook, now, steady_since).await,
            _ => Ok(REST_MAX),
        };
        let is_ours = match is_ours {
            Ok(true) => self.save(&mut state).await,
            other => other,
        };
        // Where another host goes on, what it wrote is read next time.
        if !matches!(is_ours, Ok(false)) {
            self.state = Some(state);
        }
        is_ours.and(worked)
    }

    async fn work(
        &self,
        state: &mut State,
        webhook: &Webhook,
        now: Timestamp,
        steady_since: Timestamp,
    ) -> Result<Duration> {
        let gate = state.progress.breaker.gate(now);
        let most = match gate {
            Gate::Closed(until) => return Ok(until.since(now).min(REST_MAX)),
            Gate::Probe => 1,
            Gate::Open => ROUND_MAX,
        };
        let mut due = state.take_retries(now, most);
        // Each of them may come to wait.
        let free = RETRIES_MAX.saturating_sub(state.progress.retries.len() + due.len());
        let most = most.min(due.len() + free);
        let collected = self.collect(state, webhook, now, steady_since, most, &mut due).await;
        let is_all = *collected.as_ref().unwrap_or(&true);
        let has_sent = !due.is_empty();
        self.deliver(state, webhook, due, now).await?;
        collected?;
        // Where so many wait to be sent again that nothing may be sent, there is time to rest.
        if has_sent || !is_all && most > 0 {
            return Ok(Duration::ZERO);
        }
        let next = state.progress.retries.iter().map(|retry| retry.due_at.since(now)).min();
        Ok(next.map_or(REST_MAX, |next| next.min(REST_MAX)))
    }

    /// Adds what was ordered and what has ended. Answers whether that was all there is. What was
    /// added when it fails is sent all the same.
    async fn collect(
        &self,
        state: &mut State,
        webhook: &Webhook,
        now: Timestamp,
        steady_since: Timestamp,
        most: usize,
        due: &mut Vec<Due>,
    ) -> Result<bool> {
        let mut is_all = self.take_orders(state, webhook, most, due).await?;
        if state.recent.len() < RECENT_MAX {
            let step = self.step(state, webhook, state.seen, None, most - due.len()).await?;
            state.seen = step.reached;
            is_all &= step.is_end;
            state.take(step.found, due);
        }
        let is_time =
            state.looked_again_at.is_none_or(|before| now.since(before) >= LOOK_AGAIN_EVERY);
        // A host that could not reach the storage writes its results once it can, as this one.
        if is_time && now.since(steady_since) >= LATE_MAX {
            let edge = now.minus(LATE_MAX);
            let from = state.progress.settled;
            let step = self.step(state, webhook, from, Some(edge), most - due.len()).await?;
            is_all &= step.is_end;
            if !step.found.is_empty() {
                tracing::debug!(webhook = %self.name, late = step.found.len(), "found late endings");
            }
            let has_moved = step.reached != from;
            let place = if step.is_end { first_of(edge).max(step.reached) } else { step.reached };
            state.take(step.found, due);
            state.settle(place, has_moved);
            if step.is_end {
                state.looked_again_at = Some(now);
            }
        }
        Ok(is_all)
    }

    /// One step through the endings from a place on, to those that are to be told.
    async fn step(
        &self,
        state: &State,
        webhook: &Webhook,
        from: EndingPlace,
        before: Option<Timestamp>,
        most: usize,
    ) -> Result<Step> {
        let request = EndingsRequest { after: Some(from), before, limit: PAGE };
        let page = self.storage.endings(&request).await?;
        let mut step = Step { found: Vec::new(), reached: from, is_end: page.len() < PAGE };
        for ending in page {
            let is_told = || state.recent.contains(&mark(&ending));
            if self.is_wanted(webhook, &ending) && !is_told() {
                if step.found.len() == most {
                    step.is_end = false;
                    break;
                }
                step.found.push(ending.clone());
            }
            step.reached = ending.place();
        }
        Ok(step)
    }

    pub(super) fn is_wanted(&self, webhook: &Webhook, ending: &Ending) -> bool {
        ending.tenant == self.tenant && webhook.wants(ending)
    }

    async fn load(&self, webhook: &Webhook) -> Result<State> {
        let kept = documents::read::<Progress>(&*self.storage, &self.key).await?;
        let (revision, progress) = match kept {
            Some(Kept { value, document }) => (document.revision, Some(value)),
            None => (0, None),
        };
        let own = progress.filter(|progress| progress.of == webhook.created_at);
        let is_changed = own.is_none();
        let mut progress =
            own.unwrap_or_else(|| Progress::begin(webhook.created_at, webhook.since));
        progress.settled = progress.settled.max(first_of(webhook.since));
        let recent = progress.recent.iter().copied().collect();
        let seen = progress.settled;
        Ok(State { progress, revision, recent, seen, looked_again_at: None, is_changed })
    }

    /// Saves what changed. Answers whether it is still this host that goes on.
    async fn save(&self, state: &mut State) -> Result<bool> {
        if !state.is_changed {
            return Ok(true);
        }
        let newest = state.recent.iter().rev().take(RECENT_KEPT_MAX);
        state.progress.recent = newest.copied().collect();
        let body = Json::of(&state.progress).expect("progress serialises");
        let document =
            Document { revision: state.revision, ..Document::new(self.key.clone(), body) };
        let answer = self.storage.put_documents(&[document]).await;
        state.is_changed = answer.is_err();
        match answer?.as_slice() {
            [WriteResult::Written] => {
                state.revision += 1;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}
