//! Hints for listeners.

use std::collections::BTreeSet;

use parking_lot::Mutex;
use tokio::sync::broadcast;
use zapjobs_model::{JobEvent, QueueName, RunId};
use zapjobs_storage::{EVENTS_BUFFERED_MAX, Events, Notice, Notices};

use crate::MemoryStorage;

/// Whoever listens. `None` once closed.
pub(crate) struct Listeners(Mutex<Option<broadcast::Sender<Notice>>>);

/// What an operation has to tell once it is done.
#[derive(Default)]
pub(crate) struct Hints {
    ready: BTreeSet<QueueName>,
    scheduled: bool,
    ended: bool,
    cancel_requested: Option<RunId>,
}

impl Hints {
    /// A run became pending in this queue.
    pub(crate) fn ready(&mut self, queue: &QueueName) {
        if !self.ready.contains(queue) {
            self.ready.insert(queue.clone());
        }
    }

    /// A run waits for its time.
    pub(crate) fn scheduled(&mut self) {
        self.scheduled = true;
    }

    /// A run has ended that others wait for.
    pub(crate) fn ended(&mut self) {
        self.ended = true;
    }

    /// A running run should stop.
    pub(crate) fn cancel_requested(&mut self, run: RunId) {
        self.cancel_requested = Some(run);
    }

    fn into_notices(self) -> impl Iterator<Item = Notice> {
        let ready = self.ready.into_iter().map(Notice::Ready);
        let scheduled = self.scheduled.then_some(Notice::Scheduled);
        let ended = self.ended.then_some(Notice::Ended);
        ready
            .chain(scheduled)
            .chain(ended)
            .chain(self.cancel_requested.map(Notice::CancelRequested))
    }
}

impl Listeners {
    pub(crate) fn tell_hints(&self, hints: Hints) {
        self.tell(hints.into_notices());
    }

    /// Ends all subscriptions.
    pub(crate) fn close(&self) {
        self.0.lock().take();
    }

    fn tell(&self, notices: impl Iterator<Item = Notice>) {
        if let Some(sender) = self.heard() {
            for notice in notices {
                // Fails only when the last listener has just left.
                let _ = sender.send(notice);
            }
        }
    }

    /// The channel, if anyone listens.
    fn heard(&self) -> Option<broadcast::Sender<Notice>> {
        self.0.lock().as_ref().filter(|sender| sender.receiver_count() > 0).cloned()
    }

    fn subscribe(&self) -> Notices {
        let receiver = match self.0.lock().as_ref() {
            Some(sender) => sender.subscribe(),
            // Its sender is gone at once: the subscription has ended.
            None => broadcast::channel(1).1,
        };
        Notices::new(receiver)
    }
}

impl Default for Listeners {
    fn default() -> Self {
        Self(Mutex::new(Some(broadcast::Sender::new(EVENTS_BUFFERED_MAX))))
    }
}

impl Events for MemoryStorage {
    fn publish(&self, events: Vec<JobEvent>) {
        // Made only if someone listens.
        self.listeners.tell(std::iter::once_with(|| Notice::Events(events.into())));
    }

    fn subscribe(&self) -> Notices {
        self.listeners.subscribe()
    }
}
