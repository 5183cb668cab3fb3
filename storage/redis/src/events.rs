//! Hints for listeners, of this process and of others.
//!
//! Listeners of this process are told at once, without the server. Scripts publish what others
//! should know, on one channel; each process passes over what it published itself.
//!
//! **Invariant:** a subscription that could have missed something is told `Resync`: when the
//! channel is joined, first and again after each loss.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{broadcast, mpsc};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use uuid::Uuid;
use zapjobs_model::{JobEvent, QueueName};
use zapjobs_storage::{EVENTS_BUFFERED_MAX, Events, Notice, Notices};

use crate::RedisStorage;
use crate::connection::dial_listener;
use crate::keys::Keys;
use crate::link::Link;
use crate::options::{RedisOptions, Topology};

/// Batches of events that wait to be published at most; more are dropped.
const OUTGOING_MAX: usize = 64;
/// Wait before the channel is joined again; twice as long each time, up to [`REJOIN_WAIT_MAX`].
const REJOIN_WAIT: Duration = Duration::from_millis(50);
/// Longest wait before the channel is joined again.
const REJOIN_WAIT_MAX: Duration = Duration::from_secs(2);
/// How long nothing is published after nobody heard it.
const QUIET: Duration = Duration::from_secs(1);

/// Whoever listens.
pub(crate) struct Listeners {
    origin: String,
    sender: Mutex<Option<broadcast::Sender<Notice>>>,
    outgoing: mpsc::Sender<Vec<JobEvent>>,
    /// What the task that joins the channel needs; taken once someone listens.
    joiner: Mutex<Option<Joiner>>,
    is_joined: Arc<AtomicBool>,
    tasks: Mutex<Vec<AbortHandle>>,
    runtime: Handle,
}

impl Listeners {
    pub(crate) fn new(link: &Arc<Link>, keys: &Keys, options: &RedisOptions) -> Self {
        let (outgoing, events) = mpsc::channel(OUTGOING_MAX);
        let origin = Uuid::now_v7().to_string();
        let is_joined = Arc::new(AtomicBool::new(false));
        let channel = keys.named("notices");
        let publisher = Publisher {
            link: Arc::clone(link),
            channel: channel.clone(),
            origin: origin.clone(),
            is_joined: Arc::clone(&is_joined),
            // A node of a cluster tells only how many of its own clients heard.
            knows_all_hearers: options.topology != Topology::Cluster,
        };
        let joiner = Joiner { options: options.clone(), channel, origin: origin.clone() };
        let runtime = Handle::current();
        let task = runtime.spawn(publisher.publish(events)).abort_handle();
        Self {
            origin,
            sender: Mutex::new(Some(broadcast::Sender::new(EVENTS_BUFFERED_MAX))),
            outgoing,
            joiner: Mutex::new(Some(joiner)),
            is_joined,
            tasks: Mutex::new(vec![task]),
            runtime,
        }
    }

    /// Who publishes: this storage.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    pub(crate) fn tell(&self, notices: Vec<Notice>) {
        if let Some(sender) = &*self.sender.lock() {
            for notice in notices {
                // Fails only when nobody listens.
                let _ = sender.send(notice);
            }
        }
    }

    /// Ends every subscription and task.
    pub(crate) fn close(&self) {
        self.sender.lock().take();
        self.tasks.lock().drain(..).for_each(|task| task.abort());
    }

    fn any(&self) -> bool {
        self.sender.lock().as_ref().is_some_and(|sender| sender.receiver_count() > 0)
    }

    fn subscribe(&self) -> Notices {
        let Some(sender) = self.sender.lock().clone() else {
            // Closed: a channel without a sender says so at once.
            return Notices::new(broadcast::channel(1).1);
        };
        let notices = Notices::new(sender.subscribe());
        if let Some(joiner) = self.joiner.lock().take() {
            let listening = joiner.listen(sender.downgrade(), Arc::clone(&self.is_joined));
            self.tasks.lock().push(self.runtime.spawn(listening).abort_handle());
        }
        notices
    }
}

