//! The one thread that writes. It commits whatever waits as one group.
//!
//! **Invariant:** a caller is answered after its group is committed, never before, and a
//! failing request takes no other down: when one fails, the group is rolled back and each
//! request of it is done again in a transaction of its own. So the good path needs no
//! savepoints. There is no delay: a group forms while the one before commits.
//!
//! The thread also looks for other processes' commits, for on its own connection
//! `PRAGMA data_version` changes only with those. See [`crate::events`] for the listeners.

mod request;

use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, oneshot};
use zapjobs_storage::{Clock, Notice, Result};

use self::request::{Call, Request};
use crate::checkpointer::Checkpointer;
use crate::db::Db;
use crate::error::{DbError, DbResult, closed};
use crate::events::Listeners;
use crate::options::SqliteOptions;
use crate::statistics::Counted;

pub(crate) use request::{Tx, WriteKind};

/// Requests that wait for the writer or are being written at most; callers beyond wait.
pub const WRITES_QUEUED_MAX: usize = 1_024;
/// Requests in one group commit at most.
pub const GROUP_REQUESTS_MAX: usize = 256;
/// Bytes of requests in one group commit, about; the request that crosses it is the last.
pub const GROUP_BYTES_MAX: usize = 8 << 20;
/// The way to the writer. Dropping it ends the thread once all that waits is written.
pub(crate) struct Writer {
    requests: mpsc::Sender<Message>,
    permits: Arc<Semaphore>,
}

impl Writer {
    pub(crate) fn start(
        mut db: Db,
        options: &SqliteOptions,
        listeners: Arc<Listeners>,
    ) -> DbResult<Self> {
        // Unbounded as such; the permits bound it.
        let (requests, queue) = mpsc::channel();
        let mut thread = WriterThread {
            checkpointer: Checkpointer::start(options, &mut db)?,
            db,
            clock: Arc::clone(&options.clock),
            listeners,
            poll_interval: options.poll_interval,
            queue,
            closing: None,
            looked_at: Instant::now(),
            data_version: None,
        };
        // Before anyone can listen, so that nothing after it goes unseen.
        thread.look();
        std::thread::Builder::new()
            .name("zapjobs-sqlite".to_owned())
            .spawn(move || thread.run())?;
        Ok(Self { requests, permits: Arc::new(Semaphore::new(WRITES_QUEUED_MAX)) })
    }

    /// Does `work` in a transaction and answers once that is committed. `work` may be called
    /// twice, after a rollback. Once the future is dropped, the request may be done or not.
    pub(crate) async fn write<T, F>(&self, kind: WriteKind, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> DbResult<T> + Send + 'static,
    {
        let operation = kind.operation;
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| closed(operation))?;
        let (reply, answer) = oneshot::channel();
        let call = Box::new(Call::new(operation, work, reply));
        let request = Request::new(kind, call, permit);
        self.requests.send(Message::Write(request)).map_err(|_| closed(operation))?;
        answer.await.map_err(|_| closed(operation))?
    }

    /// Wakes the thread, for someone began to listen.
    pub(crate) fn listen(&self) {
        // An error means that the thread has ended, and with it every subscription.
        let _ = self.requests.send(Message::Listen);
    }

    /// Writes what was asked before, copies the log into the database and ends the thread.
    pub(crate) async fn close(&self) -> Result<()> {
        const OPERATION: &str = "close the storage";
        self.permits.close();
        let (reply, answer) = oneshot::channel();
        if self.requests.send(Message::Close(reply)).is_err() {
            return Ok(());
        }
        let checkpointed = answer.await.unwrap_or(Ok(()));
        checkpointed.map_err(|error| error.describe(OPERATION))
    }
}

enum Message {
    Write(Request),
    Listen,
    Close(oneshot::Sender<DbResult<()>>),
}

struct WriterThread {
    checkpointer: Option<Checkpointer>,
    db: Db,
    clock: Arc<dyn Clock>,
    listeners: Arc<Listeners>,
    poll_interval: Duration,
    queue: mpsc::Receiver<Message>,
    closing: Option<oneshot::Sender<DbResult<()>>>,
    looked_at: Instant,
    data_version: Option<i64>,
}

impl WriterThread {
    fn run(mut self) {
        while self.closing.is_none() {
            match self.next_message() {
                Some(Message::Write(first)) => {
                    let mut group = vec![first];
                    while !group.is_empty() {
                        self.gather(&mut group);
                        group = self.commit(group);
                    }
                    self.look_when_due();
                }
                Some(Message::Listen) => self.look(),
                Some(Message::Close(reply)) => self.closing = Some(reply),
                None => break,
            }
        }
        self.finish();
    }

