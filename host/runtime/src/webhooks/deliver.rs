//! Messages are sent, and what comes of each is noted.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use zapjobs_model::Timestamp;
use zapjobs_model::webhook::pause_after;
use zapjobs_storage::Result;

use super::follower::Follower;
use super::port::{Message, SendError};
use super::progress::{Delivery, DeliveryOutcome, Retry, Subject};
use super::state::{Due, State};
use super::subscription::Webhook;

/// Messages of one webhook that are under way at a time at most.
const SENDS_AT_ONCE: usize = 8;
/// Bytes of an error that are kept.
const ERROR_CHARS_MAX: usize = 200;

/// What came of an attempt.
type Sent = Result<(Duration, std::result::Result<u16, SendError>)>;

impl Follower {
    /// Sends messages side by side. Those that the storage kept from being sent wait in `retries`.
    pub(super) async fn deliver(
        &self,
        state: &mut State,
        webhook: &Webhook,
        due: Vec<Due>,
        now: Timestamp,
    ) -> Result<()> {
        if due.is_empty() {
            return Ok(());
        }
        state.is_changed = true;
        let began = Instant::now();
        let attempts: Vec<_> = due.into_iter().map(|due| self.attempt(webhook, due, now)).collect();
        let sent: Vec<(Due, Sent)> = stream::iter(attempts).buffered(SENDS_AT_ONCE).collect().await;
        // In whole seconds, so that what takes no time leaves the store's clock as it is.
        let now = now.plus(Duration::from_secs(began.elapsed().as_secs()));
        let mut failed = None;
        for (due, sent) in sent {
            match sent {
                Ok((took, answer)) => self.note(state, due, took, answer, now),
                Err(error) => {
                    state.progress.retries.push(Retry {
                        subject: due.subject,
                        attempts: due.attempts,
                        due_at: now,
                    });
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn attempt(&self, webhook: &Webhook, due: Due, now: Timestamp) -> (Due, Sent) {
        let sent = self.send(webhook, &due.subject, now).await;
        (due, sent)
    }

    /// Sends one message. It fails only where the storage does.
    async fn send(&self, webhook: &Webhook, subject: &Subject, now: Timestamp) -> Sent {
        let id = subject.id();
        let body = subject.body(webhook, &*self.storage).await?;
        let seconds = now.as_micros().div_euclid(1_000_000);
        let signature = webhook.secret.sign(&id, seconds, &body);
        let message = Message { url: webhook.url.clone(), id, seconds, signature, body };
        let began = Instant::now();
        let answer = self.sender.send(message).await;
        Ok((began.elapsed(), answer))
    }

    fn note(
        &self,
        state: &mut State,
        due: Due,
        took: Duration,
        answer: std::result::Result<u16, SendError>,
        now: Timestamp,
    ) {
        let Due { subject, attempts } = due;
        let progress = &mut state.progress;
        let is_taken = matches!(answer, Ok(200..=299));
        let outcome = if is_taken {
            progress.breaker.succeeded();
            DeliveryOutcome::Delivered
        } else {
            if progress.breaker.failed(now, rand::random()) {
                tracing::warn!(
                    webhook = %self.name, tenant = %self.tenant,
                    failures = progress.breaker.failures,
                    "the webhook's target keeps failing: it is left alone, and tried from time to \
                     time; nothing is lost while runs are kept"
                );
            }
            let attempts = attempts + 1;
            match pause_after(attempts, rand::random()) {
                Some(pause) => {
                    let (subject, due_at) = (subject.clone(), now.plus(pause));
                    progress.retries.push(Retry { subject, attempts, due_at });
                    DeliveryOutcome::Failed
                }
                None => DeliveryOutcome::GivenUp,
            }
        };
        let (status, error) = match answer {
            Ok(status) => (Some(status), None),
            Err(SendError(error)) => (None, Some(error.chars().take(ERROR_CHARS_MAX).collect())),
        };
        progress.note(Delivery {
            at: now,
            id: subject.id(),
            event: subject.event().to_owned(),
            run: subject.run(),
            attempt: attempts + 1,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            status,
            error,
            outcome,
        });
    }
}
