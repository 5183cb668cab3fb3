//! Hints for listeners, here and in other hosts.
//!
//! **Invariant:** a notice about a write is sent after its commit, never before: to listeners
//! of this process at once, to other hosts by the notifier.

use std::sync::Arc;

use parking_lot::Mutex;
use sqlx::postgres::PgConnectOptions;
use tokio::runtime::Handle;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use zapjobs_model::{JobEvent, QueueName};
use zapjobs_storage::{EVENTS_BUFFERED_MAX, Notice, Notices};

use crate::PostgresStorage;
use crate::connections::Connections;
use crate::listener::Listening;
use crate::names::Names;
use crate::notifier::Notifier;
use crate::options::{PostgresOptions, WakeUps};

/// Whoever listens in this process.
pub(crate) struct Listeners(Mutex<Option<broadcast::Sender<Notice>>>);

impl Listeners {
    fn new() -> Self {
        Self(Mutex::new(Some(broadcast::Sender::new(EVENTS_BUFFERED_MAX))))
    }

    pub(crate) fn any(&self) -> bool {
        self.0.lock().as_ref().is_some_and(|sender| sender.receiver_count() > 0)
    }

    pub(crate) fn tell(&self, notice: Notice) {
        if let Some(sender) = &*self.0.lock() {
            // An error means that nobody listens.
            let _ = sender.send(notice);
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
}

pub(crate) struct Events {
    listeners: Arc<Listeners>,
    notifier: Arc<Notifier>,
    listening: Listening,
    runtime: Handle,
    /// The notifier's task, and the one that listens once somebody subscribed.
    tasks: Mutex<Vec<JoinHandle<()>>>,
    is_listening: Mutex<bool>,
}

impl Events {
    /// Starts the notifier in the current runtime.
    pub(crate) fn start(
        options: &PostgresOptions,
        address: PgConnectOptions,
        connections: &Arc<Connections>,
        names: &Names,
    ) -> Self {
        let runtime = Handle::current();
        let is_prepared = options.prepared_statements > 0;
        let notifier = Notifier::new(Arc::clone(connections), names.channel(), is_prepared);
        let notifier = Arc::new(notifier);
        let listening = Listening {
            address,
            channel: names.channel(),
            origin: notifier.origin().to_owned(),
            connect_timeout: options.connect_timeout,
            poll_interval: match options.wake_ups {
                WakeUps::Listen => None,
                WakeUps::Poll => Some(options.poll_interval),
            },
        };
        let tasks = Mutex::new(vec![runtime.spawn(Arc::clone(&notifier).run())]);
        let listeners = Arc::new(Listeners::new());
        Self { listeners, notifier, listening, runtime, tasks, is_listening: Mutex::new(false) }
    }

    /// Runs became ready in a queue.
    pub(crate) fn ready(&self, queue: &QueueName) {
        self.notifier.ready(queue);
        self.listeners.tell(Notice::Ready(queue.clone()));
    }

    /// The same for a queue as stored. An unreadable one has no listeners; its runs are set
    /// aside when they are claimed.
    pub(crate) fn ready_named(&self, queue: &str) {
        if let Ok(queue) = QueueName::new(queue) {
            self.ready(&queue);
        }
    }

    /// A run waits for its time.
    pub(crate) fn scheduled(&self) {
        self.notifier.scheduled();
        self.listeners.tell(Notice::Scheduled);
    }

    /// A run has ended that others wait for. Other hosts are made to look at everything.
    pub(crate) fn ended(&self) {
        self.notifier.changed();
        self.listeners.tell(Notice::Ended);
    }

    /// A running run should stop.
    pub(crate) fn cancel_requested(&self, run: zapjobs_model::RunId) {
        self.notifier.cancel_requested(run);
        self.listeners.tell(Notice::CancelRequested(run));
    }

    /// Something else was written: other hosts may want to look.
    pub(crate) fn changed(&self) {
        self.notifier.changed();
    }

    /// Sends what waits for other hosts.
    pub(crate) async fn flush(&self) {
        self.notifier.flush().await;
    }

    /// Ends every subscription once its notices are read, and the tasks.
    pub(crate) fn close(&self) {
        *self.listeners.0.lock() = None;
        for task in self.tasks.lock().drain(..) {
            task.abort();
        }
    }

    fn listen(&self) {
        let mut is_listening = self.is_listening.lock();
        if !*is_listening {
            *is_listening = true;
            let task = self.listening.clone().run(Arc::clone(&self.listeners));
            self.tasks.lock().push(self.runtime.spawn(task));
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.close();
    }
}

impl zapjobs_storage::Events for PostgresStorage {
    fn publish(&self, events: Vec<JobEvent>) {
        if self.events.listeners.any() {
            self.events.listeners.tell(Notice::Events(events.into()));
        }
    }

    fn subscribe(&self) -> Notices {
        let notices = self.events.listeners.subscribe();
        if !self.connections.is_closed() {
            self.events.listen();
        }
        notices
    }
}