    /// The next message; meanwhile looks for other processes' commits while anyone listens.
    fn next_message(&mut self) -> Option<Message> {
        loop {
            if !self.listeners.any() {
                return self.queue.recv().ok();
            }
            match self.queue.recv_timeout(self.poll_interval) {
                Ok(message) => return Some(message),
                Err(mpsc::RecvTimeoutError::Timeout) => self.look(),
                Err(mpsc::RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Takes what waits into the group, within bounds.
    fn gather(&mut self, group: &mut Vec<Request>) {
        let mut bytes: usize = group.iter().map(|request| request.kind.bytes).sum();
        let has_room =
            |group: &[Request], bytes| group.len() < GROUP_REQUESTS_MAX && bytes < GROUP_BYTES_MAX;
        while has_room(group, bytes) && self.closing.is_none() {
            match self.queue.try_recv() {
                Ok(Message::Write(request)) => {
                    bytes += request.kind.bytes;
                    group.push(request);
                }
                // Whoever listens is told of what comes; the next look follows soon.
                Ok(Message::Listen) => {}
                Ok(Message::Close(reply)) => self.closing = Some(reply),
                Err(_) => break,
            }
        }
    }

    /// Writes and answers a group. What is left waits for another process, with patience.
    fn commit(&self, mut group: Vec<Request>) -> Vec<Request> {
        group.retain(|request| !request.call.is_abandoned());
        match self.try_commit(&mut group) {
            Ok(notices) => {
                self.listeners.tell(notices);
                group.into_iter().for_each(|request| request.call.answer());
                Vec::new()
            }
            Err(error) if error.is_busy() => tired(group, &error),
            Err(error) if group.len() == 1 => {
                group.into_iter().for_each(|request| request.call.fail(&error));
                Vec::new()
            }
            // One of them failed: each for itself.
            Err(_) => group.into_iter().flat_map(|request| self.commit(vec![request])).collect(),
        }
    }

    fn try_commit(&self, group: &mut [Request]) -> DbResult<Vec<Notice>> {
        self.db.prepare("BEGIN IMMEDIATE")?.execute([])?;
        let mut notices = Vec::new();
        // Of this group alone: what a group that fails has counted goes with it.
        let mut counted = Counted::default();
        let written = group
            .iter_mut()
            .try_for_each(|request| {
                let now = self.clock.now();
                let mut tx = Tx::new(&self.db, now, &mut notices, &mut counted);
                request.call.execute(&mut tx)
            })
            .and_then(|()| counted.write(&self.db))
            .and_then(|()| Ok(self.db.prepare("COMMIT")?.execute([])?));
        match written {
            Ok(_) => Ok(notices),
            Err(error) => {
                self.roll_back();
                Err(error)
            }
        }
    }

    fn roll_back(&self) {
        // Some failures, such as a full disk, have rolled back already.
        if !self.db.conn.is_autocommit()
            && let Err(error) = self.db.conn.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "failed to roll back a group of writes");
        }
    }

    fn look_when_due(&mut self) {
        if self.looked_at.elapsed() >= self.poll_interval && self.listeners.any() {
            self.look();
        }
    }

    /// Tells listeners if another connection has committed since the last look. The number is
    /// kept over times without listeners: what was committed while a listener subscribed is
    /// told rather than lost.
    fn look(&mut self) {
        self.looked_at = Instant::now();
        let version = self
            .db
            .prepare("PRAGMA data_version")
            .and_then(|mut statement| Ok(statement.query_row([], |row| row.get::<_, i64>(0))?));
        match version {
            Ok(version) => {
                let before = self.data_version.replace(version);
                if before.is_some_and(|before| before != version) {
                    self.listeners.tell(vec![Notice::Resync]);
                }
            }
            Err(error) => tracing::warn!(?error, "failed to look for other processes' writes"),
        }
    }

    fn finish(self) {
        // Or it would be in the way of the last copy.
        drop(self.checkpointer);
        // In memory this does nothing. Where another process reads, the rest stays in the log,
        // which is as durable.
        let checkpointed = self
            .db
            .conn
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(DbError::from);
        let result = match checkpointed {
            Err(error) if !error.is_busy() => Err(error),
            _ => self.db.close(),
        };
        match self.closing {
            // Whoever asked may have gone.
            Some(reply) => drop(reply.send(result)),
            None => {
                if let Err(error) = result {
                    tracing::error!(?error, "failed to close the database");
                }
            }
        }
    }
}

/// After a busy timeout: those that have waited long enough are answered, the others go on.
fn tired(group: Vec<Request>, error: &DbError) -> Vec<Request> {
    let mut left = Vec::new();
    for mut request in group {
        request.kind.busy_rounds = request.kind.busy_rounds.saturating_sub(1);
        if request.kind.busy_rounds == 0 {
            request.call.fail(error);
        } else {
            left.push(request);
        }
    }
    left
}

#[cfg(test)]
mod tests;
