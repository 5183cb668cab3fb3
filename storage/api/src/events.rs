//! Hints that something happened.

use std::sync::Arc;

use tokio::sync::broadcast;
use zapjobs_model::{JobEvent, QueueName, RunId};

/// Notices that wait for a slow listener at most; then it is told to look for itself.
pub const EVENTS_BUFFERED_MAX: usize = 1_024;

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Runs may have become ready in this queue.
    Ready(QueueName),
    /// A run that is waiting for its time may be due earlier than any known before.
    Scheduled,
    /// A running run should stop.
    CancelRequested(RunId),
    /// A run has ended that others wait for.
    Ended,
    /// Things happened to runs: one `publish`, one notice.
    Events(Arc<[JobEvent]>),
    /// Anything may have changed, here or in another process: look at all that matters.
    Resync,
}

/// A subscription. Dropping it ends it.
#[derive(Debug)]
pub struct Notices(broadcast::Receiver<Notice>);

impl Notices {
    /// A subscription to a driver's channel, which should hold [`EVENTS_BUFFERED_MAX`].
    pub fn new(receiver: broadcast::Receiver<Notice>) -> Self {
        Self(receiver)
    }

    /// The next notice; `Resync` in place of notices that were dropped because the listener
    /// was slow; `None` once the storage is closed. Safe to cancel.
    pub async fn next(&mut self) -> Option<Notice> {
        match self.0.recv().await {
            Ok(notice) => Some(notice),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Notice::Resync),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
