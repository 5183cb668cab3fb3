//! Hints for listeners of this process.
//!
//! **Invariant:** a notice about a write is sent after its commit, never before.

use parking_lot::Mutex;
use tokio::sync::broadcast;
use zapjobs_model::JobEvent;
use zapjobs_storage::{EVENTS_BUFFERED_MAX, Events, Notice, Notices};

use crate::SqliteStorage;

/// Whoever listens in this process.
pub(crate) struct Listeners(Mutex<Option<broadcast::Sender<Notice>>>);

impl Listeners {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Some(broadcast::Sender::new(EVENTS_BUFFERED_MAX))))
    }

    pub(crate) fn any(&self) -> bool {
        self.0.lock().as_ref().is_some_and(|sender| sender.receiver_count() > 0)
    }

    pub(crate) fn tell(&self, notices: Vec<Notice>) {
        if notices.is_empty() {
            return;
        }
        if let Some(sender) = &*self.0.lock() {
            for notice in notices {
                // An error means that nobody listens.
                let _ = sender.send(notice);
            }
        }
    }

    fn subscribe(&self) -> Notices {
        let receiver = match &*self.0.lock() {
            Some(sender) => sender.subscribe(),
            // Closed: a channel without a sender says so at once.
            None => broadcast::channel(1).1,
        };
        Notices::new(receiver)
    }

    /// Ends every subscription once its notices are read.
    pub(crate) fn close(&self) {
        *self.0.lock() = None;
    }
}

impl Events for SqliteStorage {
    fn publish(&self, events: Vec<JobEvent>) {
        if self.listeners.any() {
            self.listeners.tell(vec![Notice::Events(events.into())]);
        }
    }

    fn subscribe(&self) -> Notices {
        let notices = self.listeners.subscribe();
        self.writer.listen();
        notices
    }
}