impl Events for RedisStorage {
    fn publish(&self, events: Vec<JobEvent>) {
        if events.is_empty() {
            return;
        }
        if self.listeners.any() {
            self.listeners.tell(vec![Notice::Events(events.clone().into())]);
        }
        // Full or closed: events are hints, and may be lost.
        let _ = self.listeners.outgoing.try_send(events);
    }

    fn subscribe(&self) -> Notices {
        self.listeners.subscribe()
    }
}

/// Tells other processes of events.
struct Publisher {
    link: Arc<Link>,
    channel: String,
    origin: String,
    is_joined: Arc<AtomicBool>,
    knows_all_hearers: bool,
}

impl Publisher {
    async fn publish(self, mut events: mpsc::Receiver<Vec<JobEvent>>) {
        let mut quiet_until = Instant::now();
        while let Some(events) = events.recv().await {
            if Instant::now() < quiet_until {
                continue;
            }
            let Ok(json) = serde_json::to_string(&events) else { continue };
            let message = format!("{}\nevents {json}", self.origin);
            let mut command = redis::cmd("PUBLISH");
            command.arg(&self.channel).arg(message);
            let heard = match self.link.send(&command).await {
                Ok(redis::Value::Int(heard)) => heard,
                // Lost, as hints may be.
                _ => 0,
            };
            let ourselves = i64::from(self.is_joined.load(Ordering::Relaxed));
            if heard <= ourselves && self.knows_all_hearers {
                quiet_until = Instant::now() + QUIET;
            }
        }
    }
}

/// Hears what other processes publish.
struct Joiner {
    options: RedisOptions,
    channel: String,
    origin: String,
}

impl Joiner {
    async fn listen(self, sender: broadcast::WeakSender<Notice>, is_joined: Arc<AtomicBool>) {
        let mut wait = REJOIN_WAIT;
        while sender.strong_count() > 0 {
            if let Ok(mut joined) = dial_listener(&self.options).await
                && joined.subscribe(&self.channel).await.is_ok()
            {
                is_joined.store(true, Ordering::Relaxed);
                wait = REJOIN_WAIT;
                tell(&sender, Notice::Resync);
                let mut messages = joined.on_message();
                while let Some(message) = messages.next().await {
                    self.heard(message.get_payload_bytes(), &sender);
                }
                is_joined.store(false, Ordering::Relaxed);
            }
            tokio::time::sleep(wait).await;
            wait = (2 * wait).min(REJOIN_WAIT_MAX);
        }
    }

    fn heard(&self, payload: &[u8], sender: &broadcast::WeakSender<Notice>) {
        let Ok(text) = std::str::from_utf8(payload) else { return };
        let mut lines = text.lines();
        if lines.next() == Some(&*self.origin) {
            return;
        }
        // A later version's word means at least that something happened.
        lines.map(|line| notice(line).unwrap_or(Notice::Resync)).for_each(|n| tell(sender, n));
    }
}

fn notice(line: &str) -> Option<Notice> {
    match line.split_once(' ').unwrap_or((line, "")) {
        ("ready", queue) => QueueName::new(queue).ok().map(Notice::Ready),
        ("scheduled", _) => Some(Notice::Scheduled),
        ("ended", _) => Some(Notice::Ended),
        ("cancel", run) => run.parse().ok().map(Notice::CancelRequested),
        ("events", json) => {
            let events: Vec<JobEvent> = serde_json::from_str(json).ok()?;
            Some(Notice::Events(events.into()))
        }
        _ => None,
    }
}

fn tell(sender: &broadcast::WeakSender<Notice>, notice: Notice) {
    if let Some(sender) = sender.upgrade() {
        // Fails only when nobody listens.
        let _ = sender.send(notice);
    }
}
