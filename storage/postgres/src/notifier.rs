//! Tells other hosts of this one's writes, by `NOTIFY`.
//!
//! **Invariant:** however much is written, at most one statement is sent per
//! [`DEBOUNCE`], and each queue is named in it at most once: a notification takes a lock that
//! all committing transactions of the database share.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::Connection;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;
use zapjobs_model::{QueueName, RunId};

use crate::connections::Connections;

/// Between two statements.
const DEBOUNCE: Duration = Duration::from_millis(5);
/// Between two hints that make other hosts look at everything.
const CHANGED_EVERY: Duration = Duration::from_millis(50);
/// Queues and cancellations named in one statement at most; beyond, others look for themselves.
const NAMED_MAX: usize = 200;
/// How long one statement may take.
const SEND_MAX: Duration = Duration::from_secs(5);

// Nothing is lost that matters if the server forgets this commit in a crash.
const SEND: &str = "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, payload)
    FROM unnest($2::text[]) AS payload";

pub(crate) struct Notifier {
    connections: Arc<Connections>,
    channel: String,
    /// Names this storage in its notifications, so that it passes over its own.
    origin: String,
    /// Whether connections keep statements prepared.
    is_prepared: bool,
    pending: Mutex<Pending>,
    wake: Notify,
}

#[derive(Default)]
struct Pending {
    ready: BTreeSet<QueueName>,
    cancels: BTreeSet<RunId>,
    scheduled: bool,
    changed: bool,
}

impl Notifier {
    pub(crate) fn new(connections: Arc<Connections>, channel: String, is_prepared: bool) -> Self {
        Self {
            connections,
            channel,
            origin: Uuid::now_v7().simple().to_string(),
            is_prepared,
            pending: Mutex::default(),
            wake: Notify::new(),
        }
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    pub(crate) fn ready(&self, queue: &QueueName) {
        self.note(|pending| {
            if !pending.ready.contains(queue) {
                pending.ready.insert(queue.clone());
            }
        });
    }

    pub(crate) fn scheduled(&self) {
        self.note(|pending| pending.scheduled = true);
    }

    pub(crate) fn cancel_requested(&self, run: RunId) {
        self.note(|pending| {
            pending.cancels.insert(run);
        });
    }

    pub(crate) fn changed(&self) {
        self.note(|pending| pending.changed = true);
    }

    fn note(&self, note: impl FnOnce(&mut Pending)) {
        let mut pending = self.pending.lock();
        note(&mut pending);
        if pending.ready.len() + pending.cancels.len() > NAMED_MAX {
            *pending = Pending { changed: true, ..Pending::default() };
        }
        drop(pending);
        self.wake.notify_one();
    }

    /// Sends what waits, for as long as the storage is open.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut last_changed = None::<Instant>;
        loop {
            self.wake.notified().await;
            loop {
                let rests = last_changed.is_some_and(|at| at.elapsed() < CHANGED_EVERY);
                let pending = self.take(!rests);
                if pending.changed {
                    last_changed = Some(Instant::now());
                }
                let is_idle = !self.send(pending).await && !self.pending.lock().changed;
                if is_idle {
                    break;
                }
                sleep(DEBOUNCE).await;
            }
        }
    }

    /// Sends what waits now.
    pub(crate) async fn flush(&self) {
        self.send(self.take(true)).await;
    }

    fn take(&self, with_changed: bool) -> Pending {
        let mut pending = self.pending.lock();
        let mut taken = std::mem::take(&mut *pending);
        if !with_changed {
            pending.changed = taken.changed;
            taken.changed = false;
        }
        taken
    }

    /// Answers whether there was anything to send. A failure loses hints, and no more.
    async fn send(&self, pending: Pending) -> bool {
        let payloads = self.payloads(&pending);
        if payloads.is_empty() {
            return false;
        }
        let sent = timeout(SEND_MAX, async {
            let mut held = self.connections.take().await?;
            let query = sqlx::query(SEND).persistent(self.is_prepared);
            let query = query.bind(&self.channel).bind(&payloads);
            if self.is_prepared {
                query.execute(&mut held.connection).await?;
            } else {
                // In a transaction of its own: see `session`.
                let mut tx = held.connection.begin().await?;
                query.execute(&mut *tx).await?;
                tx.commit().await?;
            }
            self.connections.give_back(held);
            Ok::<_, crate::error::DbError>(())
        });
        match sent.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let error = error.describe("tell other hosts");
                tracing::debug!(%error, "other hosts will notice when they look");
            }
            Err(_) => tracing::debug!("telling other hosts took too long"),
        }
        true
    }

    fn payloads(&self, pending: &Pending) -> Vec<String> {
        let origin = &self.origin;
        let mut payloads = Vec::new();
        payloads.extend(pending.ready.iter().map(|queue| format!("{origin} r {queue}")));
        payloads.extend(pending.cancels.iter().map(|run| format!("{origin} c {run}")));
        if pending.scheduled {
            payloads.push(format!("{origin} s"));
        }
        if pending.changed {
            payloads.push(format!("{origin} *"));
        }
        payloads
    }
}
